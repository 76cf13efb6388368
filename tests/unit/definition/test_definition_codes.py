"""Every code of the check, the scenarios and the replay is told by some test; here those that no other tells."""

import re
from pathlib import Path

import pytest

from engine.definition.check import check
from engine.definition.scenario_run import run_scenarios

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = (ROOT / "docs/reference.md").read_text("utf-8")
LANGUAGE = (ROOT / "docs/definition-language.md").read_text("utf-8")
CODES = re.findall(r"^\| ([EW][0-9]{3}) \|", REFERENCE, re.MULTILINE)
TOLD = [file for ending in ("*.py", "*_corpus.yaml") for file in (ROOT / "tests").rglob(ending)]
TESTS = "".join(file.read_text("utf-8") for file in TOLD)
OWN = """
lifecycle:
  roles: {clerk: {who: "role:clerk@city", label: {zh: 员, en: Clerk}}}
  events: {go: {label: {zh: 去, en: Go}}}
  states:
    draft: {kind: form, label: {zh: 稿, en: Draft}, events: [{event: submit, to: waiting}]}
    waiting: {kind: task, label: {zh: 待, en: Waiting}, events: [{event: go, role: clerk, to: done}]}
    done: {kind: final, label: {zh: 完, en: Done}}
"""


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_expected_by_a_test(code: str) -> None:
    assert re.search(rf"\b{code}\b", TESTS)


def test_every_code_of_a_replay_is_expected_by_a_test_and_stands_in_the_docs() -> None:
    engine = "".join(file.read_text("utf-8") for file in (ROOT / "engine").rglob("*.py"))
    codes = set(re.findall(r'"(R[0-9]{3})"', engine))
    assert len(codes) > 12
    assert [code for code in sorted(codes) if not re.search(rf"\b{code}\b", TESTS)] == []
    assert f"| {min(codes)}-{max(codes)} |" in LANGUAGE


@pytest.mark.parametrize("name", ["approved", "draft", "cancelled", "case", "closed"])
def test_a_chain_that_is_called_like_a_state_is_told_at_its_line(small: str, name: str) -> None:
    known = re.findall(r"^  chains:\n    ([a-z_]+):", small, re.MULTILINE)
    text = re.sub(rf"\b{known[0]}\b", name, small)
    (problem,) = [one for one in check(text).problems if one.severity == "error"]
    assert (problem.code, text.splitlines()[problem.line - 1]) == ("E213", f"    {name}:")
    assert problem.column == 5
    assert name in problem.message


def test_a_state_that_is_called_like_one_of_the_delivery_is_told() -> None:
    text = (ROOT / "definitions/examples/reviewed-marketing-case.yaml").read_text("utf-8")
    assert check(text).problems == ()
    first = text.index("    ", text.index("states:") + 8)
    added = "    paused: {kind: final, label: {zh: 停, en: Held}}\n"
    problems = check(text[:first] + added + text[first:]).problems
    assert next((one.code, one.message) for one in problems) == ("E233", "two states are called paused")


@pytest.mark.parametrize(
    ("added", "code", "words"),
    [
        ("guarantees: [{never: finance aproved}]\n", "E116", "write a state, as delivering"),
        ("guarantees: [{never: filed, when: form.title.matches('x')}]\n", "W806", "matches() of a text"),
    ],
)
def test_what_a_guarantee_cannot_say_or_settle_is_told(small: str, added: str, code: str, words: str) -> None:
    (problem,) = check(small + added).problems
    assert (problem.code, problem.line) == (code, len(small.splitlines()) + 1)
    assert words in problem.message


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (
            ("states:\n", "states:\n    more: {kind: compound, states: {done: {kind: final}}}\n"),
            "E233",
            "are called done",
        ),
        (("", "tests: [{do: [submit, clerk does goe], at: done}]\n"), "E226", "the lifecycle has no event goe"),
    ],
)
def test_a_mistake_in_a_lifecycle_is_told(small: str, change: tuple[str, str], code: str, words: str) -> None:
    text = small[: small.index("approval:")] + OWN
    assert [problem for problem in check(text).problems if problem.severity == "error"] == []
    text = text.replace(*change) if change[0] else text + change[1]
    assert words in next(problem.message for problem in check(text).problems if problem.code == code)


def test_a_scenario_that_comes_out_otherwise_is_told(small: str) -> None:
    found = check(small + "tests: [{given: {budget: 5}, route: long}]\n")
    assert found.definition is not None
    (problem,) = run_scenarios(found.definition, found.document).problems
    assert (problem.code, problem.line) == ("E901", len(small.splitlines()) + 1)

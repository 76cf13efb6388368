"""Scenarios in a definition: played, judged at their line, and what they cover."""

import time
from pathlib import Path

import pytest

from engine.definition.check import check
from engine.definition.scenario_run import Report, run_scenarios
from engine.definition.sentences import KINDS, deed
from engine.errors import Problem

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = sorted((ROOT / "definitions").glob("*.yaml"))


def played(text: str, tests: str) -> Report:
    """The scenarios `tests` of the definition `text`; those must be without a fault."""
    checked = check(f"{text}tests:\n{tests}", "small.yaml")
    assert checked.problems == ()
    assert checked.definition is not None
    return run_scenarios(checked.definition, checked.document, "small.yaml")


def wrong(text: str, tests: str) -> list[Problem]:
    return list(check(f"{text}tests:\n{tests}").problems)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_the_scenarios_of_a_shipped_definition_pass_and_cover_every_row_and_step(file: Path) -> None:
    checked = check(file.read_text(encoding="utf-8"), file.name)
    assert checked.definition is not None
    started = time.process_time()
    report = run_scenarios(checked.definition, checked.document, file.name)
    assert time.process_time() - started < 1
    assert report.problems == ()
    counts = report.coverage.counts()
    for kind in ("rows", "steps", "conditions"):
        assert counts[kind][0] == counts[kind][1], report.coverage.missing()


def test_what_a_scenario_leaves_out_is_filled_in_and_told(small: str) -> None:
    (result,) = played(small, "  - {given: {budget: 50}, route: short}\n").results
    assert result.passed
    assert result.filled == {"title": "案名"}
    assert result.trial.case.form == {"title": "案名", "budget": "50"}


def test_a_person_whom_the_form_must_name_is_filled_in_too(small: str) -> None:
    lead = "    lead: {type: person, label: {zh: 牵头人, en: Lead}, required: true, among: role:staff@county}\n"
    text = small.replace("  material: [budget]\n", f"{lead}  material: [budget]\n")
    (result,) = played(
        text.replace('"head@county"', "field(lead)"), "  - {given: {budget: 500}, ends: approved}\n"
    ).results
    assert result.passed, result.problems
    assert result.filled == {"title": "案名", "lead": "person-1"}


def test_a_case_is_played_on_until_it_ends(small: str) -> None:
    report = played(
        small,
        "  - {given: {budget: 50}, ends: filed}\n"
        "  - {given: {budget: 500}, ends: approved}\n"
        "  - {given: {budget: 500}, do: [agree until finance], expect: {asked: [finance, service]}}\n",
    )
    assert report.passed


def test_a_failure_says_at_its_line_what_was_expected_and_what_came(small: str) -> None:
    report = played(small, "  - given: {budget: 500}\n    do: [head reject]\n    at: approved\n")
    (problem,) = report.problems
    line = len(small.splitlines()) + 4
    assert (problem.file, problem.line, problem.column) == ("small.yaml", line, 9)
    assert problem.message == "expected to be at approved, it is rejected"
    assert problem.hint == (
        "it is rejected; nobody is asked; last: head@county reject at head, now rejected on 2026-03-02 09:00"
    )


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        ("{given: {budget: 500}, route: short}", "expected the chain short, it takes long"),
        ("{given: {budget: 500}, do: [head approve], expect: {asked: [finance]}}", "expected finance to be asked"),
        ("{given: {budget: 500}, do: [wait 2wd], expect: {escalated: head}}", "expected head to be escalated"),
        ("{given: {budget: 500}, expect: {told: returned}}", "told was nothing"),
        ("{given: {budget: 500}, ends: filed}", "expected to end filed, it stays closed"),
        ("{given: {budget: 500}, do: [withdraw], expect: {refused: withdraw}}", "withdraw should be refused"),
        (
            "{given: {budget: 500}, do: [finance approve], at: approving}",
            "nobody is asked at finance; possible: decide",
        ),
        ("{given: {budget: 500}, do: [head.2 approve], at: approving}", "head has no second person"),
        ("{given: {budget: 500}, do: [agree until register], at: approving}", "Cannot agree until register"),
        ("{given: {budget: 500}, do: [head approve, 'submit {budget: 2}'], at: approving}", "submit is refused"),
        ("{given: {budget: 500}, do: [start], at: approving}", "start is refused: Cannot start the delivery"),
    ],
)
def test_every_kind_of_expectation_can_fail(small: str, scenario: str, message: str) -> None:
    (problem,) = played(small, f"  - {scenario}\n").problems
    assert message in problem.message


def test_a_deed_that_must_be_refused_changes_nothing(small: str) -> None:
    tests = "  - {given: {budget: 500}, do: [head reject, withdraw], at: rejected, expect: {refused: withdraw}}\n"
    assert played(small, tests).passed


def test_a_form_that_must_be_refused_stays_a_draft(small: str) -> None:
    assert played(small, "  - {given: {budget: -1}, do: [submit], at: draft, expect: {refused: submit}}\n").passed


def test_the_people_of_a_scenario_are_its_own(small: str) -> None:
    report = played(
        small,
        '  - {given: {budget: 500}, people: {"head@county": 0}, expect: {asked: [process_admin]}}\n'
        '  - {people: {"head@county": 2}, given: {budget: 500}, do: [head.2 approve],'
        " expect: {asked: [finance, service]}}\n"
        '  - {given: {budget: 500}, people: {"head@county": {weights: [3, 1]}}, expect: {asked: [head]}}\n',
    )
    assert report.passed
    assert [task.weight for task in report.results[2].trial.case.tasks] == [3, 1]


def test_coverage_names_what_nobody_has_tried(small: str) -> None:
    text = small.replace('"role:service@city"', '"role:service@city", when: "form.budget > 1000"')
    missing = played(text, "  - {given: {budget: 500}, do: [head approve], at: approving}\n").coverage.missing()
    assert missing == (
        "route row 2 (else short)",
        "service with its condition met",
        "register reached",
        "register acknowledge",
        "register object",
        "register silence",
        "head return",
        "head reject",
        "finance approve",
        "finance return",
        "finance reject",
        "service reached",
        "service approve",
        "service return",
        "service reject",
    )


@pytest.mark.parametrize(
    ("scenario", "code", "at", "hint"),
    [
        ("{given: {budgt: 500}, at: closed}", "E203", "budgt", "did you mean budget?"),
        ("{given: {budget: five}, at: closed}", "E221", "five", ""),
        ("{do: [haed approve], at: closed}", "E222", "haed", "did you mean head?"),
        ("{do: [agree until fiance], at: closed}", "E222", "agree", "did you mean finance?"),
        ("{do: [head aprove], at: closed}", "E115", "head", "did you mean approve?"),
        ("{do: [approve], at: closed}", "E115", "approve", "write STEP approve"),
        ("{do: [wait long], at: closed}", "E115", "wait", "write wait 3wd"),
        ("{do: [freeze some], at: closed}", "E115", "freeze", "write freeze 950/50"),
        ("{do: [head withdraw], at: closed}", "E115", "head", "write withdraw"),
        ("{do: ['submit {budget'], at: closed}", "E115", "'submit", "write {FIELD: VALUE}"),
        ("{route: lonk}", "E201", "lonk", "did you mean long?"),
        ("{at: aproved}", "E225", "aproved", "did you mean approved?"),
        ("{expect: {refused: withdrawal}}", "E224", "withdrawal", "did you mean withdraw?"),
        ("{expect: {escalated: hed}}", "E222", "hed", "did you mean head?"),
        ("{given: {budget: 500}}", "E223", "{given", "write route:"),
        ("{atend: approved}", "E111", "atend", ""),
        ('{people: {"boss@county": 2}, at: closed}', "E601", '"boss', ""),
        ('{people: {"head@county": -1}, at: closed}', "E112", "-1", ""),
    ],
)
def test_a_mistake_in_a_scenario_is_told_at_its_place(small: str, scenario: str, code: str, at: str, hint: str) -> None:
    (problem,) = wrong(small, f"  - {scenario}\n")
    assert (problem.code, problem.line) == (code, len(small.splitlines()) + 2)
    assert f"  - {scenario}"[problem.column - 1 :].startswith(at)
    assert hint in problem.hint


def test_the_form_of_every_kind_of_deed_can_be_read() -> None:
    for kind in KINDS:
        example = kind.form.split(",")[0].split(" (")[0].replace("STEP", "head").replace("{FIELD: VALUE}", "{a: 1}")
        assert isinstance(deed(example), kind)


def test_a_case_that_is_waited_with_expires(small: str) -> None:
    limited = small.replace("approval:\n", "approval:\n  expires: 9wd\n")
    report = played(
        limited,
        "  - {given: {budget: 500}, do: [wait 8wd], at: approving}\n"
        "  - {given: {budget: 500}, do: [head return, wait 9wd], at: expired, expect: {told: [returned, expired]}}\n"
        "  - {given: {budget: 50}, do: [wait 4wd, register acknowledge, wait 9wd], at: filed}\n",
    )
    assert report.passed, report.problems


def test_an_approval_with_values_changes_the_form(small: str) -> None:
    writing = small.replace('who: "head@county"}', 'who: "head@county", fields: {budget: write}}')
    report = played(
        writing,
        "  - {given: {budget: 500}, do: ['head approve {budget: 600}'], expect: {asked: [finance, service]}}\n"
        "  - {given: {budget: 500}, do: ['head approve {budget: 50}'], expect: {refused: approve, asked: [head]}}\n",
    )
    assert report.passed, report.problems

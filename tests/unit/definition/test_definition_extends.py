"""One shape for several kinds of case: extends, templates, libraries, named rules."""

from pathlib import Path

import pytest

from engine.cli.definitions.files import checked
from engine.definition.check import Checked, check
from engine.definition.compile import compile_process
from engine.definition.load import load
from engine.definition.scenario_run import run_scenarios
from engine.definition.texts import SHIPPED, Text
from engine.errors import InvalidDefinition, InvalidExpression, Problem
from engine.expr import Scope, compile_expression
from engine.expr.types import BOOL, INT, Record

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = ROOT / "definitions/examples"
FAMILY = ("training-programme", "sales-plan", "event-notice", "case-summary")
HEAD = "apiVersion: countersign/v1\nkind: CaseDefinition\nname: own-case\nversion: 7\n"
LIBRARY = """\
apiVersion: countersign/v1
kind: Library
name: shared
rules: {huge: "form.budget > 10 * params.limit", large: "rules.huge || form.budget > params.limit"}
chains:
  audited:
    - {approve: auditor, label: {zh: 审计, en: Auditor}, who: "role:audit@city"}
  unused:
    - {approve: nobody, label: {zh: 无, en: Nobody}, who: "role:nobody@city"}
"""


class Given:
    """Texts by name, as a test gives them."""

    def __init__(self, **texts: str) -> None:
        self.texts = {name.replace("_", "-"): text for name, text in texts.items()}

    def find(self, name: str) -> Text | None:
        return Text(f"{name}.yaml", self.texts[name]) if name in self.texts else None

    def names(self) -> tuple[str, ...]:
        return tuple(self.texts)


def extended(small: str, rest: str, **others: str) -> Checked:
    return check(HEAD + "extends: small-case\n" + rest, "own.yaml", Given(small_case=small, **others))


def only(found: Checked) -> Problem:
    (problem,) = found.problems
    return problem


@pytest.mark.parametrize("name", FAMILY)
def test_four_kinds_of_document_come_from_one_shape(name: str) -> None:
    found = checked(EXAMPLES / f"{name}.yaml")
    assert found.problems == ()
    assert found.definition is not None
    assert found.definition.name == name
    assert "title" in found.definition.proposal.fields
    report = run_scenarios(found.definition, found.document, name)
    assert report.problems == ()
    counts = report.coverage.counts()
    assert counts["rows"][0] == counts["rows"][1] > 0
    assert counts["steps"][0] == counts["steps"][1] > 0


def test_the_same_budget_takes_another_way_by_the_param() -> None:
    def route(name: str) -> str:
        definition = checked(EXAMPLES / f"{name}.yaml").definition
        assert definition is not None
        return compile_process(definition).choose(definition.context({"title": "a", "budget": "50000"}))[0]

    assert (route("training-programme"), route("sales-plan")) == ("to_city", "to_head")


@pytest.mark.parametrize("name", FAMILY)
def test_the_written_out_text_says_the_same_and_needs_no_other(name: str) -> None:
    definition = checked(EXAMPLES / f"{name}.yaml").definition
    assert definition is not None
    alone = check(definition.source, "", Given())
    assert alone.problems == ()
    assert alone.definition is not None
    assert alone.definition.fingerprint == definition.fingerprint
    assert alone.definition.model_dump() == definition.model_dump()


def test_mappings_merge_by_key_and_the_rest_is_replaced(small: str) -> None:
    definition = extended(
        small,
        'params: {limit: "9.00"}\nproposal:\n  fields:\n    goal: ~\n    title: {max: 9}\n    day: {type: date, '
        "label: {zh: 日, en: Day}}\n",
    ).definition
    assert definition is not None
    assert (definition.name, definition.version, definition.title.zh) == ("own-case", 7, "小案")
    assert {name: str(value) for name, value in definition.params.items()} == {"limit": "9.00"}
    assert list(definition.proposal.fields) == ["title", "budget", "day"]
    assert definition.proposal.fields["title"].limits() == {"max_length": "9"}
    assert definition.proposal.fields["title"].label.zh == "案名"


def test_what_nobody_uses_any_more_stays_out(small: str) -> None:
    definition = extended(
        small,
        "params: ~\napproval:\n  route: [{else: short}]\n  chains:\n    short:\n"
        '      - {file: register, label: {zh: 备案, en: Register}, who: "role:marketing@city", ack: 5wd}\n',
    ).definition
    assert definition is not None
    assert list(definition.approval.chains) == ["short"]
    assert definition.approval.blocks == {}


def test_the_fingerprint_is_that_of_the_whole(small: str) -> None:
    one = extended(small, "").definition
    other = extended(small.replace('limit: "100.00"', 'limit: "200.00"'), "").definition
    comment = extended(small + "# a comment\n", "").definition
    assert one and other and comment
    assert one.fingerprint == comment.fingerprint != other.fingerprint


def test_tests_are_not_taken_over(small: str) -> None:
    definition = extended(small + "tests:\n  - {given: {budget: 5}, ends: filed}\n", "").definition
    assert definition is not None
    assert definition.tests == ()


def test_a_mistake_in_the_base_is_told_in_the_base(small: str) -> None:
    problem = only(extended(small.replace("form.budget > params.limit", "form.budgt > params.limit"), ""))
    assert str(problem).startswith("small-case.yaml:15:20: E303 form has no field budgt (did you mean budget?)")


def test_a_mistake_in_the_extension_is_told_there(small: str) -> None:
    problem = only(extended(small, "proposal:\n  fields:\n    title: {maxx: 9}\n"))
    assert str(problem).startswith("own.yaml:8:13: E111 unknown key maxx (did you mean max?)")


def test_a_name_that_the_extension_takes_away_is_missed_in_the_base(small: str) -> None:
    found = extended(small, "proposal: {fields: {budget: ~}}\n").problems
    assert {(problem.file, problem.code) for problem in found} == {
        ("small-case.yaml", "E203"),
        ("small-case.yaml", "E303"),
    }


@pytest.mark.parametrize(
    ("others", "circle"),
    [
        ({"own_case": HEAD}, "own-case -> small-case -> own-case"),
        ({}, "small-case -> small-case"),
    ],
)
def test_a_definition_that_leads_back_to_itself_is_refused(small: str, others: dict[str, str], circle: str) -> None:
    back = "own-case" if others else "small-case"
    found = extended(f"{small}extends: {back}\n", "", **others)
    (problem,) = (problem for problem in found.problems if problem.code == "E120")
    assert problem.file == "small-case.yaml"
    assert problem.message == f"this extends itself: {circle}"


def test_what_is_not_there_is_told_with_the_nearest_name(small: str) -> None:
    found = check(HEAD + "extends: small-csae\n", "own.yaml", Given(small_case=small)).problems
    assert str(found[-1]).startswith("own.yaml:5:10: E210 there is no small-csae to extend (did you mean small-case?)")


def test_a_library_is_imported_and_not_extended(small: str) -> None:
    found = check(HEAD + "extends: shared\n", "own.yaml", Given(shared=LIBRARY)).problems
    assert ("E211", "import: [shared]") in [(problem.code, problem.hint) for problem in found]


def test_a_base_that_is_no_yaml_is_told_at_its_line(small: str) -> None:
    found = extended(small + "version: 2\n", "").problems
    assert [(problem.file, problem.code) for problem in found] == [("small-case.yaml", "E102")]


def test_a_template_leaves_a_param_open_and_is_nothing_to_start(small: str) -> None:
    template = small.replace("kind: CaseDefinition", "kind: CaseTemplate").replace('limit: "100.00"', "limit: ~")
    alone = check(template, "t.yaml")
    assert (alone.definition, alone.problems) == (None, ())
    with pytest.raises(InvalidDefinition, match="E119"):
        load(template, "t.yaml")
    problem = only(extended(template, ""))
    assert (problem.file, problem.line, problem.code) == ("small-case.yaml", 6, "E117")
    assert extended(template, 'params: {limit: "5.00"}\n').problems == ()


def test_a_param_without_a_value_is_refused_in_a_definition(small: str) -> None:
    problem = only(check(small.replace('limit: "100.00"', "limit: ~")))
    assert (problem.code, problem.message) == ("E117", "the param limit has no value")


def test_of_a_library_only_what_is_used_comes_along(small: str) -> None:
    text = small.replace("version: 1\n", "version: 1\nimport: [shared]\n")
    text = text.replace("form.budget > params.limit", "rules.large").replace("{use: both}", "{include: audited}")
    text = text.split("  blocks:")[0]
    found = check(text, "own.yaml", Given(shared=LIBRARY))
    assert found.problems == ()
    assert found.definition is not None
    assert set(found.definition.approval.chains) == {"short", "long", "audited"}
    assert set(found.definition.approval.rules) == {"large", "huge"}
    changed = check(text, "own.yaml", Given(shared=LIBRARY.replace("role:nobody@city", "head@city"))).definition
    assert changed is not None
    assert changed.fingerprint == found.definition.fingerprint


def test_a_mistake_in_a_library_is_told_in_the_library(small: str) -> None:
    text = small.replace("version: 1\n", "version: 1\nimport: [shared]\n").replace("{use: both}", "{include: audited}")
    text = text.split("  blocks:")[0]
    problem = only(check(text, "own.yaml", Given(shared=LIBRARY.replace('who: "role:audit', 'whoo: "role:audit'))))
    assert str(problem).startswith("shared.yaml:7:56: E111 unknown key whoo (did you mean who?)")


def test_a_part_that_two_libraries_give_must_be_written_out(small: str) -> None:
    text = small.replace("version: 1\n", "version: 1\nimport: [shared, other]\n")
    text = text.replace("{use: both}", "{include: audited}").split("  blocks:")[0]
    other = LIBRARY.replace("name: shared", "name: other")
    problem = only(check(text, "own.yaml", Given(shared=LIBRARY, other=other)))
    assert (problem.code, problem.message) == ("E118", "audited is given by other.yaml and by shared.yaml")


def test_a_library_is_checked_alone(small: str) -> None:
    assert check(LIBRARY).problems == ()
    problem = only(check(LIBRARY.replace("chains:", "chain:")))
    assert (problem.code, problem.hint) == ("E111", "did you mean chains?")
    for name in SHIPPED.names():
        text = SHIPPED.find(name)
        assert text is not None
        assert check(text.source, text.file).problems == ()


def test_a_named_rule_stands_for_its_text(small: str) -> None:
    text = small.replace("  route:\n", '  rules: {large: "form.budget > params.limit"}\n  route:\n').replace(
        'when: "form.budget > params.limit"', 'when: "!rules.large || has(form.goal)"'
    )
    definition = check(text).definition
    assert definition is not None
    process = compile_process(definition)
    route, reasons = process.choose(definition.context({"title": "a", "budget": "50"}))
    assert route == "long"
    assert reasons == ("!(form.budget > params.limit) (form.budget 50, params.limit 100.00): true",)


@pytest.mark.parametrize(
    ("rules", "when", "code", "at"),
    [
        ('{large: "form.budget > params.limit"}', "rules.larg", "E303", "larg"),
        ('{large: "form.budgt > params.limit"}', "form.budget > 5", "E303", "budgt"),
        ('{one: "rules.two", two: "rules.one"}', "rules.one", "E311", "one:"),
        ('{large: "form.budget + 5"}', "form.budget > 5", "E305", "form.budget"),
    ],
)
def test_a_mistake_about_a_rule_is_told_at_its_place(small: str, rules: str, when: str, code: str, at: str) -> None:
    text = small.replace("  route:\n", f"  rules: {rules}\n  route:\n").replace(
        'when: "form.budget > params.limit"', f'when: "{when}"'
    )
    problem = next(problem for problem in check(text).problems if problem.severity == "error")
    assert problem.code == code
    assert text.splitlines()[problem.line - 1][problem.column - 1 :].lstrip('"').startswith(at)


def test_places_in_an_expression_with_rules_are_those_of_its_text() -> None:
    scope = Scope({"form": Record({"n": INT}, "form"), "rules": Record({"big": BOOL}, "rules")}, {"big": "form.n > 5"})
    text = "rules.big && form.m > 1 // form.rules.big, 'rules.big'"
    with pytest.raises(InvalidExpression) as caught:
        compile_expression(text, scope, gives=BOOL)
    (problem,) = caught.value.problems
    assert text[problem.fields["offset"] :].startswith("m >")
    assert compile_expression("'rules.big' == 'x' || rules.big", scope).text == "'rules.big' == 'x' || (form.n > 5)"

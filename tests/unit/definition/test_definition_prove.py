"""Proofs about forms: the solver means what the engine does, and every answer comes with a form that shows it."""

from collections.abc import Callable
from typing import Any

import pytest
import z3
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.definition.check import check
from engine.definition.load import load
from engine.definition.prove_forms import Forms, Undecided
from engine.definition.prove_guarantees import NotDecided, Proved, Prover, Refuted
from engine.definition.prove_route import RouteTable
from engine.definition.prove_terms import Untranslatable, either, holds, negated, not_false
from engine.errors import ExpressionFailed, Problem
from engine.expr import compile_expression
from engine.expr.types import BOOL

Broken = Callable[..., list[Problem]]

WIDE = """\
apiVersion: countersign/v1
kind: CaseDefinition
name: wide-case
version: 1
title: {zh: 宽案, en: Wide case}
params: {limit: "100.00", whole: 7, is_open: true, kinds: [new, old], word: new}
proposal:
  fields:
    amount: {type: money, required: true, min: "-500", max: "500"}
    rate: {type: decimal, scale: 1, min: "0", max: "1"}
    count: {type: int, min: -20, max: 20}
    kind: {type: choice, of: [new, old, other], required: true}
    ways: {type: set, of: [sms, hall, call]}
    day: {type: date}
    window: {type: daterange, required: true}
    note: {type: text, max: 12}
approval:
  route: [{else: one}]
  chains: {one: [{approve: head, who: "head@county"}]}
"""
RULES = [
    "form.amount > params.limit",
    "form.amount * 2 - 1.5 <= form.count + params.whole",
    "form.rate * 10 == 3 || form.amount == 0.01",
    "form.count / 3 == 2 || form.count % 4 == -1",
    "form.amount / 4 > 12.5",
    "-form.count > params.whole && params.is_open",
    "has(form.rate) && form.rate >= 0.5",
    "!has(form.count) || form.count in [1, 2, 3]",
    "form.kind == params.word",
    "form.kind in params.kinds && form.kind != 'old'",
    "form.kind.startsWith('o') && size(form.kind) == 3",
    "form.kind.matches('^o.*r$')",
    "'sms' in form.ways",
    "form.kind in ['old'] || form.kind == 'other'",
    "size(form.ways) >= 2 && form.ways.all(w, w != 'call')",
    "form.ways.exists(w, w.endsWith('l') && form.amount > 3)",
    "form.ways.exists_one(w, w.contains('l'))",
    "size(form.ways.filter(w, w.contains('a'))) == 2",
    "[1, 2].all(n, form.count > n)",
    "form.window.to - form.window.from <= duration('30d')",
    "form.day + duration('2d') >= form.window.to",
    "form.day > date('2026-03-04') ? form.count > 0 : form.amount < 0",
    "has(form.day) ? form.count > 0 : form.amount > 0",
    "form.note == 'abc' || form.note.contains('会')",
    "size(form.note) > 3 && form.note.startsWith('a')",
    "int(form.amount) == -3",
    "decimal('0.5') < form.rate && decimal(form.count) < 4.5",
    "(form.count > 2 || form.amount > 0) && !(form.rate < 0.5)",
]


def _forms() -> st.SearchStrategy[dict[str, Any]]:
    days = st.dates(
        min_value=__import__("datetime").date(2026, 2, 25), max_value=__import__("datetime").date(2026, 4, 9)
    )
    window = st.tuples(days, days).map(lambda pair: [day.isoformat() for day in sorted(pair)])
    return st.fixed_dictionaries(
        {
            "amount": st.decimals(-500, 500, places=2).map(str) | st.sampled_from(["0.01", "100.00", "-3.50", "50"]),
            "kind": st.sampled_from(["new", "old", "other"]),
            "window": window,
        },
        optional={
            "rate": st.decimals(0, 1, places=1).map(str),
            "count": st.integers(-20, 20),
            "ways": st.sets(st.sampled_from(["sms", "hall", "call"]), min_size=1).map(sorted),
            "day": days.map(lambda day: day.isoformat()),
            "note": st.text("abc会", min_size=1, max_size=6),
        },
    )


def _pinned(forms: Forms, form: dict[str, Any]) -> list[Any]:
    """What says that the form is this one."""
    said = []
    for name, field in forms.proposal.fields.items():
        if name not in form:
            said.append(forms.meaning(f"!has(form.{name})").value)
            continue
        match field.type:
            case "money" | "decimal":
                rules = [
                    f"form.{name} == {form[name]}" if form[name][0] != "-" else f"form.{name} == 0 - {form[name][1:]}"
                ]
            case "int":
                rules = [f"form.{name} == {form[name]}" if form[name] >= 0 else f"form.{name} == 0 - {-form[name]}"]
            case "set":
                rules = [f"{'' if way in form[name] else '!'}('{way}' in form.{name})" for way in field.of]
            case "date":
                rules = [f"form.{name} == date('{form[name]}')"]
            case "daterange":
                rules = [f"form.{name}.{end} == date('{form[name][n]}')" for n, end in enumerate(("from", "to"))]
            case _:
                rules = [f"form.{name} == '{form[name]}'"]
        said += [holds(forms.meaning(rule)) for rule in rules]
    return said


@settings(max_examples=40, deadline=None)
@given(_forms())
def test_a_formula_means_what_the_engine_works_out(raw: dict[str, Any]) -> None:
    definition = load(WIDE, prove=False)
    form = definition.proposal.parse(raw, whole=True)
    assert form.problems == ()
    forms = Forms(definition)
    pinned = _pinned(forms, form.values)
    terms = {rule: forms.meaning(rule) for rule in RULES}
    with forms.assuming(*pinned):
        assert forms.is_possible()
        for rule, term in terms.items():
            try:
                value = compile_expression(rule, definition.scope, gives=BOOL).evaluate(definition.context(form.values))
                meant = holds(term) if value else both_known(negated(term.fails), negated(term.value))
            except ExpressionFailed:
                meant = term.fails
            assert not forms.is_possible(negated(meant)), rule


def both_known(*formulas: Any) -> Any:
    return negated(either(*(negated(formula) for formula in formulas)))


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_shown_by_forms_that_the_engine_reads_the_same_way(rule: str) -> None:
    definition = load(WIDE, prove=False)
    forms = Forms(definition)
    term = forms.meaning(rule)
    expression = compile_expression(rule, definition.scope, gives=BOOL)
    fitting = forms.find(holds(term))
    assert fitting is not None
    assert expression.evaluate(definition.context(fitting)) is True
    other = forms.find(negated(not_false(term)))
    assert other is not None
    assert expression.evaluate(definition.context(other)) is False


@pytest.mark.parametrize(
    "rule",
    ["form.note.matches('^a')", "form.amount * form.rate > 1", "form.amount / 3 > 1", "string(form.count) == '1'"],
)
def test_what_cannot_be_carried_over_exactly_is_refused(rule: str) -> None:
    with pytest.raises(Untranslatable):
        Forms(load(WIDE, prove=False)).meaning(rule)


def test_a_form_that_cannot_be_made_up_is_no_answer() -> None:
    patterned = WIDE.replace("note: {type: text, max: 12}", "note: {type: text, pattern: 'x[0-9]{3}', required: true}")
    forms = Forms(load(patterned, prove=False))
    with pytest.raises(Undecided, match="note"):
        forms.find(z3.BoolVal(True))


def test_a_row_under_a_wider_one_is_never_taken(broken: Broken) -> None:
    row = '    - {when: "form.budget > params.limit", use: long}\n'
    (problem,) = broken(row, row + '    - {when: "form.budget >= 500", use: short}\n')
    assert (problem.code, problem.line) == ("E405", 16)
    assert "row 1 above takes every case that fits it" in problem.message
    assert "budget" in problem.message


def test_a_row_covered_by_two_together_names_both_and_no_third() -> None:
    rows = "".join(
        f'    - {{when: "{rule}", use: one}}\n'
        for rule in (
            "form.amount > 400",
            "form.kind == 'new'",
            "form.kind != 'new' && form.amount < 9",
            "form.amount == 5",
        )
    )
    text = WIDE.replace("  route: [{else: one}]\n", f"  route:\n{rows}    - {{else: one}}\n")
    (problem,) = [problem for problem in check(text).problems if problem.severity == "error"]
    assert problem.code == "E405"
    assert "rows 2 and 3 above take" in problem.message
    (moved,) = [problem for problem in check("# A note\n\n" + text).problems if problem.severity == "error"]
    assert (moved.message, moved.line) == (problem.message, problem.line + 2)
    assert not [one for one in check(text.replace("amount < 9", "amount < 3")).problems if one.severity == "error"]


def test_a_row_that_no_form_fits_says_so(broken: Broken) -> None:
    (problem,) = broken("form.budget > params.limit", "form.budget > params.limit && form.budget < params.limit")
    assert (problem.code, problem.message) == ("E405", "no case comes to this row: no form fits it")


def test_checks_of_the_form_are_assumed(broken: Broken) -> None:
    check_ = '  checks: [{rule: "form.budget <= 50", say: {zh: 多, en: much}}]\n'
    problems = broken("  material: [budget]\n", "  material: [budget]\n" + check_)
    assert [problem.code for problem in problems] == ["E405"]


def test_a_weaker_chain_that_comes_first_is_told_with_a_case(broken: Broken) -> None:
    row = '    - {when: "form.budget > params.limit", use: long}\n'
    (problem,) = broken(row, '    - {when: "size(form.title) > 3", use: short}\n' + row)
    assert (problem.code, problem.severity, problem.line) == ("W804", "warning", 15)
    assert "head, finance, service would not be asked" in problem.message


def test_conditions_of_steps_that_say_nothing_are_told(broken: Broken) -> None:
    head = '{approve: head, label: {zh: 经理, en: Head}, who: "head@county"'
    assert broken(head, head + ', when: "form.budget < 0"')[0].code == "E507"
    (always,) = broken(head, head + ', when: "form.budget >= 0"')
    assert (always.code, always.severity) == ("W805", "warning")


def test_a_condition_counts_over_all_ways_into_its_chain(broken: Broken) -> None:
    """The chain is also entered by an objection, with a smaller budget."""
    head = '{approve: head, label: {zh: 经理, en: Head}, who: "head@county"'
    assert broken(head, head + ', when: "form.budget > params.limit"') == []


@pytest.mark.parametrize("way", ["objection: {window: 2wd, then: long}", "convert: long"])
def test_a_filing_that_nobody_would_approve_is_told_with_a_case(broken: Broken, way: str) -> None:
    head = '{approve: head, label: {zh: 经理, en: Head}, who: "head@county"'
    objection = "objection: {window: 2wd, then: long}"
    conditional = (head, head + ', when: "form.budget > 7"', "- {use: both}", '- {use: both, when: "form.budget > 9"}')
    (problem,) = broken(objection, way, *conditional)
    what = "an objection" if "objection" in way else "a superior"
    assert problem.code == "E511"
    assert problem.message.startswith(f"{what} makes the case one for approval, but nobody would approve ")
    assert "budget" in problem.message
    assert broken(objection, way, *conditional[:2]) == []  # the countersign is always asked


def test_a_guarantee_that_a_conversion_breaks_is_refuted_by_a_case_that_was_converted(small: str) -> None:
    """Without an objection, only a superior brings the case to the other chain."""
    text = small.replace("objection: {window: 2wd, then: long}", "convert: aside").replace(
        "    long:\n",
        '    aside:\n      - {approve: aside_head, label: {zh: 甲, en: Aside}, who: "head@city"}\n    long:\n',
    )
    text = text.replace("approval:\n", "guarantees:\n  - {never: aside_head asked}\napproval:\n", 1)
    (problem,) = check(text).problems
    assert problem.code == "E508"
    assert "submit, superior converts" in problem.message


def test_without_else_a_case_that_fits_no_row_is_found() -> None:
    text = WIDE.replace("[{else: one}]", """[{when: "form.amount > 0 || form.kind == 'new'", use: one}]""")
    table = RouteTable(load(text.replace("use: one}]", "use: one}, {else: one}]"), prove=False))
    assert table.gap is not None
    assert table.gap["kind"] != "new"


@pytest.mark.parametrize(("material", "answer"), [("[budget]", Proved), ("[title]", NotDecided)])
def test_what_an_approver_may_change_is_walked_where_approvals_look_at_it(
    small: str, material: str, answer: type[Proved] | type[NotDecided]
) -> None:
    """A material budget that is changed sends the case through the way of the new one; another goes on where it is."""
    text = small.replace("material: [budget]", f"material: {material}")
    text = text.replace("{approve: finance, ", "{approve: finance, fields: {budget: write}, ")
    text += 'guarantees:\n  - {never: approved, before: "finance approved", when: "form.budget > params.limit"}\n'
    (found,) = Prover(load(text)).answers
    assert isinstance(found, answer), found


SILENT = 'timeout: {at: 3wd, do: approve, limit: "form.budget <= 500"}'


@pytest.mark.parametrize(
    ("guarantee", "answer"),
    [
        ('{never: approved, before: "head approved", when: "form.budget > params.limit"}', Refuted),
        ('{never: "finance asked", before: "head approved"}', Refuted),
        ('{never: approved, before: "head approved", when: "form.budget > 500"}', Proved),
        ('{never: approved, before: "finance approved"}', Proved),
    ],
)
def test_silence_that_lets_a_step_pass_is_nobodys_approval(small: str, guarantee: str, answer: type[object]) -> None:
    text = small.replace('who: "head@county"}', f'who: "head@county", {SILENT}}}') + f"guarantees: [{guarantee}]\n"
    (found,) = Prover(load(text, prove=False)).answers
    assert isinstance(found, answer), found
    if isinstance(found, Refuted):
        assert "silence at head" in found.done


def test_nobody_decides_where_silence_is_enough(small: str) -> None:
    text = small.replace("{use: both}", "{use: both, when: 'form.budget > 500'}")
    text = text.replace('who: "head@county"}', f'who: "head@county", {SILENT}}}')
    (found,) = Prover(load(text + "guarantees: [{always: somebody decides}]\n", prove=False)).answers
    assert isinstance(found, Refuted)
    assert found.done == ("silence at head",)


@pytest.mark.parametrize(
    ("guarantee", "answer"),
    [
        ("{never: expired}", Refuted),
        ("{never: filed}", Refuted),
        ('{never: approved, before: "head approved"}', Proved),
        ("{always: every case ends}", Proved),
    ],
)
def test_a_time_limit_of_the_approval_leaves_guarantees_decided(
    small: str, guarantee: str, answer: type[object]
) -> None:
    text = small.replace("  defaults:\n", "  expires: 30wd\n  defaults:\n") + f"guarantees: [{guarantee}]\n"
    (found,) = Prover(load(text, prove=False)).answers
    assert isinstance(found, answer), found

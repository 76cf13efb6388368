"""Rules may ask what is left of the office's budget: typed, checked, proved, and frozen into the submission."""

import pytest

from engine.definition.check import check
from engine.definition.compile import compile_process
from engine.definition.load import load
from engine.machine.case import LEFT

TEXT = """\
apiVersion: countersign/v1
kind: CaseDefinition
name: left-case
version: 1
title: {zh: 余额案, en: Left case}
proposal:
  fields:
    title: {type: text, label: {zh: 案名, en: Title}, required: true}
    budget: {type: money, label: {zh: 预算, en: Budget}, required: true, min: "0"}
approval:
  route:
    - {when: "RULE", use: far}
    - {else: near}
  chains:
    near:
      - {approve: county, label: {zh: 县经理, en: County head}, who: "head@county"}
    far:
      - {include: near}
      - {approve: city, label: {zh: 市经理, en: City head}, who: "head@city"}
guarantees:
  - {never: approved, before: "city approved", when: "form.budget > 1000000"}
tests:
  - {given: {budget: "100"}, route: near, ends: approved}
"""
HALF = "form.budget > 1000000 || (has(budget.left) && form.budget * 2 > budget.left)"


def definition(rule: str) -> str:
    return TEXT.replace("RULE", rule)


def codes(text: str) -> list[str]:
    return sorted({finding.code for finding in check(text, "left-case.yaml").problems if finding.severity == "error"})


def test_a_row_may_ask_what_is_left_and_its_guarantee_is_proved():
    assert codes(definition(HALF)) == []


def test_a_guarantee_that_holds_only_while_money_is_short_is_refuted():
    alone = HALF.removeprefix("form.budget > 1000000 || ")
    assert any(code.startswith("E") for code in codes(definition(alone)))


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("form.budget > budget.left", ["E400"]),
        ("has(budget.left) && form.title > budget.left", ["E304"]),
        ("budget.rest > 1", ["E303"]),
    ],
)
def test_what_is_unguarded_or_of_another_type_is_an_error(rule: str, found: list[str]):
    assert codes(definition(rule)) == found


def test_a_check_of_the_form_does_not_know_it():
    check_of_form = '  checks: [{rule: "form.budget < budget.left", say: {zh: 超, en: over}}]\napproval:'
    assert codes(definition(HALF).replace("approval:", check_of_form, 1)) == ["E302"]


def test_the_route_follows_what_was_left_and_goes_without_it():
    process = compile_process(load(definition(HALF)))
    form = {"title": "a", "budget": "60"}
    assert process.choose(process.context(form))[0] == "near"
    assert process.choose(process.context({**form, LEFT: "100"}))[0] == "far"
    assert process.choose(process.context({**form, LEFT: "120"}))[0] == "near"

"""A rule that means harm ends quickly, with words that say why."""

import time
from typing import Any

import pytest

from engine.errors import ExpressionFailed, InvalidExpression
from engine.expr import Scope, compile_expression
from engine.expr.types import INT, TEXT, List, Record

SCOPE = Scope({"form": Record({"numbers": List(INT), "text": TEXT}, "form")})
VALUES: dict[str, Any] = {"form": {"numbers": list(range(1_000)), "text": "x" * 20_000}}
SECONDS = 3
"""Generous, for a busy machine; without the limits each of these takes minutes or longer."""


@pytest.mark.parametrize(
    "text",
    [
        "form.numbers.all(a, form.numbers.all(b, form.numbers.all(c, a + b + c >= 0)))",
        "form.numbers.map(a, " * 12 + "1" + ")" * 12 + " == []",
        "form.numbers.map(a, form.numbers.map(b, " + "+".join(["1"] * 90) + ")) == []",
        "form.numbers.map(a, form.numbers.filter(b, b in form.numbers)) == []",
        "form.numbers.map(a, form.numbers.map(b, form.text.contains('y'))) == []",
        "form.numbers.map(a, form.numbers.map(b, form.text.matches('(x+x+)+y'))) == []",
        "form.numbers.map(a, form.numbers.map(b, form.numbers + form.numbers)) == []",
        "form.numbers.exists(a, form.numbers.exists(b, form.text + form.text == 'y'))",
    ],
)
def test_macros_share_a_budget_that_counts_what_they_look_through(text: str) -> None:
    started = time.process_time()
    with pytest.raises(ExpressionFailed, match="more than 1000000 steps"):
        compile_expression(text, SCOPE).evaluate(VALUES)
    assert time.process_time() - started < SECONDS


@pytest.mark.parametrize(
    "text", ["form.text.matches('(x+x+)+y')", "form.text.matches('(x|x|x?)*y')", "form.text.matches('(.*)*(.*)*y')"]
)
def test_a_pattern_takes_time_in_proportion_to_the_text(text: str) -> None:
    started = time.process_time()
    assert compile_expression(text, SCOPE).evaluate(VALUES) is False
    assert time.process_time() - started < SECONDS


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(?=a)b", "wrong"),
        (r"(a)\\1", "wrong"),
        ("x{1001}", "wrong"),
        ("((((x{30}){30}){30}){30}){30}", "wrong"),
        ("[", "wrong"),
        ("x" * 1_001, "too long"),
    ],
)
def test_a_pattern_that_cannot_be_bounded_is_refused_before_it_runs(pattern: str, said: str) -> None:
    with pytest.raises(InvalidExpression, match=said):
        compile_expression(f"form.text.matches('{pattern}')", SCOPE)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 41 + "1" + ")" * 41,
        "!" * 41 + "true",
        "true ? 1 : " * 41 + "1",
        "1" + " + 1" * 101,
        "form" + ".text" * 101,
        "{" * 5_000,
        "((((((" * 3_000,
        "form.numbers.map(a, " * 41 + "1" + ")" * 41,
    ],
)
def test_what_is_nested_too_deeply_is_refused_before_anything_recurses(text: str) -> None:
    started = time.process_time()
    with pytest.raises(InvalidExpression) as caught:
        compile_expression(text, SCOPE)
    assert caught.value.problems[0].code == "E308"
    assert time.process_time() - started < SECONDS


def test_the_deepest_rule_that_is_allowed_runs_in_all_readings() -> None:
    text = "1" + " + 1" * 97 + " == 98 && " + "(" * 38 + "true" + ")" * 38
    rule = compile_expression(text, SCOPE)
    assert rule.holds({})
    assert rule.explain({}).value is True
    assert rule.sql({}).sql() == "TRUE"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("dyn(1).startsWith('a')", "these values do not go together"),
        ("size(dyn(1)) > 1", "these values do not go together"),
        ("dyn('a')[0] == dyn({})['x']", "x is empty"),
        ("dyn('x').getHours() == 1", "getHours is asked of a time"),
        ("timestamp('9999-12-31T23:59:59Z') + duration('2400h') == timestamp(0)", "the time is out of range"),
        ("timestamp(dyn('tomorrow')) == timestamp(0)", "not a timestamp: 'tomorrow'; write 2026-11-01T08:00:00+08:00"),
        ("string(b'\\xff') == ''", "these bytes are no text"),
        ("dyn(1) && true", "a condition is true or false, not a int"),
        ("string(dyn([1])) == ''", "a list has no text"),
        ("date(form.text) == date('2026-01-01')", f"not a date: '{'x' * 56}...; write 2026-11-01"),
    ],
)
def test_a_failure_is_told_in_words(text: str, reason: str) -> None:
    with pytest.raises(ExpressionFailed) as caught:
        compile_expression(text, SCOPE).evaluate(VALUES)
    assert caught.value.fields["reason"] == reason

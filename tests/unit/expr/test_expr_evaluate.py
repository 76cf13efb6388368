"""Evaluation: exact numbers, absorbed errors, bounded work."""

from decimal import Decimal
from typing import Any

import pytest

from engine.errors import ExpressionFailed
from engine.expr import Scope, compile_expression
from engine.expr.types import DYN

Values = dict[str, Any]


def value(text: str, scope: Scope, values: Values) -> Any:
    return compile_expression(text, scope).evaluate(values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("form.budget > params.limit || form.discount < 0.7", True),
        ("form.budget <= params.limit && form.reach <= 2000", False),
        ("!('call' in form.channels) || form.reach <= 20000", True),
        ("form.budget * 3 == 240000", True),
        ("form.budget / 3 > 26666.66 && form.budget / 3 < 26666.67", True),
        ("0.1 + 0.2 == 0.3", True),
        ("form.reach / 4", 2250),
        ("size(form.title)", 5),
        ("form.title.contains('营销') && form.title.endsWith('案')", True),
        ("form.title.matches('^国.{3}案$')", True),
        ("form.window.to - form.window.from == duration('720h')", True),
        ("form.window.from + duration('24h') == date('2026-10-02')", True),
        ("form.channels.map(x, x == 'sms', x + '!')", ["sms!"]),
        ("form.channels.exists_one(x, x == 'sms')", True),
        ("form.channels[1]", "hall"),
        ("has(form.goal)", False),
        ("string(form.budget) + '元'", "80000.00元"),
        ("timestamp('2026-10-01T08:00:00+08:00') == timestamp('2026-10-01T00:00:00Z')", True),
    ],
)
def test_value(scope: Scope, values: Values, text: str, expected: object) -> None:
    assert value(text, scope, values) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("form.goal == 'x' || form.reach > 1", True),
        ("form.reach > 1 || form.goal == 'x'", True),
        ("form.goal == 'x' && form.reach < 1", False),
        ("form.reach < 1 && form.goal == 'x'", False),
        ("form.goal == 'x' || 1 / 0 == 1 || form.reach > 1", True),
        ("form.goal == 'x' && 1 / 0 == 1 && form.reach < 1", False),
        ("[0, 1].exists(x, 1 / x == 1)", True),
        ("[0, 1].all(x, 1 / x == 2)", False),
        ("form.reach > 1 ? 5 : 1 / 0", 5),
    ],
)
def test_an_error_that_does_not_matter_is_absorbed(scope: Scope, values: Values, text: str, expected: object) -> None:
    assert value(text, scope, values) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("form.goal == 'x'", "goal is empty"),
        ("form.goal == 'x' || form.reach < 1", "goal is empty"),
        ("form.goal == 'x' && form.reach > 1", "goal is empty"),
        ("form.reach / 0 == 1", "division by zero"),
        ("form.budget / 0 == 1", "division by zero"),
        ("form.channels[5] == 'x'", "the list is too short"),
        ("form.channels[-1] == 'x'", "the list is too short"),
        ("9223372036854775807 + form.reach > 0", "the whole number is too large"),
        ("date(form.title) == date('2026-01-01')", "not a date: '国庆营销案'; write 2026-11-01"),
        ("[0, 2].all(x, 1 / x == 0)", "division by zero"),
    ],
)
def test_an_error_that_matters_says_why(scope: Scope, values: Values, text: str, reason: str) -> None:
    with pytest.raises(ExpressionFailed) as caught:
        value(text, scope, values)
    assert caught.value.fields["reason"] == reason
    assert not compile_expression(text, scope).holds(values)


def test_an_empty_value_fails_like_an_absent_one(scope: Scope, values: Values) -> None:
    values["form"]["budget"] = None
    with pytest.raises(ExpressionFailed, match="a field is empty"):
        value("form.budget > 5", scope, values)
    assert value("form.budget == null", scope, values) is True


def test_decimals_never_round_in_silence(scope: Scope, values: Values) -> None:
    values["form"]["budget"] = Decimal("0." + "1" * 40)
    with pytest.raises(ExpressionFailed, match="too many digits"):
        value("form.budget * form.budget > 0", scope, values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("x == 1", False), ("x in [1, 2]", False), ("x == true", True), ("y + 1 == 3", True), ("z.a.b == 'q'", True)],
)
def test_true_is_not_one_where_types_are_known_only_now(text: str, expected: bool) -> None:
    loose = Scope({"x": DYN, "y": DYN, "z": DYN})
    assert value(text, loose, {"x": True, "y": 2, "z": {"a": {"b": "q"}}}) is expected


def test_a_condition_of_unknown_type_must_be_true_or_false() -> None:
    with pytest.raises(ExpressionFailed, match="true or false"):
        value("x || y", Scope({"x": DYN, "y": DYN}), {"x": 1, "y": 2})


def test_a_rule_names_the_fields_it_reads(scope: Scope) -> None:
    rule = compile_expression("has(form.goal) && form.window.from > date('2026-01-01')", scope)
    assert rule.paths == {"form.goal", "form.window", "form.window.from"}
    assert rule.guarded == {"form.goal"}

"""Explanations: the comparisons that decided, with what they saw."""

from typing import Any

import pytest

from engine.expr import Scope, compile_expression


def explained(text: str, scope: Scope, values: dict[str, Any]) -> str:
    return str(compile_expression(text, scope).explain(values))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("form.budget > params.limit", "form.budget 80000.00 > params.limit 50000.00: true"),
        ("form.budget > 90000", "form.budget 80000.00 > 90000: false"),
        (
            "form.reach > 9 || form.budget > 1",
            "form.reach 9000 > 9: true",
        ),
        (
            "form.reach > 9 && form.budget > 1",
            "form.reach 9000 > 9: true; form.budget 80000.00 > 1: true",
        ),
        ("form.reach < 9 && form.budget > 1", "form.reach 9000 < 9: false"),
        ("!('call' in form.channels)", "!('call' in form.channels) (form.channels [sms, hall]): true"),
        ("form.goal == 'x'", "form.goal (empty) == 'x' x: unknown"),
        ("form.title.startsWith('国')", "form.title.startsWith('国') (form.title 国庆营销案): true"),
        (
            "form.window.from >= date('2026-01-01')",
            "form.window.from 2026-10-01 >= date('2026-01-01') 2026-01-01: true",
        ),
    ],
)
def test_an_explanation_shows_what_decided(scope: Scope, values: dict[str, Any], text: str, expected: str) -> None:
    assert explained(text, scope, values) == expected.replace("'x' x", "x")


def test_an_explanation_comes_in_parts_for_pages(scope: Scope, values: dict[str, Any]) -> None:
    (reason,) = compile_expression("form.budget > params.limit", scope).explain(values).reasons
    assert (reason.operator, reason.holds) == (">", True)
    assert [term.path for term in reason.terms] == ["form.budget", "params.limit"]
    assert [str(term.value) for term in reason.terms] == ["80000.00", "50000.00"]


def test_explaining_never_raises(scope: Scope) -> None:
    explanation = compile_expression("form.reach / 0 > 1 || form.goal == 'x'", scope).explain({"form": {}})
    assert explanation.value is None
    assert [reason.holds for reason in explanation.reasons] == [None, None]
    assert [reason.failure for reason in explanation.reasons] == ["reach is empty", "goal is empty"]

"""The static check: what cannot fit is found before any case runs."""

import pytest

from engine.errors import InvalidExpression, Problem
from engine.expr import Scope, compile_expression
from engine.expr.types import BOOL


def problems(text: str, scope: Scope) -> tuple[Problem, ...]:
    with pytest.raises(InvalidExpression) as caught:
        compile_expression(text, scope, gives=BOOL)
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "code", "column", "hint"),
    [
        ("form.budgit > 1", "E303", 6, "did you mean budget?"),
        ("frm.budget > 1", "E302", 1, "did you mean form?"),
        ("form.window.form > date('2026-01-01')", "E303", 13, "did you mean from?"),
        ("form.budget > '5'", "E304", 1, "write the number without quotes"),
        ("form.window.from > '2026-01-01'", "E304", 1, "write date('2026-01-01')"),
        ("form.channels == 'sms'", "E304", 1, "write value in list"),
        ("form.title && true", "E304", 1, ""),
        ("form.reach || true", "E304", 1, "compare it, as in x > 0"),
        ("form.reach in form.channels", "E304", 1, ""),
        ("'a' in form.title", "E304", 8, "write x in ['a', 'b']"),
        ("form.title.startWith('a')", "E306", 12, "did you mean startsWith?"),
        ("form.title.startsWith(1)", "E307", 12, "as in a.startsWith('x')"),
        ("form.title.matches('(?=a)b')", "E309", 20, ""),
        ("form.title.matches('[')", "E309", 20, ""),
        ("form.window.from < date('2026-13-01')", "E309", 25, ""),
        ("duration('3wd') > duration('1h')", "E309", 10, ""),
        ("form.reach.x > 1", "E304", 1, ""),
        ("form.reach", "E305", 1, ""),
        ("form.channels.all(x, x > 1)", "E304", 22, ""),
        ("form.reach % 1.5 > 0", "E304", 1, ""),
        ("has(form.gaol)", "E303", 10, "did you mean goal?"),
        ("form.title in ['a', 1]", "E304", 21, ""),
        ("[1] == ['a']", "E304", 1, ""),
        ("{1.5: 'a'}[1] == 'a'", "E304", 2, ""),
        (
            "form.discount + double('1') > 1",
            "E304",
            1,
            "write double(...) around the other number",
        ),
        ("1u + 1 == 2u", "E304", 1, "write int(...) around the unsigned number"),
        ("decimal(double('1')) == 1", "E307", 1, ""),
        ("timestamp('2026-01-01T00:00:00Z').getHours('Shanghai') == 1", "E309", 44, ""),
        ("(form.reach > 1 ? 1 : 'a') == 1", "E304", 2, ""),
    ],
)
def test_what_cannot_fit_is_found_at_its_place(scope: Scope, text: str, code: str, column: int, hint: str) -> None:
    (problem,) = problems(text, scope)
    assert (problem.code, problem.column) == (code, column)
    if hint:
        assert problem.hint == hint


def test_all_problems_of_an_expression_come_at_once(scope: Scope) -> None:
    found = problems("form.budgit > 1 && parms.limit == 2 && form.title", scope)
    assert [(problem.code, problem.column) for problem in found] == [("E303", 6), ("E302", 20), ("E304", 40)]


def test_a_wrong_part_is_reported_once_and_not_by_what_is_built_on_it(scope: Scope) -> None:
    assert len(problems("size(form.nothing + 1) > 2 || form.nothing2 * 3 < 4", scope)) == 2


@pytest.mark.parametrize(
    "text",
    [
        "form.budget > form.reach",
        "form.budget == 5 || form.reach != 2.5",
        "form.window.to - form.window.from > duration('240h')",
        "form.channels.exists(x, x.startsWith('s')) && size(form.channels) > 1",
        "form.channels.filter(x, x != 'sms').map(x, size(x)) == [4]",
        "dyn(form.title) == 5",
        "has(form.goal) && form.goal.contains('%')",
        "form.goal == null",
        "{'a': 1}['a'] == 1 && {'a': 1}.a == 1",
        "decimal('0.7') < form.discount && int('3') < form.reach",
    ],
)
def test_what_fits_passes(scope: Scope, text: str) -> None:
    assert compile_expression(text, scope, gives=BOOL).type == BOOL

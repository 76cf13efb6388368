"""Numbers: decimals exact to the last digit, doubles as binary numbers are, whole numbers within 64 bits."""

import math
import re
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ExpressionFailed
from engine.expr import Scope, compile_expression
from engine.expr.kinds import Uint
from engine.expr.types import BOOL, DECIMAL, DYN, INT, Record

MONEY = Scope({"form": Record({"budget": DECIMAL, "price": DECIMAL, "reach": INT}, "form"), "any": DYN})
LONG = Decimal("12345678901234567890123456789012345678901234.56")


def value(text: str, **form: Any) -> Any:
    return compile_expression(text, MONEY).evaluate({"form": form, "any": form.get("any")})


@pytest.mark.parametrize(
    "text",
    [
        "0.1 + 0.2 == 0.3",
        "1.1 * 1.1 == 1.21",
        "0.1 * 3 == 0.3",
        "3 * 0.1 - 0.3 == 0.0",
        "100 * 1.15 == 115",
        "12345678901234567890.12 + 0.01 == 12345678901234567890.13",
        "12345678901234567890123456789012345678.5 * 2 == 24691357802469135780246913578024691357.0",
        "-12345678901234567890123456789012345678.5 < -12345678901234567890123456789012345678.4",
        "-(12345678901234567890123456789012345678.5) == -12345678901234567890123456789012345678.5",
        "decimal('0.1') + decimal('0.2') == decimal('0.3')",
        "double('0.1') + double('0.2') != double('0.3')",
        "double('0.1') != 0.1 && double('0.5') == 0.5",
        "string(0.10 + 0.20) == '0.30'",
        "int(2.999999999999999999999999999999999999) == 2",
        "1 / 3.0 > 0.3333333333333333333333333333 && 1 / 3.0 < 0.3333333333333333333333333334",
        "9223372036854775807 + 0.5 == 9223372036854775807.5",
        "dyn(1) + dyn(0.5) == 1.5",
        "type(1 + 0.5) == decimal && type(1 + 1) == int && type(1u + 1u) == uint",
    ],
)
def test_it_holds_exactly(text: str) -> None:
    assert value(text) is True


def test_a_sum_of_money_keeps_every_cent_whatever_the_surrounding_precision_is() -> None:
    with localcontext() as context:
        context.prec = 5
        assert value("form.budget + 0.01", budget=LONG) == Decimal("12345678901234567890123456789012345678901234.57")
        assert value("-form.budget", budget=LONG).as_tuple().digits == LONG.as_tuple().digits
        assert value("form.budget * form.reach", budget=Decimal("1234567.89"), reach=3) == Decimal("3703703.67")


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**18), max_value=10**18),
    st.integers(-(10**9), 10**9),
)
def test_sums_and_products_are_those_of_fractions(price: Decimal, reach: int) -> None:
    assert Fraction(value("form.price * form.reach", price=price, reach=reach)) == Fraction(price) * reach
    assert Fraction(value("form.price + form.reach", price=price, reach=reach)) == Fraction(price) + reach


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("form.budget * form.budget", "too many digits"),
        ("1e400 * 1e400 * 1e400", "too many digits"),
        ("1e-400 * 1e-400 * 1e-400", "too many digits"),
        ("decimal('1e999999999')", "too large or too small"),
        ("9223372036854775807 + form.reach", "too large"),
        ("-9223372036854775808 - form.reach", "too large"),
        ("4611686018427387904 * 2", "too large"),
        ("-(-9223372036854775808)", "too large"),
        ("-9223372036854775808 / -1", "too large"),
        ("18446744073709551615u + 1u", "too large"),
        ("0u - 1u", "below zero"),
        ("int(1e30)", "too large"),
        ("uint(-1)", "too large"),
        ("1.5 / 0.0", "division by zero"),
        ("dyn(1u) + dyn(1)", "uint + int has no meaning"),
        ("dyn(0.5) + dyn(double('0.5'))", "decimal + double has no meaning"),
        ("dyn(true) + 1", "no meaning for true and false"),
    ],
)
def test_what_does_not_fit_is_an_error_and_never_another_number(text: str, reason: str) -> None:
    with pytest.raises(ExpressionFailed, match=re.escape(reason)):
        value(text, budget=LONG, reach=1)


def test_doubles_have_infinity_and_a_value_that_is_no_number() -> None:
    assert value("double('1') / double('0')") == math.inf
    assert value("double('-1') / double('0')") == -math.inf
    assert value("double('NaN') == double('NaN')") is False
    assert value("[double('NaN')] == [double('NaN')]") is False
    assert value("double('NaN') in [double('NaN')]") is False
    assert value("0.5 < double('NaN') || 0.5 >= double('NaN')") is False


def test_unsigned_numbers_equal_whole_numbers_and_keep_their_kind() -> None:
    assert type(value("7u / 2u")) is Uint
    assert value("7u / 2u == 3 && {1u: 'a'}[dyn(1)] == 'a' && 3u in [1, 2, 3]") is True


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dyn([1, 2.0, 3u]) == [1.0, 2, 3]", True),
        ("dyn([true]) == dyn([1])", False),
        ("dyn({1: true}) == dyn({1: 1})", False),
        ("dyn(true) in dyn({1: 'a'})", False),
        ("any == 0.5", True),
        ("any > 0 && any < 1", True),
    ],
)
def test_numbers_meet_by_value_where_types_are_known_only_now(text: str, expected: bool) -> None:
    assert value(text, any=Decimal("0.5")) is expected


def test_a_rule_over_a_form_gives_a_condition() -> None:
    assert compile_expression("form.budget * 0.3 > form.reach", MONEY, gives=BOOL).holds(
        {"form": {"budget": Decimal("100.00"), "reach": 29}}
    )

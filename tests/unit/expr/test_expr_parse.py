"""Reading expressions: literals, precedence, limits, and where a mistake stands."""

from decimal import Decimal

import pytest

from engine.errors import InvalidExpression
from engine.expr import Scope, compile_expression
from engine.expr.kinds import Uint
from engine.expr.parse import parse
from engine.expr.tree import Logic, Operation

NOTHING = Scope()


def value(text: str) -> object:
    return compile_expression(text, NOTHING).evaluate({})


def problem(text: str) -> tuple[str, int, int]:
    with pytest.raises(InvalidExpression) as caught:
        compile_expression(text, NOTHING)
    first = caught.value.problems[0]
    return first.code, first.line, first.column


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12", 12),
        ("-12", -12),
        ("0x1F", 31),
        ("-9223372036854775808", -(2**63)),
        ("1.10", Decimal("1.10")),
        ("1e3", Decimal("1e3")),
        ('"a\\tb"', "a\tb"),
        ("'\\u4e2d'", "中"),
        (r"r'\d+'", r"\d+"),
        ('"""two\nlines"""', "two\nlines"),
        ("[1, 2, 3,]", [1, 2, 3]),
        ("{'a': 1}", {"a": 1}),
        ("null", None),
        ("12u", Uint(12)),
        ("0xFFu", Uint(255)),
        ("b'a\\xff中'", b"a\xff\xe4\xb8\xad"),
        ('r"""a\\"b"""', 'a\\"b'),
        ("{'if': 1}.if", 1),
        ("{'a-b': 1}.`a-b`", 1),
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 3 - 2", 5),
        ("7 / 2", 3),
        ("-7 / 2", -3),
        ("-7 % 2", -1),
        ("!true || true", True),
        ("true || false && false", True),
        ("true ? 1 : false ? 2 : 3", 1),
        ("1 // a comment\n + 1", 2),
    ],
)
def test_value_of_a_written_expression(text: str, expected: object) -> None:
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


def test_a_chain_of_or_is_one_part_and_and_binds_tighter() -> None:
    tree = parse("true || false || true && false")
    assert isinstance(tree, Logic)
    assert [type(part).__name__ for part in tree.parts] == ["Literal", "Literal", "Logic"]


def test_a_part_knows_its_place_including_its_parentheses() -> None:
    text = "!(1 in [1, 2]) && true"
    tree = parse(text)
    assert isinstance(tree, Logic)
    left = tree.parts[0]
    assert isinstance(left, Operation)
    assert text[left.at : left.end] == "!(1 in [1, 2])"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 +", ("E301", 1, 4)),
        ("1 +\n  * 2", ("E301", 2, 3)),
        ("a = 1", ("E301", 1, 3)),
        ("a & b", ("E301", 1, 3)),
        ("'open", ("E301", 1, 1)),
        ("(1", ("E301", 1, 3)),
        ("1 2", ("E301", 1, 3)),
        ("18446744073709551616u", ("E301", 1, 1)),
        ("-12u", ("E301", 1, 2)),
        ("b'\\u4e2d'", ("E301", 1, 1)),
        ("'\\ud800'", ("E301", 1, 1)),
        ("1e401", ("E301", 1, 1)),
        ("1e-401", ("E301", 1, 1)),
        ("'\\q'", ("E301", 1, 1)),
        ("for", ("E301", 1, 1)),
        ("9223372036854775808", ("E301", 1, 1)),
        ("has(1)", ("E307", 1, 1)),
        ("[1].all(2, true)", ("E307", 1, 5)),
        ("", ("E301", 1, 1)),
        ("@", ("E301", 1, 1)),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, expected: tuple[str, int, int]) -> None:
    assert problem(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "(" * 70 + "1" + ")" * 70,
        "!" * 70 + "true",
        "[" * 5000,
        "-" * 5000 + "x",
        "1 + " * 120 + "1",
        "[1]" + "[0]" * 120,
    ],
)
def test_too_deep_an_expression_is_refused(text: str) -> None:
    assert problem(text)[0] == "E308"


@pytest.mark.parametrize("text", ["1 + " * 1500 + "1", "'" + "x" * 30_000 + "'"])
def test_too_large_an_expression_is_refused(text: str) -> None:
    assert problem(text)[0] == "E308"

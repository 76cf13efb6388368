"""YAML 1.2 as definitions use it: what is written is what is read, with its place."""

from decimal import Decimal
from typing import Any

import pytest

from engine.definition.document import read


def value(text: str) -> Any:
    document = read(text)
    assert document.problems == []
    return document.value


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("on", "on"),
        ("no", "no"),
        ("yes", "yes"),
        ("22:00", "22:00"),
        ("1.10", Decimal("1.10")),
        ("1_000", "1_000"),
        ("010", 10),
        ("0o17", 15),
        ("0x1f", 31),
        ("-7", -7),
        ("1e3", Decimal("1e3")),
        (".5", Decimal("0.5")),
        ("true", True),
        ("True", True),
        ("~", None),
        ("", None),
        ("null", None),
        ('"12"', "12"),
        ("'null'", "null"),
        ("2026-11-01", "2026-11-01"),
        (".inf", ".inf"),
        ("5%", "5%"),
        ("3wd", "3wd"),
        ("中文", "中文"),
    ],
)
def test_a_scalar_stays_what_it_looks_like(written: str, expected: object) -> None:
    found = value(f"key: {written}\n")["key"]
    assert found == expected
    assert str(found) == str(expected)
    assert type(found) is type(expected)


def test_on_is_a_key_like_any_other() -> None:
    assert value("on: {no: 1}") == {"on": {"no": 1}}


def test_every_value_and_key_knows_its_place() -> None:
    document = read("a:\n  - {b: 1, c: x}\n  - d\n")
    assert (document.places["a", 0, "c"].line, document.places["a", 0, "c"].column) == (2, 15)
    assert (document.keys["a", 0, "c"].line, document.keys["a", 0, "c"].column) == (2, 12)
    assert (document.places["a", 1].line, document.places["a", 1].column) == (3, 5)


@pytest.mark.parametrize(
    ("text", "code", "line", "column"),
    [
        ("a: 1\nb: 2\na: 3\n", "E102", 3, 1),
        ("a: &x 1\n", "E103", 1, 4),
        ("&x a: 1\n", "E103", 1, 1),
        ("a: *x\n", "E104", 1, 4),
        ("a: !!python/object:os.system 1\n", "E105", 1, 4),
        ("%YAML 1.1\n---\na: 1\n", "E105", 2, 1),
        ("", "E108", 1, 1),
        ("# only a comment\n", "E108", 1, 1),
        ("a: 1\n---\nb: 2\n", "E108", 3, 1),
        ("? [a]\n: 1\n", "E109", 1, 3),
        ("a: [1, 2\nb: 3\n", "E101", 1, 4),
        ("a:\n\t- 1\n", "E101", 2, 1),
        ("a: b: c\n", "E101", 1, 5),
        ("a: \x01\n", "E101", 1, 4),
    ],
)
def test_what_hides_or_breaks_is_refused_at_its_place(text: str, code: str, line: int, column: int) -> None:
    problem = read(text).problems[0]
    assert (problem.code, problem.line, problem.column) == (code, line, column)


def test_several_problems_of_one_file_come_together() -> None:
    problems = read("a: &x 1\nb: *x\na: 2\n").problems
    assert [problem.code for problem in problems] == ["E103", "E104", "E102"]


@pytest.mark.parametrize("opening", ["[", "{a: "])
def test_too_deep_a_file_is_refused_at_once(opening: str) -> None:
    problems = read("a: " + opening * 5_000).problems
    assert [problem.code for problem in problems] == ["E107"]


def test_too_large_a_file_is_not_read() -> None:
    document = read("a: '" + "x" * 300_000 + "'")
    assert [problem.code for problem in document.problems] == ["E106"]
    assert document.value is None


@pytest.mark.parametrize(
    ("text", "offset", "line", "column"),
    [
        ("a: form.x > 1\n", 5, 1, 9),
        ('a: "form.x > 1"\n', 5, 1, 10),
        ("a: 'it''s x'\n", 5, 1, 11),
        ('a: "\\u4e2d x"\n', 2, 1, 12),
        ("a: |\n  form.x\n  || form.y\n", 10, 3, 6),
        ("a: >-\n  form.x\n  || form.y\n", 10, 3, 6),
        ("a: form.x\n  || form.y\n", 10, 2, 6),
        ('a: "form.x\n    || form.y"\n', 10, 2, 8),
    ],
)
def test_a_sign_within_a_text_knows_its_place(text: str, offset: int, line: int, column: int) -> None:
    document = read(text)
    assert document.places["a",].of_sign(text, offset) == (line, column)
    sign = text.splitlines()[line - 1][column - 1]
    assert sign == document.value["a"][offset]


@pytest.mark.parametrize(
    "number",
    ["9" * 19, "9" * 5_000, "-" + "9" * 5_000, "0x" + "f" * 20, "1e999999999", "1e-999999999", "0." + "1" * 200],
)
def test_a_number_that_no_database_keeps_is_refused_at_its_place(number: str) -> None:
    (problem,) = read(f"a: 1\nb: {number}\n").problems
    assert (problem.code, problem.line, problem.column) == ("E112", 2, 4)
    assert "too large or too small" in problem.message
    assert len(str(problem)) < 200
    assert value(f'b: "{number}"') == {"b": number}
    assert value("b: 999999999999999999") == {"b": 999_999_999_999_999_999}


@pytest.mark.parametrize("written", [r'a: "x\ud800"', r'a: "\0"', r'"\x07": 1', r'a: ["\x1f"]'])
def test_a_sign_that_no_database_keeps_is_refused_also_as_an_escape(written: str) -> None:
    (problem,) = read(written).problems
    assert (problem.code, problem.line) == ("E101", 1)
    assert value(r'a: "\t\n中"') == {"a": "\t\n中"}


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("name：leaflet\nb: 1\n", 1, 5, "： is no sign of YAML (write a colon and a space, as on an English keyboard)"),
        ("a: {b: 1，c: 2}\n", 1, 9, "， is no sign of YAML (write a comma"),
        ("a: {b: “x: y”}\n", 1, 8, '“ is no sign of YAML (write "'),
        ('a: {b: "x == "y"", c: 1}\n', 1, 15, "the text in double quotes ends before this (write a text within it as"),
        ('a: "x\nb: 2\n', 1, 4, "the text that begins here is not closed"),
        ("a: {b: 1\nc: 2\n", 1, 4, "the { here is not closed (close it with })"),
        ("a: 1\nb\nc: 1\n", 2, 1, "there is no colon behind this"),
        ("a:\n  - b: c\n   d: e\n", 3, 4, "this is indented otherwise"),
    ],
)
def test_a_slip_of_the_keyboard_is_named_where_it_was_made(text: str, line: int, column: int, words: str) -> None:
    (problem,) = read(text).problems
    assert (problem.code, problem.line, problem.column) == ("E101", line, column)
    assert words in str(problem)


def test_chinese_signs_within_a_text_are_no_mistake() -> None:
    assert value("say: 外呼，不得超过：2万户“含”\n") == {"say": "外呼，不得超过：2万户“含”"}
    (problem,) = read("say: {zh: 外呼，不得超过2万户, en: x]\n").problems
    assert "no sign of YAML" not in problem.message

"""Messages: an allow-list of names, segments as networks count them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.delivery.message import cost, placeholders, renderer, size_of, unusable


@pytest.mark.parametrize(
    ("text", "alphabet", "length", "segments"),
    [
        ("", "GSM-7", 0, 1),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),
        ("a" * 152 + "€" + "b" * 10, "GSM-7", 164, 2),
        ("€" * 153, "GSM-7", 306, 3),  # 76 whole ones fit into 153, not 76 and a half
        ("您" * 70, "UCS-2", 70, 1),
        ("您" * 71, "UCS-2", 71, 2),
        ("您" * 134, "UCS-2", 134, 2),
        ("您" * 135, "UCS-2", 135, 3),
        ("😀" * 35, "UCS-2", 70, 1),
        ("😀" * 67, "UCS-2", 134, 3),  # 33 whole ones fit into 67
        ("ç", "UCS-2", 1, 1),
        ("Ç", "GSM-7", 1, 1),
    ],
)
def test_segments_as_networks_count_them(text: str, alphabet: str, length: int, segments: int) -> None:
    size = size_of(text)
    assert (size.alphabet, size.length, size.segments) == (alphabet, length, segments)


def test_the_cost_is_exact() -> None:
    assert cost(3_000_001, Decimal("0.035")) == Decimal("105000.035")


def test_a_template_is_filled_per_customer_and_per_case() -> None:
    render = renderer("{name}您好，{form.title}，{name}！", ("plan", "name"), {"form.title": "国庆"})
    assert render(("A", "张三")) == "张三您好，国庆，张三！"
    assert placeholders("{name}{form.title}{name}") == ("name", "form.title")


def test_values_are_text_and_never_a_template() -> None:
    render = renderer("{name} {form.title}", ("name",), {"form.title": "{name}"})
    assert render(("{form.title}{0}",)) == "{form.title}{0} {name}"


def test_a_value_cannot_bring_a_new_line_or_hidden_characters() -> None:
    assert renderer("{name}", ("name",))(("a\x00b\r\u202ec",)) == "abc"
    assert renderer("{name}", ("name",))((None,)) == ""
    assert len(renderer("{name}", ("name",))(("x" * 5000,))) == 100


@pytest.mark.parametrize(
    "template",
    [
        "{nmae}",
        "{ name}",
        "{name.__class__}",
        "{name!r}",
        "{name:>99999999}",
        "{0}",
        "{}",
        "{{name}}",
        "a { b",
        "{form}",
    ],
)
def test_what_is_not_a_known_name_is_refused(template: str) -> None:
    assert unusable(template, ("name", "form.title"))
    with pytest.raises(ValueError, match="cannot fill"):
        renderer(template, ("name",), {"form.title": ""})


def test_a_problem_says_where_it_stands() -> None:
    wrong = unusable("您好{nmae}，}", ("name",))
    assert [(one.what, one.line, one.column) for one in wrong] == [("{nmae}", 1, 3), ("}", 1, 10)]


@given(st.text(max_size=400))
def test_more_text_never_costs_fewer_segments(text: str) -> None:
    assert size_of(text).segments <= size_of(text + "a").segments
    assert size_of(text).segments >= 1

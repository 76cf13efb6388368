"""Templates: filters, choices, and what is refused with its place."""

import pytest

from engine.delivery.message import LONGEST_TEXT, renderer, suggestion, unusable
from engine.delivery.template import LONGEST_TEMPLATE, shortest

FIELDS = ("name", "level", "arpu", "ends")
CHOICE = '{if level == "gold"}金卡{elif arpu >= 88 and not level}优享{else}特惠{end}'


@pytest.mark.parametrize(
    ("template", "values", "text"),
    [
        (CHOICE, ("张三", "gold", "8", ""), "金卡"),
        (CHOICE, ("张三", "", "88.0", ""), "优享"),
        (CHOICE, ("张三", "silver", "90", ""), "特惠"),
        (CHOICE, ("张三", "", "many", ""), "特惠"),
        ("{arpu|money}元", ("", "", "1234.5", ""), "1,234.50元"),
        ("{arpu|number}", ("", "", "1200.00", ""), "1,200"),
        ("{arpu|money}", ("", "", "不详", ""), "不详"),
        ('至{ends|date("M月D日")}', ("", "", "", "2026-12-05"), "至12月5日"),
        ("{ends|date}", ("", "", "", "2026-12-05 00:00:00"), "2026-12-05"),
        ("{name|mask}", ("张三", "", "", ""), "张**"),
        ('{name|default("客户")}您好', (None, "", "", ""), "客户您好"),
        ("{level|upper}{level|lower}", ("", "Gold", "", ""), "GOLDgold"),
        ("{name|cut(2)|upper}", ("abc", "", "", ""), "AB"),
        ('{if name}{name}{end}{if level == "a or b"}!{end}', ("", "a or b", "", ""), "!"),
        ('{if form.kind == "x" or arpu < 5}A{if level}B{end}{end}', ("", "l", "9", ""), "AB"),
    ],
)
def test_a_template_formats_and_chooses(template: str, values: tuple[str | None, ...], text: str) -> None:
    assert renderer(template, FIELDS, {"form.kind": "x"})(values) == text


@pytest.mark.parametrize(
    ("template", "why", "place"),
    [
        ("{if level}gold", "unclosed", (1, 1)),
        ("gold{end}", "unopened", (1, 5)),
        ("{if a.b}x{end}", "syntax", (1, 1)),
        ("您好\n{name|monney}", "filter", (2, 1)),
        ("{name|cut}", "argument", (1, 1)),
        ('{name|money("2")}', "argument", (1, 1)),
        ("{name|cut(5)}", "", ()),
        ('{if levle == "gold"}x{end}', "name", (1, 1)),
        ("{for a in b}", "syntax", (1, 1)),
        ("{name|cut(999)}", "argument", (1, 1)),
        ("{if name}" * 5 + "{end}" * 5, "deep", (1, 37)),
        ("x" * (LONGEST_TEMPLATE + 1), "long", (1, LONGEST_TEMPLATE + 1)),
    ],
)
def test_what_cannot_be_filled_says_why_and_where(template: str, why: str, place: tuple[int, ...]) -> None:
    wrong = unusable(template, FIELDS)
    assert [one.why for one in wrong] == ([why] if why else [])
    assert [(one.line, one.column) for one in wrong] == ([place] if why else [])


def test_names_and_filters_have_a_nearest_one() -> None:
    assert [suggestion(one, FIELDS) for one in unusable("{nmae}{name|monney}", FIELDS)] == [
        "did you mean name?",
        "did you mean money?",
    ]


def test_a_text_is_never_longer_than_one_sign_behind_what_is_allowed() -> None:
    text = renderer("{name}" * 300, ("name",))(("x" * 5000,))
    assert len(text) == LONGEST_TEXT + 1


def test_the_shortest_text_is_that_of_the_shortest_branch() -> None:
    assert shortest("ab{if name}cccc{else}d{end}{if name}eee{end}") == 3


def test_what_is_put_around_a_text_is_not_put_twice() -> None:
    seen: list[str] = []

    def frame(text: str) -> tuple[str, str]:
        seen.append(text)
        return "<", ">"

    assert renderer("{form.a}{name}", ("name",), {"form.a": "回T退订"}, frame)(("n",)) == "<回T退订n>"
    assert seen == ["回T退订 "]

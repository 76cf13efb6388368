"""Charts as Altair draws them: what is written in them, what is left out, what becomes of a process that was ended."""

import json
import re
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from api.vega.looks import Look, tokens
from api.vega.pictures import Bar, Bars, Columns, Intervals, Picture, Place, heights, latest, longest, plain
from api.vega.studio import DrawingFailed, Studio, drawn

EVIL = '<script>alert(1)</script> {{ 7 * 7 }} & "x" datum.value'
BARS = Bars(
    "已发出 · 机构",
    "截至 11月30日。",
    (
        Bar("荔湾区分公司", 12345, "12,345", told=(("已发出", "12,345"),)),
        Bar(EVIL, 600, "600", told=(("已发出", "600"),)),
        Bar("荔湾区分公司", 7, "7", told=(("已发出", "7"),)),
    ),
)
RATES = Bars("送达率 · 渠道", "", (Bar("短信", 0.93, "93.0%", 0.91, 0.95), Bar("邮件", 0.0, "0.0%", 0.0, 0.1)))
MONTHS = Columns("已发出 · 月份", "", tuple(Bar(f"2026-{n:02}", n * 1000, f"{n},000") for n in range(1, 13)))
FIRST, SECOND = Place("1 · 天河", 0.5, 0.43, 0.57, "50.0%", False), Place("2 · 白云", 0.45, 0.35, 0.55, "45.0%", True)
PLACES = Intervals("营业厅", "", (FIRST, SECOND), 0.48)
ALL = {"bars": BARS, "rates": RATES, "months": MONTHS, "places": PLACES}
MARKS = {"svg", "g", "path", "rect", "line", "text", "title", "clipPath", "defs"}
LOOKS = (Look(has_title=True), Look.of("narrow"), Look.of("wide-dark"))


def texts(svg: bytes) -> list[str]:
    """What is written in a drawing."""
    return [one.text or "" for one in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("name", ALL)
def test_every_kind_is_svg_that_a_page_may_show_and_keeps_the_room_that_was_held_for_it(name: str) -> None:
    picture: Picture = ALL[name]
    for look in LOOKS:
        svg = drawn(picture, "svg", look)
        root = ET.fromstring(svg)
        assert {one.tag.rpartition("}")[2] for one in root.iter()} <= MARKS
        assert b"style=" not in svg and b"http" not in svg.replace(b"http://www.w3.org/", b"")
        assert f'fill="{look.colour("card")}"'.encode() in svg
        assert abs(float(root.attrib["width"]) - look.width) <= 4
        if not look.has_title:
            assert abs(float(root.attrib["height"]) - heights(picture)[look.is_narrow]) <= 12
        assert (picture.title in texts(svg)) == look.has_title


def test_names_stay_text_and_two_of_the_same_name_stay_two_bars() -> None:
    svg = drawn(BARS, "svg", Look())
    said = texts(svg)
    assert b"<script" not in svg and any(one.startswith("<script>alert(1)") and "{{ 7 * 7 }}" in one for one in said)
    assert said.count("荔湾区分公司") == 2 and {"12,345", "600", "7"} <= set(said)


def test_what_a_page_draws_again_brings_its_rows_and_asks_for_nothing() -> None:
    for picture in ALL.values():
        spec = drawn(picture, "json", Look.of("wide"))
        assert b'"url"' not in spec and b'"expr"' not in spec and b'"signal"' not in spec
        assert json.loads(spec)["config"]["font"].startswith('"Noto Sans CJK SC"')


def test_chinese_is_drawn_and_not_boxes() -> None:
    if "Noto Sans CJK SC" not in subprocess.run(["fc-list"], capture_output=True, text=True, check=True).stdout:
        pytest.skip("fonts-noto-cjk is missing")
    one, other = (drawn(replace(MONTHS, title=title), "png", Look(has_title=True)) for title in ("营销案", "会签单"))
    assert one.startswith(b"\x89PNG") and one != other  # boxes would be the same


def test_the_colours_are_those_of_the_stylesheet_by_day_and_by_night() -> None:
    assert set(tokens(True)) == set(tokens(False)) >= {"ink", "soft", "bar", "card", "go", "edge"}
    assert tokens(True)["card"] != tokens(False)["card"]


def test_thousands_of_bars_are_cut_to_what_can_be_read() -> None:
    many = [Bar(f"office {n}", n, str(n)) for n in range(2000)]
    kept, more = longest(many)
    assert (len(kept), more, kept[0].value) == (30, 1970, 1999)
    assert longest(many[:3]) == (tuple(many[:3]), 0)
    assert [bar.value for bar in latest(many)[0]][-1] == 1999 and latest(many)[1] == 1964
    assert plain("a\x0bb\n营") == "a b 营"


def test_a_process_that_was_ended_is_begun_again_and_what_cannot_be_drawn_says_so() -> None:
    studio = Studio()
    try:
        work = (BARS, "svg", Look())
        first = studio.do(work)  # type: ignore[arg-type]
        assert studio._process is not None
        studio._process.kill()
        studio._process.wait()
        ids = re.compile(rb"clip\d+")
        assert ids.sub(b"", studio.do(work)) == ids.sub(b"", first)  # type: ignore[arg-type]
        with pytest.raises(DrawingFailed, match="unreachable"):
            studio.do(("nothing", "svg", "look"))  # type: ignore[arg-type]
        assert studio.do(work)  # type: ignore[arg-type]
    finally:
        studio.close()

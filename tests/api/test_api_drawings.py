"""The charts of an evaluation and of the process: what stands in them, with nothing, one row and thirty cells."""

import html
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from api.formats import Formats
from api.i18n import Words
from api.vega import courses, evaluation, shelf
from api.vega.drawn import Drawn
from api.vega.looks import Look
from api.vega.pictures import Bars, Columns, Intervals, heights, summary
from api.vega.studio import drawn
from engine.evaluation.stays import Took
from engine.service import process_figures
from engine.service.app import Countersign
from engine.service.process_columns import NAMES
from engine.service.process_views import GroupFigures, ProcessPage, StepFigures
from engine.service.stage_views import FunnelRow, UpliftRow
from engine.service.views import Viewer
from engine.values import Bilingual
from tests.api.desk import Desk
from tests.api.test_api_vega import MARKS, texts
from tests.api.view_samples import MEASURED, NOW

LONG = "荔湾区昌华街道逢源路社区老年客户流量升级一档"
FUNNEL = (
    FunnelRow("selected", 10_040, 14_820),
    FunnelRow("excluded", 4, 10_040),
    FunnelRow("target", 9_036, 10_040),
    FunnelRow("sent", 9_000, 9_036),
    FunnelRow("delivered", 8_820, 9_000),
    FunnelRow("converted", 402, 9_000),
    FunnelRow("retained", None, 402),
    FunnelRow("renewed", 81, 180),
)
REPORT = replace(MEASURED, funnel=FUNNEL)
NOTHING_ASKED = dict.fromkeys(NAMES, "")
DAY = 86_400
TOOK = Took(n=12, half=2 * DAY, most=5 * DAY, worked_half=50_000, worked_most=130_000)


def said_in(language: str) -> Formats:
    return Formats(Words("en" if language == "en" else "zh"), ZoneInfo("Asia/Shanghai"), NOW, workdays)


def workdays(first: date, last: date) -> int:
    return (last - first).days


def step(name: str, took: Took | None, zh: str = "县公司主管") -> StepFigures:
    label, title = Bilingual(zh=zh, en=name), Bilingual(zh="营销案审批", en="Marketing case")
    return StepFigures("small-case", title, name, label, 12, 12, 1, 2, 0, 0, took)


def month(name: str, took: Took | None) -> GroupFigures:
    return GroupFigures(name, Bilingual(en=name), 14, 1, 2, took)


PAGE = ProcessPage(
    as_of=NOW,
    behind=0,
    cases=14,
    decided=12,
    files=1,
    returned=2,
    again=1,
    overdue=0,
    late=0,
    timed=0,
    took=TOOK,
    steps=(step("county head", TOOK), step("city finance", replace(TOOK, half=DAY, most=DAY)), step("open", None)),
    offices=(),
    versions=(),
    months=(month("2026-10", TOOK), month("2026-11", None)),
    people=(),
    few=0,
    blocking=(),
    ways=(),
    other_ways=0,
    reasons=(),
    office=Bilingual(zh="白云县公司", en="Baiyun county"),
    definitions=(("small-case", Bilingual(zh="营销案审批", en="Marketing case")),),
    known_versions=(1,),
)


def cells(count: int) -> tuple[UpliftRow, ...]:
    """So many cells, and after them all customers together."""
    rows = [
        UpliftRow(f"{LONG}{n}", "conversion", "wald", 900, 100, 0.06, 0.03, at - 0.01, at - 0.02, at, 0.04)
        for n, at in enumerate(each / 1000 for each in range(count))
    ]
    return (*rows, UpliftRow("total", "conversion", "wald", 27_000, 3_000, 0.06, 0.03, 0.03, 0.02, 0.04, 0.001))


def holds_its_room(one: Drawn) -> None:
    """Both widths, by day and night: what a page may show, as high as the page keeps room for."""
    for look in (Look.of("wide"), Look.of("narrow"), Look.of("narrow-dark"), Look(has_title=True)):
        svg = drawn(one.picture, "svg", look)
        width, height = (float(svg.split(f'{name}="'.encode())[1].split(b'"')[0]) for name in ("width", "height"))
        assert abs(width - look.width) <= 4, one.key
        if not look.has_title:
            assert abs(height - heights(one.picture)[look.is_narrow]) <= 12, one.key
        assert {tag.split(b" ")[0].split(b">")[0].decode() for tag in svg.split(b"<")[1:] if tag[:1] != b"/"} <= {
            *MARKS,
            "tspan",
        }


def test_a_gain_a_loss_and_what_cannot_be_told_from_nothing_differ_by_their_shape() -> None:
    conversion, revenue, _ = evaluation.drawings(REPORT, said_in("en"))
    assert isinstance(conversion.picture, Intervals) and isinstance(revenue.picture, Intervals)
    assert [(one.is_open, one.is_loss) for one in conversion.picture.places] == [(False, False), (True, False)]
    assert [(one.is_open, one.is_loss) for one in revenue.picture.places] == [(False, False), (False, True)]
    spec = json.loads(drawn(revenue.picture, "json", Look.of("wide")))
    shapes = [(one["mark"]["shape"], one["data"]) for one in spec["layer"] if one["mark"].get("shape")]
    assert [shape for shape, _ in shapes] == ["circle", "circle", "triangle-down"]
    assert len({json.dumps(data) for _, data in shapes}) == 3


def test_rates_stand_in_percentage_points_and_means_in_their_own_unit() -> None:
    conversion, revenue, _ = evaluation.drawings(REPORT, said_in("en"), "440111-2026-00007")
    assert isinstance(conversion.picture, Intervals) and isinstance(revenue.picture, Intervals)
    assert conversion.caption == "Uplift of conversion in percentage points"
    assert conversion.picture.title == "440111-2026-00007 · Uplift of conversion in percentage points"
    assert [(one.value, one.text) for one in conversion.picture.places] == [
        (3.0, "+3.00  n 2,210"),
        (pytest.approx(0.6), "+0.60  n 6,826"),
    ]
    assert [one.value for one in revenue.picture.places] == [1.29, -0.21]
    said = texts(drawn(conversion.picture, "svg", Look.of("wide")))
    assert {"0", "1", "2"} <= set(said) and not any(one.endswith("%") for one in said)


def test_every_step_of_the_funnel_names_what_it_is_a_share_of() -> None:
    funnel = evaluation.drawings(REPORT, said_in("en"))[-1]
    assert isinstance(funnel.picture, Bars)
    assert [(one.label, one.text, one.note, one.is_aside) for one in funnel.picture.bars] == [
        ("Selected", "10,040", "67.7% of 14,820, all customers", False),
        ("Excluded", "4", "0.0% of 10,040: selected", True),
        ("Target customers", "9,036", "90.0% of 10,040: selected", False),
        ("Sent", "9,000", "99.6% of 9,036: target customers", False),
        ("Delivered", "8,820", "98.0% of 9,000: sent", False),
        ("Converted", "402", "4.5% of 9,000: sent", False),
        ("Kept it", "not measured", "", False),
        ("renewed", "81", "45.0% of 180 whose outcome is known", False),
    ]
    assert "Converted 402 4.5% of 9,000: sent" in summary(funnel.picture, "; ")
    holds_its_room(funnel)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_thirty_cells_with_long_names_are_drawn_and_all_customers_stand_first(language: str) -> None:
    lifts = evaluation.drawings(replace(REPORT, uplift=cells(35)), said_in(language))[0]
    assert isinstance(lifts.picture, Intervals)
    assert len(lifts.picture.places) == 30
    assert lifts.picture.places[0].label == {"zh": "全部", "en": "All customers"}[language]
    assert "6" in lifts.said
    holds_its_room(lifts)
    (one, _) = evaluation.drawings(replace(REPORT, uplift=cells(0)), said_in(language))
    holds_its_room(one)


def test_a_long_note_breaks_into_lines_and_is_not_cut() -> None:
    lifts = evaluation.drawings(REPORT, said_in("en"))[0]
    lines = re.findall(r"<tspan[^>]*>([^<]*)", drawn(lifts.picture, "svg", Look(has_title=True)).decode())
    assert len(lines) == 2
    assert " ".join(lines) == lifts.picture.note


def test_a_report_without_control_and_without_funnel_has_no_chart() -> None:
    assert evaluation.drawings(replace(REPORT, uplift=(), funnel=()), said_in("en")) == ()


def test_the_intervals_are_called_what_the_report_asked_for() -> None:
    lifts = evaluation.drawings(replace(REPORT, confidence=0.9), said_in("en"))[0]
    assert lifts.said.startswith("90% intervals")


def test_the_process_is_drawn_from_the_figures_of_its_page() -> None:
    outcomes, steps, months = courses.drawings(PAGE, {**NOTHING_ASKED, "definition": "small-case"}, said_in("en"))
    assert isinstance(outcomes.picture, Bars) and isinstance(steps.picture, Bars)
    assert isinstance(months.picture, Columns)
    assert [(one.value, one.note) for one in outcomes.picture.bars] == [
        (14, ""),
        (12, "85.7% of 14 cases"),
        (1, "7.1% of 14 cases"),
        (2, "14.3% of 14 cases"),
        (1, "7.1% of 14 cases"),
    ]
    first, second = steps.picture.bars
    assert (first.label, first.text, first.note) == ("county head", "2 days", "9 in 10: 5 days, n 12")
    assert (first.low, first.high, second.low, second.high) == (2 * DAY, 5 * DAY, DAY, DAY)
    (only,) = months.picture.bars
    assert (only.label, only.value, only.high) == ("2026-10", 2 * DAY, 5 * DAY)
    for one in (outcomes, steps, months):
        holds_its_room(one)
        assert "Marketing case · Baiyun county · Counted" in one.picture.note


def test_a_process_with_nothing_decided_shows_what_became_of_its_cases_alone() -> None:
    fresh = replace(PAGE, took=None, decided=0, steps=(step("open", None),), months=(month("2026-11", None),))
    assert [one.key for one in courses.drawings(fresh, NOTHING_ASKED, said_in("zh"))] == ["outcomes"]
    assert courses.drawings(replace(fresh, cases=0), NOTHING_ASKED, said_in("zh")) == ()


def test_steps_of_several_definitions_are_told_with_their_definition() -> None:
    steps = courses.drawings(PAGE, NOTHING_ASKED, said_in("zh"))[1]
    assert isinstance(steps.picture, Bars)
    assert steps.picture.bars[0].label == "县公司主管 · 营销案审批"


def test_a_page_of_the_process_counts_once_for_itself_and_its_charts(
    app: Countersign, desk: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def page(_app: Countersign, viewer: Viewer, _filters: object) -> ProcessPage:
        asked.append(viewer.name)
        return PAGE

    monkeypatch.setattr(process_figures, "page", page)
    window, other = desk("wangmin"), desk("liguoqiang")
    shown = html.unescape(window.get("/process").text)
    for key in ("outcomes", "steps", "months"):
        assert f"chart={key}&format=svg&look=wide" in shown
        drawing = window.get(f"/process?chart={key}&format=svg&look=wide")
        assert drawing.headers["content-type"] == "image/svg+xml"
        assert "content-disposition" not in drawing.headers
    assert len(asked) == 1
    assert other.get("/process?chart=steps&format=svg").status_code == 200
    assert len(asked) == 2 and asked[0] != asked[1]
    assert window.get("/process?chart=steps&format=svg&kind=file").status_code == 200
    assert len(asked) == 3


def test_pictures_are_kept_for_a_minute_for_who_was_shown_them(
    app: Countersign, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(shelf.time, "monotonic", lambda: now[0])
    pictures = courses.drawings(PAGE, NOTHING_ASKED, said_in("zh"))
    shelf.keep(app, ("wangmin", "zh", ""), pictures)
    assert shelf.find(app, ("wangmin", "zh", "")) == pictures
    assert shelf.find(app, ("machao", "zh", "")) is None
    assert shelf.find(app, ("wangmin", "en", "")) is None
    now[0] += 60
    assert shelf.find(app, ("wangmin", "zh", "")) is None
    for number in range(shelf.MOST + 1):
        shelf.keep(app, ("wangmin", "zh", str(number)), pictures)
    assert shelf.find(app, ("wangmin", "zh", "0")) is None
    assert shelf.find(app, ("wangmin", "zh", "1")) == pictures


def test_long_names_and_notes_leave_room_for_the_bars() -> None:
    slow = replace(TOOK, n=12_345, half=12 * DAY + 47_000, most=14 * DAY + 47_000)
    steps = courses.drawings(replace(PAGE, steps=(step(LONG * 2, slow),)), NOTHING_ASKED, said_in("en"))[1]
    for look in (Look.of("wide"), Look.of("narrow"), Look(has_title=True)):
        spec = json.loads(drawn(steps.picture, "json", look))
        first, last = next(
            one["encoding"]["x"]["scale"]["range"] for one in spec["layer"] if one["mark"]["type"] == "bar"
        )
        assert last - first >= 120

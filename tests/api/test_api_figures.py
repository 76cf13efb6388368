"""Figures in words: as many decimals as tell the ends of their interval apart, and what keys are called."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from api.figures import called, figure
from api.formats import Formats
from api.i18n import Words
from api.vega.dashboards import left_out
from engine.service.dashboards import ChartView
from engine.service.metrics import Answer, AnswerRow, Cell
from engine.values import NO_TEXT, Bilingual

FORMATS = Formats(Words("zh"), ZoneInfo("Asia/Shanghai"), datetime(2026, 12, 1, tzinfo=UTC), lambda a, b: 0)


@pytest.mark.parametrize(
    ("value", "unit", "between", "said"),
    [
        (0.03118, "share", (None, None), "3.1%"),
        (0.03118, "share", (0.0211, 0.0412), "3.1%"),
        (0.03118, "share", (0.03117, 0.03119), "3.118%"),
        (0.5, "share", (0.5, 0.5), "50.0%"),
        (0.0040812, "points", (0.0040551, 0.0041062), "+0.408"),
        (0.0766, "points", (0.07, 0.0832), "+7.66"),
        (-0.0040812, "points", (-0.00408122, -0.00408118), "−0.408120"),
        (3.5, "days", (3.4, 3.6), "3.5"),
    ],
)
def test_a_share_has_decimals_enough_for_its_interval(
    value: float, unit: str, between: tuple[float | None, float | None], said: str
) -> None:
    assert figure(FORMATS, value, unit, between=between) == said


def test_an_empty_key_is_called_what_it_stands_for() -> None:
    assert (
        called(FORMATS, "clerk", "", Bilingual(zh="其他机构的营业员", en="clerks of other offices"))
        == "其他机构的营业员"
    )
    assert called(FORMATS, "offer", "", NO_TEXT) == "尚不确定"
    assert called(FORMATS, "channel", "sms", NO_TEXT) == "短信"


@pytest.mark.parametrize(("count", "cut", "said"), [(3, False, ""), (3, True, "仅列出数据最多的 3 项。")])
def test_a_chart_of_intervals_says_that_it_has_not_all_there_are(count: int, cut: bool, said: str) -> None:
    cell = Cell("lift", 0.01, Decimal(1), Decimal(100), 0.005, 0.015)
    rows = tuple(AnswerRow((f"c{n}",), (NO_TEXT,), (cell,)) for n in range(count))
    answer = Answer(("lift",), ("case",), rows, None, 1, cut)
    assert left_out(ChartView("case", "case", NO_TEXT, answer, "intervals"), FORMATS) == said

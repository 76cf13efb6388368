"""Numbers, money and times as readers of both languages expect them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from api.formats import Formats
from api.i18n import Words
from engine.organisation import Workdays
from engine.values import Language

NOW = datetime(2026, 9, 23, 5, 12, tzinfo=UTC)  # a Wednesday; 13:12 in Shanghai
ZONE = ZoneInfo("Asia/Shanghai")


def formats(language: Language = "en") -> Formats:
    return Formats(Words(language), ZONE, NOW, Workdays(ZONE).between)


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (Decimal("48000"), "¥48,000"),
        (Decimal("48000.00"), "¥48,000"),
        ("1234.5", "¥1,234.50"),
        (Decimal("0.035"), "¥0.035"),
        (Decimal("0.4"), "¥0.40"),
        ("-0.50", "−¥0.50"),
        (Decimal("-120.5"), "−¥120.50"),
        (Decimal("999999999999.99"), "¥999,999,999,999.99"),
        (None, "–"),
    ],
)
def test_money_keeps_every_cent(amount: Decimal | str | None, shown: str):
    assert formats().money(amount) == shown


def test_times_stand_in_the_zone_of_the_settings_with_the_year_where_it_differs():
    late = datetime(2026, 9, 24, 18, 30, tzinfo=UTC)
    assert formats("zh").moment(late) == "9月25日 02:30"
    assert formats("en").moment(late) == "25 Sep 02:30"
    assert formats("en").moment(late.replace(year=2027)) == "25 Sep 2027, 02:30"


@pytest.mark.parametrize(
    ("ahead", "zh", "en"),
    [
        (timedelta(minutes=-90), "已超期 1 小时 30 分钟", "overdue for 1 hour 30 minutes"),
        (timedelta(0), "已超期 1 分钟以内", "overdue for less than a minute"),
        (timedelta(hours=3), "剩 3 小时", "3 hours left"),
        (timedelta(days=2, hours=1), "剩 2 个工作日", "2 working days left"),
        (timedelta(days=5), "剩 2 个工作日", "2 working days left"),  # Mid-Autumn 25 to 27 September
    ],
)
def test_a_deadline_says_how_far_it_is(ahead: timedelta, zh: str, en: str):
    assert formats("zh").left(NOW + ahead) == zh
    assert formats("en").left(NOW + ahead) == en


def test_spans_name_their_two_largest_units():
    assert formats().duration(timedelta(days=1, hours=3, minutes=59)) == "1 day 3 hours"
    assert formats().duration(timedelta(minutes=61)) == "1 hour 1 minute"


def test_periods_of_definitions_become_words():
    assert [formats("zh").period(text) for text in ("7d", "3wd", "72h", "soon")] == [
        "7 天",
        "3 个工作日",
        "3 天",
        "soon",
    ]


def test_a_value_that_is_not_of_its_kind_is_shown_as_it_was_typed():
    for kind in ("money", "int", "decimal", "date", "daterange", "choice"):
        assert formats().value(kind, "as typed") == "as typed"
    assert formats().value("daterange", ["2026-10-01", "2026-10-15"]) == "1 Oct 2026 to 15 Oct 2026"


def test_differences_carry_their_sign_and_unit():
    assert formats().lift(-0.21, False) == "−0.21"
    assert formats().share(0, 0) == "–"


def test_a_recorded_day_or_moment_is_shown_as_any_other():
    assert formats("zh").as_of("2026-09-23T18:30:19.694099+00:00") == "9月24日 02:30"
    assert formats("en").as_of("2026-09-20") == "20 Sep 2026"
    assert formats("en").as_of("ticket") == "ticket"
    assert formats("zh").day_of(datetime(2026, 9, 23, 18, tzinfo=UTC)) == "9月24日"

"""Prices by the day, planned against actual to the fen, what is refused in a table; every figure worked out by hand."""

from datetime import date
from decimal import Decimal

import pytest

from engine.evaluation.break_even import break_even
from engine.evaluation.cost_table import COLUMNS, CostLine, CostTable, Gap, read, written
from engine.evaluation.costs import CostRow, Planned, Prices, Sent, fixed_rows, messages_row, spread
from engine.evaluation.money import money

CHANNELS = ("sms", "email", "file")
JUNE, JULY = date(2026, 6, 30), date(2026, 7, 1)
HEAD = {"channel": "sms", "provider": "north", "unit": "segment", "charged": "sent", "currency": "CNY"}
ROW = {**HEAD, "price": "0.05", "from": "2026-01-01", "until": "2026-06-30"}


def line(price: str, since: date, until: date | None = None, **other: str) -> CostLine:
    said = {"channel": "sms", "provider": "north", "unit": "segment", "charged": "sent"} | other
    return CostLine(price=Decimal(price), since=since, until=until, **said)  # type: ignore[arg-type]


def prices(*lines: CostLine, per_contact: str = "", delivery: str = "") -> Prices:
    return Prices(
        CostTable("CNY", lines) if lines else None,
        {"sms": Decimal(per_contact)} if per_contact else {},
        {"sms": Decimal(delivery)} if delivery else {},
    )


def figures(row: CostRow) -> tuple[str, ...]:
    return tuple(str(one) for one in (row.planned, row.actual, row.difference, row.volume, row.price))


def test_planned_against_actual_is_split_into_volume_and_price_to_the_fen() -> None:
    # planned 10,000 texts of 2 segments at 0.045: 900.00. 9,301 went out with 18,703 segments at 0.05: 935.15.
    # volume (18,703 - 20,000) x 0.045 = -58.365, rounded half even -58.36; the rest of 35.15 is price.
    row = messages_row(
        Planned("sms", 10_000, 20_000, 1),
        [Sent("w1", "sms", JULY, 9_301, 9_100, 18_703)],
        prices(line("0.05", JULY), delivery="0.045"),
        JUNE,
    )
    assert figures(row) == ("900.00", "935.15", "35.15", "-58.36", "93.51")
    assert row.volume + row.price == row.difference
    assert (row.unit, row.planned_source, row.sources, row.providers) == ("segment", "delivery", ("table",), ("north",))


def test_each_message_costs_what_held_on_its_day() -> None:
    # 600 segments on 30 June at 0.05 = 30.00, 411 on 1 July at 0.031 = 12.741: 42.741, and 42.74 to the fen.
    table = (line("0.05", date(2026, 1, 1), JUNE), line("0.031", JULY, provider="south"))
    sent = [Sent("w1", "sms", JUNE, 300, 290, 600), Sent("w1", "sms", JULY, 205, 200, 411)]
    row = messages_row(Planned("sms", 500, 1_000, 1), sent, prices(*table), JUNE)
    assert figures(row) == ("50.00", "42.74", "-7.26", "0.55", "-7.81")
    assert row.providers == ("north", "south")


def test_what_did_not_arrive_is_charged_only_where_the_table_says_so() -> None:
    sent = [Sent("w1", "sms", JULY, 1_000, 913, 2_000)]
    planned = Planned("sms", 1_000, 2_000, 1)
    all_of_it = messages_row(planned, sent, prices(line("0.05", JULY)), JULY)
    arrived = messages_row(planned, sent, prices(line("0.05", JULY, charged="delivered")), JULY)
    assert (all_of_it.actual, arrived.actual) == (Decimal("100.00"), Decimal("91.30"))
    assert not arrived.is_estimate  # two segments each: exact
    uneven = [Sent("w1", "sms", JULY, 1_000, 913, 2_001)]
    assert messages_row(planned, uneven, prices(line("0.05", JULY, charged="delivered")), JULY).is_estimate


def test_a_price_by_message_against_a_plan_by_segment_is_a_difference_of_price() -> None:
    table = prices(line("0.08", JULY, unit="message"), delivery="0.05")
    row = messages_row(Planned("sms", 100, 200, 1), [Sent("w1", "sms", JULY, 100, 100, 200)], table, JULY)
    assert figures(row) == ("10.00", "8.00", "-2.00", "0.00", "-2.00")


def test_the_source_of_a_price_is_named_table_first_then_what_a_contact_costs_then_the_delivery() -> None:
    both = prices(per_contact="0.10", delivery="0.05")
    assert both.paid("sms", JULY).source == "per_contact"
    assert prices(delivery="0.05").paid("sms", JULY).source == "delivery"
    of_july = prices(line("0.04", JULY), per_contact="0.10")
    assert [of_july.paid("sms", day).source for day in (JUNE, JULY)] == ["per_contact", "table"]
    assert of_july.planned("sms", JULY).source == "per_contact"
    nothing = messages_row(Planned("email", 5, 5, 1), [Sent("w1", "email", JULY, 5, 5, 5)], prices(), JULY)
    assert (nothing.sources, nothing.actual, nothing.planned_source) == (("none",), Decimal("0.00"), "none")


def test_fixed_costs_count_once_per_wave_that_began_and_once_per_case() -> None:
    table = prices(line("100", JUNE, unit="wave"), line("2500", JUNE, unit="case", channel="", provider="print shop"))
    rows = fixed_rows([Planned("sms", 10, 10, 3), Planned("email", 10, 10, 1)], {"sms": [JULY, JULY]}, table, JUNE)
    assert [(row.kind, *figures(row)) for row in rows] == [
        ("wave", "300.00", "200.00", "-100.00", "-100.00", "0.00"),
        ("case", "2500.00", "2500.00", "0.00", "0.00", "0.00"),
    ]
    assert all(row.is_fixed for row in rows)
    unsent = fixed_rows([Planned("sms", 10, 10, 3)], {}, table, JUNE)
    assert [row.actual for row in unsent] == [Decimal("0.00"), Decimal("0.00")]


def test_segments_that_no_day_was_counted_for_are_shared_out_and_said_to_be() -> None:
    periods = [(JUNE, 30, 30), (JULY, 10, 10)]
    assert spread(periods, {JUNE: 60, JULY: 21}, 81, lambda day: day) == {JUNE: (60, False), JULY: (21, False)}
    assert spread(periods, {}, 81, lambda day: day) == {JUNE: (60, True), JULY: (21, True)}
    assert spread([(JUNE, 40, 40)], {}, 81, lambda day: day) == {JUNE: (81, False)}


def test_a_table_is_read_back_as_it_was_written() -> None:
    table = CostTable("CNY", (line("0.0315", JULY), line("800", JUNE, unit="case", channel="", provider="")))
    rows = [(n, dict(zip(COLUMNS, row, strict=True))) for n, row in enumerate(written(table), 2)]
    assert read(rows, CHANNELS) == (table, [])


@pytest.mark.parametrize(
    ("changed", "code", "at"),
    [
        ({"price": "-1"}, "E440", "price"),
        ({"price": "a lot"}, "E440", "price"),
        ({"price": "0.0000001"}, "E440", "price"),
        ({"price": "NaN"}, "E440", "price"),
        ({"from": "1.7.2026"}, "E440", "from"),
        ({"until": "2025-12-31"}, "E440", "until"),
        ({"unit": "kilo"}, "E440", "unit"),
        ({"channel": "pigeon"}, "E440", "channel"),
        ({"unit": "case"}, "E440", "channel"),
        ({"channel": ""}, "E440", "channel"),
        ({"charged": "maybe"}, "E440", "charged"),
        ({"currency": "XYZ"}, "E440", "currency"),
        ({"channel": "email"}, "E443", "unit"),
    ],
)
def test_a_wrong_cell_is_named_with_its_line(changed: dict[str, str], code: str, at: str) -> None:
    _, problems = read([(2, ROW), (3, {**ROW, "from": "2027-01-01", "until": "", **changed})], CHANNELS)
    assert [(one.code, one.at, one.line) for one in problems] == [(code, at, 3)]


def test_two_currencies_and_two_prices_of_a_day_are_refused_and_a_gap_is_said() -> None:
    _, mixed = read([(2, ROW), (3, {**ROW, "from": "2026-07-01", "until": "", "currency": "USD"})], CHANNELS)
    assert [(one.code, one.line, one.fields["first"]) for one in mixed] == [("E442", 3, "CNY")]
    other = {**ROW, "provider": "south", "unit": "message", "from": "2026-06-30", "until": ""}
    _, twice = read([(2, ROW), (3, other)], CHANNELS)
    assert [(one.code, one.line, one.fields["line"]) for one in twice] == [("E441", 3, 2)]
    table, none = read([(2, ROW), (3, {**ROW, "from": "2026-07-11", "until": ""})], CHANNELS)
    assert (table.gaps(), none) == ((Gap("sms", "message", JULY, date(2026, 7, 10)),), [])
    assert table.price("sms", "message", JULY) is None


def test_take_up_and_price_that_pay_for_a_case() -> None:
    # 1,000 customers brought 0.50 each more (0.20 to 0.80): 500 at a cost of 120, of which 20 are fixed.
    earned = money(n=1_000, cost=Decimal(120), revenue=Decimal(3_000), lift_per_customer=0.5, interval=(0.2, 0.8))
    found = break_even(earned, n=1_000, conversions=60, messages=2_000, fixed=Decimal(20))
    assert found.value_each == Decimal("50.00")
    assert found.take_up == pytest.approx(120 / (1_000 * 50))  # 2.4 customers in 1,000
    assert found.price == Decimal("0.240000")  # (500 - 20) / 2,000
    assert (found.price_low, found.price_high) == (Decimal("0.090000"), Decimal("0.390000"))
    assert found.missing == ()


def test_what_pays_for_a_case_is_absent_and_says_why_without_revenue_or_control() -> None:
    unknown = money(n=10, cost=Decimal(1), revenue=None, lift_per_customer=None)
    found = break_even(unknown, n=10, conversions=0, messages=0, fixed=Decimal())
    assert (found.take_up, found.price, found.missing) == (None, None, ("revenue", "conversions", "messages"))
    alone = money(n=10, cost=Decimal(1), revenue=Decimal(5), lift_per_customer=None)
    assert break_even(alone, n=10, conversions=1, messages=10, fixed=Decimal()).missing == ("control",)

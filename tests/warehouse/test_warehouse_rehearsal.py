"""A tariff over past months: the figures equal plain decimals worked out one customer at a time, and golden ones."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import InvalidForm, SelectionFailed
from engine.offers.figures import Group, band_of, mean
from engine.offers.terms import Tariff
from engine.warehouse.dataset import Dataset
from engine.warehouse.rehearsing import FROM_LIST, Run, Target, last_months, rehearse
from engine.warehouse.run import Limits
from tests.warehouse.rehearsed_by_hand import Customer, Month, bill, change_of, ranks, written

MONTHS = ("2026-08", "2026-09", "2026-10")
TARIFF = Tariff(
    monthly_fee=Decimal("59.00"),
    voice_minutes=Decimal(100),
    data_gb=Decimal(20),
    voice_price=Decimal("0.15"),
    data_price=Decimal("5.00"),
    sms_price=Decimal("0.1"),
)
amounts = st.one_of(st.none(), st.decimals(0, 400, places=2))
used = st.builds(
    Month,
    month=st.sampled_from(("2026-07", *MONTHS)),
    arpu=amounts,
    voice=st.one_of(st.none(), st.decimals(0, 2000, places=2)),
    data=st.one_of(st.none(), st.decimals(0, 200, places=4)),
    sms=st.one_of(st.none(), st.integers(0, 300)),
)
customers = st.lists(
    st.builds(
        Customer,
        cell=st.sampled_from(("high", "base")),
        used=st.lists(used, max_size=4, unique_by=lambda one: one.month).map(tuple),
    ),
    min_size=1,
    max_size=60,
)
prices = st.one_of(st.none(), st.decimals(0, 30, places=4))
tariffs = st.builds(
    Tariff,
    monthly_fee=st.decimals(0, 300, places=2),
    voice_minutes=st.one_of(st.none(), st.integers(0, 1000).map(Decimal)),
    data_gb=st.one_of(st.none(), st.decimals(0, 100, places=4)),
    sms=st.one_of(st.none(), st.integers(0, 100).map(Decimal)),
    voice_price=prices,
    data_price=prices,
    sms_price=prices,
)


def run(folder: Path, tariff: Tariff, everybody: list[Customer], target: Target | None = None) -> Run:
    dataset = Dataset(folder)
    listed = written(dataset, everybody, months=MONTHS)
    target = target or Target(FROM_LIST.sql, listed)
    return rehearse(dataset, dataset.current(), tariff, target, MONTHS, scratch=folder, limits=Limits(threads=2))


def agrees(found: Group, tariff: Tariff, everybody: Sequence[Customer]) -> None:
    told = [change_of(tariff, one, MONTHS) for one in everybody]
    known = [one for one in told if one is not None]
    assert (found.customers, found.known) == (len(everybody), len(known))
    assert found.partial == sum(months < len(MONTHS) for months, _, _ in known)
    assert found.now == sum(now for _, now, _ in known)
    assert found.change == sum(change for _, _, change in known)
    assert (found.p5, found.p50, found.p95) == ranks([change for _, _, change in known])
    assert found.bands == Counter(band_of(change) for _, _, change in known)
    for side, sign in ((found.winners, -1), (found.losers, 1)):
        own = [(now, change) for _, now, change in known if change * sign > 0]
        assert (side.customers, side.now, side.change) == (len(own), sum(n for n, _ in own), sum(c for _, c in own))
        assert (side.p5, side.p50, side.p95) == ranks([change for _, change in own])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tariff=tariffs, everybody=customers)
def test_the_figures_equal_plain_decimals(
    tmp_path_factory: pytest.TempPathFactory, tariff: Tariff, everybody: list[Customer]
) -> None:
    figures = run(tmp_path_factory.mktemp("rehearsed"), tariff, everybody).figures
    agrees(figures.all, tariff, everybody)
    assert [one.cell for one in figures.cells] == sorted({one.cell for one in everybody})
    for cell in figures.cells:
        agrees(cell, tariff, [one for one in everybody if one.cell == cell.cell])
    winners = {n for n, one in enumerate(everybody) if (told := change_of(tariff, one, MONTHS)) and told[2] < 0}
    for month in figures.months:
        pairs = [
            (n, one.arpu, becomes - one.arpu)
            for n, customer in enumerate(everybody)
            for one in customer.used
            if one.month == month.month and one.arpu is not None and (becomes := bill(tariff, one)) is not None
        ]
        gain = [(now, change) for n, now, change in pairs if n in winners]
        assert (month.customers, month.winners) == (len(pairs), len(gain))
        assert (month.now, month.change) == (sum(now for _, now, _ in pairs) * 100, sum(c for *_, c in pairs) * 100)
        assert (month.winners_now, month.winners_change) == (
            sum(n for n, _ in gain) * 100,
            sum(c for _, c in gain) * 100,
        )


def used_alike(arpu: str, voice: str, data: str, sms: int) -> tuple[Month, ...]:
    return tuple(Month(month, Decimal(arpu), Decimal(voice), Decimal(data), sms) for month in MONTHS)


def test_golden_numbers_by_hand(tmp_path: Path) -> None:
    everybody = [
        Customer("high", used_alike("128.00", "80", "12.5", 0)),  # 59.00: -69.00
        Customer("high", used_alike("59.00", "100", "20", 0)),  # 59.00: unchanged
        Customer("base", used_alike("30.00", "0", "0", 0)),  # 59.00: +29.00
        Customer("base", used_alike("70.00", "140.5", "21.25", 7)),  # 59+6.075+6.25+0.7 = 72.025, 72.03: +2.03
        Customer("base", (Month("2026-10", Decimal("60.00")),)),  # -1.00, one month of three
        Customer("base", (Month("2026-10", Decimal("60.00"), data=None),)),  # its data is unknown, so is the bill
        Customer("base"),  # no usage at all
    ]
    found = run(tmp_path, TARIFF, everybody).figures
    assert (found.all.customers, found.all.known, found.all.partial, found.all.unknown) == (7, 5, 1, 2)
    assert (found.all.winners.customers, found.all.winners.change) == (2, -7000)
    assert (found.all.losers.customers, found.all.losers.change) == (2, 3103)
    assert (found.all.unchanged, found.all.change, found.all.now) == (1, -3897, 34700)
    assert mean(found.all.change, found.all.known) == Decimal("-7.79")
    assert found.all.bands == {-5: 1, -1: 1, 0: 1, 1: 1, 5 - 1: 1}
    assert [(one.month, one.customers, one.change) for one in found.months] == [
        ("2026-08", 4, -3797),
        ("2026-09", 4, -3797),
        ("2026-10", 5, -3897),
    ]
    assert [(one.cell, one.known, one.change) for one in found.cells] == [("base", 3, 3003), ("high", 2, -6900)]


def test_a_rule_over_customers_may_be_the_target(tmp_path: Path) -> None:
    everybody = [Customer("high", used_alike("60.00", "0", "0", 0)) for _ in range(3)]
    rule = Target("SELECT c.customer, '' AS cell FROM customers AS c WHERE c.customer < 'C00002'")
    found = run(tmp_path, TARIFF, everybody, rule)
    assert (found.figures.all.customers, found.figures.all.change, found.figures.cells) == (2, -200, ())
    assert {one.table for one in found.inputs} == {"usage", "customers"}


def test_months_that_are_not_there_are_refused_with_those_that_are(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path)
    with pytest.raises(InvalidForm, match="no usage"):
        last_months(dataset.current(), 3)
    written(dataset, [Customer("base")], months=("2026-06", *MONTHS))
    version = dataset.current()
    assert last_months(version, 3) == MONTHS
    with pytest.raises(InvalidForm, match="there are 2026-06, 2026-08, 2026-09, 2026-10"):
        last_months(version, 4)  # July is missing between them
    for wrong in (0, -1, 13):
        with pytest.raises(InvalidForm):
            last_months(version, wrong)


def test_a_target_that_reads_another_file_is_stopped_in_the_child(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("customer,cell\na,b\n")
    reads = Target(f"SELECT customer, cell FROM read_csv('{tmp_path}/secret.csv')")
    with pytest.raises(SelectionFailed):
        run(tmp_path, TARIFF, [Customer("base")], reads)

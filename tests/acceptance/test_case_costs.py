"""What a case costs by the house's table: over midnight, planned against actual to the fen, whose price it is."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from engine.definition.load import load
from engine.delivery.message import size_of
from engine.errors import CostsOpen, InvalidFile, InvalidForm, NotFound, OwnProposal
from engine.service import costs, evaluating, facts, metrics
from engine.service.app import Countersign
from engine.service.metrics import Wanted
from engine.service.recording import OPERATOR, By
from engine.service.reporting import report_on
from engine.service.responses import import_responses
from engine.service.stage_views import MoneyView
from engine.settings import Settings
from engine.store import cases, ledger, waves
from engine.store.ledger import Receipt
from engine.store.session import Database
from tests.acceptance.budgeted_case import set_budget
from tests.acceptance.costed_case import COSTED, HEADINGS, PRICED, over_midnight, table, today
from tests.acceptance.email_case import base, handed_off, load_customers
from tests.acceptance.offices import in_force, key, load_people, viewer
from tests.acceptance.sealed_case import delivered
from tests.invariants import check_invariants
from tests.servers.gateway import SECRET, RunningGateway

FEN = Decimal("0.01")


@pytest.fixture
def app(
    db: Database, tmp_path: Path, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    url = db.url.render_as_string(hide_password=False)
    opened = Countersign.open(
        Settings(home=tmp_path / "home", database_url=url, sms_url=gateway.url, sms_secret=SECRET)
    )
    load_people(opened)
    yield opened
    check_invariants(opened.db)
    opened.close()


def money(app: Countersign, made: str) -> MoneyView:
    with app.db.read() as tx:
        case = cases.load(tx, made)
    found = report_on(app, case, "7d")
    assert found.money is not None
    assert found.cost == found.money.actual
    return found.money


def in_facts(app: Countersign) -> Decimal:
    """What the facts say that all messages cost, to the fen."""
    facts.refresh(app)
    (row,) = metrics.ask(app, OPERATOR, Wanted(("delivery_cost",))).rows
    return row.cells[0].numerator.quantize(FEN)


def segments(gateway: RunningGateway) -> list[int]:
    """Of each message in the order in which the gateway took it."""
    return [size_of(one["text"]).segments for one in gateway.messages()]


def test_messages_before_and_after_midnight_cost_what_held_on_their_day(
    app: Countersign, gateway: RunningGateway, tmp_path: Path
) -> None:
    set_budget(app, "1000")
    made, new_day = over_midnight(app, tmp_path / "clock")
    assert in_facts(app) == money(app, made).actual > 0  # by the prices of the delivery
    eve = (new_day - timedelta(days=1)).isoformat()
    version = table(
        app,
        f"sms,north,segment,sent,0.05,CNY,2026-01-01,{eve}",
        f"sms,south,segment,sent,0.033,CNY,{new_day.isoformat()},",
    )
    sizes = segments(gateway)
    assert set(sizes) == {1, 2}  # so that a share of them would not be the sum
    before, after = sum(sizes[:20]), sum(sizes[20:])
    found = money(app, made)
    (row,) = found.rows
    spent = (before * Decimal("0.05") + after * Decimal("0.033")).quantize(FEN)
    planned = 50 * 1 * Decimal("0.05")  # as declared; the text with one sign for the name has one segment
    assert (found.reach, found.reach_of, found.planned) == (50, "proposal", planned)
    assert (row.actual_quantity, found.actual, found.table_version) == (before + after, spent, version)
    assert (row.sources, row.providers, row.is_estimate) == (("table",), ("north", "south"), False)
    volume = ((before + after - 50) * Decimal("0.05")).quantize(FEN)
    assert (found.volume, found.price) == (volume, spent - planned - volume)
    assert in_facts(app) == found.actual  # written anew under the table
    assert found.booked == (before + after) * Decimal("0.05")  # the budget pays by the price that was approved


def test_what_did_not_arrive_is_not_charged_by_a_table_of_what_was_delivered(
    app: Countersign, gateway: RunningGateway, tmp_path: Path
) -> None:
    made, _ = over_midnight(app, tmp_path / "clock")
    with app.db.begin() as tx:
        (wave,) = waves.of_case(tx, made)
        rows = [
            Receipt(wave.id, n, "delivered" if n < 30 else "failed", app.now(), "off") for n in range(wave.audience)
        ]
        ledger.receive(tx, rows)
    table(app, "sms,north,message,delivered,0.045,CNY,2026-01-01,")
    assert in_facts(app) == money(app, made).actual == 30 * Decimal("0.045")
    table(app, "sms,north,message,sent,0.045,CNY,2026-01-01,")
    assert money(app, made).actual == (len(segments(gateway)) * Decimal("0.045")).quantize(FEN)


def test_fixed_costs_are_in_the_profit_once(app: Countersign, gateway: RunningGateway) -> None:
    made = delivered(app, COSTED)
    day = today(app).isoformat()
    table(
        app,
        f"sms,north,segment,sent,0.05,CNY,{day},",
        f"sms,north,wave,sent,12.50,CNY,{day},",
        f",print shop,case,sent,300,CNY,{day},",
    )
    found = money(app, made)
    variable = sum(segments(gateway)) * Decimal("0.05")
    assert (found.fixed, found.actual) == (Decimal("312.50"), variable + Decimal("312.50"))
    assert Counter(row.kind for row in found.rows) == {"message": 1, "wave": 1, "case": 1}


def test_without_a_price_of_the_day_the_definition_s_counts_and_another_currency_is_not_used(
    app: Countersign, gateway: RunningGateway
) -> None:
    made = delivered(app, COSTED)
    by_definition = sum(segments(gateway)) * Decimal("0.05")
    first = money(app, made)
    assert (first.actual, first.rows[0].sources, first.table_version) == (by_definition, ("delivery",), 0)
    later = (today(app) + timedelta(days=1)).isoformat()
    table(app, "sms,old,segment,sent,9,CNY,2020-01-01,2020-12-31", f"sms,new,segment,sent,9,CNY,{later},")
    gapped = money(app, made)
    assert (gapped.actual, gapped.rows[0].sources) == (by_definition, ("delivery",))
    table(app, "sms,north,segment,sent,9,USD,2020-01-01,")
    other = money(app, made)
    assert (other.actual, other.other_currency, other.table_version) == (by_definition, "USD", 0)


def test_revenue_that_nobody_knows_is_missing_and_not_0(app: Countersign, gateway: RunningGateway) -> None:
    found = money(app, delivered(app, COSTED))
    assert found.incremental is None and found.profit_low is None
    assert found.paying.missing == ("revenue", "conversions")
    assert found.paying.take_up is None and found.break_even is not None
    assert gateway.messages()


def test_a_lift_that_is_there_but_costs_more_than_it_brings_is_a_loss(app: Countersign, tmp_path: Path) -> None:
    in_force(app, load(PRICED))
    load_customers(app, tmp_path)
    made = handed_off(app)
    import_responses(app, viewer(app, "wangmin"), made, base(outcomes=True).encode())
    with app.db.read() as tx:
        case = cases.load(tx, made)
    assert report_on(app, case, "14d").verdict == "works"
    table(app, ",studio,case,sent,1025.01,USD,2026-01-01,")  # 600 x 1.7083 of lift = 1,025.00, and 600 x 0.05 = 30
    found = report_on(app, case, "14d")
    assert (found.verdict, found.cost, found.profit) == ("loses_money", Decimal("1055.01"), Decimal("-30.01"))
    assert found.money is not None and found.money.incremental == Decimal("1025.00")
    assert found.money.paying.take_up == pytest.approx(1055.01 / (600 * 20.5))  # 50 conversions of 20.50 each
    assert found.money.paying.price == Decimal("-0.000017")  # it loses whatever an e-mail costs
    evaluating.evaluate(app, made, "14d", True, "k")
    with app.db.read() as tx:
        seen, unseen = (
            evaluating.evaluations_view(app, tx, case, hidden)[0]
            for hidden in (frozenset[str](), frozenset({"budget"}))
        )
    assert seen.money == found.money and unseen.money is None and unseen.cost == seen.cost


def test_a_table_takes_two_persons_and_is_written_back_as_it_was_read(app: Countersign) -> None:
    keeper, other = By(viewer(app, "zhanglan"), key=key()), By(viewer(app, "hejing"), key=key())
    rows = ("sms,north,segment,sent,0.05,CNY,2026-01-01,2026-06-30", "sms,south,segment,delivered,0.04,CNY,2026-07-11,")
    data = "\n".join((HEADINGS, *rows, ""))
    assert costs.propose(app, keeper, data.encode(), "costs.csv", reason="新合同") == 2
    with pytest.raises(CostsOpen):
        costs.propose(app, other, data.encode(), "costs.csv", reason="同")
    with pytest.raises(OwnProposal):
        costs.decide(app, By(keeper.viewer, key=key()), 1, confirm=True)
    costs.decide(app, By(other.viewer, key=key()), 1, confirm=True)
    current = costs.show(app, keeper).current
    assert current is not None and len(current.gaps) == 1
    assert costs.export(app, keeper, "csv").decode("utf-8-sig").replace("\r", "") == data
    with pytest.raises(InvalidFile) as same:
        costs.propose(app, OPERATOR, costs.export(app, OPERATOR, "xlsx"), "costs.xlsx", reason="again")
    assert [one.code for one in same.value.problems] == ["E444"]
    costs.propose(app, OPERATOR, f"{HEADINGS}\n".encode(), "costs.csv", reason="no prices any more")
    costs.decide(app, By(other.viewer, key=key()), 2, confirm=True)
    assert [one.state for one in costs.show(app, keeper).versions] == ["in_force", "over"]


def test_who_keeps_no_money_proposes_nothing_and_who_has_no_reason_is_told(app: Countersign) -> None:
    data = f"{HEADINGS}\nsms,north,segment,sent,0.05,CNY,2026-01-01,\n".encode()
    analyst, submitter = By(viewer(app, "xuwen"), key=key()), By(viewer(app, "emily"), key=key())
    for who in (analyst, submitter):
        with pytest.raises(NotFound):
            costs.propose(app, who, data, "costs.csv", reason="why")
    with pytest.raises(NotFound):
        costs.show(app, submitter)
    with pytest.raises(InvalidForm):
        costs.propose(app, OPERATOR, data, "costs.csv", reason=" ")
    twice = data + b"sms,south,message,sent,0.01,CNY,2026-05-01,\n,x,kilo,sent,1,CNY,2026-05-01,\n"
    with pytest.raises(InvalidFile) as wrong:
        costs.propose(app, OPERATOR, twice, "costs.csv", reason="why")
    assert [(one.code, one.line, one.column) for one in wrong.value.problems] == [("E440", 4, 3), ("E441", 3, 7)]

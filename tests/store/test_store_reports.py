"""Responses and evaluations: a second import changes nothing, a stored report stays as it is."""

from datetime import timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from engine.store import ledger, reports
from engine.store.answers import Answer, answers_of
from engine.store.ledger import Receipt, Recipient
from engine.store.reports import Contacts, ResponseRow, Stored
from engine.store.session import Database
from tests.store.by_hand import NOON, open_case

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def case(db: Database) -> None:
    open_case(db)


def row(reference: str, customer: str = "a", kind: str = "conversion", value: str | None = "38.00") -> ResponseRow:
    return ResponseRow(customer, kind, NOON + DAY, None if value is None else Decimal(value), reference)


def record(db: Database, *rows: ResponseRow) -> int:
    with db.begin() as tx:
        return reports.record_responses(tx, "c1", rows)


def test_importing_again_records_only_what_is_new(db: Database) -> None:
    assert record(db, row("o-1"), row("o-2", value=None), row("o-1", kind="response")) == 3
    assert record(db, row("o-1"), row("o-3"), row("o-3")) == 1
    assert record(db) == 0


def test_what_is_read_back_is_what_was_written(db: Database) -> None:
    record(db, row("o-1", value="1234567.89"), row("o-2", customer="b", value=None))
    with db.read() as tx:
        found = sorted(answers_of(tx, "c1", since=NOON, until=NOON + 2 * DAY), key=lambda one: one.customer)
    assert found == [
        Answer("a", "conversion", NOON + DAY, Decimal("1234567.89"), "", ""),
        Answer("b", "conversion", NOON + DAY, None, "", ""),
    ]


def test_only_responses_within_the_window_are_read(db: Database) -> None:
    record(db, row("o-1"))
    with db.read() as tx:
        assert list(answers_of(tx, "c1", since=NOON + 2 * DAY, until=NOON + 3 * DAY)) == []
        assert list(answers_of(tx, "c1", since=NOON, until=NOON)) == []
        assert len(list(answers_of(tx, "c1", since=NOON + DAY, until=NOON + DAY))) == 1


def test_ten_thousand_responses_go_in_and_come_out(db: Database) -> None:
    assert record(db, *(row(f"o-{n}", customer=f"{n}") for n in range(12_000))) == 12_000
    with db.read() as tx:
        assert sum(1 for _ in answers_of(tx, "c1", since=NOON, until=NOON + DAY)) == 12_000


def test_an_unknown_kind_never_gets_in(db: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        record(db, row("o-1", kind="applause"))


def test_the_first_report_of_a_label_stays(db: Database) -> None:
    first, second = Stored("7d", NOON, '{"a":1}', "d" * 64), Stored("7d", NOON + DAY, '{"a":2}', "e" * 64)
    later = Stored("30d", NOON + 30 * DAY, "{}", "f" * 64)
    with db.begin() as tx:
        assert reports.store_evaluation(tx, "c1", first) == first
        assert reports.store_evaluation(tx, "c1", second) == first
        reports.store_evaluation(tx, "c1", later)
    with db.read() as tx:
        assert reports.evaluations_of(tx, "c1") == (first, later)
        assert reports.find_evaluation(tx, "c1", "90d") is None


def test_only_what_left_the_house_counts_as_contact(db: Database) -> None:
    with db.begin() as tx:
        recipients = [
            Recipient(0, "a", "high"),
            Recipient(1, "b", "base"),
            Recipient(2, "c", "base"),
            Recipient(3, "d", "base", unusable="no number"),
            Recipient(4, "e", "base"),
        ]
        ledger.load(tx, "c1-w0", "c1", "sms", recipients)
        ledger.load(tx, "c1-w1", "c1", "file", [Recipient(0, "a", "high")])
        ledger.settle(tx, "c1-w0", {4: "opted out"}, state="suppressed", at=NOON)
        ledger.mark_sent(tx, "c1-w0", 0, 4, at=NOON)
        ledger.mark_sent(tx, "c1-w1", 0, 0, at=NOON)
        ledger.hand_over(tx, "c1-w1", at=NOON)
        ledger.receive(tx, [Receipt("c1-w0", 1, "delivered", NOON), Receipt("c1-w0", 2, "failed", NOON, "off")])
    with db.read() as tx:
        contacts = reports.contacts_by_cell(tx, "c1")
        assert contacts == (
            Contacts("c1-w0", "base", 2, 1, planned=4),
            Contacts("c1-w0", "high", 1, 0, planned=1),
            Contacts("c1-w1", "high", 1, 1, planned=1),
        )
        assert reports.customers_reached(tx, "c1", contacts) == (3, 2)
        assert reports.customers_reached(tx, "other", ()) == (0, 0)

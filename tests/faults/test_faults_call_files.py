"""Results of a call centre's file: every wrong row named, strangers parked, the same again known, late ones kept."""

import csv
import gzip
import io
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.errors import InvalidFile, InvalidForm, NotFound
from engine.masking import masked
from engine.service import call_files, call_lists, calling, delivering, sheets
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from engine.store.tables import call_attempts, calls, parked_receipts, responses
from tests.faults.calling_case import NUMBER, Clock, by, called, calling_case, ledger_of, named, still, took
from tests.faults.delivering_case import CASE
from tests.support import FULL, shared

Make = Callable[..., Countersign]
HEADINGS = ("case", "customer", "at", "disposition", "note", "evidence", "call_back_at")
EVERYBODY = """
  waves:
    - {name: main, share: rest, channel: call, chunk: 10000}
  message: {field: message}
  calls: {attempts: 100}
"""


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Eleven o'clock."""
    return still(monkeypatch)


@pytest.fixture
def make(db_url: str, tmp_path: Path, at: Clock) -> Iterator[Make]:
    """Opens the application with the list placed."""
    opened: list[Countersign] = []

    def opening(**changes: object) -> Countersign:
        opened.append(calling_case(db_url, tmp_path / "home", **changes))  # type: ignore[arg-type]
        return opened[-1]

    yield opening
    for app in opened:
        app.close()


def file(*rows: tuple[str, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([HEADINGS, *((*row, *[""] * (len(HEADINGS) - len(row))) for row in rows)])
    return text.getvalue().encode()


def load(app: Countersign, *rows: tuple[str, ...], person: str = "lead") -> call_files.CallsReport:
    return call_files.load(app, by(app, person), file(*rows), "results.csv")


def test_every_wrong_row_is_named_by_line_column_and_reason_and_the_good_ones_count(make: Make) -> None:
    app = make()
    report = load(
        app,
        (NUMBER, "k0000000", "2026-12-01T10:00", "refused"),
        (NUMBER, "", "2026-12-01T10:00", "refused"),
        (NUMBER, "k0000001", "yesterday", "refused"),
        (NUMBER, "k0000001", "2026-12-01T10:00", "sold"),
        (NUMBER, "k0000001", "2026-12-02T10:00", "refused"),
        (NUMBER, "k0000001", "2026-12-01T10:00", "accepted"),
        (NUMBER, "k0000001", "2026-12-01T10:00", "call_back", "", "", "2026-12-01T22:00"),
        (NUMBER, "k0000001", "2026-12-01T10:00", "accepted", "", "rec-9"),
    )
    assert (report.rows, report.recorded, report.known, report.parked) == (8, 2, 0, ())
    assert [(one.line, one.column, one.code) for one in report.bad] == [
        (3, "customer", "row.blank"),
        (4, "at", "call.not_time"),
        (5, "disposition", "row.value"),
        (6, "at", "call.future"),
        (7, "evidence", "call.evidence"),
        (8, "call_back_at", "call.back_hours"),
    ]
    assert ledger_of(app) == {"sent": 16, "delivered: refused": 1, "delivered: accepted": 1}


def test_unknown_customers_and_cases_are_parked_once_and_told(make: Make) -> None:
    app = make()
    rows = [
        (NUMBER, "nobody", "2026-12-01T10:00", "refused"),
        ("430102-2026-00099", "k0000001", "2026-12-01T10:00", "refused"),
        (NUMBER, "k0000009", "2026-12-01T10:00", "refused"),
    ]
    for _ in range(2):
        report = load(app, *rows)
        assert (report.recorded, report.bad) == (0, ())
        assert [(one.line, one.column, one.code) for one in report.parked] == [
            (2, "customer", "call.no_call"),
            (3, "case", "call.no_case"),
            (4, "customer", "call.no_call"),  # in the control group
        ]
    with app.db.read() as tx:
        parked = tx.execute(sa.select(parked_receipts.c.body, parked_receipts.c.reason)).all()
    assert len(parked) == 3 and {reason for _, reason in parked} == {"no such call"}
    assert '"customer":"nobody"' in parked[0][0]


def test_the_same_file_again_and_results_in_any_order_change_nothing(make: Make) -> None:
    app = make()
    rows = [
        (NUMBER, "k0000000", "2026-12-01T10:30", "interested"),
        (NUMBER, "k0000000", "2026-12-01T09:30", "no_answer"),
        (NUMBER, "k0000001", "2026-12-01T09:30", "busy", "=1+1"),
        (NUMBER, "k0000002", "2026-12-01T09:30", "opt_out"),
    ]
    assert load(app, *rows).recorded == 4
    again = load(app, *reversed(rows))
    assert (again.recorded, again.known) == (0, 4)
    assert ledger_of(app) == {"sent": 16, "delivered: interested": 1, "delivered: opt_out": 1}
    with app.db.read() as tx:
        stood = tx.execute(
            sa.select(calls.c.attempts, calls.c.missed, calls.c.note).where(
                calls.c.customer.in_(["k0000000", "k0000001"])
            )
        ).all()
    assert sorted(stood) == [(1, 1, "=1+1"), (2, 1, "")]


def test_a_late_result_does_not_undo_an_answer_but_who_was_given_up_was_reached_after_all(make: Make) -> None:
    app = make(customers=2)
    first = called(app, "anna", "accepted", evidence="rec-1")
    second = called(app, "anna", "wrong_number")
    numbers = {one.row: one.customer for one in rows_of(app)}
    report = load(
        app,
        (NUMBER, numbers[first.row], "2026-12-01T10:00", "no_answer"),
        (NUMBER, numbers[second.row], "2026-12-01T10:00", "interested"),
    )
    assert report.recorded == 2
    assert ledger_of(app) == {"delivered: accepted": 1, "delivered: interested": 1}


def rows_of(app: Countersign) -> list[sa.Row[tuple[int, str]]]:
    with app.db.read() as tx:
        return list(tx.execute(sa.select(calls.c.row, calls.c.customer)).all())


def test_a_result_from_outside_takes_the_customer_from_who_has_them_before_them(make: Make) -> None:
    app = make(customers=1)
    view = took(app, "anna")
    assert load(app, (NUMBER, "k0000000", "2026-12-01T10:00", "refused")).recorded == 1
    assert calling.take(app, by(app, "anna")) is None
    assert calling.desk(app, by(app, "anna")).call is None
    with pytest.raises(Exception, match="changed"):
        calling.record(app, by(app, "anna"), named(view), disposition="refused")


def test_who_does_not_lead_the_list_imports_nothing(make: Make) -> None:
    app = make()
    report = load(app, (NUMBER, "k0000001", "2026-12-01T10:00", "refused"), person="other")
    assert [one.code for one in report.parked] == ["call.no_case"]
    with pytest.raises(NotFound):
        load(app, (NUMBER, "k0000001", "2026-12-01T10:00", "refused"), person="anna")
    with pytest.raises(InvalidFile):
        call_files.load(app, by(app, "lead"), b"customer,at\nk1,2026-12-01\n", "x.csv")


def test_a_list_leaves_masked_or_with_the_numbers_of_one_person_for_a_reason(make: Make) -> None:
    app = make()
    lead = by(app, "lead")
    load(app, (NUMBER, "k0000001", "2026-12-01T10:00", "busy", "=HYPERLINK(1)"))
    whole = call_lists.export(app, lead, NUMBER)
    assert whole.rows == 18 and b"138****" in whole.data and b"13800000001" not in whole.data
    with pytest.raises(InvalidForm):
        call_lists.export(app, lead, NUMBER, reason="for the centre")
    call_lists.assign(app, lead, NUMBER, person="bo", count=18)
    given = call_lists.export(app, lead, NUMBER, person="bo", reason="for the centre")
    sheet = sheets.read(given.data, "list.csv")
    assert given.rows == len(sheet.lines) == 18 and b"13800000001" in given.data
    assert b",'=HYPERLINK(1)" in given.data
    assert calling.take(app, by(app, "anna")) is None
    again = call_lists.export(app, lead, NUMBER, person="bo", reason="for the centre")
    assert again.sha256 == given.sha256


def test_what_is_out_in_a_file_is_taken_by_nobody_until_its_results_come_or_the_lead_takes_it_back(
    make: Make, at: Clock
) -> None:
    app = make(customers=6)
    lead = by(app, "lead")
    everybody = call_lists.view(app, lead, NUMBER).open
    call_lists.assign(app, lead, NUMBER, person="bo", count=everybody)
    before = took(app, "bo")
    given = call_lists.export(app, lead, NUMBER, person="bo", reason="for the centre")
    assert given.rows == everybody - 1
    (mine,) = [one for one in call_lists.view(app, lead, NUMBER).callers if one.person == "bo"]
    assert (mine.open, mine.due, mine.out, mine.out_at, mine.out_by) == (everybody, 1, given.rows, at.at, "Lead")
    calling.put_back(app, by(app, "bo"), named(before))
    again = took(app, "bo")
    assert (again.wave, again.row) == (before.wave, before.row)
    shown = calling.show(app, by(app, "bo"), named(again))
    calling.record(app, by(app, "bo"), named(shown.call), disposition="refused")
    assert calling.take(app, by(app, "bo")) is None
    assert calling.desk(app, by(app, "bo")).due == 0
    out = sheets.read(given.data, "list.csv")
    who = dict(zip(out.headings, out.lines[0].cells, strict=True))["customer"]
    assert load(app, (NUMBER, who, "2026-12-01T10:00", "no_answer")).recorded == 1
    at.move(hours=3)
    assert masked(who) == took(app, "bo").customer
    assert call_lists.take_back(app, by(app, "lead"), NUMBER, person="bo", to="bo") == everybody - 1
    (mine,) = [one for one in call_lists.view(app, lead, NUMBER).callers if one.person == "bo"]
    assert (mine.out, mine.out_at, mine.due) == (0, None, everybody - 1)


def test_what_a_call_sold_is_worth_what_was_entered_where_the_offer_has_no_fee(make: Make) -> None:
    app = make()
    text = ",".join((*HEADINGS, "value")) + "\n"
    for number, value in ((0, "29.90"), (1, "much"), (2, "")):
        text += f"{NUMBER},k000000{number},2026-12-01T10:00,accepted,,rec-{number},,{value}\n"
    report = call_files.load(app, by(app, "lead"), text.encode(), "results.csv")
    assert [(one.line, one.column, one.code) for one in report.bad] == [(3, "value", "E426")]
    with app.db.read() as tx:
        worth = tx.execute(sa.select(responses.c.customer, responses.c.value).order_by(responses.c.customer)).all()
    assert [(one, str(value)) for one, value in worth] == [("k0000000", "29.90"), ("k0000002", "None")]


def test_the_contacts_of_a_bank_replayed_end_with_the_banks_own_totals(make: Make) -> None:
    """Clients of UCI Bank Marketing called as often as `campaign` says, at last with the outcome `y`: every tenth,
    or all of them with FULL_TESTS."""
    with gzip.open(shared("data/uci_bank/bank-full.csv.gz"), "rt") as text:
        clients = list(csv.DictReader(text))
    assert len(clients) == 45_211
    if not FULL:
        clients = clients[::10]
    app = make(customers=len(clients), delivery=EVERYBODY, control_every=10**9)
    began = datetime(2026, 12, 1, tzinfo=UTC) - timedelta(days=40)
    rows: list[tuple[str, ...]] = []
    for number, client in enumerate(clients):
        tries, said = int(client["campaign"]), client["y"] == "yes"
        who = f"k{number:07}"
        for one in range(1, tries):
            rows.append((NUMBER, who, f"{began + timedelta(minutes=one):%Y-%m-%dT%H:%M}", "no_answer"))
        last = f"{began + timedelta(minutes=tries):%Y-%m-%dT%H:%M}"
        rows.append((NUMBER, who, last, "accepted" if said else "refused", "", f"contract {number}" if said else ""))
    reports = [call_files.load(app, OPERATOR, file(*part), "bank.csv") for part in parts(rows)]
    assert [one.bad for one in reports] == [()] * len(reports)
    attempts, bought = sum(int(one["campaign"]) for one in clients), sum(one["y"] == "yes" for one in clients)
    assert sum(one.recorded for one in reports) == len(rows) == attempts
    assert ledger_of(app) == {"delivered: accepted": bought, "delivered: refused": len(clients) - bought}
    with app.db.read() as tx:
        counted = Counter(tx.execute(sa.select(calls.c.attempts)).scalars())
        who_bought = {int(one[1:]) for one in tx.execute(sa.select(responses.c.customer)).scalars()}
        made = tx.execute(sa.select(sa.func.count()).select_from(call_attempts)).scalar_one()
    assert counted == Counter(int(one["campaign"]) for one in clients)
    for column in ("poutcome", "duration", "month"):
        by_value = Counter(clients[one][column] for one in who_bought)
        assert by_value == Counter(one[column] for one in clients if one["y"] == "yes")
    if FULL:  # what is known of the file from elsewhere
        before = [number for number, one in enumerate(clients) if one["poutcome"] == "success"]
        assert (attempts, bought, len(before), len(who_bought.intersection(before))) == (124_956, 5_289, 1_511, 978)
    delivering.settle(app)
    view = call_lists.view(app, OPERATOR, CASE)
    told = {"accepted": bought, "refused": len(clients) - bought}
    assert (view.open, view.attempts, made, view.ended) == (0, attempts, attempts, told)
    assert view.state != "delivering"


def parts(rows: list[tuple[str, ...]]) -> Iterator[list[tuple[str, ...]]]:
    for first in range(0, len(rows), 70_000):
        yield rows[first : first + 70_000]

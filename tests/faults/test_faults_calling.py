"""Calls of one list by several callers, on both databases: nobody is dialled by two, nobody is forgotten."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.errors import CallsHeld, ChangedMeanwhile, InvalidForm, NotFound, NumberShown, OutOfHours
from engine.machine.commands import PauseDelivery
from engine.service import call_lists, calling, delivering, running, suppressing
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from engine.store import cases
from engine.store.tables import call_attempts, organisation_history, responses, suppressions
from tests.faults.calling_case import (
    BY_CALL,
    NUMBER,
    Clock,
    by,
    called,
    calling_case,
    ledger_of,
    named,
    still,
    took,
)
from tests.faults.delivering_case import CASE

Make = Callable[..., Countersign]


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


def state(app: Countersign) -> str:
    with app.db.read() as tx:
        return cases.load(tx, CASE).state


def test_a_caller_sees_whom_to_call_masked_with_script_and_gets_the_number_recorded(make: Make) -> None:
    app = make()
    assert ledger_of(app) == {"sent": 18}
    view = took(app, "anna")
    assert (view.customer, view.name, view.phone) == ("k0****" + view.customer[-2:], "客**", view.phone)
    assert view.phone.startswith("138****") and view.script.endswith("国庆流量包8折，回T退订")
    number = calling.show(app, by(app, "anna"), named(view)).number
    assert number.startswith("138") and len(number) == 11 and "*" not in number
    with app.db.read() as tx:
        noted = tx.execute(
            sa.select(organisation_history.c.actor, organisation_history.c.subject).where(
                organisation_history.c.kind == "number_shown"
            )
        ).all()
    assert noted == [("anna", f"customer k{number[4:]}")]


def test_answers_settle_the_ledger_and_count_for_the_evaluation(make: Make) -> None:
    app = make()
    called(app, "anna", "accepted", evidence="rec-1", note="wants it from Monday")
    called(app, "bo", "interested")
    called(app, "anna", "refused")
    called(app, "bo", "wrong_number")
    assert ledger_of(app) == {
        "sent": 14,
        "delivered: accepted": 1,
        "delivered: interested": 1,
        "delivered: refused": 1,
        "failed: wrong number": 1,
    }
    with app.db.read() as tx:
        kinds = sorted(tx.execute(sa.select(responses.c.kind)).scalars())
        proof = tx.execute(sa.select(call_attempts.c.evidence).where(call_attempts.c.evidence != "")).scalars().all()
    assert kinds == ["conversion", "response"] and proof == ["rec-1"]


def test_what_is_missing_is_named_and_nothing_is_recorded(make: Make) -> None:
    app = make()
    view = took(app, "anna")
    for told, at in (
        ({"disposition": "accepted"}, "evidence"),
        ({"disposition": "call_back"}, "call_back_at"),
        ({"disposition": "call_back", "call_back_at": "2026-12-01T10:00"}, "call_back_at"),
        ({"disposition": "call_back", "call_back_at": "2026-12-01T21:00"}, "call_back_at"),
        ({"disposition": "call_back", "call_back_at": "tomorrow"}, "call_back_at"),
        ({"disposition": "maybe"}, "disposition"),
        ({"disposition": "refused", "note": "x" * 201}, "note"),
    ):
        with pytest.raises(InvalidForm) as refused:
            calling.record(app, by(app, "anna"), named(view), **told)
        assert [one.at for one in refused.value.problems] == [at]
    assert ledger_of(app) == {"sent": 18}


def test_who_is_not_reached_is_tried_again_after_a_while_and_in_the_end_not(make: Make, at: Clock) -> None:
    app = make(customers=1)
    called(app, "anna", "no_answer")
    assert calling.take(app, by(app, "bo")) is None
    at.move(hours=2)
    called(app, "bo", "busy")
    at.move(hours=1, minutes=59)
    assert calling.take(app, by(app, "anna")) is None
    at.move(minutes=1)
    view = took(app, "anna")
    assert [(one.caller, one.disposition) for one in view.attempts] == [("Anna", "no_answer"), ("Bo", "busy")]
    calling.record(app, by(app, "anna"), named(view), disposition="switched_off")
    assert ledger_of(app) == {"failed: not reached": 1}
    delivering.settle(app)
    assert state(app) != "delivering"


def test_a_call_back_is_kept_at_its_time_before_all_others_whatever_was_tried(make: Make, at: Clock) -> None:
    app = make(customers=3, delivery=BY_CALL.replace("attempts: 3", "attempts: 1"))
    first = called(app, "anna", "call_back", call_back_at="2026-12-01T15:00", note="after lunch")
    at.move(hours=3, minutes=59)
    assert took(app, "bo").customer != first.customer
    calling.put_back(app, by(app, "bo"), named(took(app, "bo")))
    at.move(minutes=1)
    again = took(app, "bo")
    assert (again.wave, again.row) == (first.wave, first.row) and again.attempts[0].note == "after lunch"
    calling.record(app, by(app, "bo"), named(again), disposition="call_back", call_back_at="2026-12-02T09:00")
    assert ledger_of(app) == {"sent": 3}


def test_out_of_hours_nobody_is_called_and_a_retry_waits_for_the_morning(make: Make, at: Clock) -> None:
    app = make(customers=2)
    at.move(hours=8)  # seven in the evening
    called(app, "anna", "busy")
    late = took(app, "anna")
    at.move(hours=1)
    with pytest.raises(OutOfHours):
        calling.show(app, by(app, "anna"), named(late))
    calling.put_back(app, by(app, "anna"), named(late))
    desk = calling.desk(app, by(app, "anna"))
    assert desk.due == 0 and calling.take(app, by(app, "anna")) is None
    assert desk.next_at is not None and desk.next_at.isoformat() == "2026-12-02T01:00:00+00:00"


def test_two_callers_at_once_never_have_one_customer(make: Make) -> None:
    app = make(customers=15)
    seen: list[tuple[str, int]] = []
    failures: list[BaseException] = []

    def work(person: str) -> None:
        try:
            while (view := calling.take(app, by(app, person))) is not None:
                seen.append((view.wave, view.row))
                calling.record(app, by(app, person), named(view), disposition="refused")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(person,)) for person in ("anna", "bo")]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not failures
    assert len(seen) == len(set(seen)) == 14
    assert ledger_of(app) == {"delivered: refused": 14}


def test_a_customer_left_before_a_caller_goes_to_others_but_not_once_the_number_was_shown(make: Make) -> None:
    app = make(customers=2)
    left = took(app, "anna")
    forget_leases(app)
    assert (took(app, "bo").wave, took(app, "bo").row) == (left.wave, left.row)
    shown = calling.show(app, by(app, "bo"), named(took(app, "bo"))).call
    forget_leases(app)
    other = took(app, "anna")
    assert other.row != shown.row
    calling.record(app, by(app, "anna"), named(other), disposition="refused")
    assert calling.take(app, by(app, "anna")) is None
    with pytest.raises(NumberShown):
        calling.put_back(app, by(app, "bo"), named(shown))
    assert call_lists.take_back(app, by(app, "lead"), CASE, person="bo") == 1
    again = took(app, "anna")
    assert again.row == shown.row
    with pytest.raises(ChangedMeanwhile):
        calling.record(app, by(app, "bo"), named(shown), disposition="accepted", evidence="rec-2")


def forget_leases(app: Countersign) -> None:
    """As where a caller's computer died ten minutes ago."""
    past = "2020-01-01T00:00:00.000000+00:00"
    with app.db.begin() as tx:
        tx.execute(sa.text("UPDATE calls SET held_until = :past WHERE held_by <> ''"), {"past": past})


def test_a_second_click_changes_nothing_and_another_answer_is_refused(make: Make) -> None:
    app = make(customers=1)
    view = took(app, "anna")
    for _ in range(2):
        calling.record(app, by(app, "anna"), named(view), disposition="interested")
    with pytest.raises(ChangedMeanwhile):
        calling.record(app, by(app, "anna"), named(view), disposition="refused")
    with app.db.read() as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(call_attempts)).scalar_one() == 1
    assert ledger_of(app) == {"delivered: interested": 1}


def test_who_opts_out_in_mid_list_is_not_called(make: Make) -> None:
    app = make(customers=3)
    first = took(app, "anna")
    number = calling.show(app, by(app, "anna"), named(first))
    calling.record(app, by(app, "anna"), named(number.call), disposition="opt_out")
    with app.db.read() as tx:
        assert tx.execute(sa.select(suppressions.c.list, suppressions.c.reason)).all() == [("black", "opted out")]
    second = took(app, "anna")
    customer = f"k{3 - 1 - 1:07}"
    for one in range(3):
        suppressing.add(app, OPERATOR, kind="black", customer=f"k{one:07}", reason=f"asked on the phone {customer}")
    shown = calling.show(app, by(app, "anna"), named(second))
    assert shown.number == ""
    assert calling.take(app, by(app, "bo")) is None
    assert ledger_of(app) == {"delivered: opt_out": 1, "suppressed: suppressed or opted out": 2}


def test_a_paused_case_shows_no_numbers_but_takes_the_result_of_a_call_under_way(make: Make) -> None:
    app = make(customers=3)
    shown = calling.show(app, by(app, "anna"), named(took(app, "anna"))).call
    before = took(app, "bo")
    running.carry_out(app, CASE, PauseDelivery(actor="li", reason="stop"), key="pause")
    with pytest.raises(CallsHeld):
        calling.show(app, by(app, "bo"), named(before))
    calling.put_back(app, by(app, "bo"), named(before))
    assert calling.take(app, by(app, "bo")) is None
    calling.record(app, by(app, "anna"), named(shown), disposition="refused")
    assert ledger_of(app) == {"sent": 2, "delivered: refused": 1}


def test_after_its_time_the_list_is_over_and_who_was_never_called_is_no_contact(make: Make, at: Clock) -> None:
    app = make(customers=3)
    called(app, "anna", "busy")
    at.move(days=14)
    delivering.settle(app)
    assert ledger_of(app) == {"failed: not reached": 1, "failed: rejected: not called in time": 2}
    assert state(app) != "delivering"


def test_callers_of_other_offices_and_other_leads_find_nothing(make: Make) -> None:
    app = make(customers=3)
    assert calling.take(app, by(app, "far")) is None
    view = took(app, "anna")
    for act in (
        lambda: calling.show(app, by(app, "far"), named(view)),
        lambda: calling.record(app, by(app, "bo"), named(view), disposition="refused"),
        lambda: calling.take(app, by(app, "lead")),
        lambda: call_lists.view(app, by(app, "other"), CASE),
        lambda: call_lists.view(app, by(app, "anna"), CASE),
    ):
        with pytest.raises(NotFound):
            act()
    assert call_lists.assign(app, by(app, "lead"), NUMBER, person="far", count=1) == 1
    assert took(app, "far").row != view.row


def test_the_lead_assigns_evenly_takes_back_and_sees_how_far_each_is(make: Make) -> None:
    app = make(customers=20)
    lead = by(app, "lead")
    assert call_lists.assign(app, lead, NUMBER, person="bo", count=5) == 5
    with pytest.raises(InvalidForm):
        call_lists.assign(app, lead, NUMBER, person="li", count=5)
    assert call_lists.share_out(app, lead, NUMBER) == 13
    called(app, "bo", "accepted", evidence="rec-3")
    called(app, "bo", "busy")
    shown = {one.person: one for one in call_lists.view(app, lead, CASE).callers}
    assert [(one, shown[one].open, shown[one].made, shown[one].accepted) for one in ("anna", "bo")] == [
        ("anna", 6, 0, 0),
        ("bo", 11, 2, 1),
    ]
    assert call_lists.take_back(app, lead, NUMBER, person="bo", to="anna") == 11
    view = call_lists.view(app, lead, CASE)
    assert {one.person: one.open for one in view.callers} == {"anna": 17, "bo": 0}
    assert (view.audience, view.open, view.attempts, view.sums.sent) == (18, 17, 2, 17)

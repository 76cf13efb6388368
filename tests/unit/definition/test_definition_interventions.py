"""What is done by hand with a case whose definition declares its lifecycle: each operation, and what it refuses."""

from datetime import timedelta

import pytest

from engine.definition.trial import Trial
from engine.errors import InvalidForm, NotFound, NotPossible
from engine.machine.commands import (
    AudienceFrozen,
    Cancel,
    ChildMoved,
    DeliveryFinished,
    Hold,
    Operate,
    Perform,
    StartDelivery,
    TimerFired,
)
from engine.machine.outcome import CancelChild, HoldChild, HoldDelivery
from engine.values import Duration
from tests.unit.definition.lifecycle_trials import (
    EVENT,
    FORM,
    PAYMENT,
    TELECOM,
    approved,
    replayed,
    trial_of,
    with_chains,
    with_stages,
)
from tests.unit.machine.test_machine_children import trial as parent_of

FAIR = {"title": "fair", "guests": 200}


def operate(case: Trial, operation: str, *, by: str = "process_admin", to: str = "", reason: str = "because") -> None:
    case.do(Operate(actor=by, operation=operation, reason=reason, to=to))


def perform(case: Trial, event: str, actor: str, remark: str = "") -> None:
    case.do(Perform(actor=actor, event=event, remark=remark))


@pytest.fixture
def event() -> Trial:
    case = trial_of(EVENT)
    case.submit(FAIR)
    return case


@pytest.fixture
def payment() -> Trial:
    case = trial_of(PAYMENT)
    case.submit(FORM)
    return case


def test_a_suspended_case_goes_on_in_all_of_its_regions(event: Trial) -> None:
    before, left = event.case, event.case.timers[0].due_at - event.now
    operate(event, "suspend")
    assert (event.case.state, event.case.timers) == ("suspended", ())
    assert event.process.possible(event.case) == ("activate", "terminate")
    with pytest.raises(NotPossible, match="possible: activate, terminate"):
        perform(event, "book", "role:hall")
    event.now += left * 2
    operate(event, "activate")
    assert (event.case.state, event.case.configuration) == (before.state, before.configuration)
    assert event.case.timers[0].due_at == event.now + left
    perform(event, "book", event.open_tasks("booking")[0].person)
    assert event.case.configuration == ("booked", "cooking")
    assert replayed(event) == event.case


def test_only_administrators_suspend_and_each_must_say_why(payment: Trial) -> None:
    with pytest.raises(NotFound):
        operate(payment, "suspend", by="supervisor")
    with pytest.raises(InvalidForm, match="say why"):
        operate(payment, "suspend", reason=" ")


def test_a_terminated_case_ends_and_nobody_is_asked_any_more(event: Trial) -> None:
    operate(event, "terminate")
    assert (event.case.state, event.open_tasks(), event.case.timers) == ("cancelled", [], ())
    assert {task.reason for task in event.case.tasks} == {"terminated"}
    assert "cancelled" in [getattr(effect, "occasion", "") for effect in event.effects]
    with pytest.raises(NotPossible):
        operate(event, "terminate")


def test_a_suspended_case_can_be_terminated(event: Trial) -> None:
    operate(event, "suspend")
    operate(event, "terminate")
    assert event.case.state == "cancelled"


def test_a_terminated_case_begins_again_in_its_form(payment: Trial) -> None:
    operate(payment, "terminate")
    operate(payment, "wake")
    assert (payment.case.state, payment.process.possible(payment.case)) == ("returned", ("edit", "submit"))
    payment.submit(FORM)
    assert (payment.case.round, payment.case.number) == (2, "county-2026-00001")


def test_what_never_was_submitted_begins_again_at_its_beginning() -> None:
    case = trial_of(PAYMENT)
    operate(case, "terminate")
    operate(case, "wake")
    assert case.case.state == "start"


def test_a_case_that_ended_well_is_not_woken(event: Trial) -> None:
    operate(event, "jump", to="big")
    perform(event, "resume", "head@county")
    assert event.case.state == "over"
    for operation in ("wake", "jump", "suspend", "void"):
        with pytest.raises(NotPossible):
            operate(event, operation, to="big")


def test_a_case_jumps_to_a_declared_state_and_its_people_are_asked(payment: Trial) -> None:
    operate(payment, "jump", to="final_approved")
    assert payment.case.state == "final_approved"
    assert {task.reason for task in payment.case.tasks if task.step == "submitted"} == {"jumped"}
    assert payment.open_tasks("final_approved")
    assert replayed(payment) == payment.case


def test_a_jump_to_nowhere_says_where_one_may_go(event: Trial) -> None:
    with pytest.raises(InvalidForm, match="no state booking") as refused:
        operate(event, "jump", to="booking")
    assert refused.value.problems[0].hint == "possible: draft, held, big"


def test_nobody_is_taken_past_an_approval_by_hand() -> None:
    case = trial_of(with_chains())
    case.submit(FAIR)
    with pytest.raises(InvalidForm, match="possible: head, draft"):
        operate(case, "jump", to="big")
    with pytest.raises(NotPossible):
        operate(case, "void")
    case.decide(case.open_tasks("head")[0], "approve")
    assert case.case.state == "held"
    operate(case, "jump", to="big")
    assert case.case.state == "big"


def test_an_approved_case_is_void_on_its_submitters_word() -> None:
    case = trial_of(with_chains())
    case.submit(FAIR)
    case.decide(case.open_tasks("head")[0], "approve")
    operate(case, "void", by="submitter")
    assert (case.case.state, case.open_tasks()) == ("voided", [])


def test_a_case_without_an_approval_is_never_void(payment: Trial) -> None:
    with pytest.raises(NotPossible):
        operate(payment, "void")


def test_an_approver_takes_back_in_a_chain_and_an_actor_in_a_task() -> None:
    case = trial_of(with_chains())
    case.submit(FAIR)
    case.decide(case.open_tasks("head")[0], "approve")
    with pytest.raises(NotFound):
        operate(case, "take_back", by="head@county")  # nobody has acted in a declared state yet
    perform(case, "resume", "head@county")
    assert case.case.state == "big"
    operate(case, "take_back", by="head@county")
    assert (case.case.state, [task.person for task in case.open_tasks("held")]) == ("held", ["head@county"])
    assert replayed(case) == case.case


def test_who_acted_last_acts_again_until_somebody_else_has(payment: Trial) -> None:
    perform(payment, "approve", "administration")
    with pytest.raises(NotFound):
        operate(payment, "take_back", by="supervisor")
    operate(payment, "take_back", by="administration")
    assert payment.case.state == "submitted"
    perform(payment, "approve", "administration")
    payment.now += (payment.process.calendar.due(payment.now, Duration.parse("1h"))) - payment.now
    perform(payment, "approve", "budget_owner")
    with pytest.raises(NotFound):
        operate(payment, "take_back", by="administration")
    assert replayed(payment) == payment.case


def test_nothing_is_taken_back_from_an_end(payment: Trial) -> None:
    operate(payment, "jump", to="payment_requested")
    perform(payment, "pay", "finance")
    assert payment.case.state == "paid"
    with pytest.raises(NotPossible):
        operate(payment, "take_back", by="finance")


def test_the_waves_stand_still_with_the_case_and_end_with_it() -> None:
    case = approved(trial_of(with_stages()))
    case.do(AudienceFrozen(actor="system", snapshot="s", digest="d", target=9000, control=100))
    case.do(StartDelivery(actor="submitter", recipients=9000))
    operate(case, "suspend")
    operate(case, "activate")
    with pytest.raises(NotPossible):
        operate(case, "jump", to="draft")
    operate(case, "void")
    held = [effect.action for effect in case.effects if isinstance(effect, HoldDelivery)]
    assert (held, case.case.state) == (["pause", "resume", "cancel"], "voided")
    with pytest.raises(NotPossible):
        case.do(DeliveryFinished(actor="system", sums={}))


def test_what_children_come_to_meanwhile_is_seen_when_the_case_goes_on() -> None:
    case = parent_of("for: '2'")
    operate(case, "suspend")
    for n, child in enumerate(case.case.children):
        told = ChildMoved(actor="system", via="timer", child=child.id, state="closed", seq=5, ended=True)
        case.do(told)
        assert (case.case.state, case.case.children[n].outcome) == ("suspended", "done")
    operate(case, "activate")
    assert case.case.state == "closed"
    assert replayed(case) == case.case


def test_a_suspended_child_ends_with_its_parent(payment: Trial) -> None:
    operate(payment, "suspend")
    payment.do(Cancel(actor="system", via="timer", reason="joined"))
    assert payment.case.state == "cancelled"


def followed(case: Trial) -> list[str]:
    return [effect.child for effect in case.effects if isinstance(effect, HoldChild)]


def test_a_parent_that_is_suspended_or_goes_on_asks_its_children_to_follow() -> None:
    case = parent_of("for: '2'")
    children = [child.id for child in case.case.children]
    operate(case, "suspend")
    assert followed(case) == children
    operate(case, "activate")
    assert followed(case) == children * 2


def hold(case: Trial, *, still: bool) -> None:
    case.do(Hold(actor="system", via="timer", still=still))


def test_a_child_is_suspended_with_its_parent_and_goes_on_with_its_time_as_it_was(event: Trial) -> None:
    (due,) = event.case.timers
    before = event.case.state
    hold(event, still=True)
    assert (event.case.state, event.case.timers) == ("suspended", ())
    hold(event, still=True)  # told twice
    event.now += timedelta(days=2)
    hold(event, still=False)
    assert event.case.state == before
    assert [timer.due_at for timer in event.case.timers] == [due.due_at + timedelta(days=2)]
    assert replayed(event) == event.case


def test_a_child_that_was_suspended_by_itself_stays_so_when_its_parent_goes_on(payment: Trial) -> None:
    operate(payment, "suspend")
    hold(payment, still=True)
    hold(payment, still=False)
    assert payment.case.state == "suspended"
    operate(payment, "activate")
    assert payment.case.state != "suspended"


def test_a_child_on_hold_with_its_parent_can_be_suspended_by_itself_as_well(payment: Trial) -> None:
    hold(payment, still=True)
    operate(payment, "suspend")
    hold(payment, still=False)
    assert payment.case.state == "suspended"
    with pytest.raises(NotPossible):
        operate(payment, "suspend")


def test_a_child_can_be_let_go_on_before_its_parent(payment: Trial) -> None:
    hold(payment, still=True)
    operate(payment, "activate")
    before = payment.case
    hold(payment, still=False)
    assert payment.case == before


def test_terminating_a_parent_cancels_its_children() -> None:
    case = parent_of("for: '2'")
    operate(case, "terminate")
    assert {effect.reason for effect in case.effects if isinstance(effect, CancelChild)} == {"terminate"}


def test_a_timer_of_a_suspended_case_is_not_armed_any_more(event: Trial) -> None:
    (due,) = event.case.timers
    operate(event, "suspend")
    before = event.case
    event.do(TimerFired(actor="system", via="timer", key=due.key, name=due.name, step=due.step))
    assert (event.case, event.case.timers) == (before, ())


@pytest.mark.parametrize("paused", [False, True])
def test_the_waves_of_a_child_end_when_nobody_waits_for_it_any_more(*, paused: bool) -> None:
    case = approved(trial_of(with_stages()))
    case.do(AudienceFrozen(actor="system", snapshot="s", digest="d", target=9000, control=100))
    case.do(StartDelivery(actor="submitter", recipients=9000))
    if paused:
        operate(case, "suspend")
    case.do(Cancel(actor="system", via="timer", reason="terminate"))
    held = [effect.action for effect in case.effects if isinstance(effect, HoldDelivery)]
    assert (held[-1], case.case.state) == ("cancel", "cancelled")


def test_a_superior_converts_a_filing_until_its_messages_go_out() -> None:
    small = {"budget": "4000.00", "reach": 900}
    for state in ("approving", "targeting", "ready"):
        case = trial_of(with_stages())
        case.submit({**TELECOM, **small})
        if state != "approving":
            case.decide(case.open_tasks()[0], "acknowledge")
        if state == "ready":
            case.do(AudienceFrozen(actor="system", snapshot="s", digest="d", target=900, control=100))
        assert case.case.state == state
        with pytest.raises(NotFound):
            operate(case, "convert")
        operate(case, "convert", by="head@city")
        assert (case.case.state, case.case.route) == ("approving", "to_city")
        assert [task.step for task in case.open_tasks()] == ["county_head"]
        assert replayed(case) == case.case
    case = trial_of(with_stages())
    case.submit({**TELECOM, **small})
    case.decide(case.open_tasks()[0], "acknowledge")
    case.do(AudienceFrozen(actor="system", snapshot="s", digest="d", target=900, control=100))
    case.do(StartDelivery(actor="submitter", recipients=900))
    for command in (None, DeliveryFinished(actor="system", sums={})):
        if command:
            case.do(command)
        with pytest.raises(NotPossible):
            operate(case, "convert", by="head@city")

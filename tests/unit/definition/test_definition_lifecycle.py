"""A lifecycle of the definition's own: who may do what, nested states, time, and what its check refuses."""

from typing import Any

import msgspec
import pytest

from engine.definition.cast import Cast
from engine.definition.check import check
from engine.definition.trial import Trial
from engine.errors import AlreadyDecided, InvalidForm, NotPossible, OwnCase
from engine.machine.commands import (
    Decide,
    Perform,
)
from engine.machine.outcome import NotifyTask
from engine.values import Duration
from tests.unit.definition.lifecycle_trials import EVENT, FORM, PAYMENT, do, payment, replayed, trial_of

__all__ = ["payment"]


def test_the_shipped_example_has_no_problem() -> None:
    assert check(PAYMENT).problems == ()


def test_a_payment_is_approved_and_paid(payment: Trial) -> None:
    asked = [(task.person, task.verb) for task in payment.open_tasks("submitted")]
    assert asked == [("administration", "work"), ("pre_approver", "work"), ("supervisor", "work")]
    do(payment, "approve", "administration")
    do(payment, "approve", "budget_owner")
    do(payment, "final_approve", "supervisor")
    do(payment, "request_payment", "finance")
    do(payment, "pay", "finance")
    assert (payment.case.state, payment.case.number) == ("paid", "county-2026-00001")
    done = [(task.step, task.person, task.state, task.reason) for task in payment.case.tasks[:3]]
    assert done == [
        ("submitted", "administration", "decided", ""),
        ("submitted", "pre_approver", "cancelled", "decided_by_other"),
        ("submitted", "supervisor", "cancelled", "decided_by_other"),
    ]
    assert replayed(payment) == payment.case


def test_a_role_may_do_only_what_the_state_gives_it(payment: Trial) -> None:
    before = payment.case
    with pytest.raises(NotPossible) as refused:
        do(payment, "approve", "director")
    assert refused.value.fields["possible"] == "nothing"
    with pytest.raises(NotPossible) as refused:
        do(payment, "final_approve", "administration")
    assert refused.value.message == "Cannot final_approve while submitted; possible: approve, reject."
    with pytest.raises(NotPossible):
        do(payment, "approve", "supervisor", role="administration")
    assert payment.case == before


def test_the_same_event_leads_elsewhere_for_another_role(payment: Trial) -> None:
    do(payment, "approve", "supervisor")
    assert payment.case.state == "supervisor_approved"


def test_a_rejection_needs_its_reason(payment: Trial) -> None:
    with pytest.raises(InvalidForm, match="say why you reject"):
        do(payment, "reject", "supervisor")
    do(payment, "reject", "supervisor", remark="no bill")
    do(payment, "take_back", "submitter")
    assert (payment.case.state, payment.process.possible(payment.case)) == ("returned", ("edit", "submit"))
    payment.submit(FORM | {"amount": "70.00"})
    assert (payment.case.state, payment.case.round) == ("submitted", 2)
    assert payment.case.number == "county-2026-00001"
    assert replayed(payment) == payment.case


def test_nobody_approves_their_own_payment() -> None:
    trial = trial_of(PAYMENT, sizes={"role:administration": 2})
    trial.submitter = "administration.1"
    trial.case = msgspec.structs.replace(trial.case, submitter="administration.1")
    trial.submit(FORM)
    assert "administration.1" not in [task.person for task in trial.open_tasks()]
    with pytest.raises(OwnCase):
        do(trial, "approve", "administration.1")
    do(trial, "approve", "administration.2")


def test_neither_another_account_nor_who_stands_in_acts_on_a_case_of_their_own() -> None:
    trial = trial_of(PAYMENT)
    cast = Related(level="county")
    trial.process = trial.process.bound(cast, trial.process.calendar)
    trial.submit(FORM)
    assert {task.person for task in trial.open_tasks()} == {"administration", "process_admin"}
    for related in ("supervisor", "pre_approver"):
        with pytest.raises(OwnCase):
            do(trial, "approve", related)


class Related(Cast):
    """The supervisor is the submitter by another account; the pre-approver stands in for the submitter."""

    def accounts(self, person: str) -> frozenset[str]:
        """See Directory."""
        same = frozenset({"submitter", "supervisor"})
        return same if person in same else frozenset({person})

    def stand_ins(self, person: str, **_: Any) -> tuple[str, ...]:
        """See Directory."""
        return ("pre_approver",) if person == "submitter" else ()


def test_who_comes_second_learns_who_was_first(payment: Trial) -> None:
    first, *_, third = payment.open_tasks()
    do(payment, "approve", first.person)
    with pytest.raises(AlreadyDecided) as error:
        payment.do(Perform(actor=third.person, event="approve", task=third.id))
    assert error.value.fields["by"] == "administration"


def test_a_task_of_a_declared_state_takes_no_plain_decision(payment: Trial) -> None:
    task = payment.open_tasks()[0]
    with pytest.raises(NotPossible):
        payment.do(Decide(actor=task.person, task=task.id, decision="approve"))


def test_a_role_that_nobody_holds_falls_to_the_process_administrators() -> None:
    trial = trial_of(PAYMENT, nobody=("role:pre_approver",))
    trial.submit(FORM)
    assert "process_admin" in [task.person for task in trial.open_tasks()]
    do(trial, "approve", "process_admin")
    assert trial.case.state == "pre_approved"


def test_where_nobody_at_all_is_found_the_submitter_is_told_and_it_is_looked_for_again() -> None:
    everybody = ("role:administration", "role:pre_approver", "role:supervisor", "role:process_admin")
    trial = trial_of(PAYMENT, nobody=everybody)
    trial.submit(FORM)
    assert [timer.name for timer in trial.case.timers] == ["staff"]
    trial.wait(Duration(3, "h"))
    assert ([timer.name for timer in trial.case.timers], trial.case.state) == (["staff"], "submitted")
    occasions = [getattr(effect, "occasion", "") for effect in trial.effects if not isinstance(effect, NotifyTask)]
    assert occasions.count("unstaffed") == 1


def test_regions_go_on_side_by_side_and_their_end_moves_the_case() -> None:
    trial = trial_of(EVENT)
    trial.submit({"title": "party", "guests": 20})
    assert trial.case.configuration == ("booking", "cooking")
    do(trial, "cook", "cook")
    assert trial.case.configuration == ("booking", "cooked")
    do(trial, "book", "hall")
    assert (trial.case.state, trial.open_tasks()) == ("over", [])
    assert replayed(trial) == trial.case


def test_a_condition_chooses_the_way_and_guards_an_event() -> None:
    trial = trial_of(EVENT)
    trial.submit({"title": "fair", "guests": 200})
    do(trial, "cook", "cook")
    do(trial, "book", "hall")
    assert trial.case.state == "big"
    assert trial.process.possible(trial.case) == ("resume",)
    with pytest.raises(NotPossible):
        do(trial, "grow", "head@county")


def test_an_event_without_a_target_leaves_nothing() -> None:
    trial = trial_of(EVENT)
    trial.submit({"title": "party", "guests": 20})
    open_before = trial.open_tasks()
    seq = trial.case.seq
    do(trial, "note", "hall", remark="looked at it")
    assert (trial.case.seq, trial.open_tasks()) == (seq + 1, open_before)


def test_history_brings_the_case_back_to_where_it_was() -> None:
    trial = trial_of(EVENT)
    trial.submit({"title": "party", "guests": 20})
    do(trial, "cook", "cook")
    do(trial, "hold", "head@county", remark="rain")
    assert (trial.case.configuration, trial.case.timers) == (("held",), ())
    do(trial, "resume", "head@county")
    assert trial.case.configuration == ("booking", "cooked")
    assert replayed(trial) == trial.case


def test_a_timeout_raises_its_event() -> None:
    trial = trial_of(EVENT)
    trial.submit({"title": "party", "guests": 20})
    trial.wait(Duration(1, "d"))
    assert "booking" in trial.case.configuration
    trial.wait(Duration(1, "d"))
    assert trial.case.configuration == ("booked", "cooking")
    assert [task.reason for task in trial.case.tasks if task.step == "booking"] == ["silence"]
    assert replayed(trial) == trial.case


def test_the_way_of_a_case_is_drawn(payment: Trial) -> None:
    do(payment, "approve", "administration")
    drawn = [[(step.id, step.state) for step in column] for column in payment.process.chain(payment.case)]
    assert drawn == [
        [("submitted", "done")],
        [("admin_approved", "current")],
        [
            ("budget_approved", "ahead"),
            ("supervisor_approved", "ahead"),
            ("final_approved", "ahead"),
            ("rejected", "ahead"),
        ],
    ]
    assert payment.process.label("submitted").zh == "已提交"

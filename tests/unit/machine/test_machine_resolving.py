"""The organisation changes while a case waits: who is asked follows, what was decided stays."""

from dataclasses import replace

from engine.machine.commands import Reorganise
from engine.machine.tally import AllOf, AnyOf, InSequence, Tally
from tests.fakes.organisation import FakeDirectory
from tests.unit.machine.trial import PEOPLE, Trial, approve, process


def waiting(tally: Tally) -> Trial:
    """A case that the three of the finance office decide on."""
    trial = Trial(process({"chain": (approve("money", "role:finance@city", tally), approve("last", "head@city"))}))
    trial.submit()
    return trial


def changed(trial: Trial, *finance: str, closed: frozenset[str] = frozenset()) -> bool:
    """From now on these hold the role; whether the case changed."""
    people: FakeDirectory = replace(PEOPLE, holders=PEOPLE.holders | {"role:finance@city": finance}, closed=closed)
    trial.process = trial.process.bound(people, trial.process.calendar)
    return bool(trial.do(Reorganise(actor="system", via="timer")).events)


def reasons(trial: Trial) -> dict[str, str]:
    return {task.person: task.reason for task in trial.case.tasks if task.reason}


def test_who_lost_the_role_is_not_asked_any_more_and_who_has_it_is() -> None:
    trial = waiting(AllOf())
    assert changed(trial, "fin_a", "fin_d")
    assert trial.asked() == {"fin_a", "fin_d"}
    assert reasons(trial) == {"fin_b": "lost_role", "fin_c": "lost_role"}
    assert trial.told("fin_d") == ["task"]
    assert trial.told("fin_a") == ["task"]
    assert trial.replayed() == trial.case


def test_asking_twice_changes_nothing() -> None:
    trial = waiting(AllOf())
    assert not changed(trial, "fin_a", "fin_b", "fin_c")
    assert changed(trial, "fin_a", "fin_d")
    assert not changed(trial, "fin_a", "fin_d")
    assert changed(trial, "fin_a")
    assert trial.asked() == {"fin_a"}


def test_a_decision_stands_although_its_person_left() -> None:
    trial = waiting(AllOf())
    trial.approve("fin_a")
    assert changed(trial, "fin_b", closed=frozenset({"fin_a", "fin_c"}))
    assert reasons(trial) == {"fin_c": "left"}
    trial.approve("fin_b")
    assert trial.asked() == {"city_head"}


def test_the_step_is_settled_where_only_those_who_left_were_still_to_decide() -> None:
    trial = waiting(AllOf())
    trial.approve("fin_a")
    assert changed(trial, "fin_a")
    assert trial.asked() == {"city_head"}


def test_a_role_that_became_empty_follows_its_policy() -> None:
    trial = waiting(AnyOf())
    assert changed(trial)
    assert trial.asked() == {"admin"}
    assert trial.case.configuration == ("chain/money",)
    assert trial.timers() == {("money", "remind:1")}


def test_in_a_sequence_the_next_one_is_asked_when_the_present_one_leaves() -> None:
    trial = waiting(InSequence())
    assert trial.asked() == {"fin_a"}
    assert changed(trial, "fin_b", "fin_c")
    assert trial.asked() == {"fin_b"}
    assert trial.told("fin_c") == []


def test_who_was_escalated_to_stays() -> None:
    trial = waiting(AnyOf())
    trial.wait("3wd")
    assert trial.asked() == {"city_head"}
    assert not changed(trial, "fin_a", "fin_b", "fin_c")
    assert not changed(trial, "fin_a")
    assert trial.asked() == {"city_head"}


def test_a_case_that_waits_for_nobody_is_left_alone() -> None:
    trial = Trial()
    assert not bool(trial.do(Reorganise(actor="system", via="timer")).events)


def test_who_has_the_role_again_is_asked_again_on_the_same_task() -> None:
    trial = waiting(AllOf())
    assert changed(trial, "fin_a")
    assert changed(trial, "fin_a", "fin_b")
    assert trial.asked() == {"fin_a", "fin_b"}
    assert len([task for task in trial.case.tasks if task.person == "fin_b"]) == 1

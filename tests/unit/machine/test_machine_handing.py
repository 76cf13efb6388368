"""Somebody leaves: what waits for them goes to another person, with who signs along, their turn and their questions."""

from dataclasses import replace
from typing import Any

import pytest

from engine.errors import InvalidForm, NotPossible, OwnCase
from engine.machine import commands as c
from engine.machine.tally import AllOf, AnyOf, InSequence, Tally, Vote
from tests.fakes.organisation import FakeDirectory
from tests.unit.machine.trial import PEOPLE, Trial, approve, process


def waiting(tally: Tally, *, people: FakeDirectory = PEOPLE, **more: Any) -> Trial:
    """A case that the three of the finance office decide on."""
    step = approve("money", "role:finance@city", tally, **more)
    trial = Trial(process({"chain": (step, approve("last", "head@city"))}, people=people))
    trial.submit()
    return trial


def hand_over(trial: Trial, leaver: str, to: str, remark: str = "left") -> bool:
    return bool(trial.do(c.HandOver(actor="admin", on_behalf_of=leaver, to=to, remark=remark)).events)


def task_of(trial: Trial, person: str) -> str:
    return next(task.id for task in trial.case.tasks if task.person == person and task.state == "open")


def test_the_seat_the_deadline_and_who_signs_along_go_to_the_other_person() -> None:
    trial = waiting(AllOf())
    due = {task.person: task.due_at for task in trial.case.tasks}
    signers = c.AddSigners(
        actor="fin_a", task=task_of(trial, "fin_a"), people=("srv_a",), place="beside", remark="you too"
    )
    trial.do(signers)
    assert hand_over(trial, "fin_a", "net_a")
    assert trial.asked() == {"net_a", "fin_b", "fin_c", "srv_a"}
    mine = next(task for task in trial.case.tasks if task.person == "net_a")
    assert mine.due_at == due["fin_a"]
    assert next(task for task in trial.case.tasks if task.person == "srv_a").of == mine.id
    assert trial.told("net_a") == ["task"]
    for person in ("net_a", "fin_b", "fin_c"):
        trial.approve(person)
    assert trial.asked() == {"srv_a"}
    assert trial.replayed() == trial.case


def test_whose_turn_it_is_not_yet_is_followed_at_the_end_of_the_line() -> None:
    trial = waiting(InSequence())
    assert hand_over(trial, "fin_b", "net_a")
    for person in ("fin_a", "fin_c", "net_a"):
        assert trial.asked() == {person}
        trial.approve(person)
    assert trial.asked() == {"city_head"}


@pytest.mark.parametrize("decided", [False, True])
def test_who_sits_there_already_decides_once_for_both(decided: bool) -> None:
    trial = waiting(AllOf())
    trial.approve("fin_c")
    if decided:
        trial.approve("fin_b")
    assert hand_over(trial, "fin_a", "fin_b")
    if not decided:
        assert trial.asked() == {"fin_b"}
        trial.approve("fin_b")
    assert trial.asked() == {"city_head"}
    assert trial.replayed() == trial.case


def test_a_second_account_counts_as_the_same_person() -> None:
    trial = waiting(AllOf())
    trial.process = trial.process.bound(replace(PEOPLE, twins={"fin_b": "fin_b2"}), trial.process.calendar)
    assert hand_over(trial, "fin_a", "fin_b2")
    assert trial.asked() == {"fin_b", "fin_c"}


def test_a_delegate_who_takes_over_decides_and_is_asked_for_it() -> None:
    trial = waiting(AnyOf())
    trial.do(c.Delegate(actor="fin_a", task=task_of(trial, "fin_a"), to="net_a", remark="look first"))
    trial.approve("net_a")
    assert hand_over(trial, "fin_a", "net_a")
    assert "net_a" in trial.asked()
    trial.approve("net_a")
    assert trial.asked() == {"city_head"}


def test_a_signer_who_takes_over_has_the_weight_of_the_seat() -> None:
    trial = waiting(Vote(), people=replace(PEOPLE, weights={"fin_a": 3}))
    trial.do(c.AddSigners(actor="fin_a", task=task_of(trial, "fin_a"), people=("net_a",), place="after", remark="too"))
    assert hand_over(trial, "fin_a", "net_a")
    (seat,) = [task for task in trial.case.tasks if task.person == "net_a"]
    assert (seat.state, seat.weight) == ("open", 3)


def test_a_signer_who_takes_over_signs_in_the_place_of_both() -> None:
    trial = waiting(AllOf())
    mine = task_of(trial, "fin_a")
    trial.do(c.AddSigners(actor="fin_a", task=mine, people=("net_a",), place="before", remark="you first"))
    assert hand_over(trial, "fin_a", "net_a")
    for person in ("net_a", "fin_b", "fin_c"):
        trial.approve(person)
    assert trial.asked() == {"city_head"}
    assert trial.replayed() == trial.case


def test_what_was_claimed_is_the_next_ones_to_decide() -> None:
    trial = waiting(AnyOf(), claim=True)
    trial.do(c.Claim(actor="fin_a", task=task_of(trial, "fin_a")))
    assert trial.asked() == {"fin_a"}
    assert hand_over(trial, "fin_a", "fin_b")
    assert trial.asked() == {"fin_b"}


def test_a_question_is_put_to_the_next_person() -> None:
    trial = waiting(AnyOf())
    trial.do(c.Ask(actor="fin_a", task=task_of(trial, "fin_a"), person="net_a", text="Why?"))
    assert hand_over(trial, "net_a", "net_b")
    (question,) = trial.case.questions
    assert question.person == "net_b"
    trial.do(c.Answer(actor="net_b", question=question.id, text="Because."))
    assert trial.case.stopped == ()
    assert not [task for task in trial.case.tasks if task.person == "net_a" and task.state == "open"]


def test_they_stay_when_the_organisation_changes_and_the_leaver_is_not_asked_again() -> None:
    trial = waiting(AnyOf())
    hand_over(trial, "fin_a", "net_a")
    assert not trial.do(c.Reorganise(actor="system", via="timer")).events
    assert trial.asked() == {"net_a", "fin_b", "fin_c"}


def test_what_came_back_to_who_had_lost_the_role_stays_with_them() -> None:
    trial = waiting(AllOf())
    people = replace(PEOPLE, holders=PEOPLE.holders | {"role:finance@city": ("fin_a", "fin_b")})
    trial.process = trial.process.bound(people, trial.process.calendar)
    trial.do(c.Reorganise(actor="system", via="timer"))
    assert hand_over(trial, "fin_a", "fin_c")
    assert trial.asked() == {"fin_b", "fin_c"}
    assert not trial.do(c.Reorganise(actor="system", via="timer")).events
    assert len([task for task in trial.case.tasks if task.person == "fin_c"]) == 1


def test_nothing_is_handed_over_to_whose_case_it_is_to_nobody_or_without_a_reason() -> None:
    trial = waiting(AnyOf())
    before = trial.case
    with pytest.raises(OwnCase):
        hand_over(trial, "fin_a", "clerk")
    with pytest.raises(InvalidForm, match="say why"):
        hand_over(trial, "fin_a", "net_a", remark=" ")
    with pytest.raises(InvalidForm, match="another person"):
        hand_over(trial, "fin_a", "fin_a")
    trial.process = trial.process.bound(replace(PEOPLE, closed=frozenset({"net_a"})), trial.process.calendar)
    with pytest.raises(InvalidForm, match="nobody active is called net_a"):
        hand_over(trial, "fin_a", "net_a")
    with pytest.raises(NotPossible, match="give the role to another person"):
        hand_over(trial, "srv_a", "srv_b")
    assert trial.case == before

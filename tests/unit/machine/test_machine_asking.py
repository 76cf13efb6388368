"""Whom a step asks, and by which doors nobody decides on a case of their own."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from msgspec.structs import replace as changed

from engine.errors import NotFound, OwnCase, StandInOver, StandInTwice
from engine.machine.asking import Ask, Choice
from engine.machine.chains import Placed
from engine.machine.commands import Decide, Delegate
from engine.machine.outcome import NotifyTask
from engine.machine.steps import Approval
from engine.machine.tally import AllOf, AnyOf, Tally
from tests.fakes.organisation import FakeDirectory
from tests.unit.machine.board import do
from tests.unit.machine.trial import MIDDLE, PEOPLE, Trial, approve, process


@dataclass(frozen=True)
class Over:
    """The budget is over an amount."""

    amount: int

    def holds(self, form: dict[str, Any]) -> bool:
        return form["budget"] > self.amount


def asking(ask: Ask, tally: Tally | None = None, people: FakeDirectory = PEOPLE, **form: Any) -> Trial:
    """A case with one step that asks so."""
    step = Approval(name="only", ask=ask, tally=tally or AllOf())
    trial = Trial(process({"chain": (Placed(step),)}, people=people))
    trial.submit(MIDDLE | form)
    return trial


def decided_by(trial: Trial, actor: str, person: str) -> None:
    (task,) = [task for task in trial.open_tasks() if task.person == person]
    trial.do(Decide(actor=actor, on_behalf_of="" if actor == person else person, task=task.id, decision="approve"))


def test_several_strategies_ask_all_they_find_each_once() -> None:
    trial = asking(Ask("role:service@city", also=("head@city", "role:service@city")))
    assert trial.asked() == {"srv_a", "srv_b", "city_head"}


def test_the_first_row_of_a_table_that_holds_is_asked() -> None:
    table = (Choice("head@city", Over(500)), Choice("head@county", Over(100)))
    assert asking(Ask("role:vp_market@city", table=table), budget=600).asked() == {"city_head"}
    assert asking(Ask("role:vp_market@city", table=table), budget=200).asked() == {"county_head"}
    assert asking(Ask("role:vp_market@city", table=table), budget=50).asked() == {"city_vp"}


def test_a_person_of_the_form_is_asked_as_long_as_they_are_a_candidate() -> None:
    ask = Ask("field(approver)", fields=(("approver", "role:finance@city"),))
    assert asking(ask, approver="fin_b").asked() == {"fin_b"}
    assert asking(ask, approver="net_a").asked() == {"admin"}
    assert asking(ask).asked() == {"admin"}
    gone = replace(PEOPLE, closed=frozenset({"fin_b"}))
    assert asking(ask, people=gone, approver="fin_b").asked() == {"admin"}


def test_the_submitter_is_replaced_by_whom_the_policy_names() -> None:
    own = replace(PEOPLE, holders=PEOPLE.holders | {"role:a@city": ("clerk", "fin_a")})
    assert asking(Ask("role:a@city"), people=own).asked() == {"fin_a", "county_head"}
    assert asking(Ask("role:a@city", own="skip"), people=own).asked() == {"fin_a"}
    assert asking(Ask("role:a@city", own="assign", instead="head@city"), people=own).asked() == {"fin_a", "city_head"}
    assert asking(Ask("role:a@city", own="assign", instead="submitter"), people=own).asked() == {"fin_a"}


def test_whom_nobody_told_has_the_task_all_the_same() -> None:
    quiet = asking(Ask("role:nobody@city", notify=False))
    assert quiet.asked() == {"admin"}
    assert not [effect for effect in quiet.effects if isinstance(effect, NotifyTask)]
    assert asking(Ask("role:nobody@city")).told("admin") == ["task"]
    assert asking(Ask("head@city", notify=False)).told("city_head") == ["task"]


def test_carry_adjacent_asks_again_after_somebody_else_decided() -> None:
    def columns(repeat: str) -> dict[str, Any]:
        steps = [("a", "head@county"), ("b", "head@county"), ("c", "head@city"), ("d", "head@county")]
        return {"chain": tuple(approve(name, who, repeat=repeat) for name, who in steps)}

    trial = Trial(process(columns("carry_adjacent")))
    trial.submit()
    trial.approve("county_head")
    assert trial.asked() == {"city_head"}, "b follows a: the county head does not decide twice in a row"
    trial.approve("city_head")
    assert trial.asked() == {"county_head"}
    once = Trial(process(columns("carry")))
    once.submit()
    once.approve("county_head", "city_head")
    assert once.case.state == "targeting"


def test_an_opinion_is_no_approval_that_carries() -> None:
    people = replace(PEOPLE, holders=PEOPLE.holders | {"role:law@city": ("ann",)})
    chain = (approve("a", "head@county"), approve("b", "role:law@city", repeat="carry"))
    trial = Trial(process({"chain": chain}, people=people))
    trial.submit()
    do(trial, "county_head", Delegate, to="ann")
    trial.approve("ann", "county_head")
    assert trial.asked() == {"ann"}


TWIN = replace(PEOPLE, twins={"clerk": "fin_a"})
COVERED = replace(PEOPLE, represented={"clerk": ("fin_a",)})


@pytest.mark.parametrize("people", [TWIN, COVERED], ids=["second account", "stand-in of the submitter"])
def test_no_other_self_of_the_submitter_is_asked_or_decides(people: FakeDirectory) -> None:
    trial = asking(Ask("role:finance@city", own="skip"), people=people)
    assert trial.asked() == {"fin_b", "fin_c"}
    later = asking(Ask("role:finance@city"))
    later.process = process({"chain": (Placed(Approval(name="only", ask=Ask("role:finance@city"))),)}, people=people)
    with pytest.raises(OwnCase):
        decided_by(later, "fin_a", "fin_a")


def test_the_superior_brought_in_is_never_another_self() -> None:
    people = replace(PEOPLE, twins={"clerk": "county_head"})
    assert asking(Ask("head@county"), people=people).asked() == {"city_head"}


def test_the_submitter_does_not_decide_as_a_stand_in() -> None:
    people = replace(PEOPLE, represented={"county_head": ("clerk",)})
    trial = asking(Ask("head@county"), people=people)
    with pytest.raises(OwnCase):
        decided_by(trial, "clerk", "county_head")


def test_who_edited_last_decides_by_no_door() -> None:
    trial = asking(Ask("role:finance@city"), people=replace(PEOPLE, represented={"fin_b": ("net_a",)}))
    trial.case = changed(trial.case, editor="net_a")
    with pytest.raises(OwnCase):
        decided_by(trial, "net_a", "fin_b")


def test_a_stand_in_decides_for_the_person_and_both_are_kept() -> None:
    trial = asking(Ask("head@county"), people=replace(PEOPLE, represented={"county_head": ("fin_a",)}))
    decided_by(trial, "fin_a", "county_head")
    (task,) = trial.case.tasks
    assert (task.person, task.decided_by, task.decision) == ("county_head", "fin_a", "approve")


def test_who_stands_in_no_more_decides_nothing() -> None:
    trial = asking(Ask("head@county"))
    before = trial.case
    with pytest.raises(StandInOver):
        decided_by(trial, "fin_a", "county_head")
    with pytest.raises(NotFound):
        trial.do(Decide(actor="fin_a", task=before.tasks[0].id, decision="approve"))
    assert trial.case == before


def test_one_human_being_has_one_vote_where_several_decide() -> None:
    people = replace(PEOPLE, represented={"fin_b": ("fin_a",)})
    trial = asking(Ask("role:finance@city"), people=people)
    with pytest.raises(StandInTwice):
        decided_by(trial, "fin_a", "fin_b")
    one_for_all = asking(Ask("role:finance@city"), AnyOf(), people)
    decided_by(one_for_all, "fin_a", "fin_b")
    assert one_for_all.case.state == "targeting"

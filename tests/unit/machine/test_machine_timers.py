"""What happens by itself: reminders, escalation, and timers that are no longer wanted."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from engine.machine.case import Place
from engine.machine.commands import Delegate
from engine.machine.deadlines import Lapse, Timeout
from engine.machine.lifecycle import Stages
from engine.machine.outcome import NotifyTask
from engine.machine.tally import AllOf, AnyOf, InSequence, Tally
from engine.values import Duration
from tests.fakes.organisation import FakeDirectory
from tests.unit.machine.board import add, board, do, submitted
from tests.unit.machine.trial import PEOPLE, Trial, approve, process

NOBODY_ABOVE_THE_CITY = FakeDirectory(
    PEOPLE.holders | {"role:process_admin": ()}, dict.fromkeys(("fin_a", "fin_b", "fin_c"), "city_head")
)


def reminders(trial: Trial) -> list[str]:
    return [
        effect.person for effect in trial.effects if isinstance(effect, NotifyTask) and effect.occasion == "reminder"
    ]


def test_a_step_has_one_timer_at_a_time() -> None:
    trial = Trial()
    trial.submit()
    assert trial.timers() == {("county_head", "remind:1")}
    trial.wait("1wd")
    assert trial.timers() == {("county_head", "remind:2")}
    trial.wait("1wd")
    assert trial.timers() == {("county_head", "escalate")}


def test_timer_keys_name_the_entry_that_armed_them() -> None:
    trial = Trial()
    trial.submit()
    assert [timer.key for timer in trial.case.timers] == ["case1:2:county_head/remind:1"]


def test_reminders_go_to_everybody_who_is_still_asked() -> None:
    trial = Trial(process({"only": (approve("board", "role:network@city", AllOf()),)}))
    trial.submit()
    trial.approve("net_a")
    trial.wait("1wd")
    assert reminders(trial) == ["net_b"]


def test_after_the_last_reminder_the_task_goes_to_the_superior() -> None:
    trial = Trial()
    trial.submit()
    trial.wait("3wd")
    assert trial.asked() == {"city_head"}
    assert trial.told("county_head") == ["task", "reminder", "reminder"]
    assert trial.told("city_head") == ["escalation"]
    (gone,) = [task for task in trial.case.tasks if task.person == "county_head"]
    assert (gone.state, gone.reason, gone.decided_by) == ("cancelled", "escalated", "system")
    (task,) = trial.open_tasks()
    assert task.due_at == trial.now + timedelta(days=3)
    trial.approve("city_head")
    assert "to_city/city_finance" in trial.case.configuration


def test_escalation_ends_at_the_cap() -> None:
    trial = Trial()
    trial.submit()
    trial.wait("6wd")
    assert trial.asked() == {"province_head"}  # the second of two
    trial.wait("30wd")
    assert trial.asked() == {"province_head"}
    assert trial.told("province_head") == ["escalation", "reminder", "reminder"]
    assert trial.case.timers == ()


def test_where_nobody_is_above_the_process_admin_is_asked_and_then_it_stays() -> None:
    people = FakeDirectory(PEOPLE.holders, superiors={})
    trial = Trial(process({"only": (approve("a", "role:vp_market@city"),)}, people=people))
    trial.submit()
    trial.wait("3wd")
    assert trial.asked() == {"admin"}
    trial.wait("30wd")
    assert trial.asked() == {"admin"}
    assert trial.case.timers == ()


def test_several_open_tasks_escalate_to_one_seat_of_the_common_superior() -> None:
    trial = Trial(process({"only": (approve("board", "role:network@city", AllOf()),)}, stages=Stages()))
    trial.submit()
    trial.wait("3wd")
    assert [task.person for task in trial.open_tasks()] == ["city_head"]
    trial.approve("city_head")
    assert trial.case.state == "approved"


def test_a_superior_who_already_decided_here_decides_for_both() -> None:
    people = FakeDirectory({**PEOPLE.holders, "role:network@city": ("net_a", "city_head")}, PEOPLE.superiors)
    board = process({"only": (approve("board", "role:network@city", AllOf()),)}, people=people, stages=Stages())
    trial = Trial(board)
    trial.submit()
    trial.approve("city_head")
    trial.wait("3wd")
    assert trial.case.state == "approved"


def test_who_signs_beside_a_person_signs_with_the_superior_though_both_tasks_escalate() -> None:
    trial = submitted(board(AllOf()))
    add(trial, "fin_a", "beside", "ann")
    trial.wait("3d")
    assert trial.asked() == {"city_head", "admin"}, "nobody is above ann"
    trial.approve("city_head")
    assert trial.case.state == "approving"
    trial.approve("admin")
    assert trial.case.state == "approved"


@pytest.mark.parametrize(("place", "told"), [("beside", "reminder"), ("after", "escalation")])
def test_a_superior_who_signs_along_has_the_seat_when_it_escalates_to_them(place: Place, told: str) -> None:
    trial = submitted(board(AllOf()))
    trial.wait("2d")
    add(trial, "fin_a", place, "city_head")
    trial.process = replace(trial.process, directory=NOBODY_ABOVE_THE_CITY)
    trial.wait("1d")
    assert trial.asked() == {"city_head"}
    assert trial.told("city_head")[-1] == told
    trial.approve("city_head")
    assert trial.case.state == "approved"


def test_a_superior_who_was_to_give_an_opinion_decides_when_a_task_escalates_to_them() -> None:
    trial = submitted(board(AllOf()))
    do(trial, "fin_a", Delegate, to="city_head")
    trial.wait("3d")
    assert trial.asked() == {"fin_a", "city_head"}, "nobody gives fin_a the opinion any more"
    trial.approve("fin_a")
    assert trial.case.state == "approving"
    trial.approve("city_head")
    assert trial.case.state == "approved"


def test_the_delegate_of_a_signer_may_be_the_superior_of_whom_these_sign_with() -> None:
    trial = submitted(board(AllOf()))
    add(trial, "fin_a", "beside", "ann")
    do(trial, "ann", Delegate, to="city_head")
    trial.approve("fin_b", "fin_c")
    trial.wait("3d")
    assert trial.asked() == {"ann", "city_head"}
    trial.approve("city_head")
    assert trial.case.state == "approving"
    trial.approve("ann")
    assert trial.case.state == "approved"


def test_the_submitter_is_passed_over_when_a_task_escalates() -> None:
    people = FakeDirectory(PEOPLE.holders, {"city_vp": "clerk", "clerk": "city_head"})
    trial = Trial(process({"only": (approve("a", "role:vp_market@city"),)}, people=people))
    trial.submit()
    trial.wait("3wd")
    assert trial.asked() == {"city_head"}


def test_in_a_sequence_the_clock_starts_with_the_turn() -> None:
    trial = Trial(process({"only": (approve("service", "role:service@city", InSequence()),)}))
    trial.submit()
    trial.wait("2wd")
    trial.approve("srv_a")
    assert trial.timers() == {("service", "remind:1")}
    assert [timer.due_at for timer in trial.case.timers] == [trial.days(3)]


def test_a_timer_that_is_not_armed_any_more_changes_nothing() -> None:
    trial = Trial()
    trial.submit()
    (timer,) = trial.case.timers
    trial.approve("county_head")
    assert trial.fire(timer.key).events == ()
    assert trial.fire("case1:99:nothing").events == ()


def test_a_timer_fires_once() -> None:
    trial = Trial()
    trial.submit()
    (timer,) = trial.case.timers
    trial.now = timer.due_at
    assert trial.fire(timer.key).events
    assert trial.fire(timer.key).events == ()
    assert reminders(trial) == ["county_head"]


def test_timers_are_armed_anew_after_a_return() -> None:
    trial = Trial()
    trial.submit()
    trial.wait("1wd")
    trial.decide("county_head", "return")
    assert trial.timers() == set()
    trial.wait("20wd")
    trial.submit()
    assert [(timer.name, timer.due_at) for timer in trial.case.timers] == [("remind:1", trial.days(22))]
    trial.wait("1wd")
    assert reminders(trial) == ["county_head", "county_head"]


def test_a_clock_that_jumps_loses_no_reminder_and_sends_none_twice() -> None:
    trial = Trial()
    trial.submit()
    trial.now = trial.days(40)
    while trial.case.timers:
        (timer,) = trial.case.timers
        if timer.due_at > trial.now:
            break
        trial.fire(timer.key)
    assert trial.told("county_head") == ["task", "reminder", "reminder"]
    assert trial.told("city_head") == ["escalation"]
    assert trial.timers() == {("county_head", "remind:1")}


def test_a_step_without_timeout_arms_nothing() -> None:
    from engine.machine.deadlines import NEVER

    trial = Trial(process({"only": (approve("a", "role:vp_market@city", timeout=NEVER),)}))
    trial.submit()
    assert trial.case.timers == ()
    assert trial.open_tasks()[0].due_at is None


@dataclass(frozen=True)
class UpTo:
    """A limit on the budget."""

    amount: int

    def is_within(self, form: dict[str, Any]) -> bool:
        return form["budget"] <= self.amount


def lapsing(do: Lapse, *, up_to: int = 0, tally: Tally | None = None) -> Trial:
    """A case whose county head is reminded after a day; after two, silence means `do`."""
    passes = UpTo(up_to) if up_to else None
    timeout = Timeout(remind=(Duration.parse("1wd"),), at=Duration.parse("2wd"), do=do, passes=passes)
    steps = (approve("first", "role:finance@city", tally, timeout=timeout), approve("second", "head@city"))
    trial = Trial(process({"chain": steps}))
    trial.submit()
    return trial


@pytest.mark.parametrize("tally", [AnyOf(), AllOf(), InSequence()])
def test_a_step_returns_by_itself_and_begins_anew_after_that(tally: Tally) -> None:
    trial = lapsing("return", tally=tally)
    trial.wait("2wd")
    assert trial.case.state == "returned"
    assert {(task.state, task.reason) for task in trial.case.tasks} == {("cancelled", "auto_returned")}
    assert trial.told("clerk") == ["returned"]
    assert trial.drawn()["first"].state == "returned"
    assert trial.timers() == set()
    trial.submit()
    assert trial.timers() == {("first", "remind:1")}
    trial.wait("2wd")
    assert trial.case.state == "returned"
    assert trial.told("clerk") == ["returned", "returned"]
    assert trial.replayed() == trial.case


def test_a_step_rejects_by_itself() -> None:
    trial = lapsing("reject")
    trial.wait("2wd")
    assert trial.case.state == "rejected"
    assert trial.drawn()["first"].state == "rejected"


@pytest.mark.parametrize("tally", [AnyOf(), AllOf(), InSequence()])
def test_a_step_passes_by_itself_within_its_limit(tally: Tally) -> None:
    trial = lapsing("approve", up_to=80_000, tally=tally)
    trial.wait("2wd")
    assert trial.asked() == {"city_head"}
    assert {task.reason for task in trial.case.tasks if task.step == "first"} == {"auto_passed"}
    assert trial.drawn()["first"].state == "done"
    assert not [task for task in trial.case.tasks if task.decision], "nobody decided, and nobody is said to have"


def test_what_silence_passed_is_nobodys_approval_when_the_case_comes_again() -> None:
    trial = lapsing("approve", up_to=80_000, tally=AllOf())
    trial.process = replace(trial.process, resume="at_returner")
    trial.approve("fin_a")
    trial.wait("2wd")
    trial.decide("city_head", "return")
    trial.submit()
    assert trial.asked() == {"fin_b", "fin_c"}


def test_above_the_limit_it_escalates_instead() -> None:
    trial = lapsing("approve", up_to=79_999)
    trial.wait("2wd")
    assert trial.asked("first") == {"city_head"}
    assert trial.case.configuration == ("chain/first",)
    trial.wait("9wd")
    assert trial.case.configuration == ("chain/first",), "it never passes by itself"


def test_without_a_limit_nothing_passes_by_itself() -> None:
    trial = lapsing("approve")
    trial.wait("9wd")
    assert trial.case.configuration == ("chain/first",)


def test_a_decision_just_before_the_end_leaves_nothing_to_fire() -> None:
    trial = lapsing("return")
    trial.wait("1wd")
    key = trial.case.timers[0].key
    trial.approve("fin_a")
    assert not trial.fire(key).events
    trial.wait("1d")
    assert trial.case.configuration == ("chain/second",)

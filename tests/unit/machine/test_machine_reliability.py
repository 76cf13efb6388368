"""What must hold under any order of clicks and any jump of the clock: done once, reminded once, nobody stuck."""

import random
from contextlib import nullcontext
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from engine.errors import AlreadyDecided
from engine.machine.case import Decision
from engine.machine.chains import Countersign
from engine.machine.commands import Decide
from engine.machine.lifecycle import Stages
from engine.machine.outcome import NotifyTask
from engine.machine.process import Process
from engine.machine.tally import AllOf
from engine.organisation.workdays import Workdays
from engine.values import Duration
from tests.unit.machine.trial import PEOPLE, Trial, approve, process

SEEDS = 1_000
ZONE = ZoneInfo("Asia/Shanghai")
DECISIONS: tuple[Decision, ...] = ("approve", "approve", "approve", "approve", "reject", "return")


def two(join: int | None) -> Process:
    """Two steps at once, one of which asks two people; both must approve, or as many as `join` says."""
    branches = (approve("network", "role:network@city", AllOf()), approve("vp", "role:vp_market@city"))
    return process({"only": (Countersign("both", branches, join=join),)}, stages=Stages())


TWO = (two(None), two(1))


def ends_at(seed: int, first: Decision, second: Decision) -> set[str]:
    """Where the case may stand once both have decided; a refusal at a countersign goes back to the submitter."""
    ends = {"approve": "approved", "reject": "returned", "return": "returned"}
    if seed % 2:  # one is enough: the first decides
        return {ends[first], ends[second]}
    return {"approved"} if first == second == "approve" else {"returned"}


def test_the_last_two_countersigners_at_once_complete_it_once() -> None:
    """Both decide on the case as they saw it; the store keeps one, and the other decides again on what is kept."""
    for seed in range(SEEDS):
        chance = random.Random(seed)
        trial = Trial(TWO[seed % 2])
        trial.submit()
        trial.approve("net_a")
        seen = trial.case
        people = chance.sample(["net_b", "city_vp"], 2)
        choices = chance.choices(DECISIONS, k=2)
        clicks = []
        for person, choice in zip(people, choices, strict=True):
            (task,) = [task for task in seen.tasks if task.person == person]
            clicks.append(Decide(actor=person, task=task.id, decision=choice, remark="because", seen_seq=seen.seq))
        counts = 1 if seed % 2 or choices[0] != "approve" else 2
        for n, click in enumerate([*clicks, *chance.choices(clicks, k=chance.randrange(3))]):
            with pytest.raises(AlreadyDecided) if n >= counts else nullcontext():
                trial.do(click)
        assert trial.case.state in ends_at(seed, choices[0], choices[counts - 1]), seed
        assert not trial.asked(), seed
        assert len(trial.told("clerk")) == 1, seed
        assert trial.replayed() == trial.case


STARTS = {
    "leap day": datetime(2028, 2, 28, 15, 0, tzinfo=ZONE),
    "on a leap day": datetime(2028, 2, 29, 23, 59, tzinfo=ZONE),
    "year end": datetime(2026, 12, 31, 23, 30, tzinfo=ZONE),
    "spring festival": datetime(2026, 2, 13, 10, 0, tzinfo=ZONE),
}
JUMPS = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "month": timedelta(days=31),
    "ten years": timedelta(days=3653),
}


def sweep(trial: Trial) -> list[str]:
    """Fire what is due by now, at once, as the clockwork does when it wakes up; gives the keys."""
    fired = []
    while due := [timer.key for timer in trial.case.timers if timer.due_at <= trial.now]:
        trial.fire(due[0])
        fired.append(due[0])
    return fired


def submitted(start: datetime) -> Trial:
    trial = Trial(process().bound(PEOPLE, Workdays(ZONE)))
    trial.now = start
    trial.submit()
    return trial


def expected(start: datetime, now: datetime) -> list[str]:
    """What the first person asked must have heard by `now`, read off the calendar and not off the machine."""
    due = [Workdays(ZONE).due(start, Duration.parse(span)) for span in ("1wd", "2wd")]
    return ["task", *("reminder" for moment in due if moment <= now)]


def by_the_hour(trial: Trial, span: timedelta) -> None:
    end = trial.now + span
    while trial.now < end:
        trial.now += timedelta(hours=1)
        sweep(trial)


@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
@pytest.mark.parametrize("before", [0, 30, 60])
def test_a_jump_of_the_clock_neither_loses_nor_repeats_a_reminder(
    start: datetime, jump: timedelta, before: int
) -> None:
    """Whoever was asked before the jump hears what they would have heard on a clock that runs evenly."""
    even, jumped = submitted(start), submitted(start)
    by_the_hour(even, timedelta(hours=before) + min(jump, timedelta(days=40)))
    by_the_hour(jumped, timedelta(hours=before))
    jumped.now += jump
    keys = sweep(jumped)
    assert len(keys) == len(set(keys))
    assert jumped.told("county_head") == even.told("county_head") == expected(start, jumped.now)
    assert jumped.asked()
    kept = len(jumped.entries)
    for key in keys:
        jumped.fire(key)
    assert len(jumped.entries) == kept
    assert jumped.replayed() == jumped.case


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_no_reminder_comes_an_hour_early_or_late(start: datetime) -> None:
    trial = submitted(start)
    for _ in range(40 * 24):
        by_the_hour(trial, timedelta(hours=1))
        assert trial.told("county_head") == expected(start, trial.now)


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_a_clock_set_back_repeats_no_reminder(start: datetime) -> None:
    trial = submitted(start)
    by_the_hour(trial, timedelta(days=40))
    for back in (timedelta(hours=1), timedelta(days=1), timedelta(days=20)):
        trial.now -= back
        assert sweep(trial) == []
        by_the_hour(trial, back)
    notices = [effect for effect in trial.effects if isinstance(effect, NotifyTask) and effect.person == "county_head"]
    assert [notice.occasion for notice in notices] == ["task", "reminder", "reminder"]

"""What must hold under any order of clicks and any jump of the clock: done once, reminded once, nobody stuck."""

import random
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from engine.errors import AlreadyDecided
from engine.machine.advance import advance
from engine.machine.chains import Countersign
from engine.machine.commands import Decide
from engine.machine.outcome import NotifyTask
from engine.machine.tally import AllOf
from engine.organisation.workdays import Workdays
from engine.values import Duration
from tests.unit.machine.trial import PEOPLE, Trial, approve, process

SEEDS = 1_000
SIGNERS = ["fin_a", "fin_b", "fin_c", "net_a", "net_b"]
ZONE = ZoneInfo("Asia/Shanghai")
BOTH = process(
    {
        "both": (
            Countersign(
                "both_sign",
                (
                    approve("finance", "role:finance@city", AllOf()),
                    approve("network", "role:network@city", AllOf()),
                ),
            ),
            approve("city_vp", "role:vp_market@city"),
        )
    }
)


def told_of_a_task(trial: Trial, person: str) -> int:
    return trial.told(person).count("task")


def test_the_last_two_countersigners_at_once_complete_it_once() -> None:
    """Both decide on the case as they saw it; the store keeps one, and the other decides again on what is kept."""
    for seed in range(SEEDS):
        chance = random.Random(seed)
        trial = Trial(BOTH)
        trial.submit()
        order = chance.sample(SIGNERS, k=len(SIGNERS))
        trial.approve(*order[:-2])
        seen = trial.case
        clicks = []
        for person in order[-2:]:
            (task,) = [task for task in seen.tasks if task.person == person]
            clicks.append(Decide(actor=person, task=task.id, decision="approve", seen_seq=seen.seq))
        for click in clicks:
            alone = advance(BOTH, seen, click, trial.now)
            assert not [task for task in alone.case.tasks if task.step == "city_vp"], seed
        clicks += chance.choices(clicks, k=chance.randrange(3))
        decided: set[str] = set()
        for click in chance.sample(clicks, k=len(clicks)):
            if click.actor in decided:
                with pytest.raises(AlreadyDecided):
                    trial.do(click)
            else:
                trial.do(click)
                decided.add(click.actor)
        assert trial.asked() == {"city_vp"}, seed
        assert told_of_a_task(trial, "city_vp") == 1, seed
        assert trial.replayed() == trial.case
        trial.approve("city_vp")
        assert trial.case.state == "targeting", seed


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
def test_a_clock_set_back_repeats_no_reminder(start: datetime) -> None:
    trial = submitted(start)
    by_the_hour(trial, timedelta(days=40))
    for back in (timedelta(hours=1), timedelta(days=1), timedelta(days=20)):
        trial.now -= back
        assert sweep(trial) == []
        by_the_hour(trial, back)
    notices = [effect for effect in trial.effects if isinstance(effect, NotifyTask) and effect.person == "county_head"]
    assert [notice.occasion for notice in notices] == ["task", "reminder", "reminder"]

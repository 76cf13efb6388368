"""The submitter urges whom the case waits for: once a step in four working hours, written in the history."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from engine.errors import NotFound, NotPossible, UrgedAlready
from engine.machine.commands import Operate
from engine.machine.outcome import NotifyTask
from engine.machine.urging import may_urge
from engine.organisation.workdays import Workdays
from tests.unit.machine.trial import MIDDLE, PEOPLE, Trial, process

ZONE = ZoneInfo("Asia/Shanghai")
FRIDAY = datetime(2026, 3, 6, 16, 0, tzinfo=ZONE)
CALENDAR = Workdays(ZONE)
URGE = Operate(actor="clerk", operation="urge")


def submitted() -> Trial:
    trial = Trial(process().bound(PEOPLE, CALENDAR))
    trial.now = FRIDAY
    trial.submit(MIDDLE)
    return trial


def told(trial: Trial) -> list[str]:
    outcome = trial.do(URGE)
    return [
        effect.person for effect in outcome.effects if isinstance(effect, NotifyTask) and effect.occasion == "urged"
    ]


def test_everybody_who_is_asked_is_told_once():
    trial = submitted()
    assert told(trial) == ["county_head"]
    assert not may_urge(CALENDAR, trial.case, trial.now)


def test_again_only_after_four_working_hours_not_after_a_weekend_evening():
    trial = submitted()
    told(trial)
    trial.now = FRIDAY + timedelta(days=1)
    with pytest.raises(UrgedAlready) as refused:
        trial.do(URGE)
    assert refused.value.fields["again"] > FRIDAY + timedelta(days=2)
    trial.now = refused.value.fields["again"]
    assert told(trial) == ["county_head"]


def test_the_next_step_may_be_urged_at_once():
    trial = submitted()
    told(trial)
    trial.approve("county_head")
    assert len(told(trial)) > 1


def test_only_its_submitter_urges_and_only_while_somebody_is_asked():
    trial = submitted()
    with pytest.raises(NotFound):
        trial.do(Operate(actor="county_head", operation="urge"))
    trial.decide("county_head", "reject", remark="no")
    with pytest.raises(NotPossible):
        trial.do(URGE)

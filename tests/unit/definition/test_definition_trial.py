"""A shipped definition run from draft to its approval with invented people."""

from datetime import time, timedelta
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine.definition.cast import Cast
from engine.definition.compile import compile_process
from engine.definition.load import load
from engine.definition.trial import MONDAY, Trial
from engine.errors import NotPossible
from engine.machine.commands import StartDelivery
from engine.machine.process import Process
from engine.organisation import Workdays
from engine.organisation.workdays import OfficeHours
from engine.values import Duration

FORM = {
    "title": "五月流量",
    "offer": "gprs-30",
    "budget": "80000.00",
    "reach": 9000,
    "discount": "0.90",
    "channels": ["sms"],
    "window": ["2026-05-01", "2026-06-30"],
    "message": "您好",
}


@pytest.fixture(scope="module")
def running() -> Process:
    source = (resources.files("definitions") / "telecom-marketing-case.yaml").read_text(encoding="utf-8")
    return compile_process(load(source, file="telecom-marketing-case.yaml"))


@pytest.fixture
def trial(running: Process) -> Trial:
    return Trial(running.bound(Cast(), Workdays(ZoneInfo("Asia/Shanghai"))))


def test_a_case_is_approved_by_people_named_after_what_they_are_asked_for(trial: Trial) -> None:
    trial.submit(FORM)
    assert [task.person for task in trial.open_tasks()] == ["head@county"]
    for _ in range(2):
        for task in trial.open_tasks():
            trial.decide(task, "approve")
    assert {task.step for task in trial.open_tasks()} == {"city_vp"}
    assert trial.case.state == "approving"


def test_waiting_escalates_on_the_calendar(trial: Trial) -> None:
    trial.submit(FORM)
    trial.wait(Duration.parse("3wd"))
    assert [task.person for task in trial.open_tasks()] == ["head@city"]


def test_what_is_refused_leaves_the_trial_as_it_was(trial: Trial) -> None:
    before = trial.case
    with pytest.raises(NotPossible):
        trial.do(StartDelivery(actor="submitter", recipients=1))
    assert trial.case is before


@pytest.mark.parametrize("office_hours", [None, OfficeHours(time(9), time(17, 30))])
@pytest.mark.parametrize("change", [{}, {"budget": "4000.00", "reach": 900}])
@pytest.mark.parametrize("day", [0, 4, 5, 29, 58, 59, 60, 209, 213])
def test_the_deadline_shown_before_is_the_one_that_holds_after(
    running: Process, office_hours: OfficeHours | None, change: dict[str, Any], day: int
) -> None:
    """Before weekends, holidays and make-up days; with office hours and without; for an approval and a filing."""
    bound = running.bound(Cast(), Workdays(ZoneInfo("Asia/Shanghai"), hours=office_hours))
    trial = Trial(bound, at=MONDAY + timedelta(days=day, hours=7))
    before = bound.preview(FORM | change, "county", "submitter", trial.now)
    shown = {step.id: step.due_at for column in before.columns for step in column if step.due_at}
    trial.submit(FORM | change)
    assert shown == {task.step: task.due_at for task in trial.open_tasks()}
    assert len(shown) == 1

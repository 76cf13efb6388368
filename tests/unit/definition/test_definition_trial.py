"""A shipped definition run from draft to its approval with invented people."""

from importlib import resources
from zoneinfo import ZoneInfo

import pytest

from engine.definition.cast import Cast
from engine.definition.compile import compile_process
from engine.definition.load import load
from engine.definition.trial import Trial
from engine.errors import NotPossible
from engine.machine.commands import StartDelivery
from engine.organisation import Workdays
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


@pytest.fixture
def trial() -> Trial:
    source = (resources.files("definitions") / "telecom-marketing-case.yaml").read_text(encoding="utf-8")
    running = compile_process(load(source, file="telecom-marketing-case.yaml"))
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

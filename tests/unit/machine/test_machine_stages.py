"""After the approval: audience, delivery, evaluation, close-out."""

import pytest

from engine.errors import ChangedMeanwhile, NotFound, NotPossible
from engine.machine.commands import (
    AudienceFailed,
    AudienceFrozen,
    Close,
    DeliveryFinished,
    Evaluated,
    PauseDelivery,
    ResumeDelivery,
    SelectAgain,
    StartDelivery,
)
from engine.machine.lifecycle import Stages
from engine.machine.outcome import BeginDelivery, Evaluate, HoldDelivery, SelectAudience
from tests.unit.machine.trial import STAGES, Trial, approve, process

CLOSE = Close(actor="clerk", lessons="mornings work better")


def evaluated(label: str, *, last: bool) -> Evaluated:
    return Evaluated(actor="system", label=label, digest="e" * 64, verdict="works", last=last)


def test_an_approved_case_has_its_audience_selected() -> None:
    trial = Trial(process({"only": (approve("vp", "role:vp_market@city"),)}, stages=STAGES))
    trial.submit()
    trial.approve("city_vp")
    assert trial.case.state == "targeting"
    assert [effect for effect in trial.effects if isinstance(effect, SelectAudience)] == [SelectAudience()]


def test_a_failed_selection_stays_and_tells_the_submitter() -> None:
    trial = Trial(process({"only": (approve("vp", "role:vp_market@city"),)}, stages=STAGES))
    trial.submit()
    trial.approve("city_vp")
    trial.do(AudienceFailed(actor="system", reason="the dataset is missing"))
    assert trial.case.state == "targeting"
    assert trial.case.facts["audience_failed"] == "the dataset is missing"
    assert trial.told("clerk") == ["approved", "failed"]


def test_the_submitter_has_a_failed_selection_tried_again() -> None:
    trial = Trial(process({"only": (approve("vp", "role:vp_market@city"),)}, stages=STAGES))
    trial.submit()
    trial.approve("city_vp")
    with pytest.raises(NotPossible):
        trial.do(SelectAgain(actor="clerk"))  # it has not failed yet
    trial.do(AudienceFailed(actor="system", reason="the dataset is missing"))
    with pytest.raises(NotFound):
        trial.do(SelectAgain(actor="city_vp"))
    assert "select" in trial.process.possible(trial.case)
    outcome = trial.do(SelectAgain(actor="clerk"))
    assert outcome.effects == (SelectAudience(),)
    assert "select" not in trial.process.possible(trial.case)


def test_the_submitter_starts_the_delivery_of_exactly_the_frozen_recipients() -> None:
    trial = Trial()
    trial.to_ready()
    assert trial.case.state == "ready"
    assert (trial.case.facts["target"], trial.case.facts["control"]) == (900, 100)
    assert trial.told("clerk")[-1] == "ready"
    with pytest.raises(ChangedMeanwhile):
        trial.do(StartDelivery(actor="clerk", recipients=901))
    with pytest.raises(NotFound):
        trial.do(StartDelivery(actor="city_vp", recipients=900))
    trial.do(StartDelivery(actor="clerk", recipients=900))
    assert trial.case.state == "delivering"
    assert trial.effects[-1] == BeginDelivery()


def test_a_case_that_is_ready_may_be_withdrawn_but_not_one_that_delivers() -> None:
    trial = Trial()
    trial.to_ready()
    assert trial.process.possible(trial.case) == ("start", "withdraw")
    trial.do(StartDelivery(actor="clerk", recipients=900))
    with pytest.raises(NotPossible) as refused:
        trial.withdraw()
    assert refused.value.message == "Cannot withdraw while delivering; possible: pause."


def test_a_delivery_is_held_and_goes_on() -> None:
    trial = Trial()
    trial.to_ready()
    trial.do(StartDelivery(actor="clerk", recipients=900))
    trial.do(PauseDelivery(actor="clerk"))
    assert (trial.case.state, trial.effects[-1]) == ("paused", HoldDelivery("pause"))
    with pytest.raises(NotPossible):
        trial.do(PauseDelivery(actor="clerk"))
    trial.do(ResumeDelivery(actor="clerk"))
    assert (trial.case.state, trial.effects[-1]) == ("delivering", HoldDelivery("resume"))
    assert sum(isinstance(effect, BeginDelivery) for effect in trial.effects) == 1


def test_the_last_receipts_may_end_a_paused_delivery() -> None:
    trial = Trial()
    trial.to_ready()
    trial.do(StartDelivery(actor="clerk", recipients=900))
    trial.do(PauseDelivery(actor="clerk"))
    trial.do(DeliveryFinished(actor="system", sums={"delivered": 900}))
    assert trial.case.state == "evaluating"


def test_evaluations_are_planned_from_the_end_of_the_delivery() -> None:
    trial = Trial()
    trial.wait("3d")
    trial.to_evaluating()
    assert trial.case.facts["sums"] == {"delivered": 890, "failed": 10}
    assert {(timer.name, timer.due_at) for timer in trial.case.timers} == {
        ("evaluate:7d", trial.days(10)),
        ("evaluate:30d", trial.days(33)),
    }


def test_each_evaluation_is_asked_for_once_and_the_last_says_so() -> None:
    trial = Trial()
    trial.to_evaluating()
    trial.wait("100d")
    asked = [effect for effect in trial.effects if isinstance(effect, Evaluate)]
    assert asked == [Evaluate("7d", False), Evaluate("30d", True)]


def test_a_case_is_closed_only_after_its_last_evaluation_and_by_its_submitter() -> None:
    trial = Trial()
    trial.to_evaluating()
    trial.wait("100d")
    trial.do(evaluated("7d", last=False))
    with pytest.raises(NotPossible):
        trial.do(CLOSE)
    assert "evaluated" not in trial.told("clerk")
    trial.do(evaluated("30d", last=True))
    assert trial.told("clerk")[-1] == "evaluated"
    assert trial.case.facts["evaluated_last"] is True
    assert trial.process.possible(trial.case) == ("close",)
    with pytest.raises(NotFound):
        trial.do(Close(actor="city_vp"))
    trial.do(CLOSE)
    assert trial.case.state == "closed"
    assert trial.case.facts["lessons"] == "mornings work better"
    assert trial.case.facts["evaluations"]["7d"] == {"digest": "e" * 64, "verdict": "works"}


def test_a_case_type_without_stages_is_closed_when_it_is_approved() -> None:
    trial = Trial(process({"only": (approve("vp", "role:vp_market@city"),)}, stages=Stages()))
    trial.submit()
    trial.approve("city_vp")
    assert trial.process.possible(trial.case) == ("close",)
    trial.do(CLOSE)
    assert trial.case.state == "closed"


def test_a_case_type_with_an_audience_alone_goes_from_selection_to_close_out() -> None:
    trial = Trial(process({"only": (approve("vp", "role:vp_market@city"),)}, stages=Stages(audience=True)))
    trial.submit()
    trial.approve("city_vp")
    trial.do(AudienceFrozen(actor="system", snapshot="s", digest="d", target=1, control=0))
    trial.do(CLOSE)
    assert trial.case.state == "closed"


def test_a_stage_that_reports_at_the_wrong_time_is_refused() -> None:
    trial = Trial()
    trial.submit()
    with pytest.raises(NotPossible) as refused:
        trial.do(DeliveryFinished(actor="system", sums={}))
    assert refused.value.message == "Cannot finish the delivery while approving; possible: withdraw."

"""The chain as drawn, and as foreseen before submitting."""

from dataclasses import replace

import pytest

from engine.machine.commands import AudienceFrozen
from engine.machine.lifecycle import Stages
from engine.machine.process import Unbound
from tests.unit.machine.trial import LARGE, MIDDLE, MONDAY, SMALL, Trial, approve, process


def states(trial: Trial) -> dict[str, str]:
    return {name: step.state for name, step in trial.drawn().items()}


def test_a_countersign_is_one_column_and_stages_come_last() -> None:
    trial = Trial()
    trial.submit()
    columns = [[step.id for step in column] for column in trial.process.chain(trial.case)]
    assert columns == [
        ["county_head"],
        ["city_finance", "city_network", "city_service"],
        ["city_vp"],
        ["province_register"],
        ["finance_copy"],
        ["audience"],
        ["delivery"],
        ["evaluation"],
        ["closed"],
    ]


def test_a_running_chain_shows_what_is_done_current_skipped_and_ahead() -> None:
    trial = Trial()
    trial.submit()
    trial.approve("county_head", "srv_a")
    drawn = trial.drawn()
    assert states(trial) == {
        "county_head": "done",
        "city_finance": "current",
        "city_network": "skipped",
        "city_service": "current",
        "city_vp": "ahead",
        "province_register": "ahead",
        "finance_copy": "ahead",
        "audience": "ahead",
        "delivery": "ahead",
        "evaluation": "ahead",
        "closed": "ahead",
    }
    service = drawn["city_service"]
    assert (service.mode, service.need, service.decided) == ("sequence", 2, 1)
    assert [(seat.person, seat.state) for seat in service.seats] == [("srv_a", "decided"), ("srv_b", "open")]
    assert (drawn["city_finance"].mode, drawn["city_finance"].need) == ("any", 1)
    assert drawn["city_finance"].due_at == trial.days(3)
    assert drawn["county_head"].left_at == MONDAY
    assert drawn["county_head"].verb == "approve"


def test_a_case_that_goes_on_shows_its_stages() -> None:
    trial = Trial()
    trial.to_ready()
    assert states(trial)["province_register"] == "done"
    assert states(trial)["finance_copy"] == "done"
    assert states(trial)["audience"] == "done"
    assert states(trial)["delivery"] == "current"
    assert trial.drawn()["audience"].count == 900
    assert trial.drawn()["delivery"].count is None
    assert "cancelled" not in states(trial).values()


def test_a_returned_case_shows_who_returned_it() -> None:
    trial = Trial()
    trial.submit(LARGE)
    trial.approve("county_head")
    trial.decide("net_a", "return")
    shown = states(trial)
    assert shown["county_head"] == "done"
    assert shown["city_network"] == "returned"
    assert shown["city_finance"] == "cancelled"
    assert shown["city_vp"] == "ahead"
    trial.submit(LARGE)
    assert states(trial)["county_head"] == "current"
    assert states(trial)["city_network"] == "ahead"


def test_a_rejected_case_has_nothing_ahead() -> None:
    trial = Trial()
    trial.submit()
    trial.decide("county_head", "reject")
    assert set(states(trial).values()) == {"rejected", "skipped", "cancelled"}


def test_an_escalated_seat_is_not_counted_any_more() -> None:
    trial = Trial()
    trial.submit()
    trial.wait("3wd")
    head = trial.drawn()["county_head"]
    assert [seat.person for seat in head.seats] == ["city_head"]
    assert head.entered_at == MONDAY


def test_a_silent_filing_is_done() -> None:
    trial = Trial()
    trial.submit(SMALL)
    trial.wait("7wd")
    assert states(trial)["city_register"] == "done"
    assert trial.case.state == "targeting"


def test_without_an_evaluation_stage_the_case_waits_to_be_closed() -> None:
    trial = Trial(process({"only": (approve("vp", "role:vp_market@city"),)}, stages=Stages(audience=True)))
    trial.submit()
    trial.approve("city_vp")
    trial.do(AudienceFrozen(actor="system", snapshot="s", digest="d", target=1, control=0))
    assert states(trial) == {"vp": "done", "audience": "done", "closed": "current"}


def test_a_draft_has_no_chain_yet() -> None:
    assert set(states(Trial())) == {"audience", "delivery", "evaluation", "closed"}


def test_a_preview_says_which_chain_why_and_who() -> None:
    preview = process().preview(MIDDLE, "c1", "clerk", MONDAY)
    assert preview.route == "to_city"
    assert preview.reasons == ("form.budget 80000 > 50000: true",)
    people = {step.id: [seat.person for seat in step.seats] for column in preview.columns for step in column}
    assert people["city_finance"] == ["fin_a", "fin_b", "fin_c"]
    assert people["city_network"] == []
    assert people["finance_copy"] == ["fin_a", "fin_b", "fin_c"]
    shown = {step.id: step.state for column in preview.columns for step in column}
    assert (shown["city_network"], shown["city_vp"]) == ("skipped", "ahead")


def test_labels_fall_back_to_readable_names() -> None:
    assert process().label("county_head").in_language("zh") == "county head"


def test_a_process_that_is_not_bound_says_so() -> None:
    unbound = replace(process(), directory=Unbound(), calendar=Unbound())
    with pytest.raises(LookupError, match="not bound"):
        unbound.preview(MIDDLE, "c1", "clerk", MONDAY)

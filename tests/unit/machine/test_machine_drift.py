"""The frozen audience against the form's number: what re-opens, on which figure people decide, which list is used."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from engine.errors import InvalidForm, Problem
from engine.machine.case import Case, Drift
from engine.machine.commands import AudienceFrozen, Decide, Operate, StartDelivery, Withdraw
from engine.machine.drifting import Tolerance
from engine.machine.lifecycle import Stages
from engine.machine.outcome import SelectAudience
from engine.machine.process import Process
from tests.unit.machine.trial import CHAINS, MIDDLE, SMALL, STAGES, Trial, approve, process

ASPECTS = {"budget": ("budget",), "target": ("reach",)}
TENTH = Tolerance("reach", Decimal("0.1"))
TWO = {
    "two": (
        approve("finance", "role:finance@city", aspects=("budget",)),
        approve("market", "role:vp_market@city", aspects=("target",)),
    )
}


def drifting(
    chains: dict[str, Any] | None = None, *, tolerance: Tolerance = TENTH, aspects: dict[str, Any] | None = None
) -> Process:
    stages = Stages(audience=True, tolerance=tolerance, delivery=True, evaluation=STAGES.evaluation)
    return replace(process(chains or CHAINS, stages=stages), aspects=aspects or {})


def frozen(trial: Trial, target: int) -> None:
    trial.do(AudienceFrozen(actor="system", via="timer", snapshot="case1-1", digest="d", target=target, control=100))


def to_targeting(trial: Trial, form: dict[str, Any] = MIDDLE) -> None:
    trial.submit(form)
    trial.approve("county_head", "fin_a", "srv_a", "srv_b", "city_vp")
    trial.decide("mkt_prov_a", "acknowledge")
    assert trial.case.state == "targeting"


def selections(trial: Trial) -> int:
    return sum(isinstance(effect, SelectAudience) for effect in trial.effects)


@pytest.mark.parametrize("target", [9_000, 9_900, 8_100])
def test_within_the_tolerance_nothing_happens(target: int) -> None:
    trial = Trial(drifting())
    to_targeting(trial)
    frozen(trial, target)
    assert (trial.case.state, trial.case.drift, trial.case.round) == ("ready", None, 1)


@pytest.mark.parametrize("target", [9_901, 11_200, 8_099])
def test_beyond_it_approval_reopens_with_both_figures_in_the_history(target: int) -> None:
    trial = Trial(drifting())
    to_targeting(trial)
    frozen(trial, target)
    assert (trial.case.state, trial.case.round) == ("approving", 2)
    voided = ("county_head", "city_finance", "city_service", "city_vp", "province_register")
    assert trial.case.drift == Drift("reach", 9_000, target, voided=voided)
    assert trial.asked() == {"county_head"}
    assert trial.told("clerk")[-1] == "drifted"
    assert trial.replayed() == trial.case


def test_the_approved_list_is_used_and_nothing_is_selected_again() -> None:
    trial = Trial(drifting())
    to_targeting(trial)
    frozen(trial, 11_200)
    trial.approve("county_head", "fin_a", "srv_a", "srv_b", "city_vp")
    trial.decide("mkt_prov_a", "acknowledge")
    assert trial.case.state == "ready"
    assert selections(trial) == 1
    trial.do(StartDelivery(actor="clerk", recipients=11_200))
    assert trial.case.state == "delivering"
    assert trial.replayed() == trial.case


def test_only_approvals_that_looked_at_the_number_are_void() -> None:
    trial = Trial(drifting(TWO, aspects=ASPECTS))
    trial.submit()
    trial.approve("fin_a", "city_vp")
    frozen(trial, 11_200)
    assert trial.case.drift is not None
    assert trial.case.drift.voided == ("market",)
    assert trial.asked() == {"city_vp"}
    carried = [task for task in trial.case.tasks if task.round == 2 and task.step == "finance"]
    assert [(task.decided_by, task.reason) for task in carried] == [("fin_a", "carried")]
    trial.approve("city_vp")
    assert trial.case.state == "ready"


def test_the_real_count_chooses_the_route_and_the_steps() -> None:
    trial = Trial(drifting())
    trial.submit(SMALL)
    trial.decide("mkt_city", "acknowledge")
    frozen(trial, 60_000)
    assert trial.case.route == "to_city"
    trial.approve("county_head")
    assert trial.asked("city_network") == {"net_a", "net_b"}


def test_a_filing_that_was_objected_to_does_not_become_one_again() -> None:
    trial = Trial(drifting())
    trial.submit(SMALL)
    trial.decide("mkt_city", "object")
    trial.approve("county_head", "fin_a", "srv_a", "srv_b", "city_vp")
    trial.decide("mkt_prov_a", "acknowledge")
    frozen(trial, 500)
    assert (trial.case.route, trial.asked()) == ("to_city", {"county_head"})


def test_a_change_of_the_material_has_the_customers_selected_again() -> None:
    trial = Trial(drifting())
    to_targeting(trial)
    frozen(trial, 11_200)
    trial.do(Withdraw(actor="clerk", again=True))
    to_targeting(trial, {**MIDDLE, "reach": 11_000})
    assert trial.case.drift is None
    assert selections(trial) == 2
    frozen(trial, 11_200)
    assert trial.case.state == "ready"


def test_resubmitted_as_it_was_the_case_is_decided_on_the_real_count() -> None:
    trial = Trial(drifting())
    to_targeting(trial)
    frozen(trial, 60_000)
    trial.do(Withdraw(actor="clerk", again=True))
    trial.submit({**MIDDLE, "title": 7})
    trial.approve("county_head")
    assert trial.asked("city_network") == {"net_a", "net_b"}


@pytest.mark.parametrize(("change", "lists"), [("budget", 1), ("reach", 2)])
def test_what_an_approver_changes_keeps_the_list_unless_it_depends_on_it(change: str, lists: int) -> None:
    """A smaller budget for fewer customers is approved with their number; another number has them selected anew."""
    two = {
        "two": (
            approve("finance", "role:finance@city", aspects=("budget",)),
            approve("vice", "role:vp_market@city", fields=(("budget", "write"), ("reach", "write"))),
            approve("head", "head@city"),
        )
    }
    trial = Trial(replace(drifting(two, aspects=ASPECTS), selected_by=frozenset({"reach"})))
    trial.submit()
    trial.approve("fin_a", "city_vp", "city_head")
    frozen(trial, 5_000)
    assert trial.asked() == {"city_vp"}
    (mine,) = trial.open_tasks("vice")
    trial.do(Decide(actor="city_vp", task=mine.id, decision="approve", form={change: 5_100}))
    while trial.open_tasks():
        trial.approve(trial.open_tasks()[0].person)
    assert selections(trial) == lists
    assert trial.case.state == ("ready" if lists == 1 else "targeting")
    assert trial.case.judged["reach"] == (5_000 if lists == 1 else 5_100)
    assert trial.replayed() == trial.case


def test_a_second_drift_asks_people_again_and_never_goes_round_by_itself() -> None:
    trial = Trial(drifting())
    to_targeting(trial)
    frozen(trial, 11_200)
    trial.do(Withdraw(actor="clerk", again=True))
    to_targeting(trial, {**MIDDLE, "budget": 70_000})
    frozen(trial, 11_200)
    assert (trial.case.state, trial.case.round) == ("approving", 4)
    trial.approve("county_head", "fin_a", "srv_a", "srv_b", "city_vp")
    trial.decide("mkt_prov_a", "acknowledge")
    assert (trial.case.state, selections(trial)) == ("ready", 2)


def test_silence_of_a_filing_comes_to_rest_with_the_same_list() -> None:
    trial = Trial(drifting())
    trial.submit(SMALL)
    trial.wait("8wd")
    frozen(trial, 1_100)
    assert trial.case.state == "approving"
    trial.wait("8wd")
    assert (trial.case.state, selections(trial)) == ("ready", 1)


def test_a_count_that_the_form_forbids_returns_the_case() -> None:
    def wrong(form: dict[str, Any]) -> tuple[Problem, ...]:
        return (Problem("form.max", "at most 20,000", at="reach"),) if form["reach"] > 20_000 else ()

    trial = Trial(replace(drifting(), wrong=wrong))
    to_targeting(trial)
    frozen(trial, 30_000)
    assert (trial.case.state, trial.told("clerk")[-1]) == ("returned", "returned")
    with pytest.raises(InvalidForm, match="20,000"):
        trial.submit(MIDDLE)
    to_targeting(trial, {**MIDDLE, "reach": 15_000})
    assert selections(trial) == 2


def test_a_warning_goes_on() -> None:
    trial = Trial(drifting(tolerance=Tolerance("reach", Decimal("0.1"), reapproves=False)))
    to_targeting(trial)
    frozen(trial, 11_200)
    assert (trial.case.state, trial.case.judged["reach"]) == ("ready", 9_000)
    assert "drifted" in trial.told("clerk")
    assert trial.case.drift == Drift("reach", 9_000, 11_200, reapproves=False)


def test_a_case_woken_later_is_selected_again() -> None:
    trial = Trial(drifting())
    to_targeting(trial)
    frozen(trial, 11_200)
    trial.withdraw()
    trial.do(Operate(actor="clerk", operation="wake", reason="after all"))
    to_targeting(trial)
    assert (trial.case.drift, selections(trial)) == (None, 2)


def test_a_case_kept_before_there_was_drift_still_loads() -> None:
    trial = Trial(drifting())
    to_targeting(trial)
    kept = msgspec.json.decode(msgspec.json.encode(trial.case))
    del kept["drift"]
    assert msgspec.convert(kept, Case, strict=False) == trial.case

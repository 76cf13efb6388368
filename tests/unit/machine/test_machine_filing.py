"""A filing's place in the register: when it gets one, where, and that it keeps it."""

from dataclasses import replace
from decimal import Decimal

import pytest

from engine.definition.steps import REGISTER
from engine.errors import InvalidForm, NotFound, NotPossible, OwnCase
from engine.machine.advance import advance
from engine.machine.case import Case, Registration
from engine.machine.commands import (
    AudienceFrozen,
    Close,
    Decide,
    DeliveryFinished,
    Evaluated,
    Operate,
    PauseDelivery,
    StartDelivery,
    Withdraw,
)
from engine.machine.converting import may_convert
from engine.machine.drifting import Tolerance
from engine.machine.filing import Register, numbered
from engine.machine.lifecycle import Stages
from engine.machine.outcome import Outcome, Registered, SelectAudience, Submitted
from tests.unit.machine.trial import MIDDLE, PEOPLE, SMALL, STAGES, Trial, approve, file, process

REGISTERED = (file("register", "role:marketing@city"), approve("head", "head@city"))


def in_register(trial: Trial) -> list[tuple[str, str, int]]:
    return [(one.step, one.office, one.round) for one in trial.case.registered]


def test_an_acknowledged_filing_stands_in_the_register_of_the_office_it_was_filed_with() -> None:
    trial = Trial()
    trial.submit(SMALL)
    assert in_register(trial) == []
    trial.decide("mkt_city", "acknowledge")
    assert in_register(trial) == [("city_register", "city", 1)]


def test_silence_puts_it_into_the_register_only_when_the_objection_window_is_over() -> None:
    trial = Trial(process(stages=Stages()))
    trial.submit(SMALL)
    trial.wait("6wd")
    assert in_register(trial) == []
    trial.wait("1wd")
    assert in_register(trial) == [("city_register", "city", 1)]


def test_a_filing_that_was_objected_to_stands_in_no_register() -> None:
    trial = Trial()
    trial.submit(SMALL)
    trial.decide("mkt_city", "object")
    assert in_register(trial) == []


def test_a_filing_after_approvals_stands_in_the_register_as_well() -> None:
    trial = Trial()
    trial.submit(MIDDLE)
    trial.approve("county_head", "fin_a", "srv_a", "srv_b", "city_vp")
    trial.decide("mkt_prov_b", "acknowledge")
    assert in_register(trial) == [("province_register", "province", 1)]


def test_where_nobody_holds_the_role_it_is_still_the_register_of_that_office() -> None:
    empty = replace(PEOPLE, holders={**PEOPLE.holders, "role:marketing@city": ()})
    trial = Trial(process({"only": (file("register", "role:marketing@city"),)}, stages=Stages(), people=empty))
    trial.submit(SMALL)
    trial.decide("admin", "acknowledge")
    assert in_register(trial) == [("register", "city", 1)]


def test_the_number_is_drawn_for_what_took_effect_and_replaying_gives_it_again() -> None:
    trial = Trial()
    trial.submit(SMALL)
    before = trial.case
    outcome, drawn = drawing(trial, before, acknowledging(before))
    assert drawn == ["city"]
    number = REGISTER.number(office="city", year=2026, seq=1)
    assert outcome.case.registered == (Registration("city_register", "city", number, 1),)
    assert Registered(outcome.case.registered[0]) in outcome.events
    trial.keep(outcome)  # holds the case against the fold of its events


def test_a_command_that_makes_nothing_effective_draws_no_number() -> None:
    trial = Trial()
    trial.submit(SMALL)
    objecting = Decide(actor="mkt_city", task=trial.case.tasks[0].id, decision="object", remark="a clash")
    assert drawing(trial, trial.case, objecting)[1] == []
    with pytest.raises(NotPossible):
        drawing(trial, trial.case, Decide(actor="mkt_city", task=trial.case.tasks[0].id, decision="approve"))


def test_a_case_that_is_filed_again_keeps_its_number() -> None:
    trial = Trial(process({"only": REGISTERED}, stages=Stages()))
    trial.submit(SMALL)
    first, drawn = drawing(trial, trial.case, acknowledging(trial.case))
    trial.keep(first)
    trial.do(Operate(actor="admin", operation="jump", to="register", reason="look again"))
    again, drawn_again = drawing(trial, trial.case, acknowledging(trial.case))
    assert (drawn, drawn_again) == (["city"], [])
    assert again.case.registered[0].number == first.case.registered[0].number
    assert again.case.registered[0].round == 2


def acknowledging(case: Case) -> Decide:
    return Decide(actor="mkt_city", task=case.tasks[-1].id, decision="acknowledge")


def drawing(trial: Trial, case: Case, command: Decide) -> tuple[Outcome, list[str]]:
    """What comes of the command, and the offices whose registers gave a number."""
    drawn: list[str] = []

    def draw(register: Register, office: str) -> str:
        drawn.append(office)
        return register.number(office=office, year=2026, seq=len(drawn))

    return numbered(trial.process, case, advance(trial.process, case, command, trial.now), draw), drawn


ABOVE = replace(PEOPLE, heads=("city_head", "province_head"))
CONVERTED = {
    "file": (file("city_register", "role:marketing@city", conversion="board"),),
    "board": (approve("head", "head@city", when="form.budget > 1000"), file("after", "role:marketing@province")),
}


def filed(*, form: dict[str, int] = SMALL, stages: Stages = STAGES) -> Trial:
    """A filing with the city, whose superiors are the heads of the city and of the province."""
    trial = Trial(process(CONVERTED, stages=stages, people=ABOVE))
    trial.submit(form)
    return trial


def convert(trial: Trial, by: str = "city_head", reason: str = "touches another case") -> None:
    trial.do(Operate(actor=by, operation="convert", reason=reason))


def test_a_superior_makes_an_open_filing_a_case_for_approval() -> None:
    trial = filed()
    convert(trial, by="province_head")
    case = trial.case
    assert (case.route, case.round, case.state, case.configuration) == ("board", 2, "approving", ("board/head",))
    assert [(task.person, task.reason) for task in case.tasks if task.step == "city_register"] == [
        ("mkt_city", "converted")
    ]
    assert ("city_register", "silence") not in trial.timers()
    assert (trial.told("clerk"), trial.told("mkt_city")) == (["converted"], ["task", "converted"])
    (submitted,) = [event for event in trial.entries[-1].events if isinstance(event, Submitted)]
    assert (submitted.number, submitted.reasons) == ("c1-2026-00001", ("city_register: conversion",))
    assert trial.replayed() == case


def test_what_took_effect_is_converted_until_messages_go_out_and_keeps_its_register_number() -> None:
    for frozen in (False, True):
        trial = filed()
        trial.decide("mkt_city", "acknowledge")
        if frozen:
            trial.do(AudienceFrozen(actor="system", snapshot="case1-1", digest="d", target=900, control=100))
        assert trial.case.state == ("ready" if frozen else "targeting")
        convert(trial)
        assert trial.case.configuration == ("board/head",)
        assert not trial.case.facts.get("snapshot")
        assert in_register(trial) == [("city_register", "city", 1)]
        trial.decide("city_head", "approve")
        trial.decide("mkt_prov_a", "acknowledge")
        assert trial.case.state == "targeting"  # the customers are selected anew
        assert [type(effect) for effect in trial.effects].count(SelectAudience) == 2


def test_once_messages_go_out_nothing_is_converted_any_more() -> None:
    trial = filed()
    trial.decide("mkt_city", "acknowledge")
    trial.do(AudienceFrozen(actor="system", snapshot="case1-1", digest="d", target=900, control=100))
    trial.do(StartDelivery(actor="clerk", recipients=900))
    with pytest.raises(NotPossible):
        convert(trial)
    trial.do(DeliveryFinished(actor="system", sums={}))
    assert trial.case.state == "evaluating"
    with pytest.raises(NotPossible):
        convert(trial)


@pytest.mark.parametrize("person", ["clerk", "county_head", "mkt_city", "admin", "nobody"])
def test_only_a_head_above_the_office_converts(person: str) -> None:
    trial = filed()
    with pytest.raises(NotFound):
        convert(trial, by=person)
    assert trial.case.route == "file"


def test_a_superior_does_not_convert_a_case_of_their_own() -> None:
    trial = Trial(process(CONVERTED, people=replace(ABOVE, twins={"clerk": "city_head"})))
    trial.submit(SMALL)
    with pytest.raises(OwnCase):
        convert(trial)
    convert(trial, by="province_head")


def test_a_conversion_needs_a_reason_a_filing_and_somebody_who_approves() -> None:
    trial = filed(form={"budget": 500, "reach": 900})
    with pytest.raises(InvalidForm) as refused:
        convert(trial, reason=" ")
    assert refused.value.problems[0].code == "remark_missing"
    with pytest.raises(InvalidForm) as refused:  # on that chain nobody would approve, and silence is no approval
        convert(trial)
    assert refused.value.problems[0].code == "nobody_decides"
    assert trial.case.state == "approving"
    approving = filed()
    convert(approving)
    with pytest.raises(NotPossible):
        convert(approving)


def test_a_suspended_filing_is_converted_only_when_it_goes_on() -> None:
    trial = filed()
    trial.do(Operate(actor="admin", operation="suspend", reason="an inquiry"))
    with pytest.raises(NotPossible):
        convert(trial)
    trial.do(Operate(actor="admin", operation="activate"))
    convert(trial)


def test_an_objection_that_nobody_would_decide_on_is_refused() -> None:
    chains = {**CONVERTED, "file": (file("city_register", "role:marketing@city", window="1wd", objection="board"),)}
    trial = Trial(process(chains))
    trial.submit({"budget": 500, "reach": 900})
    with pytest.raises(InvalidForm) as refused:
        trial.decide("mkt_city", "object")
    assert refused.value.problems[0].code == "nobody_decides"
    assert [task.state for task in trial.case.tasks] == ["open"]


def test_what_took_effect_goes_on_by_the_chain_even_where_a_case_jumped_meanwhile() -> None:
    chains = {**CONVERTED, "file": (*CONVERTED["file"], approve("vp", "role:vp_market@city"))}
    trial = Trial(process(chains, stages=Stages(), people=ABOVE))
    trial.submit(SMALL)
    trial.decide("mkt_city", "acknowledge")
    with pytest.raises(NotPossible):  # it is with somebody who approves
        convert(trial)
    trial.do(Operate(actor="admin", operation="jump", to="vp", reason="ask again"))
    trial.approve("city_vp")
    assert trial.case.state == "approved"
    convert(trial)
    assert trial.case.route == "board"


# every state: what a superior's conversion leads to there, or "-" where it is refused
CONVERSIONS = {
    "draft": "-",
    "filing": "approving",
    "filing suspended": "-",
    "targeting": "approving",
    "ready": "approving",
    "ready suspended": "-",
    "delivering": "-",
    "paused": "-",
    "evaluating": "-",
    "closed": "-",
    "returned": "-",
    "withdrawn": "-",
    "cancelled": "-",
    "voided": "-",
    "converted": "-",
    "approved after conversion": "-",
}


def in_state(state: str) -> Trial:
    """A filing brought there."""
    trial = Trial(process(CONVERTED, people=ABOVE))
    name, _, more = state.partition(" ")
    if name == "draft":
        return trial
    trial.submit(SMALL)
    match name:
        case "returned":
            trial.do(Withdraw(actor="clerk", again=True))
        case "withdrawn":
            trial.withdraw()
        case "cancelled":
            trial.do(Operate(actor="admin", operation="terminate", reason="an order"))
        case "converted" | "approved":
            convert(trial)
        case "targeting" | "ready" | "delivering" | "paused" | "evaluating" | "closed" | "voided":
            trial.decide("mkt_city", "acknowledge")
    if name == "approved":
        trial.decide("city_head", "approve")
        trial.decide("mkt_prov_a", "acknowledge")
    if name == "voided":
        trial.do(Operate(actor="clerk", operation="void", reason="a mistake"))
    if name in ("ready", "delivering", "paused", "evaluating", "closed"):
        trial.do(AudienceFrozen(actor="system", snapshot="case1-1", digest="d", target=900, control=100))
    if name in ("delivering", "paused", "evaluating", "closed"):
        trial.do(StartDelivery(actor="clerk", recipients=900))
    if name == "paused":
        trial.do(PauseDelivery(actor="clerk"))
    if name in ("evaluating", "closed"):
        trial.do(DeliveryFinished(actor="system", sums={}))
    if name == "closed":
        for label in ("7d", "30d"):
            trial.do(Evaluated(actor="system", label=label, digest="d", verdict="works", last=label == "30d"))
        trial.do(Close(actor="clerk"))
    if more == "suspended":
        trial.do(Operate(actor="admin", operation="suspend", reason="an inquiry"))
    return trial


@pytest.mark.parametrize("state", CONVERSIONS)
def test_a_conversion_in_each_state_does_what_the_table_says(state: str) -> None:
    trial = in_state(state)
    before, wanted = trial.case, CONVERSIONS[state]
    assert may_convert(trial.process, before, "city_head") is (wanted != "-")
    if wanted == "-":
        with pytest.raises(NotPossible):
            convert(trial)
        assert trial.case == before
    else:
        convert(trial)
        assert (trial.case.state, trial.case.route) == (wanted, "board")
        assert trial.replayed() == trial.case


def test_a_filing_that_stands_after_a_return_keeps_its_place_in_the_register() -> None:
    running = replace(
        process({"only": REGISTERED, "board": CONVERTED["board"]}, stages=Stages()), resume="changed_aspects"
    )
    trial = Trial(running)
    trial.submit(SMALL)
    trial.decide("mkt_city", "acknowledge")
    trial.decide("city_head", "return")
    trial.submit(SMALL)
    assert trial.asked() == {"city_head"}  # the registrar is not asked twice
    assert in_register(trial) == [("register", "city", 2)]


def test_a_converted_case_whose_audience_drifted_is_not_filed_again() -> None:
    tolerant = Stages(audience=True, tolerance=Tolerance("reach", Decimal("0.1")), delivery=True)
    trial = Trial(process(CONVERTED, stages=tolerant, people=ABOVE))
    trial.submit(SMALL)
    convert(trial)
    trial.decide("city_head", "approve")
    trial.decide("mkt_prov_a", "acknowledge")
    trial.do(AudienceFrozen(actor="system", snapshot="case1-2", digest="d", target=1_400, control=100))
    assert (trial.case.state, trial.case.route, trial.case.round) == ("approving", "board", 3)


def test_what_drifted_before_the_conversion_is_selected_anew_after_it() -> None:
    tolerant = Stages(audience=True, tolerance=Tolerance("reach", Decimal("0.1")), delivery=True)
    trial = Trial(process(CONVERTED, stages=tolerant, people=ABOVE))
    trial.submit(SMALL)
    trial.decide("mkt_city", "acknowledge")
    trial.do(AudienceFrozen(actor="system", snapshot="case1-1", digest="d", target=1_400, control=100))
    assert (trial.case.state, trial.case.route) == ("approving", "file")
    convert(trial)
    trial.decide("city_head", "approve")
    trial.decide("mkt_prov_a", "acknowledge")
    assert (trial.case.state, trial.case.drift) == ("targeting", None)
    assert [type(effect) for effect in trial.effects].count(SelectAudience) == 2

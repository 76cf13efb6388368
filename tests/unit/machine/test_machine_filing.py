"""A filing's place in the register: when it gets one, where, and that it keeps it."""

from dataclasses import replace

import pytest

from engine.definition.steps import REGISTER
from engine.errors import NotPossible
from engine.machine.advance import advance
from engine.machine.case import Case, Registration
from engine.machine.commands import Decide, Operate
from engine.machine.filing import Register, numbered
from engine.machine.lifecycle import Stages
from engine.machine.outcome import Outcome, Registered
from tests.unit.machine.trial import MIDDLE, PEOPLE, SMALL, Trial, approve, file, process

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

"""Chains that only file: read, silence, objection; and what a copy blocks."""

import pytest

from engine.errors import NotPossible
from engine.machine.lifecycle import Stages
from tests.unit.machine.trial import SMALL, Trial, approve, copy, file, process


def test_a_copy_blocks_nothing_and_can_be_read_after_the_end() -> None:
    chain = (copy("fyi", "role:network@city"), approve("vp", "role:vp_market@city"))
    trial = Trial(process({"only": chain}))
    trial.submit()
    assert trial.asked() == {"city_vp"}
    trial.decide("city_vp", "reject")
    trial.decide("net_a", "read")
    states = {task.person: (task.state, task.decision) for task in trial.case.tasks if task.verb == "copy"}
    assert states == {"net_a": ("decided", "read"), "net_b": ("open", None)}


def test_a_chain_that_only_files_ends_filed_and_goes_on() -> None:
    trial = Trial()
    trial.submit(SMALL)
    assert trial.told("mkt_city") == ["task"]
    trial.decide("mkt_city", "acknowledge")
    assert trial.told("clerk") == ["filed"]
    assert trial.case.state == "targeting"


def test_silence_makes_a_filing_effective_after_the_objection_window() -> None:
    trial = Trial(process(stages=Stages()))
    trial.submit(SMALL)
    trial.wait("6wd")
    assert trial.case.state == "approving"
    trial.wait("1wd")
    assert trial.case.state == "filed"
    assert trial.case.tasks[0].reason == "silence"


def test_without_an_objection_clause_silence_is_enough() -> None:
    trial = Trial(process({"only": (file("register", "role:marketing@city"),)}, stages=Stages()))
    trial.submit()
    with pytest.raises(NotPossible):
        trial.decide("mkt_city", "object")
    trial.wait("5wd")
    assert trial.case.state == "filed"


def test_an_objection_makes_a_filing_an_approval() -> None:
    trial = Trial()
    trial.submit(SMALL)
    trial.wait("5wd")
    trial.decide("mkt_city", "object", remark="touches a current case")
    assert trial.case.route == "to_city"
    assert trial.asked() == {"county_head"}
    assert trial.told("clerk") == ["objected"]
    assert ("city_register", "objection") not in trial.timers()
    trial.approve("county_head")
    assert "to_city/city_finance" in trial.case.configuration

"""A case that is not approved in time expires: in approval and returned, never later, and never twice."""

from dataclasses import replace

import pytest

from engine.errors import NotPossible
from engine.machine.commands import Decide, Operate, Submit
from engine.machine.outcome import BeginDelivery, SelectAudience
from tests.unit.machine.trial import MIDDLE, Trial, process


def limited(span: str = "10wd") -> Trial:
    return Trial(process(expires=span))


def test_a_case_in_approval_expires_and_nobody_need_decide_any_more() -> None:
    case = limited()
    case.submit()
    case.wait("9wd")
    assert case.case.state == "approving"
    case.wait("1wd")
    assert (case.case.state, case.asked(), case.timers()) == ("expired", set(), set())
    assert {task.reason for task in case.case.tasks if task.state == "cancelled"} >= {"expired"}
    assert case.told("clerk")[-1] == "expired"
    assert not [effect for effect in case.effects if isinstance(effect, SelectAudience | BeginDelivery)]
    assert case.replayed() == case.case


def test_the_limit_goes_on_while_the_case_is_returned_and_submitted_again() -> None:
    case = limited()
    case.submit()
    case.wait("4wd")
    case.decide(next(iter(case.asked())), "return")
    case.wait("4wd")
    case.submit()
    assert [timer.due_at for timer in case.case.timers if timer.name == "expire"] == [case.days(10)]
    case.decide(next(iter(case.asked())), "return")
    case.wait("2wd")
    assert case.case.state == "expired"
    with pytest.raises(NotPossible):
        case.do(Submit(actor="clerk", form=MIDDLE, number="c1-2026-00001"))


def test_what_is_approved_in_time_never_expires() -> None:
    case = limited("30wd")
    case.to_ready()
    assert ("", "expire") not in case.timers()
    case.wait("60wd")
    assert case.case.state == "ready"


def test_a_draft_does_not_expire_and_a_withdrawn_case_is_over() -> None:
    case = limited()
    case.wait("60wd")
    assert case.case.state == "draft"
    case.submit()
    case.withdraw()
    assert case.timers() == set()


def test_a_case_on_hold_does_not_expire_until_it_goes_on() -> None:
    case = limited()
    case.submit()
    case.wait("8wd")
    case.do(Operate(actor="admin", operation="suspend", reason="because"))
    case.wait("30wd")
    assert case.case.state == "suspended"
    case.do(Operate(actor="admin", operation="activate"))
    case.wait("1wd")
    assert case.case.state == "approving"
    case.wait("1wd")
    assert case.case.state == "expired"


def test_a_late_tick_after_the_approval_changes_nothing() -> None:
    case = limited("30wd")
    case.submit()
    key = next(timer.key for timer in case.case.timers if timer.name == "expire")
    case.approve("county_head", "fin_a", "srv_a", "srv_b", "city_vp")
    case.decide("mkt_prov_a", "acknowledge")
    assert case.fire(key).events == ()


def test_who_decides_too_late_is_told_that_the_case_has_expired() -> None:
    case = limited()
    case.submit()
    task = case.open_tasks()[0]
    case.wait("10wd")
    with pytest.raises(NotPossible, match="expired"):
        case.do(Decide(actor=task.person, task=task.id, decision="approve"))


def test_an_expired_case_is_woken_and_its_time_counts_anew() -> None:
    case = limited()
    case.submit()
    case.wait("10wd")
    case.do(Operate(actor="admin", operation="wake", reason="because"))
    assert case.case.state == "returned"
    case.wait("60wd")
    assert case.case.state == "returned"
    case.submit()
    case.wait("10wd")
    assert case.case.state == "expired"


def test_a_changed_form_gives_no_more_time() -> None:
    chains = process().chains
    case = Trial(replace(process(expires="10wd"), chains=chains))
    case.submit()
    case.wait("5wd")
    case.decide(next(iter(case.asked())), "return")
    case.submit(MIDDLE | {"budget": 90_000})
    assert [timer.due_at for timer in case.case.timers if timer.name == "expire"] == [case.days(10)]

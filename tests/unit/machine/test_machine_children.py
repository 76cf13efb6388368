"""Cases that open cases: what is planned, what is waited for, what is cancelled, and what is told."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine.definition.cast import Cast
from engine.definition.check import check
from engine.definition.compile import compile_process
from engine.definition.trial import Trial
from engine.errors import NotPossible
from engine.machine.advance import advance, create
from engine.machine.case import Parent
from engine.machine.children import MAX_DEPTH
from engine.machine.commands import AddChild, Cancel, ChildMoved, Create, Operate, Perform
from engine.machine.outcome import CancelChild, HoldChild, OpenChild, TellParent
from engine.machine.process import Process
from engine.organisation import Workdays

TEXT = """\
apiVersion: countersign/v1
kind: CaseDefinition
name: parent
version: 1
title: {zh: 母案, en: Parent}
proposal:
  fields:
    title: {type: text, label: {zh: 案名, en: Title}}
    budget: {type: money, currency: CNY, label: {zh: 预算, en: Budget}}
    places: {type: set, of: [north, south, west], label: {zh: 地点, en: Places}}
lifecycle:
  roles:
    me: {who: submitter, label: {zh: 申请人, en: Submitter}}
    boss: {who: "role:boss", label: {zh: 主管, en: Boss}}
  events:
    submit: {label: {zh: 提交, en: Submit}}
    stop: {label: {zh: 停止, en: Stop}}
  states:
    draft: {kind: form, label: {zh: 草稿, en: Draft}, events: [{event: submit, role: me, to: reviews}]}
    reviews:
      kind: cases
      label: {zh: 审阅, en: Reviews}
      open: review
      MORE
      events:
        - {event: done, to: closed}
        - {event: failed, to: refused}
        - {event: stop, role: boss, to: stopped}
    stopped: {kind: final, label: {zh: 停止, en: Stopped}}
    refused: {kind: final, label: {zh: 未通过, en: Refused}}
    closed: {kind: final, label: {zh: 结束, en: Closed}}
"""


def process(more: str, old: str = "", new: str = "") -> Process:
    text = TEXT.replace("MORE\n", "\n      ".join(more.split("; ")) + "\n").replace(old, new)
    checked = check(text)
    assert checked.definition is not None, checked.problems
    return compile_process(checked.definition).bound(Cast(level="province"), Workdays(ZoneInfo("Asia/Shanghai")))


def trial(more: str, **form: Any) -> Trial:
    played = Trial(process(more), office="province")
    played.submit({"title": "x", **form})
    return played


def tell(played: Trial, n: int, state: str, *, ended: bool = True, seq: int = 5) -> None:
    child = played.case.children[n].id
    played.do(ChildMoved(actor="system", via="timer", child=child, state=state, seq=seq, ended=ended))


def opened(played: Trial) -> list[OpenChild]:
    return [effect for effect in played.effects if isinstance(effect, OpenChild)]


def cancelled(played: Trial) -> list[str]:
    return [effect.child for effect in played.effects if isinstance(effect, CancelChild)]


def test_a_case_is_opened_for_each_element_with_what_is_passed():
    played = trial("for: form.places; pass: {title: each, cost: form.budget}", places=["north", "west"], budget="7.50")
    assert [effect.form for effect in opened(played)] == [
        {"title": "north", "cost": "7.50"},
        {"title": "west", "cost": "7.50"},
    ]
    assert [child.element for child in played.case.children] == ["north", "west"]
    assert len({child.id for child in played.case.children}) == 2


def test_a_field_that_is_empty_is_not_passed():
    assert opened(trial("pass: {title: form.title, cost: form.budget}"))[0].form == {"title": "x"}


def test_without_elements_all_are_done_and_any_is_not():
    assert trial("for: form.places", places=[]).case.state == "closed"
    assert trial("for: form.places; join: any", places=[]).case.state == "refused"


def test_what_cannot_be_worked_out_fails():
    assert trial("for: form.places").case.state == "refused"


def test_more_than_a_hundred_fail():
    assert len(trial("for: '100'").case.children) == 100
    assert trial("for: '101'").case.state == "refused"


def test_the_first_refusal_ends_the_wait_for_all_and_cancels_the_others():
    played = trial("for: '3'")
    tell(played, 0, "closed")
    tell(played, 1, "rejected")
    assert played.case.state == "refused"
    assert cancelled(played) == [played.case.children[2].id]
    assert [child.outcome for child in played.case.children] == ["done", "failed", "cancelled"]


def test_a_number_is_refused_as_soon_as_it_cannot_be_met():
    played = trial("for: '3'; join: {n: 2}")
    tell(played, 0, "rejected")
    assert played.case.state == "reviews"
    tell(played, 1, "withdrawn")
    assert played.case.state == "refused"


def test_what_counts_may_be_a_state_that_is_no_end():
    played = trial("counts: [approved, delivering]")
    tell(played, 0, "delivering", ended=False)
    assert played.case.state == "closed"


def test_news_that_come_late_or_twice_change_nothing():
    played = trial("for: '2'")
    tell(played, 0, "approving", ended=False, seq=4)
    before = played.case
    tell(played, 0, "draft", ended=False, seq=1)
    tell(played, 0, "approving", ended=False, seq=4)
    assert played.case == before


def test_the_end_of_a_case_that_nobody_waits_for_is_recorded():
    played = trial("for: '2'; join: any; rest: continue")
    tell(played, 0, "closed")
    assert played.case.state == "closed"
    assert cancelled(played) == []
    tell(played, 1, "closed")
    assert [child.outcome for child in played.case.children] == ["done", "done"]


def test_what_runs_on_without_its_parent_is_not_suspended_with_it():
    closed = "closed: {kind: final, label: {zh: 结束, en: Closed}}"
    resting = "closed: {kind: task, label: {zh: 结束, en: Closed}, events: [{event: stop, role: boss, to: stopped}]}"
    played = Trial(process("for: '2'; join: any; rest: continue", closed, resting), office="province")
    played.submit({"title": "x"})
    tell(played, 0, "closed")
    assert played.case.state == "closed"
    played.do(Operate(actor="process_admin", operation="suspend", reason="wait"))
    assert played.case.state == "suspended"
    assert [effect for effect in played.effects if isinstance(effect, HoldChild)] == []


def test_leaving_in_another_way_cancels_also_what_would_continue():
    played = trial("for: '2'; join: any; rest: continue")
    played.do(Perform(actor="boss", event="stop"))
    assert played.case.state == "stopped"
    assert len(cancelled(played)) == 2


def test_a_rule_is_asked_at_every_end():
    played = trial("for: '4'; join: {when: children.done >= 1 && children.failed >= 1}")
    tell(played, 0, "closed")
    tell(played, 1, "closed")
    assert played.case.state == "reviews"
    tell(played, 2, "rejected")
    assert played.case.state == "closed"


def test_only_who_may_opens_one_more():
    played = trial("for: form.places; add: boss", places=["north"])
    played.do(AddChild(actor="boss", element="south"))
    assert [child.element for child in played.case.children] == ["north", "south"]
    with pytest.raises(NotPossible):
        played.do(AddChild(actor="somebody", element="west"))
    with pytest.raises(NotPossible):
        trial("for: '1'").do(AddChild(actor="boss"))


def test_cases_do_not_stand_without_end_below_each_other():
    made = process("for: '1'")
    command = Create(actor="submitter", office="province", parent=Parent("above", "reviews", MAX_DEPTH))
    played = Trial(made, office="province")
    played.case = create("deep", made.ref, command, played.now, made).case
    played.submit({"title": "x"})
    assert played.case.state == "refused"


def test_a_child_tells_every_change_of_its_state_and_can_be_cancelled():
    made = process("for: '1'")
    played = Trial(made, office="province")
    command = Create(actor="submitter", office="province", parent=Parent("above", "reviews", 1), form={"title": "x"})
    born = create("child", made.ref, command, played.now, made)
    assert born.case.form == {"title": "x"}
    assert [(one.state, one.ended) for one in born.effects if isinstance(one, TellParent)] == [("draft", False)]
    gone = advance(made, born.case, Cancel(actor="system", reason="joined"), played.now)
    assert [(one.state, one.ended) for one in gone.effects if isinstance(one, TellParent)] == [("cancelled", True)]
    assert advance(made, gone.case, Cancel(actor="system"), played.now).events == ()


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ("for: form.title", "E305", "a list or a number"),
        ("for: form.plces", "E303", "plces"),
        ("pass: {title: each}", "E302", "each"),
        ("for: form.places; pass: {title: each + 1}", "E304", ""),
        ("join: {when: children.dne > 1}", "E303", "dne"),
        ("join: {n: 2}", "E527", "one case"),
        ("add: nobody", "E232", "nobody"),
        ("open_: x", "E111", "open_"),
    ],
)
def test_mistakes_are_told(more: str, code: str, said: str):
    text = TEXT.replace("MORE\n", "\n      ".join(more.split("; ")) + "\n")
    assert [problem for problem in check(text).problems if problem.code == code and said in problem.message]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("open: review", "open: parent", "E526"),
        ("- {event: failed, to: refused}", "", "E525"),
        ("role: boss, to: stopped", "role: boss, while: nowhere, to: stopped", "E240"),
    ],
)
def test_mistakes_around_it_are_told(old: str, new: str, code: str):
    assert code in [problem.code for problem in check(TEXT.replace("MORE", "").replace(old, new)).problems]

"""A lifecycle of the definition's own: who may do what, nested states, time, and what its check refuses."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from engine.definition.cast import Cast
from engine.definition.check import check
from engine.definition.compile import compile_process
from engine.definition.load import load
from engine.definition.trial import Trial
from engine.errors import AlreadyDecided, InvalidForm, NotPossible, OwnCase
from engine.machine.case import Case
from engine.machine.commands import (
    AudienceFrozen,
    Close,
    Decide,
    DeliveryFinished,
    Evaluated,
    PauseDelivery,
    Perform,
    ResumeDelivery,
    StartDelivery,
)
from engine.machine.evolve import empty_case, fold
from engine.machine.outcome import AnyEvent, NotifyTask
from engine.organisation import Workdays
from engine.values import Duration

ROOT = Path(__file__).resolve().parents[3]
PAYMENT = (ROOT / "definitions/examples/payment-approval.yaml").read_text(encoding="utf-8")
FORM = {"title": "coffee", "amount": "80.00", "payee": "the shop"}

EVENT = """\
apiVersion: countersign/v1
kind: CaseDefinition
name: event-case
version: 1
title: {zh: 活动, en: Event}
proposal:
  fields:
    title: {type: text, label: {zh: 案名, en: Title}, required: true}
    guests: {type: int, label: {zh: 人数, en: Guests}, required: true}
lifecycle:
  initial: draft
  roles:
    owner: {who: submitter, label: {zh: 主办, en: Owner}}
    hall: {who: "role:hall", label: {zh: 场地, en: Hall}}
    cook: {who: "role:cook", label: {zh: 厨房, en: Cook}}
    boss: {who: "head@county", label: {zh: 经理, en: Head}}
  events:
    submit: {label: {zh: 提交, en: Submit}}
    book: {label: {zh: 预订, en: Book}}
    cook: {label: {zh: 备餐, en: Cook}}
    note: {label: {zh: 备注, en: Note}}
    hold: {label: {zh: 搁置, en: Hold}, reason: required}
    resume: {label: {zh: 恢复, en: Resume}}
    grow: {label: {zh: 扩大, en: Grow}}
  states:
    draft: {kind: form, label: {zh: 填写, en: Draft}, events: [{event: submit, role: owner, to: preparing}]}
    preparing:
      kind: compound
      label: {zh: 准备, en: Preparing}
      initial: both
      events:
        - {event: hold, role: boss, to: held}
      states:
        both:
          kind: parallel
          label: {zh: 同时, en: Both}
          events:
            - {event: done, to: big_or_small}
          states:
            place:
              kind: compound
              label: {zh: 场地, en: Place}
              states:
                booking:
                  kind: task
                  label: {zh: 订场地, en: Booking}
                  timeouts: [{after: 2d, event: late}]
                  events:
                    - {event: book, role: hall, to: booked}
                    - {event: note, role: hall}
                    - {event: late, to: booked}
                booked: {kind: final, label: {zh: 已订, en: Booked}}
            food:
              kind: compound
              label: {zh: 餐饮, en: Food}
              states:
                cooking:
                  kind: task
                  label: {zh: 备餐, en: Cooking}
                  events: [{event: cook, role: cook, to: cooked}]
                cooked: {kind: final, label: {zh: 已备, en: Cooked}}
        big_or_small:
          kind: wait
          label: {zh: 判断, en: Choice}
          events:
            - {when: "form.guests > 100", to: big}
            - {to: over}
        as_before: {kind: history, default: both, deep: true}
    held:
      kind: task
      label: {zh: 搁置, en: Held}
      events: [{event: resume, role: boss, to: as_before}]
    big:
      kind: task
      label: {zh: 大型, en: Big}
      events: [{event: grow, role: boss, when: "form.guests > 500", to: over}, {event: resume, role: boss, to: over}]
    over: {kind: final, label: {zh: 结束, en: Over}}
"""


def trial_of(text: str, *, nobody: tuple[str, ...] = (), sizes: Mapping[str, int] | None = None) -> Trial:
    process = compile_process(load(text)).bound(Cast(nobody=nobody, sizes=sizes), Workdays(ZoneInfo("Asia/Shanghai")))
    return Trial(process)


def replayed(trial: Trial) -> Case:
    """The case rebuilt from its events as they are stored: as JSON."""
    case = empty_case("trial", trial.outcomes[0].at or trial.now)
    for outcome in trial.outcomes:
        assert outcome.at is not None
        events = msgspec.json.decode(msgspec.json.encode(outcome.events), type=tuple[AnyEvent, ...])
        case = fold(case, events, outcome.at)
    return case


@pytest.fixture
def payment() -> Trial:
    trial = trial_of(PAYMENT)
    trial.submit(FORM)
    return trial


def do(trial: Trial, event: str, actor: str, role: str = "", remark: str = "") -> None:
    trial.do(Perform(actor=actor, event=event, role=role, remark=remark))


def test_the_shipped_example_has_no_problem() -> None:
    assert check(PAYMENT).problems == ()


def test_a_payment_is_approved_and_paid(payment: Trial) -> None:
    asked = [(task.person, task.verb) for task in payment.open_tasks("submitted")]
    assert asked == [("administration", "work"), ("pre_approver", "work"), ("supervisor", "work")]
    do(payment, "approve", "administration")
    do(payment, "approve", "budget_owner")
    do(payment, "final_approve", "supervisor")
    do(payment, "request_payment", "finance")
    do(payment, "pay", "finance")
    assert (payment.case.state, payment.case.number) == ("paid", "county-2026-00001")
    done = [(task.step, task.person, task.state, task.reason) for task in payment.case.tasks[:3]]
    assert done == [
        ("submitted", "administration", "decided", ""),
        ("submitted", "pre_approver", "cancelled", "decided_by_other"),
        ("submitted", "supervisor", "cancelled", "decided_by_other"),
    ]
    assert replayed(payment) == payment.case


def test_a_role_may_do_only_what_the_state_gives_it(payment: Trial) -> None:
    before = payment.case
    with pytest.raises(NotPossible) as refused:
        do(payment, "approve", "director")
    assert refused.value.fields["possible"] == "nothing"
    with pytest.raises(NotPossible) as refused:
        do(payment, "final_approve", "administration")
    assert refused.value.message == "Cannot final_approve while submitted; possible: approve, reject."
    with pytest.raises(NotPossible):
        do(payment, "approve", "supervisor", role="administration")
    assert payment.case == before


def test_the_same_event_leads_elsewhere_for_another_role(payment: Trial) -> None:
    do(payment, "approve", "supervisor")
    assert payment.case.state == "supervisor_approved"


def test_a_rejection_needs_its_reason(payment: Trial) -> None:
    with pytest.raises(InvalidForm, match="say why you reject"):
        do(payment, "reject", "supervisor")
    do(payment, "reject", "supervisor", remark="no bill")
    do(payment, "take_back", "submitter")
    assert (payment.case.state, payment.process.possible(payment.case)) == ("returned", ("edit", "submit"))
    payment.submit(FORM | {"amount": "70.00"})
    assert (payment.case.state, payment.case.round) == ("submitted", 2)
    assert payment.case.number == "county-2026-00001"
    assert replayed(payment) == payment.case


def test_nobody_approves_their_own_payment() -> None:
    trial = trial_of(PAYMENT, sizes={"role:administration": 2})
    trial.submitter = "administration.1"
    trial.case = msgspec.structs.replace(trial.case, submitter="administration.1")
    trial.submit(FORM)
    assert "administration.1" not in [task.person for task in trial.open_tasks()]
    with pytest.raises(OwnCase):
        do(trial, "approve", "administration.1")
    do(trial, "approve", "administration.2")


def test_neither_another_account_nor_who_stands_in_acts_on_a_case_of_their_own() -> None:
    trial = trial_of(PAYMENT)
    cast = Related(level="county")
    trial.process = trial.process.bound(cast, trial.process.calendar)
    trial.submit(FORM)
    assert {task.person for task in trial.open_tasks()} == {"administration", "process_admin"}
    for related in ("supervisor", "pre_approver"):
        with pytest.raises(OwnCase):
            do(trial, "approve", related)


class Related(Cast):
    """The supervisor is the submitter by another account; the pre-approver stands in for the submitter."""

    def accounts(self, person: str) -> frozenset[str]:
        """See Directory."""
        same = frozenset({"submitter", "supervisor"})
        return same if person in same else frozenset({person})

    def stand_ins(self, person: str, **_: Any) -> tuple[str, ...]:
        """See Directory."""
        return ("pre_approver",) if person == "submitter" else ()


def test_who_comes_second_learns_who_was_first(payment: Trial) -> None:
    first, *_, third = payment.open_tasks()
    do(payment, "approve", first.person)
    with pytest.raises(AlreadyDecided) as error:
        payment.do(Perform(actor=third.person, event="approve", task=third.id))
    assert error.value.fields["by"] == "administration"


def test_a_task_of_a_declared_state_takes_no_plain_decision(payment: Trial) -> None:
    task = payment.open_tasks()[0]
    with pytest.raises(NotPossible):
        payment.do(Decide(actor=task.person, task=task.id, decision="approve"))


def test_a_role_that_nobody_holds_falls_to_the_process_administrators() -> None:
    trial = trial_of(PAYMENT, nobody=("role:pre_approver",))
    trial.submit(FORM)
    assert "process_admin" in [task.person for task in trial.open_tasks()]
    do(trial, "approve", "process_admin")
    assert trial.case.state == "pre_approved"


def test_where_nobody_at_all_is_found_the_submitter_is_told_and_it_is_looked_for_again() -> None:
    everybody = ("role:administration", "role:pre_approver", "role:supervisor", "role:process_admin")
    trial = trial_of(PAYMENT, nobody=everybody)
    trial.submit(FORM)
    assert [timer.name for timer in trial.case.timers] == ["staff"]
    trial.wait(Duration(3, "h"))
    assert ([timer.name for timer in trial.case.timers], trial.case.state) == (["staff"], "submitted")
    occasions = [getattr(effect, "occasion", "") for effect in trial.effects if not isinstance(effect, NotifyTask)]
    assert occasions.count("unstaffed") == 1


def test_regions_go_on_side_by_side_and_their_end_moves_the_case() -> None:
    trial = trial_of(EVENT)
    trial.submit({"title": "party", "guests": 20})
    assert trial.case.configuration == ("booking", "cooking")
    do(trial, "cook", "cook")
    assert trial.case.configuration == ("booking", "cooked")
    do(trial, "book", "hall")
    assert (trial.case.state, trial.open_tasks()) == ("over", [])
    assert replayed(trial) == trial.case


def test_a_condition_chooses_the_way_and_guards_an_event() -> None:
    trial = trial_of(EVENT)
    trial.submit({"title": "fair", "guests": 200})
    do(trial, "cook", "cook")
    do(trial, "book", "hall")
    assert trial.case.state == "big"
    assert trial.process.possible(trial.case) == ("resume",)
    with pytest.raises(NotPossible):
        do(trial, "grow", "head@county")


def test_an_event_without_a_target_leaves_nothing() -> None:
    trial = trial_of(EVENT)
    trial.submit({"title": "party", "guests": 20})
    open_before = trial.open_tasks()
    seq = trial.case.seq
    do(trial, "note", "hall", remark="looked at it")
    assert (trial.case.seq, trial.open_tasks()) == (seq + 1, open_before)


def test_history_brings_the_case_back_to_where_it_was() -> None:
    trial = trial_of(EVENT)
    trial.submit({"title": "party", "guests": 20})
    do(trial, "cook", "cook")
    do(trial, "hold", "head@county", remark="rain")
    assert (trial.case.configuration, trial.case.timers) == (("held",), ())
    do(trial, "resume", "head@county")
    assert trial.case.configuration == ("booking", "cooked")
    assert replayed(trial) == trial.case


def test_a_timeout_raises_its_event() -> None:
    trial = trial_of(EVENT)
    trial.submit({"title": "party", "guests": 20})
    trial.wait(Duration(1, "d"))
    assert "booking" in trial.case.configuration
    trial.wait(Duration(1, "d"))
    assert trial.case.configuration == ("booked", "cooking")
    assert [task.reason for task in trial.case.tasks if task.step == "booking"] == ["silence"]
    assert replayed(trial) == trial.case


def test_the_way_of_a_case_is_drawn(payment: Trial) -> None:
    do(payment, "approve", "administration")
    drawn = [[(step.id, step.state) for step in column] for column in payment.process.chain(payment.case)]
    assert drawn == [
        [("submitted", "done")],
        [("admin_approved", "current")],
        [
            ("budget_approved", "ahead"),
            ("supervisor_approved", "ahead"),
            ("final_approved", "ahead"),
            ("rejected", "ahead"),
        ],
    ]
    assert payment.process.label("submitted").zh == "已提交"


CHAINS = """\
approval:
  route: [{else: only}]
  chains:
    only: [{approve: head, label: {zh: 经理, en: Head}, who: "head@county"}]
"""
APPROVED = """\
    draft: {kind: form, label: {zh: 填写, en: Draft}, events: [{event: submit, role: owner, to: approving}]}
    approving:
      kind: approval
      events:
        - {event: approved, to: held}
        - {event: returned, to: draft}
        - {event: rejected, to: over}
"""


def with_chains() -> str:
    draft, held = EVENT.index("    draft: {"), EVENT.index("    held:\n")
    text = EVENT[:draft] + APPROVED + EVENT[held:].replace("to: as_before", "to: big")
    for unused in ("book", "cook", "note", "hold"):
        text = "".join(line for line in text.splitlines(True) if not line.startswith(f"    {unused}: {{label"))
    return text + CHAINS


def test_the_chains_of_a_definition_stand_in_its_own_lifecycle() -> None:
    text = with_chains()
    assert [str(problem) for problem in check(text).problems] == []
    trial = trial_of(text)
    trial.submit({"title": "fair", "guests": 200})
    assert (trial.case.state, trial.case.route) == ("approving", "only")
    trial.decide(trial.open_tasks("head")[0], "return", remark="too many")
    assert trial.case.state == "draft"
    trial.submit({"title": "fair", "guests": 150})
    trial.decide(trial.open_tasks("head")[0], "approve")
    assert trial.case.state == "held"
    occasions = [getattr(effect, "occasion", "") for effect in trial.effects]
    assert ("returned" in occasions, "approved" in occasions) == (True, True)
    assert replayed(trial) == trial.case


BROKEN: list[tuple[tuple[str, str], str, str]] = [
    (("to: held}", "to: hold}"), "E231", "hold}"),
    (("initial: both", "initial: held"), "E231", "held"),
    (("initial: draft", "initial: drafts"), "E231", "drafts"),
    (("role: cook, to", "role: chef, to"), "E232", "chef"),
    (("        booked: {kind: final", "        cooked: {kind: final"), "E231", "booked}"),
    (("[{after: 2d, event: late}]", "[{after: 2d, event: latte}]"), "E234", "latte"),
    (("{event: late, to: booked}", "{event: later, to: booked}"), "E236", "later"),
    (("owner: {who: submitter", 'owner: {who: "role:owner"'), "E237", "owner, to"),
    (("{event: grow, role", "{event: growl, role"), "E238", "growl"),
    (("{event: resume, role: boss, to: as_before}", "{event: resume, role: boss}"), "E521", "held:"),
    (("            - {to: over}\n", "            - {to: big_or_small}\n"), "E523", "big_or_small:"),
    (("                booked: {kind: final", "                booked: {kind: wait"), "E522", "done, to"),
    (('            - {when: "form.guests > 100", to: big}\n', ""), "E520", "big:"),
    (("form.guests > 100", "form.gests > 100"), "E303", "gests"),
    (("kind: wait", "kind: waits"), "E114", "kind: waits"),
    (("reason: required", "reasons: required"), "E111", "reasons"),
    (("{kind: final, label: {zh: 结束, en: Over}}", "{kind: final}"), "W801", "{kind: final}"),
    (("    held:\n      kind: task", "    held:\n      kind: audience"), "E235", "held:"),
]


@pytest.mark.parametrize(("change", "code", "at"), BROKEN, ids=[f"{code}-{at}" for _, code, at in BROKEN])
def test_a_mistake_is_told_where_it_stands(change: tuple[str, str], code: str, at: str) -> None:
    old, new = change
    assert EVENT.count(old) == 1, old
    text = EVENT.replace(old, new)
    problems = check(text).problems
    places = [(problem.code, problem.line, problem.column) for problem in problems]
    lines = text.splitlines()
    assert any(found == code and lines[line - 1][column - 1 :].startswith(at) for found, line, column in places), [
        str(problem) for problem in problems
    ]


def test_the_example_without_a_mistake_has_no_problem() -> None:
    assert [str(problem) for problem in check(EVENT).problems] == []


def test_a_misspelt_target_comes_with_the_nearest_state() -> None:
    (problem,) = check(PAYMENT.replace("role: director, to: rejected", "role: director, to: rejectd")).problems
    assert (problem.code, problem.hint) == ("E231", "did you mean rejected?")


def test_an_end_of_the_chains_must_lead_somewhere() -> None:
    problems = check(with_chains().replace("        - {event: returned, to: draft}\n", "")).problems
    assert [(problem.code, problem.hint) for problem in problems] == [("E524", "add {event: returned, to: ...}")]


def test_a_section_without_its_state_is_refused() -> None:
    (problem,) = check(PAYMENT + CHAINS).problems
    assert (problem.code, problem.at) == ("E239", "approval")


def test_approval_may_be_left_out_only_with_a_lifecycle(small: str, broken: Callable[..., list[object]]) -> None:
    problems = check(small[: small.index("approval:")]).problems
    assert "E110" in [problem.code for problem in problems]


STAGES = """
lifecycle:
  roles: {owner: {who: submitter, label: {zh: 主办, en: Owner}}}
  events:
    submit: {label: {zh: 提交, en: Submit}}
    cancel: {label: {zh: 取消, en: Cancel}}
  states:
    draft: {kind: form, label: {zh: 填写, en: Draft}, events: [{event: submit, role: owner, to: approving}]}
    approving:
      kind: approval
      events:
        - {event: approved, to: targeting}
        - {event: filed, to: targeting}
        - {event: returned, to: draft}
        - {event: rejected, to: over}
        - {event: cancel, role: owner, to: over}
    targeting: {kind: audience, events: [{event: frozen, to: delivering}, {event: cancel, role: owner, to: over}]}
    delivering: {kind: delivery, events: [{event: delivered, to: evaluating}]}
    evaluating: {kind: evaluation, events: [{event: close, to: over}]}
    over: {kind: final, label: {zh: 结束, en: Over}}
"""
TELECOM = {
    "title": "五月流量",
    "offer": "gprs-30",
    "budget": "80000.00",
    "reach": 9000,
    "discount": "0.90",
    "channels": ["sms"],
    "window": ["2026-05-01", "2026-06-30"],
    "message": "您好",
}


def with_stages() -> str:
    text = (ROOT / "definitions/telecom-marketing-case.yaml").read_text(encoding="utf-8")
    return text[: text.index("\ntests:")] + STAGES


def approved(trial: Trial) -> Trial:
    trial.submit(TELECOM)
    while trial.case.state == "approving":
        task = trial.open_tasks()[0]
        trial.decide(task, "approve" if task.verb == "approve" else "acknowledge")
    return trial


def test_all_stages_stand_in_a_lifecycle_of_its_own() -> None:
    assert [str(one) for one in check(with_stages()).problems if one.severity == "error"] == []
    trial = approved(trial_of(with_stages()))
    states = [trial.case.state]
    for command in (
        AudienceFrozen(actor="system", snapshot="s", digest="d", target=9000, control=100),
        StartDelivery(actor="submitter", recipients=9000),
        PauseDelivery(actor="submitter"),
        ResumeDelivery(actor="submitter"),
        DeliveryFinished(actor="system", sums={"sent": 9000}),
    ):
        trial.do(command)
        states.append(trial.case.state)
    assert states == ["targeting", "ready", "delivering", "paused", "delivering", "evaluating"]
    trial.wait(Duration(40, "d"))
    assert trial.case.timers == ()
    trial.do(Evaluated(actor="system", label="7d", digest="d", verdict="works", last=False))
    trial.do(Evaluated(actor="system", label="30d", digest="d", verdict="works", last=True))
    trial.do(Close(actor="submitter"))
    assert trial.case.state == "over"
    assert {step.state for column in trial.process.chain(trial.case)[-4:] for step in column} == {"done"}
    assert replayed(trial) == trial.case


def test_a_case_cancelled_between_the_stages_is_drawn_as_broken_off() -> None:
    trial = approved(trial_of(with_stages()))
    do(trial, "cancel", "submitter")
    assert trial.case.state == "over"
    assert {step.state for column in trial.process.chain(trial.case)[-4:] for step in column} == {"cancelled"}

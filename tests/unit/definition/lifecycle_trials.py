"""Definitions with a lifecycle of their own, tried without a database: the shipped example, and an event."""

from collections.abc import Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from engine.definition.cast import Cast
from engine.definition.compile import compile_process
from engine.definition.load import load
from engine.definition.trial import Trial
from engine.machine.case import Case
from engine.machine.commands import (
    Perform,
)
from engine.machine.evolve import empty_case, fold
from engine.machine.outcome import AnyEvent
from engine.organisation import Workdays

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

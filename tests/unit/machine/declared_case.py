"""A definition whose lifecycle has every kind of state, a case brought into each of them, and what its people do."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from engine.definition.compile import compile_process
from engine.definition.load import load
from engine.machine.case import Case
from engine.machine.commands import (
    AddChild,
    AnyCommand,
    AudienceFailed,
    ChildMoved,
    Close,
    Hold,
    Operate,
    PauseDelivery,
    Perform,
)
from engine.machine.outcome import Outcome
from engine.machine.process import Process
from tests.fakes.organisation import EverydayCalendar
from tests.unit.machine.state_actions import ABOVE, DELIVERED, FROZEN, STARTED, WHY, Told, evaluated
from tests.unit.machine.state_actions import ACTIONS as USUAL
from tests.unit.machine.trial import MIDDLE, SMALL

TEXT = """\
apiVersion: countersign/v1
kind: CaseDefinition
name: telecom-marketing-case
version: 1
title: {zh: 全态案, en: Every kind of state}
proposal:
  fields:
    title: {type: int, label: {zh: 案名, en: Title}}
    budget: {type: int, label: {zh: 预算, en: Budget}, required: true}
    reach: {type: int, label: {zh: 目标客户数, en: Target customers}, required: true}
    message: {type: text, label: {zh: 短信, en: Message}}
  material: [budget, reach]
approval:
  route:
    - {when: "form.budget <= 5000", use: file_city}
    - {else: to_city}
  defaults: {return_to: [submitter, previous, any]}
  chains:
    to_city:
      - {approve: county_head, label: {zh: 县经理, en: County head}, who: "head@county"}
      - {approve: city_vp, label: {zh: 市场副总, en: Vice-president}, who: "role:vp_market@city"}
    file_city:
      - file: city_register
        label: {zh: 市备案, en: City register}
        who: "role:marketing@city"
        ack: 5wd
        objection: {window: 2wd, then: to_city}
        convert: to_city
audience:
  source: {rule: "c.arpu >= 38"}
  cells: {base: "true"}
  freeze: on_approved
delivery:
  message: {field: message}
  address: phone
  waves: [{name: main, share: rest, channel: sms, hours: "09:00-20:00"}]
evaluation:
  at: [7d, 30d]
  metrics: [reach, delivered]
  close: {need: report_signed_by_submitter}
lifecycle:
  initial: draft
  roles:
    owner: {who: submitter, label: {zh: 主办, en: Owner}}
    finance: {who: "role:finance@city", label: {zh: 财务, en: Finance}}
    boss: {who: "head@city", label: {zh: 市经理, en: City head}}
  events:
    submit: {label: {zh: 提交, en: Submit}}
    clear: {label: {zh: 通过, en: Clear}}
    send_back: {label: {zh: 退回修改, en: Send back}, reason: required}
    hold: {label: {zh: 搁置, en: Hold}, reason: required}
    resume: {label: {zh: 恢复, en: Resume}}
    book: {label: {zh: 预订, en: Book}}
    print: {label: {zh: 印制, en: Print}}
    drop: {label: {zh: 放弃, en: Drop}}
    lapse: {label: {zh: 逾期, en: Lapse}}
    quiet_over: {label: {zh: 静默期满, en: Quiet time over}}
  states:
    draft:
      kind: form
      label: {zh: 草稿, en: Draft}
      events: [{event: submit, role: owner, to: figures}, {event: withdraw, to: withdrawn}]
    figures:
      kind: task
      label: {zh: 核算, en: Figures}
      timeouts: [{after: 5d, event: lapse}]
      events:
        - {event: clear, role: finance, to: approving}
        - {event: send_back, role: finance, to: returned}
        - {event: lapse, to: lapsed}
        - {event: withdraw, to: withdrawn}
    approving:
      kind: approval
      label: {zh: 审批中, en: Approving}
      events:
        - {event: approved, to: approved}
        - {event: filed, to: filed}
        - {event: returned, to: returned}
        - {event: rejected, to: rejected}
        - {event: withdraw, to: withdrawn}
        - {event: recall, to: returned}
    returned:
      kind: form
      label: {zh: 已退回, en: Returned}
      events: [{event: submit, role: owner, to: figures}, {event: withdraw, to: withdrawn}]
    approved: {kind: effective, label: {zh: 已批准, en: Approved}, events: [{to: preparing}]}
    filed: {kind: effective, label: {zh: 已备案, en: Filed}, events: [{to: preparing}]}
    preparing:
      kind: compound
      label: {zh: 准备, en: Preparing}
      initial: both
      events:
        - {event: done, to: partners}
        - {event: hold, role: boss, to: held}
      states:
        both:
          kind: parallel
          label: {zh: 同时, en: Both}
          events: [{event: done, to: prepared}]
          states:
            place:
              kind: compound
              label: {zh: 场地, en: Place}
              states:
                booking:
                  kind: task
                  label: {zh: 订场地, en: Booking}
                  events: [{event: book, role: finance, to: booked}]
                booked: {kind: final, label: {zh: 已订, en: Booked}}
            paper:
              kind: compound
              label: {zh: 印刷, en: Paper}
              states:
                printing:
                  kind: task
                  label: {zh: 印制, en: Printing}
                  events: [{event: print, role: boss, to: printed}]
                printed: {kind: final, label: {zh: 已印, en: Printed}}
        prepared: {kind: final, label: {zh: 已备, en: Prepared}}
        as_before: {kind: history, default: both, deep: true}
    held: {kind: task, label: {zh: 搁置, en: Held}, events: [{event: resume, role: boss, to: as_before}]}
    partners:
      kind: cases
      label: {zh: 合作方, en: Partners}
      open: contract-review
      for: "2"
      add: boss
      events:
        - {event: done, to: targeting}
        - {event: failed, to: rejected}
        - {event: drop, role: boss, to: rejected}
        - {event: withdraw, to: withdrawn}
    targeting:
      kind: audience
      label: {zh: 筛选目标客户, en: Targeting}
      events: [{event: frozen, to: delivering}, {event: withdraw, to: withdrawn}]
    delivering:
      kind: delivery
      label: {zh: 派送中, en: Delivering}
      events: [{event: delivered, to: quiet}, {event: withdraw, to: withdrawn}]
    quiet:
      kind: wait
      label: {zh: 静默期, en: Quiet time}
      timeouts: [{after: 3d, event: quiet_over}]
      events: [{event: quiet_over, to: evaluating}]
    evaluating: {kind: evaluation, label: {zh: 评估中, en: Evaluating}, events: [{event: close, to: closed}]}
    closed: {kind: final, label: {zh: 已结案, en: Closed}}
    rejected: {kind: final, label: {zh: 已拒绝, en: Rejected}}
    withdrawn: {kind: final, label: {zh: 已撤回, en: Withdrawn}}
    lapsed: {kind: final, label: {zh: 已逾期, en: Lapsed}}
"""


class Timed(Told):
    """A case whose people take a minute for everything: who was last is seen."""

    def do(self, command: AnyCommand) -> Outcome:
        came = super().do(command)
        self.now += timedelta(minutes=1)
        return came


def running() -> Process:
    """The definition, with the people of the usual table."""
    return compile_process(load(TEXT)).bound(ABOVE, EverydayCalendar())


def perform(event: str, by: str) -> Perform:
    return Perform(actor=by, event=event, remark=WHY)


def began(form: dict[str, int] = MIDDLE) -> Told:
    trial = Timed(running())
    trial.submit(form)
    return trial


def asked(form: dict[str, int] = MIDDLE) -> Told:
    """The case in its chain."""
    trial = began(form)
    trial.do(perform("clear", "fin_a"))
    return trial


def decided(decision: str) -> Told:
    trial = asked()
    trial.decide("county_head", decision)  # type: ignore[arg-type]  # a word of Decision
    return trial


def approved(*more: AnyCommand) -> Told:
    """The case approved, and what happened after that."""
    trial = asked()
    trial.approve("county_head", "city_vp")
    for command in more:
        trial.do(command)
    return trial


def opened(*more: AnyCommand) -> Told:
    """The case waiting for those that it opened, and what happened after that."""
    trial = approved(perform("book", "fin_a"), perform("print", "city_head"))
    for command in more:
        trial.do(command)
    return trial


def joined(*more: AnyCommand) -> Told:
    """The cases that it opened are done, and what happened after that."""
    trial = opened()
    for child in trial.case.children:
        trial.do(moved(child.id))
    for command in more:
        trial.do(command)
    return trial


def reported(*more: AnyCommand) -> Told:
    """All evaluations are there, and what happened after that."""
    trial = waited(joined(FROZEN, STARTED, DELIVERED), "4d")
    for command in (evaluated("7d"), evaluated("30d"), *more):
        trial.do(command)
    return trial


def moved(child: str) -> ChildMoved:
    return ChildMoved(actor="system", child=child, state="closed", seq=9, ended=True)


def waited(trial: Told, span: str) -> Told:
    trial.wait(span)
    return trial


STATES: Mapping[str, Callable[[], Told]] = {
    "draft (form)": lambda: Told(running()),
    "figures (task)": began,
    "approving (approval)": asked,
    "approving: filing": lambda: asked(SMALL),
    "returned (form)": lambda: decided("return"),
    "preparing (compound, parallel)": approved,
    "preparing: one region done": lambda: approved(perform("book", "fin_a")),
    "held (task, with a history to go back to)": lambda: approved(perform("hold", "city_head")),
    "partners (cases)": opened,
    "targeting (audience)": joined,
    "targeting: selection failed": lambda: joined(AudienceFailed(actor="system", reason="no room")),
    "ready (delivery)": lambda: joined(FROZEN),
    "delivering (delivery)": lambda: joined(FROZEN, STARTED),
    "paused (delivery)": lambda: joined(FROZEN, STARTED, PauseDelivery(actor="clerk", reason=WHY)),
    "quiet (wait)": lambda: joined(FROZEN, STARTED, DELIVERED),
    "evaluating (evaluation)": lambda: waited(joined(FROZEN, STARTED, DELIVERED), "3d"),
    "evaluating: all reports in": reported,
    "suspended, having opened cases": lambda: opened(Operate(actor="admin", operation="suspend", reason=WHY)),
    "suspended with its parent": lambda: approved(Hold(actor="system", still=True)),
    "closed (final)": lambda: reported(Close(actor="clerk", lessons=WHY)),
    "rejected (final)": lambda: decided("reject"),
    "lapsed (final)": lambda: waited(began(), "6d"),
    "cancelled": lambda: approved(Operate(actor="admin", operation="terminate", reason=WHY)),
    "voided": lambda: approved(Operate(actor="admin", operation="void", reason=WHY)),
}


def _child_moved(case: Case) -> AnyCommand:
    return moved(case.children[0].id if case.children else "none")


def _do(event: str, by: str) -> Callable[[Case], AnyCommand]:
    return lambda _: perform(event, by)


ACTIONS: Mapping[str, Callable[[Case], AnyCommand]] = {
    **{name: make for name, make in USUAL.items() if name != "do a declared event"},
    "a child case moved": _child_moved,
    "open a child case": lambda _: AddChild(actor="city_head"),
    "jump to a state": lambda _: Operate(actor="admin", operation="jump", reason=WHY, to="figures"),
    "clear, by finance": _do("clear", "fin_a"),
    "clear, by the submitter": _do("clear", "clerk"),
    "send back, by finance": _do("send_back", "fin_a"),
    "hold, by the city head": _do("hold", "city_head"),
    "resume, by the city head": _do("resume", "city_head"),
    "book, by finance": _do("book", "fin_a"),
    "print, by the city head": _do("print", "city_head"),
    "drop, by the city head": _do("drop", "city_head"),
}

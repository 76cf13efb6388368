"""A definition that declares its lifecycle in every kind of state, for random walks: a fair is prepared in two regions
at once, approved, held and put on; it may stand still, come again, or be given up."""

from functools import cache

from engine.definition.compile import compile_process
from engine.definition.load import load
from engine.machine.process import Process
from tests.fakes.organisation import EverydayCalendar, FakeDirectory

TEXT = """\
apiVersion: countersign/v1
kind: CaseDefinition
name: fair
version: 1
title: {zh: 展会, en: Fair}
proposal:
  fields:
    title: {type: text, label: {zh: 案名, en: Title}}
    guests: {type: int, label: {zh: 人数, en: Guests}, required: true}
  material: [guests]
approval:
  route: [{when: "form.guests > 500", use: large}, {else: small}]
  defaults: {timeout: {remind: [1wd], at: 2wd, do: escalate, max: 1}, return_to: [any], resume: at_returner}
  chains:
    small: [{approve: head, label: {zh: 经理, en: Head}, who: "role:head@county"}]
    large:
      - {include: small}
      - {approve: money, label: {zh: 财务, en: Money}, who: "role:money@city", decide: {mode: all}}
lifecycle:
  initial: draft
  roles:
    owner: {who: submitter, label: {zh: 主办, en: Owner}}
    hall: {who: "role:hall@county", label: {zh: 场地, en: Hall}}
    cook: {who: "role:cook@county", label: {zh: 厨房, en: Cook}}
    boss: {who: "role:boss@county", label: {zh: 经理, en: Boss}}
  events:
    submit: {label: {zh: 提交, en: Submit}}
    withdraw: {label: {zh: 撤回, en: Withdraw}}
    book: {label: {zh: 预订, en: Book}}
    note: {label: {zh: 备注, en: Note}}
    cook: {label: {zh: 备餐, en: Cook}}
    taste: {label: {zh: 试菜, en: Taste}}
    spoil: {label: {zh: 变质, en: Spoil}, reason: required}
    hold: {label: {zh: 搁置, en: Hold}, reason: required}
    resume: {label: {zh: 恢复, en: Resume}}
    part: {label: {zh: 部分恢复, en: Resume in part}}
  states:
    draft:
      kind: form
      label: {zh: 填写, en: Draft}
      events: [{event: submit, role: owner, to: preparing}, {event: withdraw, to: withdrawn}]
    preparing:
      kind: compound
      label: {zh: 准备, en: Preparing}
      initial: both
      events:
        - {event: hold, role: boss, to: held}
        - {event: withdraw, to: withdrawn}
      states:
        both:
          kind: parallel
          label: {zh: 同时, en: Both}
          events: [{event: done, to: choice}]
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
                    - {event: note, role: [hall, boss]}
                    - {event: late, to: booked}
                booked: {kind: final, label: {zh: 已订, en: Booked}}
            food:
              kind: compound
              label: {zh: 餐饮, en: Food}
              states:
                cooking:
                  kind: task
                  label: {zh: 备餐, en: Cooking}
                  events: [{event: cook, role: cook, to: tasting}]
                tasting:
                  kind: task
                  label: {zh: 试菜, en: Tasting}
                  timeouts: [{after: 1d, event: cold}]
                  events:
                    - {event: taste, role: [boss, cook], when: "form.guests > 100", to: ready}
                    - {event: spoil, role: boss, to: menu}
                    - {event: cold, when: "form.guests > 100", to: cooking}
                    - {event: cold, to: ready}
                menu:
                  kind: form
                  label: {zh: 改菜单, en: Menu}
                  events: [{event: submit, role: owner, to: cooking}]
                ready: {kind: final, label: {zh: 备好, en: Ready}}
        choice:
          kind: wait
          label: {zh: 判断, en: Choice}
          events:
            - {when: "form.guests > 100", to: approving}
            - {to: open}
        as_before: {kind: history, default: both, deep: true}
        in_part: {kind: history, default: both}
    approving:
      kind: approval
      label: {zh: 审批中, en: Approving}
      events:
        - {event: approved, to: open}
        - {event: returned, to: returned}
        - {event: rejected, to: given_up}
        - {event: hold, role: boss, to: held}
        - {event: withdraw, to: withdrawn}
    returned:
      kind: form
      label: {zh: 已退回, en: Returned}
      events: [{event: submit, role: owner, to: approving}, {event: withdraw, to: withdrawn}]
    held:
      kind: task
      label: {zh: 搁置, en: Held}
      timeouts: [{after: 9d, event: forget}]
      events:
        - {event: resume, role: boss, to: as_before}
        - {event: part, role: boss, to: in_part}
        - {event: forget, to: given_up}
    open:
      kind: wait
      label: {zh: 开展, en: Open}
      timeouts: [{after: 3d, event: close_down}]
      events:
        - {event: hold, role: boss, to: held}
        - {event: close_down, to: over}
    over: {kind: final, label: {zh: 结束, en: Over}}
    given_up: {kind: final, label: {zh: 放弃, en: Given up}}
    withdrawn: {kind: final, label: {zh: 撤回, en: Withdrawn}}
"""
PEOPLE = {
    "role:hall@county": ("hall_a", "hall_b"),
    "role:cook@county": ("cook_a", "clerk"),
    "role:boss@county": ("boss_a",),
    "role:head@county": ("head_a", "clerk"),
    "role:money@city": ("money_a", "money_b"),
    "role:process_admin": ("admin",),
}
SUPERIORS = dict.fromkeys(("head_a", "head_b", "money_a", "money_b", "clerk"), "city_head")
OFFICES = {
    "first": FakeDirectory(PEOPLE, SUPERIORS, twins={"clerk": "clerk2"}, represented={"boss_a": ("boss_b", "clerk")}),
    "left": FakeDirectory(
        PEOPLE | {"role:hall@county": (), "role:boss@county": ("boss_b", "clerk2"), "role:cook@county": ("clerk",)},
        SUPERIORS,
        twins={"clerk": "clerk2"},
        closed=frozenset({"hall_a", "hall_b", "boss_a"}),
    ),
    "deserted": FakeDirectory(
        {**dict.fromkeys(PEOPLE, ()), "role:money@city": ("money_b", "money_c")}, SUPERIORS, twins={"clerk": "clerk2"}
    ),
}
BARRED = ("clerk", "clerk2")
"""The submitter, and their other account."""


@cache
def process(office: str = "first") -> Process:
    return compile_process(load(TEXT)).bound(OFFICES[office], EverydayCalendar())


def people_of(roles: tuple[str, ...], office: str) -> frozenset[str]:
    """Whom a state with events of these roles asks; for each role that nobody holds the process administrators."""
    holders = OFFICES[office].holders
    found: set[str] = set()
    for role in roles:
        able = set(holders[f"role:{role}@county"]) - set(BARRED)
        found |= able or set(holders["role:process_admin"])
    return frozenset(found)

"""Further cases that the demo leaves where they are interesting, once its own case is closed: a recommendation waits
in the halls, customers are to be called, a wave is held because its budget pays for the first alone, and replies
came back; another county's messages are out, and wait for their evaluation.

Each is lived through the service by its people, as the flows go on. Refuses to hurry: it waits for the flows through
`until`, and a step done before is not done again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import orjson

from engine.cli.demo.people import PASSWORD
from engine.delivery.signature import sign
from engine.organisation import Office
from engine.service import approvals, budgets, cases, people, proposals, publishing, replying, stages
from engine.service.app import Countersign
from engine.service.people import NewPerson
from engine.service.recording import OPERATOR, By
from engine.service.views import Viewer

OFFICE, SUBMITTER, HEAD, FINANCE = "440111", "wangmin", "liguoqiang", "zhanglan"
AUTHOR, SECOND, CALLER = "luyan", "machao", "songjie"
OTHER, OTHER_SUBMITTER, OTHER_HEAD = "440106", "emily", "linhao"
NEWCOMERS = (
    (AUTHOR, "陆燕", "definition_author", "440000"),
    (CALLER, "宋洁", "caller", OFFICE),
    (OTHER_HEAD, "林浩", "head", OTHER),
)
SHOWN = ((CALLER, "caller 外呼员", "白云区分公司"),)
ON_THE_WAY = ("approving", "targeting")
RULE = "c.office == '{office}' && c.tenure_months >= 200 && c.arpu >= 60"
DEFINITION = """\
apiVersion: countersign/v1
kind: CaseDefinition
name: {name}
version: 1
title: {title}
catalogue: customers

proposal:
  visibility: open
  fields:
    title: {{type: text, label: {{zh: 案名, en: Title}}, required: true, max: 40}}
    offer: {{type: ref, to: offer, label: {{zh: 产品/资费, en: Offer}}, required: true}}
    budget: {{type: money, currency: CNY, label: {{zh: 预算, en: Budget}}, required: true}}
    words: {{type: longtext, label: {{zh: 话术或短信, en: Words}}, required: true, max: 300}}
    window: {{type: daterange, label: {{zh: 执行时间, en: Period}}, required: true}}
  material: [offer, budget, words]

approval:
  route: [{{else: county}}]
  chains:
    county:
      - {{approve: county_head, label: {{zh: 县公司经理, en: County head}}, who: "head@county"}}

audience:
  source: {{rule: "{rule}"}}
  remove: [blacklist, greylist]
  control: {{share: 20%, min: 1}}

delivery:
  message: {{field: words, fields: [name]}}
{delivery}

tests:
  - {{name: the head of the county decides, given: {{budget: "100"}}, do: [county_head approve], at: targeting}}
"""


@dataclass(frozen=True)
class Kept:
    """One case: its definition, what its county proposes, and the states in which it is left."""

    name: str
    title: str
    delivery: str
    case: str
    budget: str
    words: str
    left: tuple[str, ...] = ("delivering",)
    office: str = OFFICE
    submitter: str = SUBMITTER
    head: str = HEAD


KEPT = (
    Kept(
        "county-hall-case",
        "{zh: 县公司营业厅推荐案, en: Hall case of a county}",
        '  waves: [{name: main, share: rest, channel: hall}]\n  receipts_within: 60d\n  prices: {hall: "0.50"}',
        "老客户到厅推荐",
        "4000.00",
        "{name}您好，您是我们的老客户，推荐您办理10GB流量包。",
    ),
    Kept(
        "county-call-case",
        "{zh: 县公司外呼案, en: Calls of a county}",
        "  waves: [{name: main, share: rest, channel: call}]\n  calls: {attempts: 3, between: 2h, within: 14d}\n"
        '  prices: {call: "0.80"}',
        "老客户外呼关怀",
        "6000.00",
        "{name}您好，这里是白云移动，给您介绍10GB流量包。",
    ),
    Kept(
        "county-sms-case",
        "{zh: 县公司短信案, en: Messages of a county}",
        "  waves: [{name: pilot, size: 4, channel: sms}, {name: main, share: rest, channel: sms}]\n"
        '  prices: {sms: "0.05"}',
        "老客户短信关怀",
        "0.25",
        "【白云移动】{name}您好，您可8折办理10GB流量包。拒收请回复R",
        ("paused",),
    ),
    Kept(
        "county-care-case",
        "{zh: 县公司关怀短信案, en: Care messages of a county}",
        '  waves: [{name: main, share: rest, channel: sms}]\n  prices: {sms: "0.05"}\n'
        "evaluation:\n  at: [7d]\n"
        "  metrics: [reach, delivered, response, conversion, cost, {uplift: {of: conversion}}]",
        "老客户关怀短信",
        "900.00",
        "【天河移动】{name}您好，您可8折办理10GB流量包。拒收请回复R",
        ("delivering", "evaluating"),
        OTHER,
        OTHER_SUBMITTER,
        OTHER_HEAD,
    ),
)
Until = Callable[[Callable[[], bool], str], None]


def furnish(app: Countersign, until: Until) -> list[str]:
    """Make it all; `until` waits until something holds. The ids of the cases, as KEPT names them."""
    nowhere: tuple[Office, ...] = ()
    people.load(app, nowhere, [_newcomer(*one) for one in NEWCOMERS])
    _budget(app)
    made = [_ready(app, one, until) for one in KEPT]
    for one, case_id in zip(KEPT, made, strict=True):
        _left(app, one, case_id, until)
    _answers(app, made[2])
    return made


def _newcomer(login: str, name: str, role: str, office: str) -> NewPerson:
    return NewPerson(login, name, f"{login}@example.org", "zh", PASSWORD, ((role, office),))


def _budget(app: Countersign) -> None:
    """The operator proposes the county's budget, the city's finance confirms it."""
    year = str(app.now().astimezone(app.settings.zone).year)
    asked = {"office": OFFICE, "year": year, "currency": "CNY", "amount": "20000"}
    if not budgets.listed(app, OPERATOR).budgets:
        account = budgets.propose(app, OPERATOR, **asked, reason="年度营销预算")
        budgets.decide(app, By(_viewer(app, FINANCE), key="demo:budget"), account, 1, confirm=True)


def _ready(app: Countersign, one: Kept, until: Until) -> str:
    """Publish its definition, propose it, have it approved; its id, once its customers are selected."""
    source = DEFINITION.format(
        name=one.name, title=one.title, rule=RULE.format(office=one.office), delivery=one.delivery
    )
    author = _viewer(app, AUTHOR)
    if not publishing.all_versions(app, one.name):
        publishing.save_draft(app, author, source)
        publishing.publish(app, _viewer(app, SECOND), one.name, 1)
    me = _viewer(app, one.submitter)
    case_id = proposals.start(app, me, one.name, key=f"demo:{one.name}:start")
    if _state(app, one, case_id) == "draft":
        today = app.now().date()
        window = [today.isoformat(), (today + timedelta(days=60)).isoformat()]
        form = {"title": one.case, "offer": "flow-10g", "budget": one.budget, "words": one.words, "window": window}
        proposals.submit(app, me, case_id, form, key=f"demo:{one.name}:submit")
    head = _viewer(app, one.head)
    for task in approvals.inbox(app, head).to_do:
        if task.case.id == case_id:
            approvals.decide(
                app, head, task.id, "approve", remark="同意", seen_seq=None, key=f"demo:{one.name}:approve"
            )
    until(lambda: _state(app, one, case_id) not in ON_THE_WAY, f"the customers of {one.case}")
    return case_id


def _left(app: Countersign, one: Kept, case_id: str, until: Until) -> None:
    """Start its delivery, and wait until it is where it is left."""
    me = _viewer(app, one.submitter)
    page = cases.case_page(app, me, case_id)
    if page.row.state == "ready" and page.audience is not None:
        stages.start_delivery(app, me, case_id, page.audience.target, key=f"demo:{one.name}:go")
    until(lambda: _state(app, one, case_id) in one.left and _is_out(app, one, case_id), f"the delivery of {one.case}")


def _is_out(app: Countersign, one: Kept, case_id: str) -> bool:
    """Whether its first wave has been handed over."""
    waves = cases.case_page(app, _viewer(app, one.submitter), case_id).waves
    return bool(waves) and waves[0].waiting == 0


def _answers(app: Countersign, case_id: str) -> None:
    """Two replies to the messages, and one from a number that nobody knows."""
    (wave, *_) = cases.case_page(app, _viewer(app, SUBMITTER), case_id).waves
    at = app.now().isoformat()
    said = (("请问怎么办理？", f"{wave.id}.0"), ("R", f"{wave.id}.1"), ("你好", ""))
    replies = [
        {"id": f"demo-{n}", "from": f"1390000000{n}", "text": text, "at": at, "message": message}
        for n, (text, message) in enumerate(said)
    ]
    body = orjson.dumps({"replies": replies})
    replying.receive_replies(app, body, sign(body, app.settings.sms_secret))


def _state(app: Countersign, one: Kept, case_id: str) -> str:
    return cases.case_page(app, _viewer(app, one.submitter), case_id).row.state


def _viewer(app: Countersign, login: str) -> Viewer:
    return people.viewer_named(app, login)

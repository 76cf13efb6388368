"""A case by SMS over customers whose phones came in by a file, brought to its delivery through the service."""

from collections.abc import Callable
from typing import Any

from engine.definition.load import load
from engine.service import approvals, datasets, delivering, people, proposals, stages
from engine.service.app import Countersign
from engine.service.recording import By
from engine.store import cases
from tests.acceptance.offices import in_force, key, notices, open_task, viewer

DEFINITION = """
apiVersion: countersign/v1
kind: CaseDefinition
name: sealed-test-case
version: 1
title: {zh: 加密测试, en: Sealed test}
proposal:
  fields:
    title: {type: text, label: {zh: 案名, en: Title}, required: true}
    budget: {type: money, currency: CNY, label: {zh: 预算, en: Budget}, required: true}
    reach: {type: int, label: {zh: 目标客户数, en: Target customers}, required: true, min: 1}
  material: [budget, reach]
approval:
  route: [{else: county}]
  chains:
    county:
      - {approve: head, who: "head@county", label: {zh: 县公司经理, en: County head}}
audience:
  source: {union: [{rule: "c.phone != null"}, {list: vip}]}
  remove: [blacklist, greylist]
  control: {share: 20%, min: 5}
delivery:
  message: {text: "{name}您好", fields: [name]}
  waves:
    - {name: main, share: rest, channel: sms, chunk: 10}
"""
NUMBER = 60
FORM: dict[str, Any] = {"title": "加密", "budget": "100.00", "reach": 50}


def phone_of(number: int) -> str:
    """The phone of a customer."""
    return f"1391357{number:04}"


def admin(app: Countersign) -> By:
    """The administrator, with a key of their own for each call."""
    return By(people.viewer_named(app, "machao"), key=key())


def take_in(app: Countersign) -> None:
    """Sixty customers and a list with their phones, by the page: kept, looked at, confirmed."""
    base = [f"C{n:04},{phone_of(n)},客户{n},{30 + n}" for n in range(NUMBER)]
    vip = [f"C{n:04},{phone_of(n)}" for n in range(9)]
    for lines, asked in (
        (["用户编号,手机号码,姓名,arpu", *base], datasets.Asked("customers", "用户编号")),
        (["客户,手机号码", *vip], datasets.Asked("list", "客户", "vip")),
    ):
        content = "\n".join(lines)
        kept = datasets.keep(app, admin(app), content.encode(), "base.csv")
        datasets.look(app, admin(app), kept, asked)
        datasets.confirm(app, admin(app), kept, asked)


def frozen(
    app: Countersign, text: str = DEFINITION, *, base: Callable[[Countersign], None] = take_in, **form: str
) -> str:
    """The id of a case whose list is frozen and that can be delivered; of another definition, on other customers, with
    more in its form."""
    in_force(app, load(text))
    base(app)
    me = viewer(app, "wangmin")
    made = proposals.start(app, me, "sealed-test-case", key=key())
    proposals.submit(app, me, made, FORM | form, key=key())
    head = viewer(app, "liguoqiang")
    approvals.decide(app, head, open_task(app, "liguoqiang"), "approve", remark="", seen_seq=None, key=key())
    notices(app)
    return made


def started(app: Countersign, text: str = DEFINITION, **form: str) -> str:
    """The id of a case whose delivery has begun, and whose messages all wait."""
    made = frozen(app, text, **form)
    with app.db.read() as tx:
        target = cases.load(tx, made).facts["target"]
    stages.start_delivery(app, viewer(app, "wangmin"), made, target, key=key())
    notices(app)
    return made


def delivered(app: Countersign, text: str = DEFINITION, **form: str) -> str:
    """The id of a case whose messages all went out."""
    made = started(app, text, **form)
    while delivering.work(app, "worker") is not None:
        delivering.settle(app)
        notices(app)
    return made

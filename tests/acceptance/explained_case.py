"""A case over 400 customers with every kind of exclusion, brought to its frozen list through the service."""

from typing import Any

from engine.definition.load import load
from engine.service import approvals, effects, holdouts, people, proposals, suppressing
from engine.service.app import Countersign
from engine.service.recording import OPERATOR, By
from tests.acceptance.offices import in_force, key, open_task, viewer
from tests.warehouse.explained_by_hand import One, dataset_of, id_of

DEFINITION = """
apiVersion: countersign/v1
kind: CaseDefinition
name: explained-test-case
version: 1
title: {zh: 剔除说明测试, en: Explained test}
proposal:
  fields:
    title: {type: text, label: {zh: 案名, en: Title}, required: true}
    offer: {type: text, label: {zh: 产品, en: Offer}, required: true}
    budget: {type: money, currency: CNY, label: {zh: 预算, en: Budget}, required: true}
    reach: {type: int, label: {zh: 目标客户数, en: Target customers}, required: true, min: 1}
  material: [offer, budget, reach]
approval:
  route: [{else: county}]
  chains:
    county:
      - {approve: head, who: "head@county", label: {zh: 县公司经理, en: County head}}
audience:
  source: {union: [{rule: "c.arpu >= 38"}, {rule: "c.age >= 55"}]}
  remove:
    - blacklist
    - holdout
    - {contacted_within: 60d, similar: family}
    - {eligible: cell}
    - {consent: sms}
    - {household: c.household_id, keep: c.arpu}
  cells: {high: {when: "c.arpu >= 88", offer: flow-20g}, base: "true"}
  control: {share: 20%, min_per_cell: 10}
  drift: {from: reach, over: 100%, then: warn}
delivery:
  message: {text: "Hello"}
  waves:
    - {name: main, share: rest, channel: sms}
"""
FORM: dict[str, Any] = {"title": "国庆流量包", "offer": "flow-10g", "budget": "100.00", "reach": 150}
NUMBER = 400


def everybody() -> list[One]:
    """The customers, of whom some are removed for each reason."""
    return [
        One(
            arpu=20 + n % 90,
            age=10 + n % 60,
            agrees=n % 11 != 0,
            home=f"h{n // 40}" if n % 4 == 0 else None,
            told="flow-20g" if n % 13 == 0 else None,
        )
        for n in range(NUMBER)
    ]


def published(app: Countersign) -> None:
    """Definition and holdout in force, the customers in the dataset, some of them on the black list."""
    dataset_of(app.settings.data, everybody(), told_at=app.now())
    in_force(app, load(DEFINITION))
    holdouts.propose(app, OPERATOR, percent="5", reason="yearly measurement")
    holdouts.decide(app, By(people.viewer_named(app, "machao")), 1, confirm=True)
    for n in range(0, NUMBER, 17):
        suppressing.add(app, OPERATOR, kind="black", customer=id_of(n), reason="complaint")


def drafted(app: Countersign) -> str:
    """A draft of 王敏's with everything filled in."""
    me = viewer(app, "wangmin")
    case_id = proposals.start(app, me, "explained-test-case", key=key())
    proposals.save(app, me, case_id, FORM, key=key())
    return case_id


def asked(app: Countersign) -> str:
    """A case that waits for its head."""
    case_id = drafted(app)
    proposals.submit(app, viewer(app, "wangmin"), case_id, FORM, key=key())
    return case_id


def frozen(app: Countersign) -> str:
    """A case whose list is frozen."""
    case_id = asked(app)
    head = viewer(app, "liguoqiang")
    approvals.decide(app, head, open_task(app, "liguoqiang"), "approve", remark="", seen_seq=None, key=key())
    while effects.work(app, lambda notice: None).any:
        pass
    return case_id

"""Cases that want the same of 120 customers: submitted by two people, under a contact policy of one message a week."""

from typing import Any

from engine.definition.load import load
from engine.service import approvals, arbitrating, people, policies, proposals, selecting
from engine.service.app import Countersign
from engine.service.recording import OPERATOR, By
from engine.service.supposing import Wanted
from tests.acceptance.offices import in_force, key, notices, viewer
from tests.warehouse.explained_by_hand import One, dataset_of

NAME = "arbitrated-test-case"
DEFINITION = """
apiVersion: countersign/v1
kind: CaseDefinition
name: arbitrated-test-case
version: 1
title: {zh: 竞合测试, en: Arbitrated test}
proposal:
  visibility: VISIBILITY
  fields:
    title: {type: text, label: {zh: 案名, en: Title}, required: true}
    least: {type: int, label: {zh: 最低消费, en: Least spending}, required: true}
    rank: {type: int, label: {zh: 优先级, en: Priority}}
    weight: {type: int, label: {zh: 权重, en: Weight}, required: true}
    window: {type: daterange, label: {zh: 时间, en: Days}}
  material: [least, rank, weight]
approval:
  route: [{else: county}]
  chains:
    county:
      - {approve: head, who: "head@county", label: {zh: 县公司经理, en: County head}}
audience:
  source: {rule: "c.arpu >= form.least"}
  remove: [blacklist, arbitration]
  control: {share: 20%}
  arbitration: {priority: rank, score: c.arpu * form.weight}
delivery:
  message: {text: "Hello"}
  waves:
    - {name: main, share: rest, channel: sms}
"""
CUSTOMERS = 120
FORM: dict[str, Any] = {"title": "国庆流量包", "least": 0, "rank": 1, "weight": 1}
POLICY: dict[str, Any] = {"caps": [{"most": 1, "within": "7d"}]}


def published(app: Countersign, policy: dict[str, Any] | None = None, *, visibility: str = "open") -> None:
    """Definition and policy in force; customer n spends n."""
    dataset_of(app.settings.data, [One(arpu=n) for n in range(CUSTOMERS)], told_at=app.now())
    in_force(app, load(DEFINITION.replace("VISIBILITY", visibility)))
    capped(app, POLICY if policy is None else policy)


def capped(app: Countersign, policy: dict[str, Any]) -> None:
    """Put a contact policy in force."""
    policies.propose(app, OPERATOR, policy, reason="fewer messages")
    newest = policies.show(app, OPERATOR).versions[0].version
    policies.decide(app, by(app, "machao"), newest, confirm=True)


def submitted(app: Countersign, login: str = "wangmin", **form: Any) -> str:
    """The id of a submitted case."""
    me = viewer(app, login)
    case_id = proposals.start(app, me, NAME, key=key())
    proposals.submit(app, me, case_id, FORM | form, key=key())
    return case_id


def by(app: Countersign, login: str = "machao") -> By:
    """Somebody at their page, with a key of its own."""
    return By(people.viewer_named(app, login), key=key())


def ran(app: Countersign, **wanted: Any) -> int:
    """The number of a run by an administrator."""
    return arbitrating.run(app, by(app), Wanted(**wanted))


def approved(app: Countersign, case_id: str) -> set[str]:
    """Approve a case of 白云 and give who is in its frozen list, of both arms."""
    head = viewer(app, "liguoqiang")
    (task,) = (one.id for one in approvals.inbox(app, head).to_do if one.case.id == case_id)
    approvals.decide(app, head, task, "approve", remark="", seen_seq=None, key=key())
    notices(app)
    return {one for batch in selecting.frozen_list(app, case_id) for one in batch["customer"].to_pylist()}

"""A case over 120 customers whose audience is not what it declares; started as a program, a worker that selects once:
`python -m tests.acceptance.drift_case DATABASE HOME`."""

import sys
from pathlib import Path
from typing import Any

from engine.definition.load import load
from engine.service import approvals, effects, proposals
from engine.service.app import Countersign
from engine.settings import Settings
from tests.acceptance.offices import in_force, key, notices, open_task, viewer
from tests.faults.delivering_case import make_dataset

CUSTOMERS = 120
DEFINITION = """
apiVersion: countersign/v1
kind: CaseDefinition
name: drift-test-case
version: 1
title: {zh: 偏差测试, en: Drift test}
params: {large: 500}
proposal:
  fields:
    title: {type: text, label: {zh: 案名, en: Title}, required: true}
    budget: {type: money, currency: CNY, label: {zh: 预算, en: Budget}, required: true}
    reach: {type: int, label: {zh: 目标客户数, en: Target customers}, required: true, min: 1, max: 1000}
    message: {type: text, label: {zh: 短信, en: Message}, required: true}
  material: [budget, reach, message]
  aspects: {target: [reach], money: [budget], content: [message]}
approval:
  route:
    - {when: "form.reach > params.large", use: city}
    - {else: county}
  chains:
    county:
      - {approve: finance, who: "role:finance@city", aspects: [money], label: {zh: 市财务部, en: City finance}}
      - {approve: head, who: "head@county", aspects: [target, content], label: {zh: 县公司经理, en: County head}}
    city:
      - {include: county}
      - {approve: vice, who: "role:vp_market@city", label: {zh: 副总, en: Vice-president}}
audience:
  source: {rule: "true"}
  drift: {from: reach, over: 10%, then: reapprove}
delivery:
  message: {field: message}
  prices: {sms: "0.05"}
  waves:
    - {name: main, share: rest, channel: sms}
"""


def published(app: Countersign) -> None:
    """Put the definition into force, and 120 customers into the dataset."""
    make_dataset(app.settings.data, CUSTOMERS)
    in_force(app, load(DEFINITION))


def approved(app: Countersign, *, reach: int) -> str:
    """The id of a case that declared `reach` and was approved; its customers are still to be selected."""
    submitter = viewer(app, "wangmin")
    case_id = proposals.start(app, submitter, "drift-test-case", key=key())
    form: dict[str, Any] = {"title": "国庆流量包", "budget": "100.00", "reach": reach, "message": "回T退订"}
    proposals.submit(app, submitter, case_id, form, key=key())
    approve(app, "hejing")
    approve(app, "liguoqiang", then=False)
    return case_id


def approve(app: Countersign, login: str, *, then: bool = True) -> None:
    """The first open task of an account is approved; `then`: what follows from it is carried out."""
    person = viewer(app, login)
    approvals.decide(app, person, open_task(app, login), "approve", remark="", seen_seq=None, key=key())
    if then:
        notices(app)


def main(database_url: str, home: str) -> None:
    """Carry out what is pending, once."""
    app = Countersign.open(Settings(home=Path(home), database_url=database_url))
    print("working", flush=True)
    effects.work(app, lambda notice: None)
    app.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

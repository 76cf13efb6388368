"""Cases whose customers are saved groups, over customers that differ by what they spend and how old they are."""

from typing import Any

from engine.definition.load import load
from engine.service import approvals, effects, groups, people, proposals
from engine.service.app import Countersign
from engine.service.groups import GroupView
from engine.service.recording import By
from tests.acceptance.offices import in_force, key, open_task, viewer
from tests.warehouse.explained_by_hand import One, dataset_of

DEFINITION = """
apiVersion: countersign/v1
kind: CaseDefinition
name: group-test-case
version: 1
title: {zh: 客户群测试, en: Group test}
proposal:
  fields:
    title: {type: text, label: {zh: 案名, en: Title}, required: true}
    target: {type: ref, to: group, label: {zh: 客户群, en: Customer group}, required: true}
    reach: {type: int, label: {zh: 目标客户数, en: Target customers}, required: true, min: 1}
  material: [target, reach]
approval:
  route: [{else: county}]
  chains:
    county:
      - {approve: head, who: "head@county", label: {zh: 县公司经理, en: County head}}
audience:
  source: {group: form.target}
  remove: [{group: minors}]
  drift: {from: reach, over: 100%, then: warn}
delivery:
  message: {text: "Hello"}
  waves:
    - {name: main, share: rest, channel: sms}
"""
FORM: dict[str, Any] = {"title": "高价值客户回馈", "target": "vip", "reach": 12}
NUMBER = 90


def by(app: Countersign, login: str) -> By:
    return By(people.viewer_named(app, login), key=key())


def loaded(app: Countersign) -> None:
    """90 customers: number n spends n and is n % 30 + 10 years old."""
    dataset_of(app.settings.data, [One(arpu=n, age=n % 30 + 10) for n in range(NUMBER)], told_at=app.now())


def published(app: Countersign) -> None:
    loaded(app)
    in_force(app, load(DEFINITION))


def saved(app: Countersign, name: str, source: dict[str, Any], *, login: str = "wangmin", **other: Any) -> GroupView:
    parts = {"title": name.upper(), "note": "", "base": None, **other}
    return groups.save(app, by(app, login), name=name, source=source, **parts)


def drafted(app: Countersign, **form: Any) -> str:
    """A draft of 王敏's with everything filled in."""
    me = viewer(app, "wangmin")
    case_id = proposals.start(app, me, "group-test-case", key=key())
    proposals.save(app, me, case_id, {**FORM, **form}, key=key())
    return case_id


def submitted(app: Countersign, **form: Any) -> str:
    case_id = drafted(app, **form)
    proposals.submit(app, viewer(app, "wangmin"), case_id, {**FORM, **form}, key=key())
    return case_id


def approved(app: Countersign) -> None:
    """The head approves the case that waits first, and its customers are selected."""
    task = open_task(app, "liguoqiang")
    approvals.decide(app, viewer(app, "liguoqiang"), task, "approve", remark="", seen_seq=None, key=key())
    while effects.work(app, lambda notice: None).any:
        pass

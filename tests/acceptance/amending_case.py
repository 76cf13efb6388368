"""A kind of case whose approvers may change some of it and may not see other parts, on the demo's people."""

from typing import Any

from engine.definition.load import load
from engine.machine.case import Decision
from engine.service import approvals, cases, proposals
from engine.service.app import Countersign
from engine.service.views import CaseView
from tests.acceptance.offices import in_force, key, open_task, viewer

NAME = "amended-case"
TEXT = """\
apiVersion: countersign/v1
kind: CaseDefinition
name: amended-case
version: 1
title: {zh: 可改案, en: Amended case}
proposal:
  fields:
    title: {type: text, label: {zh: 案名, en: Title}, required: true, max: 40}
    budget: {type: money, label: {zh: 预算, en: Budget}, required: true, min: "0", max: "500000"}
    reach: {type: int, label: {zh: 户数, en: Customers}, required: true, min: 1}
    channels:
      type: set
      label: {zh: 渠道, en: Channels}
      of: {sms: {zh: 短信, en: SMS}, hall: {zh: 营业厅, en: Hall}}
  material: [budget, reach, channels]
  checks:
    - {rule: "form.budget <= form.reach * 10", say: {zh: 每户不得超过10元, en: At most 10 per customer}, at: budget}
approval:
  route:
    - {when: "form.budget > 300000", use: large}
    - {else: small}
  chains:
    small:
      - {approve: county, label: {zh: 县经理, en: County head}, who: "head@county"}
      - approve: finance
        label: {zh: 市财务, en: City finance}
        who: "role:finance@city"
        fields: {budget: write, channels: write, "*": read}
      - {approve: vp, label: {zh: 市场副总, en: Vice-president}, who: "role:vp_market@city"}
    large:
      - {include: small}
      - {approve: province, label: {zh: 省经理, en: Province head}, who: "head@province"}
tests:
  - given: {budget: "80000", reach: 9000}
    do: [county approve, "finance approve {budget: 60000}"]
    expect: {asked: [county]}
  - {given: {budget: "80000", reach: 90000}, do: [county approve, "finance approve {budget: 400000}"], ends: approved}
"""
FORM = {"title": "国庆流量包", "budget": "80000.00", "reach": "9000", "channels": ["sms"]}


def publish(app: Countersign, text: str = TEXT) -> None:
    in_force(app, load(text))


def started(app: Countersign, **changes: Any) -> str:
    """The id of a case that 王敏 submitted."""
    case_id = proposals.start(app, viewer(app, "wangmin"), NAME, key=key())
    proposals.submit(app, viewer(app, "wangmin"), case_id, FORM | changes, key=key())
    return case_id


def decide(
    app: Countersign,
    login: str,
    form: dict[str, Any] | None = None,
    *,
    decision: Decision = "approve",
    seen: int | None = None,
) -> None:
    """The first open task of `login` is decided on, with these fields changed."""
    approvals.decide(
        app,
        viewer(app, login),
        open_task(app, login),
        decision,
        remark="" if decision == "approve" else "because",
        seen_seq=seen,
        key=key(),
        form=form,
    )


def page(app: Countersign, case_id: str, login: str = "wangmin") -> CaseView:
    return cases.case_page(app, viewer(app, login), case_id)


def asked(app: Countersign, case_id: str) -> set[str]:
    nodes = page(app, case_id).waiting.for_nodes
    return {seat.person for node in nodes for seat in node.seats if seat.state == "open"}

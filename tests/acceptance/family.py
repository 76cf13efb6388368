"""A case that opens one of another kind for each of its partners, with people of the demo behind both."""

from typing import Any

from engine.service import cases, proposals, publishing
from engine.service.app import Countersign
from engine.service.views import CaseView
from engine.store import people
from tests.acceptance.offices import key, notices, viewer

PARENT = """
apiVersion: countersign/v1
kind: CaseDefinition
name: joint-campaign
version: 1
title: {zh: 联合营销案, en: Joint campaign}
proposal:
  fields:
    title: {type: text, label: {zh: 案名, en: Title}, required: true}
    partners: {type: set, of: [north, south, west], label: {zh: 合作方, en: Partners}, required: true}
    advisor: {type: person, label: {zh: 顾问, en: Advisor}}
lifecycle:
  roles:
    owner: {who: submitter, label: {zh: 主办, en: Owner}}
    head: {who: "head@city", label: {zh: 市经理, en: City head}}
    advisor: {who: "field(advisor)", label: {zh: 顾问, en: Advisor}}
  events:
    submit: {label: {zh: 提交, en: Submit}}
    go_on: {label: {zh: 继续, en: Go on}}
  states:
    draft: {kind: form, label: {zh: 草稿, en: Draft}, events: [{event: submit, role: owner, to: contracts}]}
    contracts:
      kind: cases
      label: {zh: 合同, en: Contracts}
      open: contract-review
      for: form.partners
      pass: {title: form.title, partner: each}
      events:
        - {event: done, to: closed}
        - {event: failed, to: reconsidered}
        - {event: withdraw, to: withdrawn}
    reconsidered:
      kind: task
      label: {zh: 重新考虑, en: Reconsidered}
      events: [{event: go_on, role: [head, advisor], to: closed}]
    withdrawn: {kind: final, label: {zh: 撤回, en: Withdrawn}}
    closed: {kind: final, label: {zh: 结束, en: Closed}}
"""
CHILD = """
apiVersion: countersign/v1
kind: CaseDefinition
name: contract-review
version: 1
title: {zh: 合同审查, en: Contract review}
proposal:
  fields:
    title: {type: text, label: {zh: 案名, en: Title}, required: true}
    partner: {type: text, label: {zh: 合作方, en: Partner}, required: true}
approval:
  route: [{else: only}]
  chains:
    only: [{approve: county, label: {zh: 县经理, en: County head}, who: "head@county"}]
lifecycle:
  extends: marketing-lifecycle
  roles:
    finance: {who: "role:finance@city", label: {zh: 财务, en: Finance}}
  events:
    clear: {label: {zh: 通过, en: Clear}}
  states:
    draft: {events: [{event: submit, to: figures}]}
    returned: {events: [{event: submit, to: figures}]}
    figures:
      kind: task
      label: {zh: 核算, en: Figures}
      timeouts: [{after: 5d, event: lapse}]
      events:
        - {event: clear, role: finance, to: approving}
        - {event: lapse, to: expired}
        - {event: withdraw, to: withdrawn}
    expired: {kind: final, label: {zh: 已过期, en: Expired}}
"""


def in_force(app: Countersign) -> None:
    """Publish both: their author saves a draft, a second person publishes it."""
    with app.db.begin() as tx:
        people.add_grants(
            tx, [{"person": one, "role": "definition_author", "office": "440000"} for one in ("machao", "wuqian")]
        )
    for text, name in ((CHILD, "contract-review"), (PARENT, "joint-campaign")):
        publishing.save_draft(app, viewer(app, "machao"), text)
        publishing.publish(app, viewer(app, "wuqian"), name, 1)


def opened_family(app: Countersign, *partners: str, carried_out: bool = True) -> str:
    """The id of a submitted case whose children are open; without `carried_out`, are yet to be opened."""
    submitter = viewer(app, "wangmin")
    case_id = proposals.start(app, submitter, "joint-campaign", key=key())
    form: dict[str, Any] = {"title": "国庆联合营销", "partners": list(partners), "advisor": "emily"}
    proposals.submit(app, submitter, case_id, form, key=key())
    if carried_out:
        notices(app)
    return case_id


def family(app: Countersign, case_id: str, login: str = "wangmin") -> CaseView:
    """The parent's page."""
    return cases.case_page(app, viewer(app, login), case_id)

"""Cases of small definitions, confidential or open, whose links ask for more or less; in the demo's offices."""

from typing import Any

from engine.definition.load import load
from engine.definition.model import Definition
from engine.service import proposals
from engine.service.app import Countersign
from tests.acceptance.offices import in_force, key, viewer

TEXT = """
apiVersion: countersign/v1
kind: CaseDefinition
name: NAME
version: 1
title: {zh: 小型营销案, en: Small case}
proposal:
  visibility: VISIBILITY
  fields:
    title: {type: text, label: {zh: 案名, en: Title}, required: true, max: 200}
    budget: {type: money, currency: CNY, label: {zh: 预算, en: Budget}, required: true, min: "0"}
    kind: {type: choice, of: [approval, filing], label: {zh: 方式, en: Way}, required: true}
    goal: {type: text, label: {zh: 目的, en: Goal}, max: 1000}
  material: [budget]
approval:
  route:
    - {when: "form.kind == 'filing'", use: by_filing}
    - {else: by_approval}
  defaults:
    link: LINK
    return_to: [submitter, previous, any]
  chains:
    by_approval:
      - approve: county_head
        who: "FIRST"
        label: {zh: 县公司经理, en: County head}
        fields: {budget: write, "*": read}
      - {approve: city_finance, who: "role:finance@city", decide: {mode: any}, label: {zh: 市财务部, en: City finance}}
    by_filing:
      - file: city_register
        who: "role:marketing@city"
        label: {zh: 市公司备案, en: City register}
        ack: 5wd
        objection: {window: 2wd, then: by_approval}
"""


HEAD = "head@county"


def definition(
    name: str, *, visibility: str = "open", link: str = "remembered_device", first: str = HEAD
) -> Definition:
    """A small definition; with `first` given, that one alone approves."""
    text = TEXT if first == HEAD else "\n".join(line for line in TEXT.splitlines() if "city_finance" not in line)
    filled = {"NAME": name, "VISIBILITY": visibility, "LINK": link, "FIRST": first}
    for place, value in filled.items():
        text = text.replace(place, value)
    return load(text)


def published(app: Countersign, name: str, **given: str) -> str:
    """The name of a small definition, put into force."""
    return in_force(app, definition(name, **given)).name


def form(**changes: Any) -> dict[str, Any]:
    """A proposal for it."""
    return {"title": "Autumn plan", "budget": "4000.00", "kind": "approval", "goal": "more customers"} | changes


def drafted(app: Countersign, name: str, login: str = "wangmin") -> str:
    """A draft of 王敏's."""
    return proposals.start(app, viewer(app, login), name, key=key())


def submitted(app: Countersign, name: str, login: str = "wangmin", **changes: Any) -> str:
    """A case that 王敏 submitted."""
    case_id = drafted(app, name, login)
    proposals.submit(app, viewer(app, login), case_id, form(**changes), key=key())
    return case_id

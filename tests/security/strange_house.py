"""A house in which every text that anybody can type is markup: names, titles, fields, remarks, files, lists, webhooks.

`furnish` makes it, and says which pages show it to whom. What is typed comes from the corpus, several strings to a
text, so that few pages show many.
"""

import json
from collections.abc import Mapping
from itertools import cycle, islice
from urllib.parse import urlencode

import sqlalchemy as sa

from engine.definition.load import load
from engine.organisation import Office, StandIn
from engine.service import (
    approvals,
    attaching,
    budgets,
    commenting,
    costs,
    drafting,
    erasing,
    holdouts,
    offers,
    offices,
    operations,
    personnel,
    phrases,
    policies,
    proposals,
    saved_views,
    seed_lists,
    standins,
    suppressing,
    tokens,
    webhooks,
)
from engine.service.app import Countersign
from engine.service.operations import Door
from engine.service.recording import OPERATOR, By
from engine.store import groups
from engine.store import people as accounts
from engine.store.tables import messages, outbox, parked_receipts
from engine.values import Bilingual
from tests.acceptance.all_fields import PDF
from tests.acceptance.offices import in_force, key, viewer
from tests.api.cases import task_of
from tests.security.test_security_markup import CORPUS

NAME = "typed-fields"
OFFICE = "440199"
_strings = cycle(CORPUS)


def typed(most: int) -> str:
    """The next strings of the corpus that fit."""
    text = next(_strings)[:most]
    for more in islice(_strings, 3):
        if len(text) + len(more) < most:
            text += " " + more
    return text


def _label() -> str:
    return json.dumps({"zh": typed(60), "en": typed(60)}, ensure_ascii=False)


def source() -> str:
    """A definition whose every text is markup."""
    labels = {place: _label() for place in ("TITLE", "SAY", "HELP", "CHOICE", "STEP", "FILE", "COLUMN")}
    fields = {name: _label() for name in ("title", "goal", "budget", "kind", "papers", "shops", "place", "owner")}
    text = """apiVersion: countersign/v1
kind: CaseDefinition
name: typed-fields
version: 1
title: TITLE
description: HELP
proposal:
  visibility: open
  fields:
    title:  {type: text, label: title, required: true, max: 200}
    goal:   {type: longtext, label: goal, help: HELP}
    budget: {type: money, label: budget, required: true}
    kind:   {type: choice, label: kind, of: {gift: CHOICE, cut: CHOICE}}
    papers: {type: attachment, label: papers, max: 3}
    place: {type: office, label: place}
    owner: {type: person, label: owner}
    shops:
      type: table
      label: shops
      columns:
        shop: {type: text, label: COLUMN, max: 300}
        cost: {type: money, label: COLUMN}
  material: [budget, goal]
  checks: [{rule: "form.budget < 900000", say: SAY, at: budget}]
approval:
  route: [{else: one}]
  defaults: {return_to: [submitter, previous, any]}
  chains:
    one:
      - {approve: head, label: STEP, who: "head@county", fields: {budget: write, "*": read}}
      - {approve: finance, label: STEP, who: "role:finance@city", decide: {mode: any}}
      - {copy: told, label: FILE, who: "role:marketing@city"}
"""
    for name, label in fields.items():
        text = text.replace(f"label: {name},", f"label: {label},").replace(f"label: {name}}}", f"label: {label}}}")
        text = text.replace(f"label: {name}\n", f"label: {label}\n")
    for place, label in labels.items():
        text = text.replace(place, label)
    return text


def furnish(app: Countersign) -> Mapping[str, tuple[str, ...]]:
    """Make it; the pages of each person that show something of it."""
    _people(app)
    in_force(app, load(source()))
    case_id, draft_case = _cases(app)
    of_admin = _operation(app)
    task = task_of(app, "zhanglan").id
    waiting = [f"/tasks/{task}/{slug}" for slug in ("transfer", "ask", "signers")]
    tabs = [f"/cases/{case_id}?tab={tab}" for tab in ("proposal", "history")]
    return {
        "strange": (
            "/inbox?list=mine", f"/cases/{case_id}", *tabs, f"/cases/{draft_case}/edit",
            f"/cases/{case_id}/approval-sheet", "/account", "/cases", "/cases/new", "/stand-ins", "/views",
        ),
        "zhaoying": ("/hall",),
        "liguoqiang": ("/inbox?list=done", f"/cases/{case_id}"),
        "zhanglan": ("/inbox", f"/tasks/{task}", *waiting, "/phrases", "/calendar?month=2026-12", "/process"),
        "stranger": ("/league", "/league?kind=clerks"),
        "machao": (
            f"/definitions/{NAME}/1", *(f"/definitions/{NAME}/1?tab={tab}" for tab in ("diagram", "try")),
            "/definitions", *of_admin,
        ),
    }  # fmt: skip


def _people(app: Countersign) -> None:
    with app.db.begin() as tx:
        where = Office(code=OFFICE, zh=typed(50), level="county", parent="440100", en=typed(50))
        accounts.add_offices(tx, [where])
        for login in ("strange", "stranger"):
            person = {"id": login, "name": typed(70), "email": "x@example.org", "language": "en"}
            accounts.add_people(tx, [person])
        grants = [("strange", "submitter", "440111"), ("stranger", "analyst", OFFICE)]
        accounts.add_grants(tx, [dict(zip(("person", "role", "office"), one, strict=True)) for one in grants])
    offices.put_group(app, role="typed_group", office=OFFICE, name=Bilingual(zh=typed(80), en=typed(80)))
    now = app.now()
    standins.add(app, None, StandIn("strange", "zhengkai", now, now.replace(year=now.year + 1)))
    tokens.make(app, viewer(app, "strange"), name=typed(80), scopes=["read"], days=7)
    saved_views.save(app, viewer(app, "strange"), typed(60), "cases", urlencode({"q": typed(90)}))


def _cases(app: Countersign) -> tuple[str, str]:
    submitter = viewer(app, "strange")
    made = []
    for _ in range(2):
        case_id = proposals.start(app, submitter, NAME, key=key())
        name = typed(150).replace("/", "").replace("\\", "") + ".pdf"
        paper = attaching.add(app, submitter, case_id, field="papers", name=name, chunks=iter([PDF]))
        shops = [{"shop": typed(300), "cost": "1.00"}, {"shop": typed(300)}]
        form = {"title": typed(200), "goal": " ".join(CORPUS), "budget": "4000.00", "kind": "gift", "shops": shops}
        form |= {"papers": [paper["id"]], "place": OFFICE, "owner": "stranger"}
        made.append(case_id)
        if len(made) == 1:
            proposals.submit(app, submitter, case_id, form, key=key())
            _talk(app, case_id, form)
        else:
            proposals.save(app, submitter, case_id, form | {"budget": typed(90)}, key=key())
    return made[0], made[1]


def _talk(app: Countersign, case_id: str, form: dict[str, object]) -> None:
    """Comments, a question, a return and what follows from it, each with markup."""
    head, submitter = viewer(app, "liguoqiang"), viewer(app, "strange")
    comment = commenting.add(app, head, case_id, "budget", typed(900), key=key())
    commenting.settle(app, submitter, case_id, comment)
    commenting.add(app, submitter, case_id, "goal", typed(900), key=key())
    task = task_of(app, "liguoqiang").id
    approvals.act(app, head, task, "return", remark=typed(1500), seen_seq=None, key=key())
    again = form | {"goal": " ".join(reversed(CORPUS)), "budget": "9000.00", "title": typed(200)}
    proposals.submit(app, submitter, case_id, again, key=key())
    task = task_of(app, "liguoqiang").id
    operations.copy_to(app, Door(head, key()), task, ["strange"], remark=typed(900))
    approvals.act(app, head, task, "approve", remark=typed(1500), seen_seq=None, key=key())
    asking = Door(viewer(app, "zhanglan"), key())
    task = task_of(app, "zhanglan").id
    operations.ask(app, asking, task, "strange", text=typed(900))
    phrases.keep(app, asking.viewer, [typed(150) for _ in range(4)])


def _operation(app: Countersign) -> list[str]:
    """What administrators see, in the texts that come from others."""
    admin, by = viewer(app, "machao"), By(viewer(app, "machao"), "page", typed(50))
    suppressing.add(app, by, kind="black", customer="c1", reason=typed(190))
    erasing.ask(app, by, customer="c1", typed="c1", reason=typed(190))
    holdouts.propose(app, by, percent="5", reason=typed(190))
    with app.db.begin() as tx:  # saved where customers are, of whom this house has none
        parts = {"title": typed(60), "note": typed(190), "office": "", "ended_at": None}
        said = {"source": json.dumps({"rule": typed(90)}), "tests": json.dumps([{"in": {typed(20): typed(90)}}])}
        for version in (1, 2):
            row = {"name": "strange", "owner": "strange", "saved_by": "strange", "saved_at": app.now()}
            groups.add(tx, groups.GroupRow(**row, **parts, **said, version=version))  # type: ignore[arg-type]
    for amount in ("70000000", "80000000"):
        asked = {"office": OFFICE, "year": "2026", "currency": "CNY", "amount": amount}
        account = budgets.propose(app, by, **asked, reason=typed(190))
        if amount == "70000000":
            budgets.decide(app, OPERATOR, account, 1, confirm=True)
    price = f'sms,"{typed(40).replace(chr(34), chr(34) * 2)}",message,sent,1,CNY,2026-01-01,'
    table = f"channel,provider,unit,charged,price,currency,from,until\n{price}\n".encode()
    costs.propose(app, by, table, "costs.csv", reason=typed(190))
    cap = {"most": 2, "within": "7d", "category": typed(40)}
    policies.propose(app, by, {"caps": [cap]}, reason=typed(190))
    terms = {name: typed(40) for name in ("name_zh", "name_en", "category", "family", "tags", "filing_number")}
    offers.propose(app, by, "strange", terms | {"kind": "tariff", "monthly_fee": "9"}, seen=0)
    offers.decide(app, OPERATOR, "strange", 1, publish=True)
    offers.withdraw(app, by, "strange", 1, reason=typed(190))
    offers.propose(app, by, "strange", terms | {"kind": "device", "family": CORPUS[0][:40]}, seen=1)
    personnel.close_account(app, "emily", by=by, reason=typed(190))
    url = "https://8.8.8.8/x?y=%3Cscript%3Exq7()%3C/script%3E"
    made = webhooks.add(app, admin, name=typed(80), url=url, events=("case.submitted",), key=key())
    draft = drafting.begin(app, admin, f"{NAME}@1", key=key())
    broken = source().replace("kind: CaseDefinition", f"kind: {typed(90)!r}\n{CORPUS[0]}: {typed(90)!r}")
    drafting.save(app, admin, draft, broken, seen=drafting.show(app, admin, draft).revision)
    with app.db.begin() as tx:
        tx.execute(sa.update(outbox).values(state="dead", attempts=12, error=typed(900)))
        for n in range(3):
            kind = ("receipt", "reply", "order")[n]
            row = {"kind": kind, "body": typed(900), "reason": "no such message", "at": app.now()}
            tx.execute(sa.insert(parked_receipts).values(row))
            tx.execute(sa.update(messages).where(messages.c.id % 3 == n).values(state="dead", error=typed(900)))
    seed_lists.add(app, OPERATOR, office=OFFICE, name=typed(50), channel="sms", address="13800138000")
    return [
        "/admin/people", "/admin/people/strange", "/admin/people/emily", f"/admin/offices/{OFFICE}", "/admin/offices",
        "/admin/groups", f"/admin/groups/{OFFICE}/typed_group", "/admin/suppressions?customer=c1", "/admin/outbox",
        "/admin/receipts", "/admin/audit", "/channels", "/webhooks", f"/webhooks/{made.id}", f"/drafts/{draft}",
        "/admin/holdout", "/admin/policy", "/arbitration", "/groups", "/groups/strange", "/groups/strange/edit",
        "/offers", "/offers/strange", "/offers/strange/edit", "/rehearsals/new", "/customers", "/erasures",
        "/budgets", f"/budgets/{account}", "/costs", "/calls/lists", "/admin/seeds",
    ]  # fmt: skip

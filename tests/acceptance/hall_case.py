"""A case of the shipped example hall-recommendation, brought to its delivery: recommendations wait for customers."""

from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from engine.cli.demo.people import PASSWORD
from engine.definition.load import load
from engine.service import approvals, delivering, offers, proposals, stages
from engine.service.app import Countersign
from engine.service.recording import OPERATOR, By
from engine.store import cases
from engine.store import people as accounts
from engine.store.tables import recipients
from tests.acceptance.offices import hashed, in_force, key, notices, open_task, viewer
from tests.acceptance.sealed_case import take_in
from tests.support import ROOT

TEXT = (ROOT / "definitions/examples/hall-recommendation.yaml").read_text(encoding="utf-8")
OFFER = {
    "name_zh": "5G 畅享套餐 59 元",
    "name_en": "5G plan, CNY 59",
    "kind": "tariff",
    "monthly_fee": "59.00",
    "data_gb": "30",
    "voice_minutes": "300",
    "contract_months": "12",
    "valid_from": "2020-01-01",
    "valid_until": "2099-12-31",
    "filing_number": "粤资费备2026-0815",
}
SMALLER = OFFER | {"name_zh": "20GB 流量包", "name_en": "20 GB package", "kind": "package", "monthly_fee": "20.00"}


def by(app: Countersign, login: str = "zhaoying") -> By:
    """A clerk, with a key of their own for each call."""
    return By(viewer(app, login), "page", key=key())


def publish(app: Countersign, code: str = "plan-59", **changes: str) -> None:
    """An offer that is in force."""
    versions = offers.listed(app, OPERATOR)
    seen = next((one.version for one in versions if one.code == code), 0)
    number = offers.propose(app, By(viewer(app, "zhengkai"), key=key()), code, OFFER | changes, seen=seen)
    offers.decide(app, By(viewer(app, "wuqian"), key=key()), code, number, publish=True)


def prepare(app: Countersign) -> None:
    """Customers, an offer in force, a second clerk of the same county and one of another."""
    in_force(app, load(TEXT))
    take_in(app)
    publish(app)
    secret, grants = hashed(PASSWORD), {"second": "440111", "tianhe": "440106"}
    with app.db.begin() as tx:
        people = [
            {
                "id": one,
                "name": f"营业员{one}",
                "email": f"{one}@example.org",
                "language": "zh",
                "password_hash": secret,
            }
            for one in grants
        ]
        accounts.add_people(tx, people)
        accounts.add_grants(tx, [{"person": one, "role": "clerk", "office": office} for one, office in grants.items()])


def form(app: Countersign, **changes: Any) -> dict[str, Any]:
    """A proposal whose days are now."""
    today = app.now().date()
    window = [(today - timedelta(days=1)).isoformat(), (today + timedelta(days=60)).isoformat()]
    filled = {"title": "秋季换套餐", "offer": "plan-59", "budget": "500.00", "window": window}
    return filled | {"script": "{name}您好，推荐您使用新套餐，流量更多。"} | changes


def placed(app: Countersign, **changes: Any) -> str:
    """The id of a case whose recommendations wait in the halls."""
    me = viewer(app, "wangmin")
    made = proposals.start(app, me, "hall-recommendation", key=key())
    proposals.submit(app, me, made, form(app, **changes), key=key())
    head = viewer(app, "liguoqiang")
    approvals.decide(app, head, open_task(app, "liguoqiang"), "approve", remark="", seen_seq=None, key=key())
    notices(app)
    with app.db.read() as tx:
        target = cases.load(tx, made).facts["target"]
    stages.start_delivery(app, me, made, target, key=key())
    notices(app)
    while delivering.work(app, "worker") is not None:
        delivering.settle(app)
    delivering.settle(app)
    return made


def targets(app: Countersign, case_id: str) -> list[str]:
    """The customers with a recommendation of the case."""
    chosen = sa.select(recipients.c.customer).where(recipients.c.case_id == case_id).order_by(recipients.c.customer)
    with app.db.read() as tx:
        return list(tx.execute(chosen).scalars())


def ledger_of(app: Countersign, case_id: str) -> dict[str, tuple[str, str]]:
    """State and reason of each customer's row."""
    columns = (recipients.c.customer, recipients.c.state, recipients.c.reason)
    with app.db.read() as tx:
        rows = tx.execute(sa.select(*columns).where(recipients.c.case_id == case_id)).all()
    return {row.customer: (row.state, row.reason) for row in rows}


def day(app: Countersign, days: int) -> date:
    """A day from today."""
    return app.now().date() + timedelta(days=days)

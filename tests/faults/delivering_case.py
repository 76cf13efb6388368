"""A case that is delivering, with a frozen list and a dataset, for tests of the delivery and its benchmark.

The approval before it is not played: its history has one entry. Everything after it is the real thing.
"""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection

from engine.definition.load import load
from engine.machine.case import Case, Fund, ProcessRef
from engine.machine.commands import Create
from engine.machine.outcome import Created, FormSaved, Moved, Outcome
from engine.organisation import Office
from engine.service.app import Countersign
from engine.settings import Settings
from engine.store import budgets, cases, definitions, people, snapshots
from engine.store.budgets import Entry
from engine.store.rows import CaseIndex, Decided
from engine.store.session import Database
from engine.store.snapshots import SnapshotRow
from engine.warehouse.dataset import Column, Dataset, Table
from engine.warehouse.freeze import LIST, MANIFEST, Manifest
from tests.servers.gateway import SECRET

CASE = "case1"
ACCOUNT = "430102:2026:CNY"
FROZEN_AT = datetime(2026, 11, 20, tzinfo=UTC)

DEFINITION = """
apiVersion: countersign/v1
kind: CaseDefinition
name: delivery-test-case
version: 1
title: {{zh: 派送测试, en: Delivery test}}
proposal:
  fields:
    title: {{type: text, label: {{zh: 案名, en: Title}}, required: true}}
    budget: {{type: money, currency: CNY, label: {{zh: 预算, en: Budget}}, required: true}}
    message: {{type: text, label: {{zh: 短信, en: Message}}, required: true}}
approval:
  route:
    - {{else: direct}}
  chains:
    direct:
      - {{approve: head, who: "head@county"}}
audience:
  source: {{rule: "true"}}
delivery:
{delivery}
"""

ONE_WAVE = """
  waves:
    - {name: main, share: rest, channel: sms, chunk: 50}
  message: {text: "{name}您好，{form.message}", fields: [name]}
  prices: {sms: "0.05"}
"""


def make_dataset(folder: Path, customers: int) -> None:
    """Customers k0000000, k0000001, ... with a telephone, an address of mail and a name."""
    dataset = Dataset(folder)
    numbers = range(customers)
    table = pa.table(
        {
            "customer": [f"k{n:07}" for n in numbers],
            "phone": [f"138{n:08}" for n in numbers],
            "email": [f"k{n:07}@mail.example" for n in numbers],
            "name": [f"客户{n}" for n in numbers],
        }
    )
    with dataset.fresh_file("customers") as path:
        pq.write_table(table, path)
        file = dataset.keep("customers", path, customers)
    columns = tuple(Column(name, "text") for name in table.column_names)
    dataset.replace("customers", Table(columns, (file,)))


def freeze_list(folder: Path, customers: int, *, control_every: int = 10) -> SnapshotRow:
    """A frozen list of all of them; every `control_every`th is in the control group."""
    arms = ["control" if n % control_every == control_every - 1 else "target" for n in range(customers)]
    target = arms.count("target")
    where = folder / "cases" / CASE / "r1"
    where.mkdir(parents=True)
    columns = {"customer": [f"k{n:07}" for n in range(customers)], "cell": ["base"] * customers, "arm": arms}
    pq.write_table(pa.table(columns), where / LIST)
    manifest = Manifest(
        format="test",
        digest="d" * 64,
        file_sha256="",
        rows=customers,
        target=target,
        control=customers - target,
        as_of=FROZEN_AT.isoformat(),
        salt="430102-2026-00001/1",
        threshold="1a",
        universe=customers,
        rungs=(),
        cells={"base": (target, customers - target)},
        waterfall=(),
        cube=(),
        sql="",
        inputs=(),
        versions={},
    )
    text = msgspec.json.encode(manifest)
    (where / MANIFEST).write_bytes(text)
    relative = str(where.relative_to(folder))
    control = customers - target
    return SnapshotRow(f"{CASE}-1", CASE, "d" * 64, relative, text.decode(), target, control, FROZEN_AT)


def delivering_case(
    database_url: str,
    home: Path,
    *,
    customers: int,
    sms_url: str = "",
    delivery: str = ONE_WAVE,
    budget: str = "",
    control_every: int = 10,
    **more: Any,
) -> Countersign:
    """The opened application over a migrated database, with the case ready to `begin`. `more` are settings.

    `budget`: so much is committed to the case, out of a budget of its office with twice as much.
    """
    settings = Settings(
        home=home, database_url=database_url, sms_url=sms_url, sms_secret=SECRET, time_zone="Asia/Shanghai", **more
    )
    app = Countersign(settings, Database(settings.database))
    make_dataset(settings.data, customers)
    definition = load(DEFINITION.format(delivery=delivery))
    ref = ProcessRef(definition.name, definition.version, definition.fingerprint)
    now = app.now()
    form = {"title": "派送测试", "budget": budget or "100000.00", "message": "国庆流量包8折，回T退订"}
    case = Case(
        id=CASE,
        process=ref,
        office="430102",
        submitter="li",
        created_at=now,
        updated_at=now,
        seq=1,
        state="delivering",
        configuration=("delivering",),
        round=1,
        form=form,
        number="430102-2026-00001",
        fund=Fund(ACCOUNT, budget) if budget else None,
    )
    events = (
        Created(ref, case.office, case.submitter),
        FormSaved(form, "li"),
        Moved("delivering", ("delivering",), {}),
    )
    index = CaseIndex("派送测试", None, None, False, (case.office,))
    decided = Decided(Create(actor="li", office=case.office), Outcome(case, events, at=now), index)
    cases.create(app.db, "", lambda _tx: decided)
    with app.db.begin() as tx:
        definitions.publish(
            tx,
            name=definition.name,
            version=definition.version,
            fingerprint=definition.fingerprint,
            source=definition.source,
            author="test",
            by="test",
            at=now,
        )
        snapshots.save(tx, freeze_list(settings.data, customers, control_every=control_every))
        if budget:
            commit(tx, Decimal(budget), app)
    return app


def commit(tx: Connection, amount: Decimal, app: Countersign) -> None:
    """Give the case's office twice the amount, and the case the amount of it."""
    people.add_offices(tx, (Office("430102", "芙蓉区分公司", "county"),))
    budgets.open_account(tx, "430102", 2026, "CNY")
    given = Entry("given", ACCOUNT, "approved", "available", 2 * amount, "set", "test")
    taken = Entry("taken", ACCOUNT, "available", "committed", amount, "commit", "test", CASE)
    for entry in (given, taken):
        budgets.post(tx, entry, at=app.now())

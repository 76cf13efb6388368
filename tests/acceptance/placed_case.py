"""A house whose customers stand on a PostgreSQL server, and a case by SMS over them, brought on through the service."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq

from engine.definition.load import load
from engine.service import approvals, effects, policies, proposals, suppressing
from engine.service.app import Countersign
from engine.service.people import viewer_named
from engine.service.recording import OPERATOR, By
from engine.service.sealing import dataset_of
from engine.warehouse import contacts
from engine.warehouse.dataset import Column, Dataset
from tests.acceptance.offices import in_force, key, open_task, viewer
from tests.servers.postgres import create_database
from tests.warehouse.selecting_by_hand import add, texts

DEFINITION = """
apiVersion: countersign/v1
kind: CaseDefinition
name: placed-test-case
version: 1
title: {zh: 异地客户测试, en: Placed test}
proposal:
  fields:
    title: {type: text, label: {zh: 案名, en: Title}, required: true}
    budget: {type: money, currency: CNY, label: {zh: 预算, en: Budget}, required: true}
    reach: {type: int, label: {zh: 目标客户数, en: Target customers}, required: true, min: 1}
  material: [budget, reach]
approval:
  route: [{else: county}]
  chains:
    county:
      - {approve: head, who: "head@county", label: {zh: 县公司经理, en: County head}}
audience:
  source: {union: [{rule: "c.arpu >= 38"}, {list: vip}]}
  remove: [blacklist, {contacted_within: 30d}, policy]
  cells: {high: "c.arpu >= 60", base: "true"}
  control: {share: 20%, min: 5}
delivery:
  message: {text: "{name}您好", fields: [name]}
  waves:
    - {name: main, share: rest, channel: sms, chunk: 10}
evaluation:
  at: [1d]
  metrics: [reach, delivered, response, {uplift: {of: response, vs: control}}]
"""
FORM: dict[str, Any] = {"title": "异地", "budget": "100.00", "reach": 50}
POLICY: dict[str, Any] = {"caps": [{"most": 1, "within": "20d", "channel": "sms"}]}
NUMBER = 120
VIP = (1, 2, 3, 61, 62, 63)
TOLD_THERE, TOLD_HERE = "440111-2025-00001", "440111-2025-00002"


def id_of(number: int) -> str:
    """The id of a customer."""
    return f"C{number:04}"


def phone_of(number: int) -> str:
    """The phone of a customer."""
    return f"1391357{number:04}"


def rows() -> Iterator[tuple[str, str, str, int]]:
    """The customers: id, phone, name, what they pay."""
    return ((id_of(n), phone_of(n), f"客户{n}", 20 + n % 60) for n in range(NUMBER))


def told_there() -> list[int]:
    """Whom another system contacted, as the server knows."""
    return list(range(0, NUMBER, 10))


def told_here() -> list[int]:
    """Whom this house contacted."""
    return list(range(5, NUMBER, 15))


def black() -> list[int]:
    """Who is on the black list."""
    return list(range(7, NUMBER, 20))


@dataclass(frozen=True)
class Crm:
    """The addresses of the server with the customers: for its owner, and for a user who may read and nothing else."""

    owner: str
    reader: str


def served(pg_server: str, name: str, now: datetime) -> Crm:
    """The customers on a server of their own."""
    url = create_database(pg_server, name)
    with closing(psycopg2.connect(url.replace("+psycopg2", ""))) as link, link.cursor() as cursor:
        cursor.execute(
            "CREATE SCHEMA crm;"
            "CREATE TABLE crm.customers (customer text PRIMARY KEY, phone text, name text, arpu integer);"
            "CREATE TABLE crm.contacts (customer text, at timestamptz, case_number varchar(40), channel text);"
            f"DROP ROLE IF EXISTS {name}_reader; CREATE ROLE {name}_reader LOGIN PASSWORD 'reads-all';"
            f"GRANT USAGE ON SCHEMA crm TO {name}_reader; GRANT SELECT ON ALL TABLES IN SCHEMA crm TO {name}_reader"
        )
        cursor.executemany("INSERT INTO crm.customers VALUES (%s, %s, %s, %s)", list(rows()))
        link.commit()
    for number in told_there():
        contacted(url, number, now - timedelta(days=5), TOLD_THERE)
    return Crm(url, f"postgresql+psycopg2://{name}_reader:reads-all@{url.rpartition('@')[2]}")


def contacted(url: str, number: int, at: datetime, case: str) -> None:
    """The server hears of a contact."""
    with closing(psycopg2.connect(url.replace("+psycopg2", ""))) as link, link.cursor() as cursor:
        cursor.execute("INSERT INTO crm.contacts VALUES (%s, %s, %s, 'sms')", [id_of(number), at, case])
        link.commit()


def as_files(folder: Path, now: datetime) -> None:
    """The same customers and contacts as Parquet files of a folder, for Spark."""
    pq.write_table(_customers(), folder / "customers.parquet")
    pq.write_table(_told_there(now), folder / "contacts.parquet")


def with_own_files(dataset: Dataset, now: datetime) -> None:
    """What this house has itself: a list, and the contacts that it made."""
    add(dataset, "list_vip", texts(customer=[id_of(n) for n in VIP]))
    made = texts(customer=[id_of(n) for n in told_here()], case_number=[TOLD_HERE] * len(told_here()),
                 channel=["call"] * len(told_here()))  # fmt: skip
    at = (now - timedelta(days=3)).astimezone(UTC).replace(tzinfo=None)
    contacts.append(dataset, made.append_column("at", pa.array([at] * made.num_rows, pa.timestamp("us"))))


def copied_here(dataset: Dataset, now: datetime) -> None:
    """The same customers and contacts in a dataset."""
    with_own_files(dataset, now)
    kinds = [Column(name, "int" if name == "arpu" else "text") for name in ("customer", "phone", "name", "arpu")]
    add(dataset, "customers", _customers(), kinds)
    contacts.append(dataset, _told_there(now))


def _customers() -> pa.Table:
    ids, phones, names, arpu = zip(*rows(), strict=True)
    return texts(customer=ids, phone=phones, name=names).append_column("arpu", pa.array(arpu, pa.int64()))


def _told_there(now: datetime) -> pa.Table:
    told = told_there()
    made = texts(customer=[id_of(n) for n in told], case_number=[TOLD_THERE] * len(told), channel=["sms"] * len(told))
    at = (now - timedelta(days=5)).astimezone(UTC).replace(tzinfo=None)
    return made.append_column("at", pa.array([at] * made.num_rows, pa.timestamp("us")))


def published(app: Countersign) -> None:
    """Definition and contact policy in force, a black list, the house's own files."""
    in_force(app, load(DEFINITION))
    with_own_files(dataset_of(app.settings), app.now())
    policies.propose(app, OPERATOR, POLICY, reason="fewer messages")
    policies.decide(app, By(viewer_named(app, "machao")), 1, confirm=True)
    for number in black():
        suppressing.add(app, OPERATOR, kind="black", customer=id_of(number), reason="complaint")


def drafted(app: Countersign) -> str:
    """A draft of 王敏's with everything filled in."""
    me = viewer(app, "wangmin")
    case_id = proposals.start(app, me, "placed-test-case", key=key())
    proposals.save(app, me, case_id, FORM, key=key())
    return case_id


def approved(app: Countersign, case_id: str) -> None:
    """Submit it and have it approved."""
    proposals.submit(app, viewer(app, "wangmin"), case_id, FORM, key=key())
    head = viewer(app, "liguoqiang")
    approvals.decide(app, head, open_task(app, "liguoqiang"), "approve", remark="", seen_seq=None, key=key())
    while effects.work(app, lambda notice: None).any:
        pass


def by_hand() -> set[str]:
    """Who is left: of those who pay 38 or stand on the list, nobody on the black list and nobody told of late."""
    out = {*black(), *told_there(), *told_here()}
    return {id_of(n) for n in range(NUMBER) if (20 + n % 60 >= 38 or n in VIP) and n not in out}


def connections(folder: Path, url: str) -> Path:
    """A file of connections that calls the place crm."""
    path = folder / "connections.yaml"
    path.write_text(f'crm: "{url}"\n')
    return path

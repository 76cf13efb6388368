"""Customers with households, consents and a holdout, and what a selection must say of each, worked out one by one."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from engine.audience.compile import Selection, compile_audience
from engine.audience.grouping import HoldoutInForce, threshold_of
from engine.audience.plan import AudiencePlan
from engine.warehouse import contacts
from engine.warehouse.dataset import Column, Dataset
from engine.warehouse.subjects import subject_of
from tests.support import THIS_YEAR, vault
from tests.warehouse.selecting_by_hand import add, texts

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
NUMBER = f"440111-{THIS_YEAR}-00001"  # as the first case of the year has it
SALT = "440111-2026-00007-1"
HOLDOUT = HoldoutInForce(3, Decimal("0.2"), "holdout-x")
SHARE = Decimal("0.2")
PLAN: dict[str, Any] = {
    "source": {"union": [{"rule": "c.arpu >= 38"}, {"list": "upload"}]},
    "remove": [
        "blacklist",
        "holdout",
        {"contacted_within": "30d", "similar": "family"},
        {"contacted_within": "10d", "similar": "tag"},
        {"eligible": "offer"},
        {"consent": "sms"},
        {"household": "c.household_id", "keep": "c.arpu"},
    ],
    "cells": {"high": "c.arpu >= 88", "base": "true"},
    "control": {"share": "20%"},
}
NAMES = (
    "blacklist", "holdout", "contacted_30d_family", "contacted_10d_tag", "eligible", "consent_sms", "household",
)  # fmt: skip


@dataclass(frozen=True)
class One:
    """A customer; `told` is the offer that they were told of five days ago, `age` decides who is eligible."""

    arpu: int | None = 50
    age: int | None = 40
    agrees: bool | None = True
    home: str | None = None
    black: bool = False
    uploaded: bool = False
    told: str | None = None


def id_of(number: int) -> str:
    return f"C{number:08}"


def draw_of(salt: str, customer: str) -> str:
    return hashlib.md5(f"{salt}:{customer}".encode()).hexdigest()[:8]


def by_hand(people: list[One]) -> dict[str, tuple[str, ...]]:
    """Customer -> the exclusions that apply, or (arm, cell), or ('not_in_source',)."""
    found: dict[str, tuple[str, ...]] = {}
    homes: dict[str, list[tuple[int, str, str]]] = {}
    for number, one in enumerate(people):
        customer = id_of(number)
        if not (one.uploaded or (one.arpu is not None and one.arpu >= 38)):
            found[customer] = ("not_in_source",)
            continue
        applies = (
            one.black,
            draw_of(HOLDOUT.salt, customer) < threshold_of(HOLDOUT.share),
            one.told in ("flow-10g", "flow-20g"),
            one.told in ("flow-10g", "voice-300"),
            one.age is None or one.age < 18,
            one.agrees is not True,
        )
        found[customer] = tuple(name for name, holds in zip(NAMES, applies, strict=False) if holds)
        if not found[customer] and one.home is not None:
            rank = -one.arpu if one.arpu is not None else 10**9
            homes.setdefault(one.home, []).append((rank, hashlib.md5(customer.encode()).hexdigest(), customer))
    for members in homes.values():
        for _, _, customer in sorted(members)[1:]:
            found[customer] = ("household",)
    for number, one in enumerate(people):
        customer = id_of(number)
        if not found[customer]:
            arm = "control" if draw_of(SALT, customer) < threshold_of(SHARE) else "target"
            found[customer] = (arm, "high" if one.arpu is not None and one.arpu >= 88 else "base")
    return found


def dataset_of(folder: Path, people: list[One], told_at: datetime = AS_OF) -> Dataset:
    """The people as a published dataset; those who were told of an offer were five days before `told_at`."""
    dataset = Dataset(folder, vault)
    ids = [id_of(number) for number in range(len(people))]
    each = list(zip(ids, people, strict=True))
    customers = pa.table(
        {
            "customer": pa.array(ids, pa.string()),
            "arpu": pa.array([p.arpu for p in people], pa.int64()),
            "age": pa.array([p.age for p in people], pa.int64()),
            "sms_consent": pa.array([p.agrees for p in people], pa.bool_()),
            "household_id": pa.array([p.home for p in people], pa.string()),
            "phone": pa.array([f"1380013{number:04}" for number in range(len(people))], pa.string()),
            "name": pa.array(["欧阳娜娜"] * len(people), pa.string()),
        }
    )
    kinds = {"customer": "text", "arpu": "int", "age": "int", "sms_consent": "bool"}
    add(dataset, "customers", customers, [Column(name, kinds.get(name, "text")) for name in customers.column_names])
    add(dataset, "list_upload", texts(customer=[i for i, p in each if p.uploaded]))
    black = [i for i, p in each if p.black]
    add(dataset, "blacklist", texts(customer=black, channel=[""] * len(black), reason=["complaint"] * len(black)))
    offers = {
        "offer": ["flow-10g", "flow-20g", "voice-300"],
        "category": ["data", "data", "voice"],
        "family": ["flow", "flow", "voice"],
        "tags": ["autumn, young", "", "young"],
        "requires": ["c.age >= 18", "", ""],
    }
    add(dataset, "offers", texts(**offers))
    told = [(i, p.told) for i, p in each if p.told]
    past = texts(customer=[i for i, _ in told], offer=[o for _, o in told], case_number=[NUMBER] * len(told))
    at = pa.array([told_at.astimezone(UTC).replace(tzinfo=None) - timedelta(days=5)] * len(told), pa.timestamp("us"))
    contacts.append(dataset, past.append_column("at", at))
    return dataset


def compiled(dataset: Dataset, plan: dict[str, Any] | None = None, **more: Any) -> Selection:
    version = dataset.current()
    given: dict[str, Any] = {
        "salt": SALT,
        "holdout": HOLDOUT,
        "consents": {"sms": "sms_consent"},
        "subject": subject_of(dataset, version, offers=("flow-10g",)),
    }
    return compile_audience(
        AudiencePlan.model_validate(plan or PLAN),
        fields={column.name: column.type for column in version.tables["customers"].columns},
        tables=frozenset(version.tables),
        as_of=AS_OF,
        **given | more,
    )

"""A dataset of a few customers, and their selection worked out one customer at a time: what the engine must equal."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from engine.audience.compile import Selection, Subject, compile_audience
from engine.audience.plan import AudiencePlan
from engine.warehouse import contacts
from engine.warehouse.dataset import Column, Dataset, Table
from engine.warehouse.months import write_months

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
SALT = "440111-2026-00001-1"
SUBJECT = Subject(offer=("flow-10g",), category=("data",), channels=("sms",))
PLAN: dict[str, Any] = {
    "source": {"union": [{"rule": "c.arpu >= 38 && c.tenure > 6"}, {"list": "upload"}]},
    "remove": [
        "blacklist",
        "greylist",
        {"contacted_within": "30d", "similar": "category"},
        {"conflicts": "offer"},
        {"rule": "c.arrears", "name": "arrears"},
    ],
    "cells": {"high": "c.arpu >= 88", "base": "true"},
    "control": {"share": "20%"},
}


@dataclass(frozen=True)
class Person:
    """One customer and all that selections ask about them."""

    arpu: int | None = 50
    tenure: int | None = 12
    arrears: bool | None = False
    uploaded: bool = False
    black: bool = False
    grey_channel: str | None = None
    contacted_days_ago: int | None = None
    category: str = "data"
    owns: str | None = None
    owned_until: int | None = None


@dataclass(frozen=True)
class Expected:
    """What the selection must give."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)
    removed: dict[str, int] = field(default_factory=dict)
    base: int = 0


def name_of(number: int) -> str:
    return f"C{number:04}"


def worked_out(people: list[Person]) -> Expected:
    """One customer at a time, in the order of the exclusions."""
    names = ["blacklist", "greylist", "contacted_30d_category", "conflicts", "arrears"]
    removed = dict.fromkeys(names, 0)
    rows, base = [], 0
    for number, one in enumerate(people):
        by_rule = one.arpu is not None and one.arpu >= 38 and one.tenure is not None and one.tenure > 6
        if not (by_rule or one.uploaded):
            continue
        base += 1
        owns = one.owns in ("flow-10g", "flow-20g") and (one.owned_until is None or one.owned_until > 0)
        recently = one.contacted_days_ago is not None and 0 <= one.contacted_days_ago < 30 and one.category == "data"
        applies = [one.black, one.grey_channel in ("", "sms"), recently, owns, one.arrears is True]
        first = next((name for name, holds in zip(names, applies, strict=True) if holds), None)
        if first:
            removed[first] += 1
            continue
        draw = hashlib.md5(f"{SALT}:{name_of(number)}".encode()).hexdigest()[:8]
        cell = "high" if one.arpu is not None and one.arpu >= 88 else "base"
        rows.append((name_of(number), cell, "control" if draw < "33333333" else "target"))
    return Expected(rows, removed, base)


def dataset_of(folder: Path, people: list[Person]) -> Dataset:
    """The people as a published dataset; suppression lists are tables of it here."""
    dataset = Dataset(folder)
    ids = [name_of(number) for number in range(len(people))]
    each = list(zip(ids, people, strict=True))
    # Backwards, so that the order of the frozen list is the selection's doing. One row has no id.
    customers = pa.table(
        {
            "customer": pa.array([*reversed(ids), None], pa.string()),
            "arpu": pa.array([*(p.arpu for p in reversed(people)), 99], pa.int64()),
            "tenure": pa.array([*(p.tenure for p in reversed(people)), 99], pa.int64()),
            "arrears": pa.array([*(p.arrears for p in reversed(people)), False], pa.bool_()),
        }
    )
    kinds = [("customer", "text"), ("arpu", "int"), ("tenure", "int"), ("arrears", "bool")]
    add(dataset, "customers", customers, [Column(*kind) for kind in kinds])
    add(dataset, "list_upload", texts(customer=[i for i, p in each if p.uploaded] + [None, "unknown"]))
    black = [i for i, p in each if p.black]
    add(dataset, "blacklist", texts(customer=black, channel=[""] * len(black)))
    grey = [(i, p.grey_channel) for i, p in each if p.grey_channel is not None]
    add(dataset, "greylist", texts(customer=[i for i, _ in grey], channel=[channel for _, channel in grey]))
    owned = [(i, p) for i, p in each if p.owns]
    now = AS_OF.replace(tzinfo=None)
    until = [None if p.owned_until is None else now + timedelta(days=p.owned_until) for _, p in owned]
    owned_rows = texts(customer=[i for i, _ in owned], offer=[p.owns for _, p in owned])
    add(dataset, "owned", owned_rows.append_column("until", pa.array(until, pa.timestamp("us"))))
    add(dataset, "conflicts", texts(offer=["flow-10g"], other=["flow-20g"]))
    asked = [(i, p, p.contacted_days_ago) for i, p in each if p.contacted_days_ago is not None]
    past = texts(customer=[i for i, _, _ in asked], category=[p.category for _, p, _ in asked])
    moments = pa.array([now - timedelta(days=days) for _, _, days in asked], pa.timestamp("us"))
    contacts.append(dataset, past.append_column("at", moments))
    return dataset


def texts(**columns: list[Any]) -> pa.Table:
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def add(dataset: Dataset, name: str, rows: pa.Table, columns: list[Column] | None = None) -> None:
    columns = columns or [Column(column, "text") for column in rows.column_names]
    with dataset.fresh_file(name) as path:
        pq.write_table(rows, path)
        file = dataset.keep(name, path, rows.num_rows)
    dataset.replace(name, Table(tuple(columns), (file,)))


def compiled(dataset: Dataset, plan: dict[str, Any] | None = None, salt: str = SALT) -> Selection:
    version = dataset.current()
    return compile_audience(
        AudiencePlan.model_validate(plan or PLAN),
        fields={column.name: column.type for column in version.tables["customers"].columns},
        tables=frozenset(version.tables),
        subject=SUBJECT,
        as_of=AS_OF,
        salt=salt,
    )


def written_by_an_earlier_release(dataset: Dataset, rows: pa.Table) -> None:
    """Contacts in files that do not have the column `purpose`, as they lie in older data folders."""
    columns = tuple(column for column in contacts.COLUMNS if column.name != "purpose")
    names = [column.name for column in columns]
    for one in contacts.SCHEMA:
        if one.name not in rows.column_names:
            rows = rows.append_column(one, pa.nulls(rows.num_rows, one.type))
    files = tuple(write_months(dataset, "contacts", rows.select(names), "at"))
    there = dataset.current().tables.get("contacts")
    mixed = Table(there.columns, there.files + files) if there and there.files else Table(columns, files)
    dataset.replace("contacts", mixed)

"""What the newest version of the dataset has of one customer, found by the whole id or a whole address.

Every table is asked for the rows of that customer alone. Refuses to find by a part; of an address that several have it
says that there are several, and of none of them anything. Values come as texts, addresses sealed.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from engine.audience.later import rows_in
from engine.warehouse.addresses import ADDRESS
from engine.warehouse.dataset import Dataset, Table, Version

MEMORY = "200MB"
MOST = 20
CUSTOMERS, LIST = "customers", "list_"
NEWEST = {"contacts": "at", "responses": "at", "usage": "month", "owned": "since"}
"""The tables with rows of a customer, and what their newest rows are told by."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One customer. `fields` are those of the table customers, `lists` the imported lists that they stand on, `rows`
    the newest rows of the other tables, by table; blanks are left out."""

    customer: str
    fields: dict[str, str]
    lists: tuple[str, ...]
    rows: dict[str, tuple[dict[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Nobody:
    """Nobody has this id or address, or (`several`) it is the address of several."""

    several: bool = False


def facts(dataset: Dataset, version: Version, wanted: str) -> Facts | Nobody:
    """What is known of the customer with this id, or else with this address."""
    customers = version.tables.get(CUSTOMERS)
    if customers is None or not customers.files:
        return Nobody()
    import duckdb  # noqa: PLC0415  # takes long to load; most requests ask nothing of the dataset

    with contextlib.closing(duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": ""})) as db:
        found = _found(db, dataset, customers, wanted)
        if isinstance(found, Nobody):
            return found
        return _with_the_rest(db, dataset, version, found)


def beside(dataset: Dataset, version: Version, customer: str) -> Facts:
    """What the dataset has of a customer who is elsewhere."""
    import duckdb  # noqa: PLC0415  # as above

    with contextlib.closing(duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": ""})) as db:
        return _with_the_rest(db, dataset, version, {"customer": customer})


def _with_the_rest(db: Any, dataset: Dataset, version: Version, found: dict[str, str]) -> Facts:
    customer = found["customer"]
    lists = [name for name in version.tables if name.startswith(LIST) and version.tables[name].files]
    on = (name.removeprefix(LIST) for name in lists if _rows(db, dataset, name, version.tables[name], customer, most=1))
    rows = {
        name: _rows(db, dataset, name, version.tables[name], customer, newest=newest)
        for name, newest in NEWEST.items()
        if name in version.tables and version.tables[name].files
    }
    return Facts(customer, found, tuple(on), rows)


def is_address(name: str, kind: str) -> bool:
    """Whether a customer is also found by this field."""
    return kind == ADDRESS or name == "phone"


def _found(db: Any, dataset: Dataset, customers: Table, wanted: str) -> dict[str, str] | Nobody:
    paths = list(dataset.paths(customers))
    row = _asked(db, paths, customers, "customer = ?", [wanted])
    if row:
        return row[0]
    names = [one.name for one in customers.columns if is_address(one.name, one.type)]
    forms = list(dataset.vault.forms(wanted)) if names else []
    marks = ", ".join("?" * len(forms))
    same = " OR ".join(f"{_name(name)}::VARCHAR IN ({marks})" for name in names)
    several = _asked(db, paths, customers, same, forms * len(names)) if names else []
    return several[0] if len(several) == 1 else Nobody(several=len(several) > 1)


def _rows(
    db: Any, dataset: Dataset, name: str, table: Table, customer: str, *, newest: str = "", most: int = MOST
) -> tuple[dict[str, str], ...]:
    order = f"{_name(newest)} DESC NULLS LAST" if newest in {one.name for one in table.columns} else "ALL"
    rest = f"ORDER BY {order} LIMIT {most}"
    rows = _asked(db, dataset.paths(table), table, "customer = ?", [customer], name=name, rest=rest)
    return tuple({name: value for name, value in row.items() if name != "customer"} for row in rows)


def _asked(
    db: Any,
    paths: Sequence[str],
    table: Table,
    where: str,
    values: Sequence[str],
    *,
    name: str = CUSTOMERS,
    rest: str = "LIMIT 2",
) -> list[dict[str, str]]:
    names = [one.name for one in table.columns]
    listed = ", ".join(map(_name, names))
    text = f"SELECT {listed} FROM {rows_in(name, '?')} WHERE {where} {rest}"
    found = db.execute(text, [list(paths), *values]).fetchall()
    return [
        {one: _said(value) for one, value in zip(names, row, strict=True) if value not in (None, "")} for row in found
    ]


def _said(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds") + "+00:00"
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else str(value)


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

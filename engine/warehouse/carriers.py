"""Whose customers those of a wave are: the hall and the agent that the contact policy counts their contacts for.

Written to a file beside the wave's letters once, in the order of its rows, as the imported contacts are (past.py). It
names no customer. Refuses to count: what each carries is the policy's.
"""

import hashlib
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from engine.audience.policy import CarrierKind
from engine.warehouse.dataset import Dataset, Table, Version, told_when_full

TABLE = "customers"
MEMORY = "150MB"
LONGEST = 60
By = Mapping[CarrierKind, str]
"""For each kind the customer field that names who carries."""


def of_wave(dataset: Dataset, version: Version, letters: Path, by: By) -> Path | None:
    """The file with who carries the rows of a wave, made where it is not there; None where nobody is told apart. Its
    name tells what it was made of, so that other customers or another policy make another."""
    customers, known = _known(version, by)
    if customers is None or not known:
        return None
    made_of = repr((sorted(known.items()), [file.path for file in customers.files])).encode()
    path = letters.with_name(f"{letters.stem}-carriers-{hashlib.sha256(made_of).hexdigest()[:16]}.parquet")
    if not path.exists():
        _write(path, list(dataset.paths(customers)), letters, known)
    return path


def read(path: Path, first: int, last: int) -> dict[int, Mapping[CarrierKind, str]]:
    """Who carries the rows `first` to `last`."""
    table = pq.read_table(path, filters=[("row", ">=", first), ("row", "<=", last)])
    return {one.pop("row"): {kind: name for kind, name in one.items() if name} for one in table.to_pylist()}


def of_customers(
    dataset: Dataset, version: Version, customers: Sequence[str], by: By
) -> dict[str, Mapping[CarrierKind, str]]:
    """Who carries these customers."""
    table, known = _known(version, by)
    if table is None or not known:
        return {}
    import duckdb  # noqa: PLC0415  # takes long to load; the delivery reads files

    query = f"""
        SELECT c.customer, {_columns(known)} FROM read_parquet($files) c WHERE list_contains($customers, c.customer)
    """
    values = {"files": list(dataset.paths(table)), "customers": list(customers)}
    with duckdb.connect(config={"memory_limit": MEMORY, "threads": 1}) as connection:
        found = connection.sql(query, params=values).to_arrow_table().to_pylist()
    return {one.pop("customer"): {kind: name for kind, name in one.items() if name} for one in found}


def _known(version: Version, by: By) -> tuple[Table | None, dict[CarrierKind, str]]:
    """The customers, and the fields that they have."""
    customers = version.tables.get(TABLE)
    there = {column.name for column in customers.columns} if customers else set()
    return customers, {kind: field for kind, field in by.items() if field in there}


def _write(path: Path, files: list[str], letters: Path, known: By) -> None:
    import duckdb  # noqa: PLC0415  # as above

    query = f"""
        SELECT w.row, {_columns(known)}
        FROM read_parquet($letters) w JOIN read_parquet($files) c ON c.customer = w.customer ORDER BY w.row
    """
    fresh = path.with_name(f".{path.name}-{secrets.token_hex(6)}.new")
    try:
        with told_when_full(path), duckdb.connect(config={"memory_limit": MEMORY, "threads": 1}) as connection:
            values = {"files": files, "letters": str(letters)}
            connection.sql(query, params=values).write_parquet(str(fresh), compression="zstd")
            with fresh.open("rb+") as file:
                os.fsync(file.fileno())
            fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _columns(known: By) -> str:
    return ", ".join(
        f'left(CAST(c."{field}" AS VARCHAR), {LONGEST}) AS {kind}' for kind, field in sorted(known.items())
    )

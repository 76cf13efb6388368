"""Contacts of the imported history that a wave must count beside its own: per customer, of one wave or of a few.

A wave's are written to a file beside its letters once, in the order of its rows, so that a worker reads those of a
chunk and not the whole history for every thousand customers. Refuses to count: caps are the policy's.
"""

import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from engine.audience.later import LATER, rows_in
from engine.audience.policy import PURPOSES, Contacted
from engine.warehouse.dataset import Dataset, Table, Version, told_when_full

TABLE = "contacts"
MEMORY = "150MB"
Past = Mapping[str, list[Contacted]]
NOTHING: Past = {}


def of_wave(dataset: Dataset, version: Version, letters: Path, since: datetime) -> Path | None:
    """The file with the contacts since then of the customers of a wave, made where it is not there; None where there
    is no history. Its name tells what it was made of, so that an import or a longer period makes another."""
    history = version.tables.get(TABLE)
    if history is None:
        return None
    files = [file.path for file in history.files if not file.month or file.month >= f"{since:%Y-%m}"]
    if not files:
        return None
    made_of = hashlib.sha256(repr((sorted(files), f"{since:%Y-%m-%d}")).encode()).hexdigest()[:16]
    path = letters.with_name(f"{letters.stem}-contacts-{made_of}.parquet")
    if not path.exists():
        _write(path, [str(dataset.at(file)) for file in files], history, letters, since)
    return path


def read(path: Path, first: int, last: int) -> Past:
    """The contacts of the customers in the rows `first` to `last` of the wave."""
    table = pq.read_table(path, filters=[("row", ">=", first), ("row", "<=", last)])
    found: dict[str, list[Contacted]] = {}
    for one in table.to_pylist():
        found.setdefault(one["customer"], []).append(_contacted(one))
    return found


def of_customers(dataset: Dataset, version: Version, customers: Sequence[str], since: datetime) -> Past:
    """The contacts of these customers since then."""
    history = version.tables.get(TABLE)
    if history is None or not history.files:
        return NOTHING
    import duckdb  # noqa: PLC0415  # takes long to load; the delivery reads files

    found: dict[str, list[Contacted]] = {}
    query = f"SELECT customer, {_columns(history)} FROM {rows_in(TABLE, '$files')} k"
    values = {"files": list(dataset.paths(history)), "since": _naive(since), "customers": list(customers)}
    with duckdb.connect(config={"memory_limit": MEMORY, "threads": 1}) as connection:
        rows = connection.sql(f'{query} WHERE "at" > $since AND list_contains($customers, customer)', params=values)
        for one in rows.to_arrow_table().to_pylist():
            found.setdefault(one["customer"], []).append(_contacted(one))
    return found


def _write(path: Path, files: list[str], history: Table, letters: Path, since: datetime) -> None:
    import duckdb  # noqa: PLC0415  # as above

    query = f"""
        SELECT w.row, k.customer, {_columns(history)}
        FROM {rows_in(TABLE, "$files")} k JOIN read_parquet($letters) w ON w.customer = k.customer
        WHERE k."at" > $since ORDER BY w.row, k."at"
    """
    values = {"files": files, "letters": str(letters), "since": _naive(since)}
    with (
        _appearing_at_once(path) as fresh,
        duckdb.connect(config={"memory_limit": MEMORY, "threads": 1}) as connection,
    ):
        connection.sql(query, params=values).write_parquet(str(fresh), compression="zstd")


def keep(path: Path, contacts: pa.Table) -> None:
    """Write contacts that were read elsewhere, with the rows of the wave, as `of_wave` does."""
    with _appearing_at_once(path) as fresh:
        pq.write_table(contacts, fresh, compression="zstd")


@contextmanager
def _appearing_at_once(path: Path) -> Iterator[Path]:
    fresh = path.with_name(f".{path.name}-{secrets.token_hex(6)}.new")
    try:
        with told_when_full(path):
            yield fresh
            with fresh.open("rb+") as file:
                os.fsync(file.fileno())
            fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _columns(history: Table) -> str:
    """What a contact says; an older history may not have every column."""
    known = {*(column.name for column in history.columns), *LATER[TABLE]}
    wanted = ("channel", "category", "case_number", "purpose")
    return ", ".join(['k."at"', *(f"k.{name}" if name in known else f"NULL AS {name}" for name in wanted)])


def _contacted(one: Mapping[str, object]) -> Contacted:
    at = one["at"]
    assert isinstance(at, datetime)
    channel, category, case = (str(one[name] or "") for name in ("channel", "category", "case_number"))
    # A file that an earlier release wrote for a wave says nothing of purposes.
    purpose = next((known for known in PURPOSES if known == one.get("purpose")), "")
    return Contacted(at.replace(tzinfo=UTC), channel, purpose, category, case)


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)

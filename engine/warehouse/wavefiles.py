"""The file of a wave: who gets which words at which address, rendered for everyone before the wave starts.

One Parquet file per wave, one row group per chunk, written whole (temporary name, fsync, rename), so that a worker
reads a chunk without the rest and a crash repeats the same words. The addresses are here, sealed, and in no database;
whoever sends opens them. Memory does not grow with the audience. Also the files of a hand-off: parts per chunk, joined
when all are there.
"""

import csv
import hashlib
import os
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.masking import is_sealed
from engine.warehouse.addresses import Vault
from engine.warehouse.dataset import put_whole, sync_folder, told_when_full

SCHEMA = pa.schema(
    [
        pa.field("row", pa.int32(), nullable=False),
        pa.field("customer", pa.string(), nullable=False),
        pa.field("cell", pa.string(), nullable=False),
        pa.field("address", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("subject", pa.string(), nullable=False),  # last: files of an earlier release have none
    ]
)
LETTER = tuple(SCHEMA.names)
VARIANT = "text_"
"""Begins the columns, behind the others, of the texts that a wave may go out with instead, by variant."""
MEMORY = "150MB"
ROWS_LOOKED_AT = 50_000


@dataclass(frozen=True, slots=True)
class Letter:
    """One message: the row of the wave, the customer, the address (sealed; empty = none known), the text, and the
    subject of an e-mail."""

    row: int
    customer: str
    cell: str
    address: str
    text: str
    subject: str = ""


Fields = Callable[[Path, Sequence[str]], Iterator[pa.RecordBatch]]
"""Takes a file with the columns place, customer, cell, and fields of customers: gives customer, cell and the fields as
texts, in that order."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A slice of a frozen list, in the order in which customers have their turn. `customers` are the files of the
    dataset, or what reads them elsewhere."""

    list_file: Path
    customers: Sequence[str] | Fields
    salt: str
    first: int
    size: int


@dataclass(frozen=True, slots=True)
class Wording:
    """How letters are made: the customer columns of the address (empty = none) and of the `fields` that `compose`
    makes the text of, for a customer of a cell; `entitle` makes the subject of an e-mail of the same. After the fields
    both are given what `stamp` makes of the row, where it makes anything. `by_row` names the text of a row where that
    is not its cell's; `variants` are texts that all customers have beside `text`, of which one goes out."""

    address: str
    fields: Sequence[str]
    compose: Callable[[str, tuple[Any, ...]], str]
    entitle: Callable[[tuple[Any, ...]], str] = lambda _values: ""
    stamp: Callable[[int], tuple[str, ...]] | None = None
    by_row: Callable[[int], str] | None = None
    variants: Sequence[str] = ()

    @property
    def schema(self) -> pa.Schema:
        """The columns of the file."""
        more = [pa.field(VARIANT + name, pa.string(), nullable=False) for name in self.variants]
        return pa.schema([*SCHEMA, *more])


def write(path: Path, turn: Turn, wording: Wording, vault: Vault, *, chunk: int) -> None:
    """Write the wave's file for the customers of `turn`, only the target arm. A customer who is no longer in the
    dataset has no address. `chunk` rows make a row group. What `vault` finds unsealed it seals."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}-{secrets.token_hex(6)}.new")
    try:
        with told_when_full(path):
            _write(fresh, turn, wording, vault, chunk)
            with fresh.open("rb+") as file:
                os.fsync(file.fileno())
            fresh.replace(path)
            sync_folder(path.parent)
    finally:
        fresh.unlink(missing_ok=True)


def _write(path: Path, turn: Turn, wording: Wording, vault: Vault, chunk: int) -> None:
    schema = wording.schema
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        row = 0
        for customers, cells, addresses, *columns in slices(turn, wording, chunk, path):
            values = list(zip(*columns, strict=True)) if columns else [()] * len(customers)
            rows = range(row, row + len(customers))
            if wording.stamp is not None:
                values = [one + stamped for one, stamped in zip(values, map(wording.stamp, rows), strict=True)]
            texts = list(map(wording.compose, map(wording.by_row, rows) if wording.by_row else cells, values))
            others = [[wording.compose(name, one) for one in values] for name in wording.variants]
            subjects = [wording.entitle(one) for one in values]
            sealed = [one if not one or is_sealed(one) else vault.seal(one) for one in addresses]
            table = pa.table([list(rows), customers, cells, sealed, texts, subjects, *others], schema=schema)
            writer.write_table(table, row_group_size=chunk)
            row += len(customers)
    if row != turn.size:
        raise ValueError(f"the list has {row} customers at this place, not {turn.size}")


def renew(path: Path, vault: Vault) -> bool:
    """Write the file again with every address sealed under the newest key; False where they all are."""
    fresh = path.with_name(f".{path.name}-{secrets.token_hex(6)}.new")
    changed = False
    try:
        with (
            told_when_full(path),
            pq.ParquetFile(path, memory_map=False) as there,
            pq.ParquetWriter(fresh, there.schema_arrow, compression="zstd") as writer,
        ):
            for group in map(there.read_row_group, range(there.num_row_groups)):
                before = group["address"].to_pylist()
                after = [vault.renewed(one) if one else "" for one in before]
                changed = changed or after != before
                sealed = group.set_column(3, SCHEMA.field("address"), pa.array(after, pa.string()))
                writer.write_table(sealed, row_group_size=max(len(after), 1))
        if changed:
            with fresh.open("rb+") as file:
                os.fsync(file.fileno())
            fresh.replace(path)
            sync_folder(path.parent)
    finally:
        fresh.unlink(missing_ok=True)
    return changed


def slices(turn: Turn, wording: Wording, chunk: int, path: Path) -> Iterator[list[list[Any]]]:
    """Columns of `chunk` rows at a time: customer, cell, address, the fields."""
    batches = _from_place(turn, wording, path) if callable(turn.customers) else _from_files(turn, wording, chunk)
    # They may have any size; a row group must be a chunk exactly.
    pending: list[pa.RecordBatch] = []
    for batch in batches:
        pending.append(batch)
        while sum(part.num_rows for part in pending) >= chunk:
            whole = pa.Table.from_batches(pending)
            yield _columns(whole.slice(0, chunk))
            pending = whole.slice(chunk).to_batches()
    if sum(part.num_rows for part in pending):
        yield _columns(pa.Table.from_batches(pending))


TURNED = """SELECT customer, cell, md5($salt || ':' || customer) AS turn FROM read_parquet($list)
            WHERE arm = 'target' ORDER BY turn, customer LIMIT $size OFFSET $first"""


def _from_files(turn: Turn, wording: Wording, chunk: int) -> Iterator[pa.RecordBatch]:
    address = f"coalesce(CAST({_column(wording.address)} AS VARCHAR), '')" if wording.address else "''"
    found = [address, *(f"CAST({_column(name)} AS VARCHAR)" for name in wording.fields)]
    query = f"""
        WITH turned AS ({TURNED})
        SELECT t.customer, t.cell, {", ".join(found)}
        FROM turned t LEFT JOIN read_parquet($customers) c ON c.customer = t.customer
        ORDER BY t.turn, t.customer
    """
    import duckdb  # noqa: PLC0415  # takes long to load; commands that only look at waves need none

    assert not callable(turn.customers)
    with duckdb.connect(config={"memory_limit": MEMORY, "threads": 1}) as connection:
        values = _values(turn) | {"customers": list(turn.customers)}
        reader: Any = connection.sql(query, params=values).to_arrow_reader(chunk)
        yield from reader


def _from_place(turn: Turn, wording: Wording, path: Path) -> Iterator[pa.RecordBatch]:
    """Whose turn it is goes to the place as a file, which has no address in it."""
    import duckdb  # noqa: PLC0415  # as above

    assert callable(turn.customers)
    turned = path.with_name(f"{path.name}-turn")
    query = (
        f"SELECT row_number() OVER (ORDER BY turn, customer) AS place, customer, cell FROM ({TURNED}) ORDER BY place"
    )
    named = [wording.address] if wording.address else []
    try:
        with duckdb.connect(config={"memory_limit": MEMORY, "threads": 1}) as connection:
            connection.sql(query, params=_values(turn)).write_parquet(str(turned))
        for batch in turn.customers(turned, [*named, *wording.fields]):
            customers, cells, *found = batch.columns
            address = found.pop(0).fill_null("") if named else pa.array([""] * batch.num_rows, pa.string())
            names = [str(n) for n in range(3 + len(found))]
            yield pa.record_batch([customers, cells, address, *found], names)
    finally:
        turned.unlink(missing_ok=True)


def _values(turn: Turn) -> dict[str, Any]:
    return {"salt": turn.salt, "list": str(turn.list_file), "size": turn.size, "first": turn.first}


def _columns(table: pa.Table) -> list[list[Any]]:
    return [column.to_pylist() for column in table.columns]


def _column(name: str) -> str:
    return 'c."' + name.replace('"', '""') + '"'


class WaveFile:
    """A wave's file, opened. Chunks count from 0. `variant`: the text that goes out, where each customer has several;
    a name that the file does not have is that of the first."""

    def __init__(self, path: Path, variant: str = "") -> None:
        self._file = pq.ParquetFile(path, memory_map=False)
        there = self._file.schema_arrow.names
        self.variants = tuple(name.removeprefix(VARIANT) for name in there if name.startswith(VARIANT))
        self._names = [name for name in LETTER if name in there]
        if variant in self.variants:
            self._names[self._names.index("text")] = VARIANT + variant

    def chunk(self, position: int) -> list[Letter]:
        """The letters of one chunk."""
        columns = _columns(self._file.read_row_group(position, columns=self._names).select(self._names))
        return [Letter(*values) for values in zip(*columns, strict=True)]

    def texts(self, position: int) -> list[tuple[str, ...]]:
        """Every text that each letter of one chunk may go out with."""
        names = ["text", *(VARIANT + name for name in self.variants)]
        columns = _columns(self._file.read_row_group(position, columns=names).select(names))
        return list(zip(*columns, strict=True))

    @property
    def pieces(self) -> int:
        """How many chunks there are."""
        return int(self._file.num_row_groups)

    def letters(self) -> Iterator[Letter]:
        """All letters, in order."""
        for position in range(self._file.num_row_groups):
            yield from self.chunk(position)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def addressed(path: Path, addresses: Collection[str]) -> Iterator[tuple[int, str]]:
    """The rows of a wave's file that go to one of these sealed addresses, with the address; read in pieces."""
    wanted = pa.array(sorted(addresses), pa.string())
    with pq.ParquetFile(path, memory_map=False) as file:
        for batch in file.iter_batches(ROWS_LOOKED_AT, columns=["row", "address"]):
            there = batch.filter(pc.is_in(batch["address"], wanted))
            yield from zip(there["row"].to_pylist(), there["address"].to_pylist(), strict=True)


def letter_of(path: Path, row: int) -> Letter | None:
    """The letter of one row, its address sealed; None where the file is gone or has no such row."""
    if not path.exists():
        return None
    with pq.ParquetFile(path, memory_map=False) as file:
        first = 0
        for group in range(file.num_row_groups):
            count = file.metadata.row_group(group).num_rows
            if first <= row < first + count:
                names = [name for name in LETTER if name in file.schema_arrow.names]
                columns = _columns(file.read_row_group(group, columns=names).slice(row - first, 1))
                return Letter(*(values[0] for values in columns))
            first += count
    return None


def write_part(folder: Path, position: int, letters: Sequence[Letter]) -> None:
    """Write one chunk of a hand-off; writing it again replaces it."""
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f".{position:06}-{secrets.token_hex(6)}.new"
    with told_when_full(fresh):
        with fresh.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerows((one.customer, one.cell, one.address, one.text) for one in letters)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(folder / f"{position:06}.csv")


def join_parts(folder: Path, target: Path) -> Mapping[str, Any]:
    """Join the parts of a hand-off, in order, under a heading; beside it `<name>.json` says its sha256 and rows.

    Joining again gives the same bytes.
    """
    fresh = target.with_name(f".{target.name}-{secrets.token_hex(6)}.new")
    digest, lines = hashlib.sha256(), 0
    with told_when_full(target):
        with fresh.open("wb") as file:
            for content in (b"customer,cell,address,text\r\n", *_contents(folder)):
                file.write(content)
                digest.update(content)
            file.flush()
            os.fsync(file.fileno())
        with fresh.open(newline="", encoding="utf-8") as text:
            lines = sum(1 for _ in csv.reader(text)) - 1
        fresh.replace(target)
        stated = {"file": target.name, "sha256": digest.hexdigest(), "rows": lines}
        put_whole(target.with_name(target.name + ".json"), msgspec.json.format(msgspec.json.encode(stated), indent=1))
    return stated


def _contents(folder: Path) -> Iterator[bytes]:
    for part in sorted(folder.glob("[0-9]*.csv")):
        yield part.read_bytes()

"""Takes one customer out of every file below the data folder.

In tables of the dataset their rows go, in every version; in what cases keep (frozen lists, waves, hand-offs, outcomes)
a name stands in place of the number, so that rows, counts and arms stay, and addresses and texts are emptied. A file is
written again beside the old one and takes its place at once, and the same rows give the same bytes: killed anywhere
and called again it ends whole. Refuses to leave a file that it cannot read unnamed.
"""

import csv
import hashlib
import io
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from msgspec import Struct, structs

from engine.masking import is_sealed, masked
from engine.warehouse.dataset import (
    SWEPT,
    DataFile,
    Dataset,
    Replaced,
    Table,
    digest_of_file,
    sync_folder,
    told_when_full,
)
from engine.warehouse.erased import LOCK, MARKER
from engine.warehouse.freeze import LIST, MANIFEST
from engine.warehouse.kinds import address_columns
from engine.warehouse.remains import REMAINS, Remains, Was, counted, read_remains, write_remains

ROWS = 122_880
CUSTOMER = "customer"
KEPT = frozenset(("customer", "cell", "arm", "channel", "metric", "reason", "category", "case_number", "outcome"))
"""Columns of files of cases that say nothing of whoever the row is about, beside the number itself."""
OWN = (MARKER, LOCK, "replaced", "versions")
MARK = "erasing-"
"""Begins, behind a point, the name of a file that an erasure has not written to its end."""
YOUNG = 3600.0
"""Seconds in which a file that no version names may be one that an import is about to publish."""
TELLING = 5
"""Signs of a number that is looked for within texts; a shorter one stands in any text by chance."""


@dataclass(frozen=True)
class Person:
    """Whom to erase: the number, the name that stands for it, and every form that an address of theirs has in files."""

    customer: str
    name: str
    addresses: tuple[str, ...] = ()

    @property
    def words(self) -> frozenset[str]:
        """What is looked for."""
        return frozenset((self.customer, *self.addresses))

    @cached_property
    def within(self) -> re.Pattern[str] | None:
        """What is looked for within a text: as a whole word, and None where every word is too short to tell."""
        told = sorted((word for word in self.words if len(word) >= TELLING), key=len, reverse=True)
        listed = "|".join(map(re.escape, told))
        return re.compile(f"(?<![0-9A-Za-z])(?:{listed})(?![0-9A-Za-z])") if told else None


class Spot(Struct, frozen=True):
    """A file with the customer in it: its path below the data folder, how many rows, its sha256 before, and after
    (empty: the file is gone)."""

    path: str
    rows: int
    was: str
    now: str = ""


def addresses_of(dataset: Dataset, customer: str) -> tuple[str, ...]:
    """Every address that the customer has in any version, as it is and in every form that files have."""
    known = address_columns()
    found: set[str] = set()
    for table in (version.tables.get("customers") for version in dataset.versions(dataset.current().number)):
        columns = [one.name for one in table.columns if one.name in known] if table else []
        for path in dataset.paths(table) if table and columns else ():
            rows = pq.read_table(path, columns=columns, filters=[(CUSTOMER, "=", customer)])
            found |= {str(value) for column in rows.columns for value in column.to_pylist() if value}
    opened = {dataset.vault.open(value) for value in found}
    return tuple(sorted({form for one in opened for form in dataset.vault.forms(one)}))


def survey(dataset: Dataset, person: Person, told: Callable[[int, int], None]) -> dict[str, Spot]:
    """The files that have the customer, by path; also those that no version names. What an erasure left that died goes,
    so only who holds the lock may call this. `told` hears how many files of how many were looked through."""
    for path in dataset.folder.rglob(f".{MARK}*.new"):
        path.unlink(missing_ok=True)
    found = standing(dataset, person, told)
    return {path: Spot(path, rows, digest_of_file(dataset.folder / path)) for path, rows in found}


def standing(
    dataset: Dataset, person: Person, told: Callable[[int, int], None] = lambda _looked, _of: None
) -> Iterator[tuple[str, int]]:
    """Every file that has the customer, by its path below the data folder, and in how many rows. Changes nothing."""
    every = list(_files(dataset.folder))
    for looked, path in enumerate(every):
        told(looked, len(every))
        if rows := _rows(path, person):
            yield str(path.relative_to(dataset.folder)), rows


@dataclass(frozen=True, slots=True)
class Left:
    """Files that still have the customer: an import may be about to publish those that are `young`; those that are
    `foreign` nobody of us wrote."""

    young: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()


def erase(dataset: Dataset, person: Person, spots: Mapping[str, Spot], *, at: datetime, by: str, number: int) -> Left:
    """Take the customer out of these files; the files that had to be left.

    The newest version is followed by one with the rows that are left; in older ones the files are replaced.
    """
    named = _named(dataset)
    fresh: dict[str, Replaced] = {}
    young, foreign = [], []
    for path in spots:
        file = dataset.folder / path
        if not file.exists():
            continue
        if path in named:
            fresh[path] = _without(dataset, path, named[path], person, at)
        elif path.startswith(("cases/", "arbitrations/")) and not is_hidden(path):
            _rename(file, person, number)
        elif not (SWEPT.fullmatch(file.name) or is_hidden(path)):
            foreign.append(path)
        elif at.timestamp() - file.stat().st_mtime > YOUNG:
            file.unlink(missing_ok=True)
        else:
            young.append(path)

    def changed(tables: dict[str, Table]) -> dict[str, Table]:
        return {name: _replaced(dataset, table, fresh) for name, table in tables.items()}

    if fresh:
        dataset.take(changed, by=by)
    for path, after in fresh.items():
        dataset.replace_file(path, after)
    return Left(tuple(young), tuple(foreign))


def is_hidden(path: str) -> bool:
    """Whether a writer has not given the file, or its folder, a name yet; or never will."""
    return "/." in f"/{path}"


def now(dataset: Dataset, spot: Spot) -> Spot:
    """The same with what stands in the file's place."""
    there = dataset.at(spot.path)
    return structs.replace(spot, now=digest_of_file(there) if there.exists() else "")


def mapped(text: str, person: Person) -> str:
    """A JSON text with the name in place of the number in every string, and nothing in place of addresses; the same
    text where it has neither."""
    said = msgspec.json.decode(text)
    fresh = _mapped(said, person)
    return text if fresh == said else msgspec.json.encode(fresh).decode()


def within(text: str, person: Person) -> str:
    """The same of a text of words; numbers that are too short to tell are looked for as the whole text alone."""
    if text in person.words:
        return person.name if text == person.customer else ""
    if person.within is None:
        return text
    return person.within.sub(lambda found: person.name if found[0] == person.customer else "…", text)


def _mapped(value: object, person: Person) -> object:
    match value:
        case str():
            return within(value, person)
        case list():
            return [_mapped(one, person) for one in value]
        case dict():
            return {_mapped(name, person): _mapped(one, person) for name, one in value.items()}
        case _:
            return value


# What is where ----------------------------------------------------------------------------------------------------


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.relative_to(folder).parts[0] not in OWN and path.is_file():
            yield path


def _rows(path: Path, person: Person) -> int:
    try:
        if path.suffix == ".parquet":
            return _rows_of_parquet(path, person)
        if path.suffix == ".csv":
            return sum(not person.words.isdisjoint(row) for row in _cells(path))
        if path.name == MANIFEST:
            return _in_manifest(path, person)
    except FileNotFoundError:
        return 0  # a writer was about to give it its name
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError, msgspec.DecodeError):
        pass  # cut off in the middle by a writer who died
    return _in_bytes(path, person)


def _rows_of_parquet(path: Path, person: Person) -> int:
    wanted = pa.array(sorted(person.words), pa.string())
    count = 0
    with pq.ParquetFile(path, memory_map=False) as file:
        texts = [one.name for one in file.schema_arrow if pa.types.is_string(one.type)]
        for batch in file.iter_batches(ROWS, columns=texts) if texts else ():
            hits = [pc.is_in(column, value_set=wanted) for column in batch.columns]
            count += pc.sum(_any(hits)).as_py() or 0
    return count


def _any(masks: list[pa.Array]) -> pa.Array:
    whole = masks[0]
    for one in masks[1:]:
        whole = pc.or_(whole, one)
    return whole


def _in_bytes(path: Path, person: Person) -> int:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return 0
    return int(person.within is not None and person.within.search(content.decode(errors="replace")) is not None)


def _in_manifest(path: Path, person: Person) -> int:
    text = path.read_text(encoding="utf-8")
    return int(without_sample(text, person) != text)


def without_sample(text: str, person: Person) -> str:
    """A manifest as text without the customer: nowhere in its rules, nor in the masked sample, from which whoever is
    masked alike goes as well. The same text where it does not have them."""
    said = msgspec.json.decode(text)
    told = [one for one in (person.customer, *person.addresses) if len(one) > TELLING and not is_sealed(one)]
    shown = {masked(one) for one in told}  # of a shorter number the mask leaves one sign
    sample = [one for one in said.get("sample", ()) if shown.isdisjoint((one["customer"], *one["shown"].values()))]
    if len(sample) < len(said.get("sample", ())):
        text = msgspec.json.encode({**said, "sample": sample}).decode()
    return mapped(text, person)


# The dataset ------------------------------------------------------------------------------------------------------


def _named(dataset: Dataset) -> dict[str, tuple[str, DataFile]]:
    """Path of every file that a version names, or that stands in its place -> its table, and what is named."""
    named = {}
    for version in dataset.versions(dataset.current().number):
        for name, table in version.tables.items():
            for file in table.files:
                named[str(dataset.path(file).relative_to(dataset.folder))] = (name, file)
    return named


def _without(dataset: Dataset, there: str, named: tuple[str, DataFile], person: Person, at: datetime) -> Replaced:
    """The file without the customer's rows; where a column of somebody else's row names the customer it is emptied."""
    file, (name, month) = dataset.folder / there, (named[0], named[1].month)
    was = digest_of_file(file)

    def without(batch: pa.Table) -> pa.Table:
        return _emptied(_others(batch, person), person)

    with dataset.fresh_file(name, MARK) as path:
        rows = _written(file, path, without)
        kept = dataset.keep(name, path, rows, month)
    return Replaced(was, kept.path, rows, kept.sha256, "erased", at)


def _others(batch: pa.Table, person: Person) -> pa.Table:
    if CUSTOMER not in batch.column_names:
        return batch
    same = pc.fill_null(pc.equal(batch[CUSTOMER], person.customer), fill_value=False)
    return batch.filter(pc.invert(same))


def _emptied(batch: pa.Table, person: Person) -> pa.Table:
    """With nothing in place of what is looked for, in every column of texts."""
    wanted = pa.array(sorted(person.words), pa.string())
    for place, field in enumerate(batch.schema):
        if pa.types.is_string(field.type):
            hits = pc.is_in(batch[field.name], value_set=wanted)
            if pc.any(hits).as_py():
                nothing = pa.array([None if field.nullable else ""], pa.string())[0]
                batch = batch.set_column(place, field, pc.if_else(hits, nothing, batch[field.name]))
    return batch


def _replaced(dataset: Dataset, table: Table, fresh: Mapping[str, Replaced]) -> Table:
    def after(file: DataFile) -> DataFile:
        there = str(dataset.path(file).relative_to(dataset.folder))
        found = fresh.get(there)
        if found is None:
            return file
        return DataFile(found.path, found.rows, dataset.at(found.path).stat().st_size, found.sha256, file.month)

    return Table(table.columns, tuple(after(file) for file in table.files))


# What cases keep --------------------------------------------------------------------------------------------------


def _rename(file: Path, person: Person, number: int) -> None:
    """The file with the customer's name in place of the number; a frozen list says what it was and is."""
    folder = file.parent
    fresh = file.with_name(f".{MARK}{secrets.token_hex(8)}.new")
    try:
        with told_when_full(file):
            if file.suffix == ".parquet":
                _written(file, fresh, lambda batch: _renamed(batch, person))
            elif file.suffix == ".csv":
                fresh.write_text(_renamed_cells(file, person), encoding="utf-8", newline="")
            elif file.name == MANIFEST:
                text = without_sample(file.read_text(encoding="utf-8"), person)
                fresh.write_bytes(msgspec.json.format(text.encode(), indent=1))
            else:
                fresh.write_text(within(file.read_text(encoding="utf-8"), person), encoding="utf-8", newline="")
            with fresh.open("rb+") as written:
                os.fsync(written.fileno())
        if (folder / MANIFEST).exists() and file.name != REMAINS:
            _say(folder, file, fresh, number)
        if file.suffix == ".csv":
            _say_of_hand_off(file, fresh)
        fresh.replace(file)
        sync_folder(folder)
    finally:
        fresh.unlink(missing_ok=True)


def _written(file: Path, fresh: Path, change: Callable[[pa.Table], pa.Table]) -> int:
    """The Parquet file with every row group changed, packed as it was; how many rows it has."""
    rows = 0
    with pq.ParquetFile(file, memory_map=False) as there:
        schema, packed = there.schema_arrow, "SNAPPY"
        coded: bool | list[str] = True
        if there.num_row_groups:
            columns = [there.metadata.row_group(0).column(n) for n in range(there.metadata.num_columns)]
            packed = columns[0].compression if columns else packed
            coded = [one.path_in_schema for one in columns if one.has_dictionary_page]
        codec = "none" if packed == "UNCOMPRESSED" else packed.lower()
        with pq.ParquetWriter(fresh, schema, compression=codec, use_dictionary=coded) as writer:
            for group in map(there.read_row_group, range(there.num_row_groups)):
                changed = change(group).cast(schema)
                writer.write_table(changed, row_group_size=max(changed.num_rows, 1))
                rows += changed.num_rows
    return rows


def _renamed(batch: pa.Table, person: Person) -> pa.Table:
    if CUSTOMER in batch.column_names:
        same = pc.fill_null(pc.equal(batch[CUSTOMER], person.customer), fill_value=False)
        if pc.any(same).as_py():
            for place, field in enumerate(batch.schema):
                if pa.types.is_string(field.type) and (field.name == CUSTOMER or field.name not in KEPT):
                    instead = person.name if field.name == CUSTOMER else None if field.nullable else ""
                    value = pa.array([instead], pa.string())[0]
                    batch = batch.set_column(place, field, pc.if_else(same, value, batch[field.name]))
    return _emptied(batch, person)


def _cells(path: Path) -> Iterator[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.reader(file)


def _renamed_cells(file: Path, person: Person) -> str:
    """The rows of a hand-off: customer, cell, address, text."""
    out = io.StringIO(newline="")
    rows = csv.writer(out)
    for row in _cells(file):
        rows.writerow(row if person.words.isdisjoint(row) else [person.name, *row[1:2], *("" for _ in row[2:])])
    return out.getvalue()


def _say(folder: Path, file: Path, fresh: Path, number: int) -> None:
    """Beside a frozen list: what the file was when it was frozen, and what it is about to be."""
    said = read_remains(folder) or Remains()
    first = said.files.get(file.name)
    files = said.files | {file.name: Was(first.was if first else digest_of_file(file), digest_of_file(fresh))}
    certificates = tuple(sorted({*said.certificates, number}))
    said = structs.replace(said, files=files, certificates=certificates)
    if file.name == LIST:
        with pq.ParquetFile(fresh) as after:
            digest, erased = counted(after.iter_batches(ROWS))
        said = structs.replace(said, digest=digest, erased=erased)
    write_remains(folder, said)


def _say_of_hand_off(file: Path, fresh: Path) -> None:
    """What stands beside a file that was handed over says its sha256."""
    beside = file.with_name(file.name + ".json")
    if not beside.exists():
        return
    said = msgspec.json.decode(beside.read_bytes(), type=dict[str, str | int])
    said = {**said, "handed_over": said.get("handed_over", said["sha256"])}
    said["sha256"] = hashlib.sha256(fresh.read_bytes()).hexdigest()
    beside.write_bytes(msgspec.json.format(msgspec.json.encode(said), indent=1))

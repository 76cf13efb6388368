"""The customer dataset for administrators: its versions, and files that come in by a page or by a script.

A file is kept first, sealed, and looked at: what kind it seems to be, which rows would be refused, its first rows with
personal values masked. Nothing is in the dataset before it is confirmed; confirmed twice it is taken in once. Refuses
files of more than 20 MB: those are imported by the command, on the machine that has them.
"""

import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from engine.errors import InvalidFile, NotFound, Problem
from engine.masking import masked
from engine.service import sealing, sheets
from engine.service.app import Countersign
from engine.service.authorizing import Action
from engine.service.recording import By, changing
from engine.service.sealing import dataset_of
from engine.store import trail, uploads
from engine.values import NO_TEXT, Bilingual
from engine.warehouse import erased, imports
from engine.warehouse.addresses import ADDRESS
from engine.warehouse.blanks import read_blanks
from engine.warehouse.dataset import Column, TableChange, Taken
from engine.warehouse.imports import Lost, Wanted
from engine.warehouse.kinds import KINDS, LIST_NAME
from engine.warehouse.lists import Imported
from engine.warehouse.rows import BadRow, Records
from engine.warehouse.shapes import shape_of

MANAGES: Action = "dataset.manage"
MAX_BYTES = 20 * 1024 * 1024
MAX_UNPACKED = 200 * 1024 * 1024
SAMPLE = 5
LAST = 20
UPLOAD = "dataset"
LEFT_OUT = "~"
GUESSED = ("usage", "responses", "contacts", "owned", "conflicts", "offers")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a file is to become: its kind, the heading of its key ("row" numbers the rows), the name of a list, what
    stands for no value in it (`NULL, pdays=-1`), and columns that are another field than their heading says
    (`HEADING=FIELD`; `HEADING=~` leaves one out)."""

    kind: str
    key: str
    name: str = ""
    blank: str = ""
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldView:
    """A column of a table: its field, type, heading in the file, and what the catalogue says of it."""

    name: str
    type: str
    heading: str
    label: Bilingual = NO_TEXT
    unit: Bilingual = NO_TEXT
    personal: bool = False
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LostField:
    """A column of the table as it is; `now` is the type that it would become, empty where it would be gone."""

    field: FieldView
    now: str


@dataclass(frozen=True, slots=True)
class TableView:
    """A table of a version."""

    name: str
    rows: int
    fields: tuple[FieldView, ...]


@dataclass(frozen=True, slots=True)
class VersionView:
    """A version: when, by whom, from what, and what it changed. `at` is None in versions of earlier releases."""

    number: int
    at: datetime | None
    by: str
    tables: tuple[TableView, ...]
    changes: tuple[TableChange, ...]
    taken: tuple[Taken, ...]


@dataclass(frozen=True, slots=True)
class Looked:
    """A file that was looked at. `problems` say why it cannot be taken in at all, as it is asked for; `bad` are the
    rows that would be refused. `sample` has the first rows under `headings`, personal values masked; `there` is how
    many rows the table has now, `lost` its columns that would be gone or of another type."""

    upload: str
    name: str
    asked: Asked
    headings: tuple[str, ...]
    sample: tuple[tuple[str, ...], ...]
    fields: tuple[FieldView, ...] = ()
    rows: int = 0
    refused: int = 0
    bad: tuple[BadRow, ...] = ()
    left_out: tuple[str, ...] = ()
    there: int | None = None
    problems: tuple[Problem, ...] = ()
    lost: tuple[LostField, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a file. `is_new` is False where the dataset held all of it already."""

    version: int
    is_new: bool
    table: str
    rows: int
    refused: int
    bad: tuple[BadRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Intact:
    """A version whose files are all as its manifest says, or as is kept of those that were replaced: `without_erased`
    of them by one without somebody who was erased."""

    version: int
    files: int
    bytes: int
    without_erased: int = 0


def versions(app: Countersign, by: By, last: int = LAST) -> tuple[VersionView, ...]:
    """The newest versions, the newest first."""
    by.authorize(MANAGES)
    dataset = dataset_of(app.settings)
    with app.db.read() as tx:
        names = app.organisation(tx)
    return tuple(
        VersionView(
            version.number,
            version.at,
            names.name(version.by) if version.by not in ("", "system", "operator") else version.by,
            tuple(TableView(name, table.rows, _fields(name, table.columns)) for name, table in version.tables.items()),
            dataset.changes(version),
            version.taken,
        )
        for version in dataset.versions(last)
    )


def keep(app: Countersign, by: By, data: bytes, name: str) -> str:
    """Keep a file to look at; its number. InvalidFile where it is too large or no table."""
    by.authorize(MANAGES)
    _refuse_large(data, name)
    with _records(data, name):
        number = secrets.token_hex(16)
    body = sealing.seal_file(app.settings, UPLOAD, data)
    with app.db.begin() as tx:
        uploads.keep(tx, number=number, kind=UPLOAD, name=name, body=body, person=by.person, at=app.now())
    return number


def look(app: Countersign, by: By, upload: str, asked: Asked | None = None) -> Looked:
    """What a kept file would give; without `asked`, as it seems to be meant. NotFound where the file is gone."""
    data, name = _kept(app, by, upload)
    with _records(data, name) as (records, source):
        asked = asked or guess(records.headings)
        try:
            wanted = _wanted(asked)
            there = dataset_of(app.settings).current().tables.get(wanted.table)
            is_erased = erased.asks(dataset_of(app.settings))
            imported = imports.check(records, source, wanted, there, is_erased=is_erased)
        except InvalidFile as error:
            return Looked(upload, name, asked, records.headings, _sample(records, None, asked), problems=error.problems)
        return Looked(
            upload,
            name,
            asked,
            records.headings,
            _sample(records, imported, asked),
            _fields(asked.kind, imported.table.columns),
            imported.rows,
            imported.refused,
            imported.bad,
            imports.left_out(imported, wanted, records),
            there.rows if there else None,
            lost=_lost(imports.columns_lost(there, imported.table, wanted), asked.kind),
        )


def confirm(app: Countersign, by: By, upload: str, asked: Asked) -> Done:
    """Take a kept file in, as one version; under the same key again nothing is done. NotFound where it is gone."""
    by.authorize(MANAGES)
    with app.db.read() as tx:
        before = trail.done_under(tx, by.key)
    if before is not None:
        return Done(**before.said["after"])
    return _take(app, by, *_kept(app, by, upload), asked, upload=upload)


def load(app: Countersign, by: By, data: bytes, name: str, asked: Asked, *, dry: bool = False) -> Done:
    """Take a file in at once, for scripts; `dry` only says what would become of it (version 0)."""
    by.authorize(MANAGES)
    _refuse_large(data, name)
    if not dry:
        return _take(app, by, data, name, asked)
    with _records(data, name) as (records, source):
        wanted = _wanted(asked)
        dataset = dataset_of(app.settings)
        there, is_erased = dataset.current().tables.get(wanted.table), erased.asks(dataset)
        imported = imports.check(records, source, wanted, there, is_erased=is_erased)
    return Done(0, False, wanted.table, imported.rows, imported.refused, imported.bad)


def report(app: Countersign, by: By, upload: str, asked: Asked) -> tuple[BadRow, ...]:
    """Every row of a kept file that would be refused."""
    return look(app, by, upload, asked).bad


def verify(app: Countersign, by: By, number: int) -> Intact:
    """Read every file of a version again. InvalidFile names the first that differs, NotFound where no such version."""
    by.authorize(MANAGES)
    dataset = dataset_of(app.settings)
    try:
        version = dataset.version(number)
    except FileNotFoundError:
        raise NotFound() from None
    read = dataset.verify(version)
    files = sum(len(table.files) for table in version.tables.values())
    return Intact(number, files, read, dataset.without_erased(version))


def guess(headings: tuple[str, ...]) -> Asked:
    """What a file with these headings seems to be."""
    kind = next((name for name in GUESSED if _could_be(name, headings)), "customers")
    return Asked(kind, _key(kind, headings) or headings[0])


def _could_be(kind: str, headings: tuple[str, ...]) -> bool:
    known = KINDS[kind].fields("customers").fields
    names = set(headings)
    here = {name for name, one in known.items() if names & {name, one.label.zh, one.label.en}}
    return {*KINDS[kind].needs, KINDS[kind].key_field} <= here


def _key(kind: str, headings: tuple[str, ...]) -> str:
    field = KINDS[kind].fields("customers").fields.get(KINDS[kind].key_field)
    names = {KINDS[kind].key_field, *((field.label.zh, field.label.en) if field else ())}
    return next((heading for heading in headings if heading in names), "")


def _wanted(asked: Asked) -> Wanted:
    if asked.kind not in KINDS:
        raise InvalidFile([Problem("dataset.kind", f"there is no kind {asked.kind}", at="kind")])
    if asked.kind == "list" and not LIST_NAME.fullmatch(asked.name):
        message = "a list has a name of small letters, digits and _"
        raise InvalidFile([Problem("dataset.list", message, at="name")])
    name = asked.name if asked.kind == "list" else ""
    return Wanted(asked.kind, asked.key, name, _columns(asked), blanks=read_blanks(asked.blank))


def _columns(asked: Asked) -> dict[str, str | None]:
    """Heading -> field, or None where the column is left out."""
    pairs = (one.rpartition("=") for one in asked.columns if one)
    return {heading: None if field == LEFT_OUT else field for heading, _, field in pairs if heading and field}


def choices(asked: Asked) -> tuple[FieldView, ...]:
    """The fields that a column of such a file can be."""
    kind = KINDS.get(asked.kind, KINDS["customers"])
    known = kind.fields("customers").fields if kind.name != "list" else KINDS["customers"].fields("customers").addresses
    return tuple(FieldView(name, one.type, "", one.label) for name, one in known.items() if name != kind.key_field)


def _take(app: Countersign, by: By, data: bytes, name: str, asked: Asked, *, upload: str = "") -> Done:
    dataset = dataset_of(app.settings)
    with _records(data, name) as (records, source):
        staged = imports.stage(dataset, records, source, _wanted(asked))
    with changing(app, by, MANAGES) as change:
        if (before := change.done_before()) is not None:
            return Done(**before.said["after"])
        if upload and not uploads.forget(change.tx, upload):
            raise NotFound()
        published = imports.publish(dataset, [staged], by.person)
        told: dict[str, Any] = {
            "version": published.version.number,
            "is_new": published.is_new,
            "table": staged.wanted.table,
            "rows": staged.imported.rows,
            "refused": staged.imported.refused,
        }
        change.note("dataset_imported", source[:80], after=told)
    dataset.sweep()
    return Done(**told, bad=staged.imported.bad)


def _refuse_large(data: bytes, name: str) -> None:
    if len(data) > MAX_BYTES:
        fields = {"most": MAX_BYTES // 1024**2}
        raise InvalidFile([Problem("dataset.large", "the file is larger than 20 MB", at=name, fields=fields)])


def _kept(app: Countersign, by: By, upload: str) -> tuple[bytes, str]:
    by.authorize(MANAGES)
    with app.db.read() as tx:
        kept = uploads.find(tx, upload, by.person)
    body = sealing.open_file(app.settings, UPLOAD, kept.body) if kept is not None and kept.kind == UPLOAD else None
    if kept is None or body is None:
        raise NotFound()
    return body, kept.name


@contextmanager
def _records(data: bytes, name: str) -> Iterator[tuple[Records, str]]:
    """The rows of a file, and how messages call it."""
    called = re.sub(r"[^\w.-]+", "_", name).strip(".")[:80] or "file"
    with tempfile.TemporaryDirectory(prefix="countersign-") as folder:
        path = Path(folder) / called
        path.write_bytes(data)
        yield shape_of(path, most_unpacked=MAX_UNPACKED).records(), called


def _fields(table: str, columns: tuple[Column, ...]) -> tuple[FieldView, ...]:
    known = KINDS[table].fields("customers").fields if table in KINDS else {}
    return tuple(
        FieldView(column.name, column.type, column.heading, one.label, one.unit, one.personal, one.values)
        if (one := known.get(column.name))
        else FieldView(column.name, column.type, column.heading)
        for column in columns
    )


def _lost(found: tuple[Lost, ...], kind: str) -> tuple[LostField, ...]:
    fields = _fields(kind, tuple(Column(one.name, one.was, one.heading) for one in found))
    return tuple(LostField(field, one.now) for field, one in zip(fields, found, strict=True))


def _sample(records: Records, imported: Imported | None, asked: Asked) -> tuple[tuple[str, ...], ...]:
    """The first rows. A text that the catalogue does not know as harmless is masked."""
    shown: set[str] = set()
    if imported is not None:
        columns = imported.table.columns
        known = {field.heading: field for field in _fields(asked.kind, columns)}
        shown = {
            heading
            for heading, field in known.items()
            if heading != asked.key
            and not (field.personal or field.type == ADDRESS)
            and (field.type != "text" or field.label != NO_TEXT)
        }
    rows = records.rows.slice(0, SAMPLE).to_pylist()
    return tuple(
        tuple(_shown(row[str(n)] or "", plain=heading in shown) for n, heading in enumerate(records.headings))
        for row in rows
    )


def _shown(text: str, *, plain: bool) -> str:
    text = text.strip()
    return text[:60] if plain else masked(text)[:60]


def report_csv(rows: tuple[tuple[str, str, str], ...], headings: tuple[str, str, str]) -> bytes:
    """Bad rows as CSV; a cell that would begin a formula is kept as text."""
    return sheets.write("csv", headings, rows, title="errors")

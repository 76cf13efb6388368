"""Imports rows as one table of the dataset: the good rows are taken over, every bad row is named.

A row is bad when it is short or long, when its key is blank or was there before, or when a value is not of its
column's type. Types come from the catalogue where it names the column, else from the file itself: a column that is a
number on 19 of 20 rows is a column of numbers, and the others are mistakes. A blank is NULL, never 0. Refuses to fill,
cut, round or repair a value.
"""

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from engine.errors import InvalidFile, Problem
from engine.values import NO_TEXT, Bilingual
from engine.warehouse import checks
from engine.warehouse.blanks import Blanks, blanked
from engine.warehouse.checks import Columns, cast, stored, value_of
from engine.warehouse.dataset import Column, DataFile, Dataset, Table, Told
from engine.warehouse.erased import IsErased, erased_rows
from engine.warehouse.records import read_records
from engine.warehouse.row_groups import ROW_GROUP
from engine.warehouse.rows import BadRow, Positions, Records
from engine.warehouse.sealed import write_sealed

MEMORY = "1GB"
NUMBER_SHARE = 0.95
SAMPLE_ROWS = 2_000
ROW_NUMBER = "row"
KEY = "customer"


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is to be read. `key` is a heading, or "row" to number the rows; what follows is by field.

    `columns` gives headings another field than the one that follows from them, or none (the column is left out);
    so do `labels` where the file has such a heading. `with_key` are fields that are unique together with the key.
    `needed` must be filled on every row. `allowed` are the only values a field may have. `is_erased` tells of a
    customer that no row of theirs is taken over. `blanks` are values that stand for none, by heading; those of "" in
    every column.
    """

    key: str
    key_field: str = KEY
    unique: bool = True
    types: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str | None] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    with_key: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    allowed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_erased: IsErased | None = None
    blanks: Blanks = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Imported:
    """A file that was read: what is now in the table, and every row that is not. `rows` are the good ones."""

    table: Table
    rows: int
    bad: tuple[BadRow, ...]
    sha256: str = ""

    @property
    def refused(self) -> int:
        """How many rows are not taken over; one row may be bad for several reasons."""
        return len({row.line for row in self.bad})


Keep = Callable[[pa.RecordBatchReader], Sequence[DataFile]]
"""Writes the good rows to files of the dataset."""


def import_csv(dataset: Dataset, name: str, path: Path, reading: Reading) -> Imported:
    """Read the CSV file `path` into one file of table `name`. Nothing is published: that is the caller's next step."""
    return import_rows(read_records(path), path.name, reading, lambda good: [write_sealed(good, dataset, name, ())])


def import_rows(
    records: Records, source: str, reading: Reading, keep: Keep, told: Told = lambda done, of: None
) -> Imported:
    """Check the rows of `source` and hand the good ones to `keep`. `told` hears steps done, of how many."""
    fields = _fields(records.headings, reading, source)
    steps = len(fields) + 5
    with contextlib.closing(duckdb.connect(config={"memory_limit": MEMORY})) as db:
        raw = _numbered(records, reading)
        db.register("raw", raw)
        columns = _typed(db, fields, reading, records, lambda done: told(done, steps))
        wrong = [
            *records.bad,
            *checks.not_of_type(db, columns, reading.types),
            *checks.blank(db, columns, reading.needed),
            *checks.changed_numbers(db, columns, reading.types, records.types),
            *checks.not_allowed(db, columns, reading.allowed),
        ]
        if reading.is_erased and reading.key_field == KEY:
            key, column = columns[0]
            wrong += erased_rows(raw[column], raw["line"], reading.is_erased, key.heading, records.place)
        told(len(fields) + 2, steps)
        db.execute("CREATE TEMP TABLE refused (line BIGINT)")
        _refuse(db, wrong)
        if reading.unique or reading.with_key:
            repeated = checks.repeated(db, columns, reading.with_key, records.place)
            _refuse(db, repeated)
            wrong += repeated
        told(len(fields) + 3, steps)
        good = _good(db, columns, raw, _kept(records.lines, wrong))
        table = Table(tuple(Column(c.name, stored(c.type), c.heading) for c, _ in columns), tuple(keep(good)))
        told(steps, steps)
    if records.place != "line":
        wrong = [replace(row, place=records.place) for row in wrong]
    told_rows = tuple(sorted(wrong, key=lambda row: (row.line, row.column)))
    # The rows that the reader set aside never came to the table `raw`.
    set_aside = {row.line for row in records.bad}
    rows = records.rows.num_rows - len({row.line for row in told_rows} - set_aside)
    return Imported(table, rows, told_rows, records.sha256)


def field_name(heading: str) -> str:
    """The name that expressions use for a column: the heading where it is a name, else with _ for what is not."""
    name = re.sub(r"\W+", "_", heading, flags=re.ASCII).strip("_")
    return name if name and not name[0].isdigit() else f"f_{name}" if name else "f"


def _fields(headings: tuple[str, ...], reading: Reading, source: str) -> list[tuple[str, str, str]]:
    """(field, heading, raw name) of every column, the key first."""
    named = (reading.key, *reading.columns, *filter(None, reading.blanks))
    missing = [each for each in dict.fromkeys(named) if each not in (ROW_NUMBER, *headings)]
    if missing:
        listed = ", ".join(headings)
        hint = f"the file has {listed}; --key {ROW_NUMBER} numbers the rows"
        raise InvalidFile([no_column(each, headings, hint, source) for each in missing])
    found = [(reading.key_field, ROW_NUMBER, "row")] if reading.key == ROW_NUMBER else []
    taken = {reading.key_field}  # in lower case: DuckDB's column names ignore it
    mapped = {**reading.labels, **reading.columns}
    promised = {
        field_name(name).lower(): heading
        for heading in headings
        if (name := mapped.get(heading)) and name not in headings
    }
    for n, heading in enumerate(headings):
        if heading == reading.key and reading.key != ROW_NUMBER and not found:
            found.insert(0, (reading.key_field, heading, str(n)))
            continue
        wanted = mapped.get(heading, heading)
        if wanted is None:
            continue
        name = plain = field_name(wanted)
        again = 2
        while name.lower() in taken or promised.get(name.lower(), heading) != heading:
            name, again = f"{plain}_{again}", again + 1
        taken.add(name.lower())
        found.append((name, heading, str(n)))
    return sorted(found, key=lambda column: column[0] != reading.key_field)


def no_column(name: str, there: Sequence[str], hint: str, source: str, label: Bilingual = NO_TEXT) -> Problem:
    """A file lacks a column, which may as well be called by its `label`."""
    called = {language: f"{name} ({also})" if also else name for language, also in (("zh", label.zh), ("en", label.en))}
    listed = ", ".join(there)
    message = f"there is no column {name!r}"
    return Problem(
        "D107", message, hint or f"there are {listed}", source, 1, fields={"name": called, "columns": listed}
    )


def _numbered(records: Records, reading: Reading) -> pa.Table:
    trimmed = [
        blanked(_trimmed(column), (*reading.blanks.get("", ()), *reading.blanks.get(heading, ())))
        for heading, column in zip(records.headings, records.rows.columns, strict=True)
    ]
    rows = pa.table(trimmed, records.rows.column_names).append_column("line", _whole(records.lines))
    if reading.key == ROW_NUMBER:
        rows = rows.append_column("row", _whole(records.ordinals).cast(pa.string()))
    return rows


def _trimmed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Without blanks around values, NULL where nothing is left. DuckDB's trim takes 0.4 s for a million values."""
    if any(pc.any(test(column, blank)).as_py() for test in (pc.starts_with, pc.ends_with) for blank in (" ", "\t")):
        column = pc.ascii_trim(column, " \t")
    filled = pc.binary_length(column).cast(pa.bool_())
    # A NULL that comes from an array: `pa.scalar` brings pandas along as well.
    return column if pc.all(filled).as_py() else pc.if_else(filled, column, pa.nulls(1, pa.string())[0])


def _whole(numbers: Positions) -> pa.Array:
    """Without a copy, and without the import of pandas that `pa.array` brings along."""
    return pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(numbers)])


def _typed(
    db: duckdb.DuckDBPyConnection,
    fields: list[tuple[str, str, str]],
    reading: Reading,
    records: Records,
    told: Callable[[int], None],
) -> Columns:
    columns: Columns = []
    for n, (name, heading, raw) in enumerate(fields, 1):
        said = reading.types.get(name) or records.types.get(raw)
        type_ = "text" if name == reading.key_field else said or _seen_type(db, raw)
        if type_ == "decimal":  # a catalogue leaves the places after the point to the file
            seen = _number_type(db, value_of(raw))
            type_ = seen if seen.startswith(("decimal", "double")) else "decimal(2)"
        columns.append((Column(name, type_, heading), raw))
        told(n)
    return columns


def _seen_type(db: duckdb.DuckDBPyConnection, raw: str) -> str:
    """The type of nearly all values: first of a sample, then, for numbers, of every row."""
    value = value_of(raw)
    sample = f"(SELECT {value} AS v FROM raw WHERE {value} IS NOT NULL LIMIT {SAMPLE_ROWS})"
    filled, numbers, truths, dates, moments = _one(
        db,
        "SELECT count(v), count(*) FILTER (isfinite(try_cast(v AS DOUBLE))), count(*) FILTER (lower(v) IN ('true',"
        " 'false')), count(*) FILTER (length(v) = 10 AND try_cast(v AS DATE) IS NOT NULL),"
        f" count(*) FILTER (try_cast(v AS TIMESTAMP) IS NOT NULL) FROM {sample}",
    )
    if not filled:
        return "text"
    if numbers >= NUMBER_SHARE * filled:
        return _number_type(db, value)
    named = {"bool": truths, "date": dates, "timestamp": moments}
    return next((type_ for type_, count in named.items() if count >= NUMBER_SHARE * filled), "text")


def _number_type(db: duckdb.DuckDBPyConnection, value: str) -> str:
    filled, numbers, pointed, scale, powers, coded, longest = _one(
        db,
        f"WITH seen AS (SELECT {value} AS v, isfinite(try_cast({value} AS DOUBLE)) AS number FROM raw)"
        " SELECT count(v), count(*) FILTER (number), count(*) FILTER (number AND contains(v, '.')),"
        " max(CASE WHEN number AND contains(v, '.') THEN length(v) - position('.' IN v) ELSE 0 END),"
        " count(*) FILTER (number AND contains(lower(v), 'e')),"
        " count(*) FILTER (number AND v[1] = '0' AND length(v) > 1 AND v[2] <> '.'),"
        " max(CASE WHEN number THEN length(v) ELSE 0 END) FROM seen",
    )
    if coded or not filled or numbers < NUMBER_SHARE * filled:
        return "text"  # 0571 is a code, not five hundred and seventy-one
    if powers or longest > 18 or scale > 6:
        return "text" if longest > 18 and not pointed else "double"
    return f"decimal({scale})" if pointed else "int"


def _refuse(db: duckdb.DuckDBPyConnection, bad: list[BadRow]) -> None:
    if bad:
        db.register("more_refused", pa.table({"line": _whole(np.array([row.line for row in bad], np.int64))}))
        db.execute("INSERT INTO refused SELECT DISTINCT line FROM more_refused")


def _kept(lines: Positions, wrong: Sequence[BadRow]) -> npt.NDArray[np.bool_]:
    return ~np.isin(lines, np.array(sorted({row.line for row in wrong}), np.int64))


def _good(
    db: duckdb.DuckDBPyConnection, columns: Columns, raw: pa.Table, kept: npt.NDArray[np.bool_]
) -> pa.RecordBatchReader:
    """The rows that are `kept`, in the order of the file and a row group at a time. Of a table of several batches
    DuckDB's threads give rows in the order in which they are done, and the same file must be the same bytes."""
    values = ", ".join(f'{cast(value_of(raw), c.type)} AS "{c.name}"' for c, raw in columns)

    def part(start: int, count: int) -> pa.Table:
        rows, good = raw.slice(start, count), kept[start : start + count]
        if not good.all():
            bits = pa.py_buffer(np.packbits(good, bitorder="little"))
            rows = rows.filter(pa.Array.from_buffers(pa.bool_(), len(good), [None, bits]))
        db.register("part", rows.combine_chunks())
        return db.sql(f"SELECT {values} FROM part").to_arrow_table()

    parts = (part(start, ROW_GROUP) for start in range(0, raw.num_rows, ROW_GROUP))
    return pa.RecordBatchReader.from_batches(
        part(0, 0).schema, (batch for rows in parts for batch in rows.to_batches())
    )


def _one(db: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    row = db.execute(sql).fetchone()
    assert row is not None
    return row

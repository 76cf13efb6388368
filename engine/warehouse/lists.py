"""Imports a CSV file as one table of the dataset: the good rows are taken over, every bad row is named.

A row is bad when it is short or long, when its key is blank or was there before, or when a value is not of its
column's type. Types come from the catalogue where it names the column, else from the file itself: a column that is a
number on 19 of 20 rows is a column of numbers, and the others are mistakes. A blank is NULL, never 0. Refuses to fill,
cut, round or repair a value.
"""

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import InvalidFile, Problem
from engine.warehouse.dataset import Column, DataFile, Dataset, Table
from engine.warehouse.records import BadRow, Records, read_records

MEMORY = "1GB"
NUMBER_SHARE = 0.95
SAMPLE_ROWS = 2_000
ROW_NUMBER = "row"
KEY = "customer"
SQL_TYPES = {
    "text": "VARCHAR",
    "int": "BIGINT",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file is to be read. `key` is a heading, or "row" to number the rows; `types` maps fields to types."""

    key: str
    key_field: str = KEY
    unique: bool = True
    types: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Imported:
    """A file that was read: what is now in the table, and every row that is not."""

    table: Table
    rows: int
    bad: tuple[BadRow, ...]


Keep = Callable[[duckdb.DuckDBPyRelation], Sequence[DataFile]]
"""Writes the good rows to files of the dataset."""


def import_csv(dataset: Dataset, name: str, path: Path, reading: Reading, *, keep: Keep | None = None) -> Imported:
    """Read `path` into files of table `name`: one Parquet file, or what `keep` makes of the good rows.

    Nothing is published: that is the caller's next step.
    """
    records = read_records(path)
    fields = _fields(records.headings, reading, path)
    with contextlib.closing(duckdb.connect(config={"memory_limit": MEMORY})) as db:
        db.register("raw", _numbered(records, reading))
        columns = _typed(db, fields, reading)
        bad = [*records.bad, *_not_of_type(db, columns), *_without_key(db, columns, reading)]
        db.execute("CREATE TEMP TABLE refused (line BIGINT)")
        _refuse(db, bad)
        if reading.unique:
            repeated = _repeated(db, columns, reading)
            _refuse(db, repeated)
            bad += repeated
        good = _good(db, columns)
        files = keep(good) if keep else [_write(good, dataset, name)]
    table = Table(tuple(column for column, _ in columns), tuple(files))
    return Imported(table, table.rows, tuple(sorted(bad, key=lambda row: (row.line, row.column))))


def field_name(heading: str) -> str:
    """The name that expressions use for a column: the heading where it is a name, else with _ for what is not."""
    name = re.sub(r"\W+", "_", heading, flags=re.ASCII).strip("_")
    return name if name and not name[0].isdigit() else f"f_{name}" if name else "f"


_Columns = list[tuple[Column, str]]  # a column and how the raw table calls it


def _fields(headings: tuple[str, ...], reading: Reading, path: Path) -> list[tuple[str, str, str]]:
    """(field, heading, raw name) of every column, the key first."""
    if reading.key != ROW_NUMBER and reading.key not in headings:
        message = f"there is no column {reading.key!r}"
        hint = f"the file has {', '.join(headings)}; --key {ROW_NUMBER} numbers the rows"
        raise InvalidFile([Problem(code="D107", message=message, hint=hint, at=path.name, line=1)])
    found = [(reading.key_field, ROW_NUMBER, "row")] if reading.key == ROW_NUMBER else []
    taken = {reading.key_field}  # in lower case: DuckDB's column names ignore it
    for n, heading in enumerate(headings):
        if heading == reading.key and reading.key != ROW_NUMBER and not found:
            found.insert(0, (reading.key_field, heading, str(n)))
            continue
        name = plain = field_name(heading)
        again = 2
        while name.lower() in taken:
            name, again = f"{plain}_{again}", again + 1
        taken.add(name.lower())
        found.append((name, heading, str(n)))
    return sorted(found, key=lambda column: column[0] != reading.key_field)


def _numbered(records: Records, reading: Reading) -> pa.Table:
    rows = records.rows.append_column("line", pa.array(records.lines, pa.int64()))
    if reading.key == ROW_NUMBER:
        rows = rows.append_column("row", pa.array(records.ordinals, pa.int64()).cast(pa.string()))
    return rows


def _value(raw: str) -> str:
    return f"nullif(trim(\"{raw}\", ' \t'), '')"


def _typed(db: duckdb.DuckDBPyConnection, fields: list[tuple[str, str, str]], reading: Reading) -> _Columns:
    columns: _Columns = []
    for name, heading, raw in fields:
        type_ = "text" if name == reading.key_field else reading.types.get(name) or _seen_type(db, raw)
        if type_ == "decimal":  # a catalogue leaves the places after the point to the file
            seen = _number_type(db, _value(raw))
            type_ = seen if seen.startswith(("decimal", "double")) else "decimal(2)"
        columns.append((Column(name, type_, heading), raw))
    return columns


def _seen_type(db: duckdb.DuckDBPyConnection, raw: str) -> str:
    """The type of nearly all values: first of a sample, then, for numbers, of every row."""
    value = _value(raw)
    sample = f"(SELECT {value} AS v FROM raw LIMIT {SAMPLE_ROWS})"
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
    if coded or numbers < NUMBER_SHARE * filled:
        return "text"  # 0571 is a code, not five hundred and seventy-one
    if powers or longest > 18 or scale > 6:
        return "text" if longest > 18 and not pointed else "double"
    return f"decimal({scale})" if pointed else "int"


def _sql_type(type_: str) -> str:
    match = re.fullmatch(r"decimal(?:\((\d)\))?", type_)
    return f"DECIMAL(18,{match[1] or 2})" if match else SQL_TYPES[type_]


def _wrong(column: Column, raw: str) -> str:
    value = _value(raw)
    wrong = f"try_cast({value} AS {_sql_type(column.type)}) IS NULL"
    if column.type == "int":
        wrong = f"({wrong} OR contains({value}, '.'))"  # DuckDB rounds 3.5 to 4
    elif column.type == "double":
        wrong = f"({wrong} OR NOT isfinite(try_cast({value} AS DOUBLE)))"
    return f"({value} IS NOT NULL AND {wrong})"


def _not_of_type(db: duckdb.DuckDBPyConnection, columns: _Columns) -> list[BadRow]:
    bad = []
    checked = [(column, raw) for column, raw in columns if column.type != "text"]
    if not checked:
        return []
    wrong = [_wrong(column, raw) for column, raw in checked]
    values = ", ".join(f'CASE WHEN {test} THEN "{raw}" END' for test, (_, raw) in zip(wrong, checked, strict=True))
    for line, *found in db.execute(f"SELECT line, {values} FROM raw WHERE {' OR '.join(wrong)}").fetchall():
        for (column, _), value in zip(checked, found, strict=True):
            if value is not None:
                kind = "number" if column.type.startswith(("int", "dec", "dou")) else column.type
                bad.append(BadRow(line, column.heading, f"{value[:40]!r} is not a {kind}"))
    return bad


def _without_key(db: duckdb.DuckDBPyConnection, columns: _Columns, reading: Reading) -> list[BadRow]:
    key, raw = columns[0]
    rows = db.execute(f"SELECT line FROM raw WHERE {_value(raw)} IS NULL").fetchall()
    return [BadRow(line, key.heading, "the key is blank") for (line,) in rows]


def _repeated(db: duckdb.DuckDBPyConnection, columns: _Columns, reading: Reading) -> list[BadRow]:
    """Later rows with a key that an earlier good row has."""
    key, raw = columns[0]
    good = f"(SELECT line, {_value(raw)} AS k FROM raw ANTI JOIN refused USING (line))"
    rows = db.execute(
        f"WITH good AS {good}, more AS (SELECT k, min(line) AS first FROM good GROUP BY k HAVING count(*) > 1)"
        " SELECT line, k, first FROM good JOIN more USING (k) WHERE line > first"
    ).fetchall()
    return [BadRow(line, key.heading, f"{k!r} stands on line {first} already") for line, k, first in rows]


def _refuse(db: duckdb.DuckDBPyConnection, bad: list[BadRow]) -> None:
    if bad:
        db.register("more_refused", pa.table({"line": pa.array([row.line for row in bad], pa.int64())}))
        db.execute("INSERT INTO refused SELECT DISTINCT line FROM more_refused")


def _good(db: duckdb.DuckDBPyConnection, columns: _Columns) -> duckdb.DuckDBPyRelation:
    values = ", ".join(f'try_cast({_value(raw)} AS {_sql_type(c.type)}) AS "{c.name}"' for c, raw in columns)
    return db.sql(f"SELECT {values} FROM raw WHERE line NOT IN (SELECT line FROM refused)")


def _write(good: duckdb.DuckDBPyRelation, dataset: Dataset, name: str) -> DataFile:
    with dataset.fresh_file(name) as path:
        try:
            good.write_parquet(str(path))
        except duckdb.IOException as error:
            raise OSError(str(error)) from error
        return dataset.keep(name, path, pq.read_metadata(path).num_rows)


def _one(db: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    row = db.execute(sql).fetchone()
    assert row is not None
    return row

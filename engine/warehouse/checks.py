"""The rules that a row is held against, each as one question to the table `raw` (all values text, `line` beside them).

Every rule gives the rows that break it, with column and reason. Refuses to mend a value: 3.5 is no whole number, and a
customer number that a spreadsheet turned into 1.38E+10 is no customer number.
"""

import re
from collections.abc import Mapping, Sequence

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.warehouse.dataset import Column
from engine.warehouse.rows import BadRow, Place, bad

SHOWN = 40
"""Signs of a wrong value that a report shows."""
CHANGED = r"-?\d(\.\d+)?[eE]\+\d{1,3}|\d{7,}\.0+"
SQL_TYPES = {
    "text": "VARCHAR",
    "address": "VARCHAR",
    "int": "BIGINT",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "date": "DATE",
    "month": "DATE",
    "timestamp": "TIMESTAMP",
}
TEXTS = ("text", "address")
NO_KEYS = ("null", "\\n", "n/a", "#n/a", "none", "nan", "nil")
"""What programs write where there is no value, in small letters."""
Columns = list[tuple[Column, str]]
"""A column (the key first), and how the raw table calls it."""


def value_of(raw: str) -> str:
    """A value of the raw table, which `lists` has rid of blanks around it; NULL where nothing was left."""
    return f'"{raw}"'


def stored(type_: str) -> str:
    """The type that the dataset keeps: a month is its first day."""
    return "date" if type_ == "month" else type_


def cast(value: str, type_: str) -> str:
    """The value as its type; NULL where it is none."""
    if type_ == "month":
        digits = f"regexp_full_match({value}, '\\d{{4}}-?\\d{{2}}')"
        value = f"CASE WHEN {digits} THEN left({value}, 4) || '-' || right({value}, 2) || '-01' ELSE {value} END"
    elif type_ == "date":
        written = (f"WHEN {test} THEN regexp_replace({value}, '^{day}$', '\\1-\\2-\\3')" for test, day in _days(value))
        value = f"CASE {' '.join(written)} ELSE {value} END"
    elif type_ == "bool":
        value = f"CASE {value} WHEN '是' THEN 'true' WHEN '否' THEN 'false' ELSE {value} END"
    decimal = re.fullmatch(r"decimal(?:\((\d)\))?", type_)
    return f"try_cast({value} AS {f'DECIMAL(18,{decimal[1] or 2})' if decimal else SQL_TYPES[type_]})"


def _days(value: str) -> tuple[tuple[str, str], ...]:
    """Days as Chinese systems and spreadsheets write them: what to ask of the value first, and the pattern."""
    return (
        (f"length({value}) = 8", r"(\d{4})(\d{2})(\d{2})"),
        (f"contains({value}, '年')", r"(\d{4})年(\d{1,2})月(\d{1,2})日"),
    )


def not_of_type(db: duckdb.DuckDBPyConnection, columns: Columns, types: Mapping[str, str]) -> list[BadRow]:
    """Values that are not of their column's type. `types` are those that were given: only there may an amount have more
    digits than its column; else the column was made as wide as the file has them."""
    checked = [(column, raw) for column, raw in columns if column.type not in TEXTS]
    if not checked:
        return []
    found = []
    wrong = [_wrong(column, raw, given=types.get(column.name) == column.type) for column, raw in checked]
    values = ", ".join(
        f'CASE WHEN {test} THEN "{raw}" END AS w{n}'
        for n, (test, (_, raw)) in enumerate(zip(wrong, checked, strict=True))
    )
    some = " OR ".join(f"w{n} IS NOT NULL" for n in range(len(checked)))
    for line, *row in db.execute(f"SELECT * FROM (SELECT line, {values} FROM raw) WHERE {some}").fetchall():
        for (column, _), value in zip(checked, row, strict=True):
            if value is None:
                continue
            number = column.type.startswith(("int", "dec", "dou"))
            code = "row.number" if number else f"row.{column.type}"
            found.append(bad(line, column.heading, code, value=value[:SHOWN]))
    return found


def _wrong(column: Column, raw: str, *, given: bool) -> str:
    value = value_of(raw)
    wrong = f"{cast(value, column.type)} IS NULL"
    if column.type == "int":
        wrong = f"({wrong} OR contains({value}, '.'))"  # DuckDB rounds 3.5 to 4
    elif column.type == "double":
        wrong = f"({wrong} OR NOT isfinite(try_cast({value} AS DOUBLE)))"
    elif given and column.type.startswith("decimal"):  # and 3.505 to 3.51
        scale = column.type[8:9] or "2"
        digits = f"length(rtrim({value}, '0')) - position('.' IN {value})"
        wrong = f"({wrong} OR (contains({value}, '.') AND {digits} > {scale}))"
    elif column.type == "month":
        wrong = f"({wrong} OR day({cast(value, column.type)}) <> 1)"
    return f"({value} IS NOT NULL AND {wrong})"


def blank(db: duckdb.DuckDBPyConnection, columns: Columns, needed: Sequence[str]) -> list[BadRow]:
    """Rows without a key, or without a value that every row needs."""
    found = []
    key, raw = columns[0]
    for (line,) in db.execute(f"SELECT line FROM raw WHERE {value_of(raw)} IS NULL").fetchall():
        found.append(bad(line, key.heading, "row.key_blank"))
    words = ", ".join(f"'{word}'" for word in NO_KEYS)
    value = value_of(raw)
    where = f"length({value}) <= 4 AND lower({value}) IN ({words})"
    for line, told in db.execute(f"SELECT line, {value} FROM raw WHERE {where}").fetchall():
        found.append(bad(line, key.heading, "row.key_null", value=told))
    for column, raw in columns[1:]:
        if column.name in needed:
            rows = db.execute(f"SELECT line FROM raw WHERE {value_of(raw)} IS NULL").fetchall()
            found += [bad(line, column.heading, "row.blank") for (line,) in rows]
    return found


def changed_numbers(
    db: duckdb.DuckDBPyConnection, columns: Columns, types: Mapping[str, str], said: Mapping[str, str]
) -> list[BadRow]:
    """Keys, and values of columns that are text by the catalogue (`types`), that a spreadsheet has turned into a
    number; or that the source keeps as fractions (`said`, by raw name)."""
    found = []
    texts = [columns[0], *(each for each in columns[1:] if types.get(each[0].name) in TEXTS)]
    for column, raw in texts:
        value, where = value_of(raw), f"{value_of(raw)} IS NOT NULL"
        if said.get(raw) != "double":
            # The pattern alone takes 1.5 s for a million values; hardly one has these signs.
            looks = f"""contains("{raw}", '+') OR contains("{raw}", '.0')"""
            where = f"CASE WHEN {looks} THEN regexp_full_match({value}, '{CHANGED}') ELSE false END"
        rows = db.execute(f"SELECT line, {value} FROM raw WHERE {where}").fetchall()
        found += [bad(line, column.heading, "row.key_number", value=told[:SHOWN]) for line, told in rows]
    return found


def not_allowed(
    db: duckdb.DuckDBPyConnection, columns: Columns, allowed: Mapping[str, tuple[str, ...]]
) -> list[BadRow]:
    """Values that are none of those the catalogue allows."""
    found = []
    for column, raw in columns:
        if possible := allowed.get(column.name):
            value = value_of(raw)
            marks = ", ".join("?" * len(possible))
            query = f"SELECT line, {value} FROM raw WHERE {value} NOT IN ({marks})"
            for line, told in db.execute(query, list(possible)).fetchall():
                found.append(bad(line, column.heading, "row.value", value=told[:SHOWN], possible=", ".join(possible)))
    return found


def repeated(db: duckdb.DuckDBPyConnection, columns: Columns, with_key: Sequence[str], place: Place) -> list[BadRow]:
    """Later rows with a key (and the fields beside it) that an earlier row has which is not refused."""
    key, raw = columns[0]
    beside = [cast(value_of(raw), column.type) for column, raw in columns[1:] if column.name in with_key]
    names = ["k", *(f"b{n}" for n in range(len(beside)))]
    told = ", ".join(f"{value} AS {name}" for value, name in zip([value_of(raw), *beside], names, strict=True))
    same = ", ".join(names)
    known = f"hash({', '.join([value_of(raw), *beside])})"
    alike = _seen_twice(db, known)
    if not len(alike):
        return []
    db.register("alike", pa.table([alike], ["h"]))
    rows = db.execute(
        f"WITH met AS (SELECT * FROM raw WHERE {known} IN (SELECT h FROM alike)),"
        f" good AS (SELECT line, {told} FROM met ANTI JOIN refused USING (line)),"
        f" more AS (SELECT {same}, min(line) AS first FROM good GROUP BY {same} HAVING count(*) > 1)"
        f" SELECT line, first, k{''.join(f', {name}' for name in names[1:])} FROM good JOIN more USING ({same})"
        " WHERE line > first"
    ).fetchall()
    return [
        bad(line, key.heading, "row.key_twice", value=" ".join(map(str, values)), first=first, place=place)
        for line, first, *values in rows
    ]


def _seen_twice(db: duckdb.DuckDBPyConnection, known: str) -> pa.Array:
    """The hashes that more than one row has, hardly any: grouping a million keys takes 115 MB, sorting their hashes
    16 MB."""
    hashes = db.sql(f"SELECT {known} AS h FROM raw").to_arrow_table()["h"].chunks
    every = np.sort(np.concatenate([np.zeros(0, np.uint64), *map(_numbers, hashes)]))
    twice = every[1:][every[1:] == every[:-1]]
    return pa.Array.from_buffers(pa.uint64(), len(twice), [None, pa.py_buffer(twice)])


def _numbers(hashes: pa.UInt64Array) -> npt.NDArray[np.uint64]:
    """Without the pandas that `to_numpy` brings along."""
    return np.frombuffer(hashes.buffers()[1], np.uint64)[hashes.offset :][: len(hashes)]

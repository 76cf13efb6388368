"""An outcome file before it is summed up: is it there, is it text, what stands in its first line, and where a value is.

Refuses what DuckDB would guess about: a workbook, another encoding, two columns with one heading.
"""

import csv
import glob
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import duckdb

from engine.errors import InvalidFile, Problem

GZIP, ZIP, WIDE = b"\x1f\x8b", b"PK\x03\x04", (b"\xff\xfe", b"\xfe\xff")
LOOKED_FOR = 1_000_000  # rows in which the line of a wrong value is looked for


def source(path: Path, *, header: bool = True) -> str:
    """The table of the file in SQL; its name is no pattern, and packed is what begins as gzip does."""
    quoted = glob.escape(str(path.resolve())).replace("'", "''")
    packing = "gzip" if _is_packed(path) else "none"
    return (
        f"read_csv('{quoted}', all_varchar=true, header={header}, null_padding=false, store_rejects=true,"
        f" compression='{packing}')"
    )


def columns(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[str, ...]:
    """The columns in order, as DuckDB names them: of two with one heading, the second has another name."""
    check(path)
    return tuple(row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source(path)}").fetchall())


def check_headings(connection: duckdb.DuckDBPyConnection, path: Path, wanted: Sequence[str]) -> None:
    """InvalidFile where a column that is asked for stands twice: nobody can say which one is meant."""
    row = connection.execute(f"SELECT * FROM {source(path, header=False)} LIMIT 1").fetchone() or ()
    headings = [str(heading or "").strip().lower() for heading in row]
    problems = []
    for name in dict.fromkeys(wanted):
        places = [n for n, heading in enumerate(headings, 1) if heading == name.lower()]
        if len(places) > 1:
            message = f"{len(places)} columns are called {name}: {', '.join(map(str, places))}"
            problems.append(
                Problem("F103", message, "give each its own heading", line=1, column=places[1], file=path.name)
            )
    if problems:
        raise InvalidFile(problems)


def place(connection: duckdb.DuckDBPyConnection, path: Path, column: str, row: int, value: str) -> tuple[int, int]:
    """The line and column of a value in a row that can be read, both 0 where they cannot be told."""
    if row > LOOKED_FOR:
        return 0, 0
    packing = "gzip" if _is_packed(path) else "none"
    found = connection.execute(
        "SELECT delimiter FROM sniff_csv(?, compression=?)", [glob.escape(str(path.resolve())), packing]
    ).fetchone()
    try:
        with _opened(path) as data, io.TextIOWrapper(data, encoding="utf-8-sig", newline="") as text:
            reader = csv.reader(text, delimiter=found[0] if found else ",")
            headings = next(reader)
            at, number, line = headings.index(column), 0, reader.line_num + 1
            for cells in reader:
                number += len(cells) == len(headings)
                if number == row and len(cells) == len(headings):
                    return (line, at + 1) if cells[at] == value else (0, 0)
                line = reader.line_num + 1
    except (csv.Error, OSError, EOFError, ValueError, StopIteration, zlib.error):
        pass  # the value is told without its line
    return 0, 0


def check(path: Path) -> None:
    """InvalidFile for what is no file of text: absent, a folder, empty, a workbook, in another encoding."""
    try:
        with path.open("rb") as raw:
            begin = raw.read(4)
    except FileNotFoundError:
        raise InvalidFile([Problem("F101", f"there is no file {path}")]) from None
    except IsADirectoryError:
        raise InvalidFile([Problem("F101", f"{path} is a folder", "name a CSV file in it")]) from None
    except OSError as error:
        raise InvalidFile([Problem("F101", f"{path} cannot be read: {error.strerror or error}")]) from None
    if not begin:
        raise InvalidFile([Problem("F102", f"{path} is empty")])
    if begin.startswith(ZIP):
        _refuse(path, "it is a workbook or an archive", "save the sheet as CSV (UTF-8)")
    if path.suffix == ".gz" and not begin.startswith(GZIP):
        _refuse(path, "it is not packed with gzip, though its name says so", "rename it, or fetch it again")
    try:
        with _opened(path) as data:
            first = data.readline(65_536)
    except (OSError, EOFError, zlib.error):
        _refuse(path, "the packed file breaks off or is damaged", "fetch it again")
    try:
        first.decode("utf-8")
    except UnicodeDecodeError as error:
        is_cut = error.end == len(first) == 65_536
        if first.startswith(WIDE) or not is_cut:
            _refuse(path, "its first line is not UTF-8 text", "save it as CSV (UTF-8)")


def _refuse(path: Path, why: str, hint: str) -> None:
    raise InvalidFile([Problem("F100", f"{path} cannot be read as CSV: {why}", hint)])


def _is_packed(path: Path) -> bool:
    with path.open("rb") as raw:
        return raw.read(2) == GZIP


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as raw:
        unpacked: Any = gzip.GzipFile(fileobj=raw) if _is_packed(path) else raw  # reads alike, but is not called one
        yield unpacked

"""A log as CSV, packed with gzip or not, as the command `replay` reads it.

Refuses a file that is not one, at the line where that shows; nothing of a row is guessed.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from engine.definition.replay import Row
from engine.definition.replay_map import LogMap
from engine.errors import InvalidFile, Problem
from engine.expr.types import nearest

GZIP = b"\x1f\x8b"


def rows_of(file: Path, log_map: LogMap) -> Iterator[Row]:
    """The events in the order of the file. Raises InvalidFile for a file that cannot be read to its end."""
    with _opened(file) as text:
        reader = csv.reader(text)
        try:
            headings = next(reader, None)
            if not headings:
                _refuse(file, 0, "R111", "the log is empty", "its first line holds the headings")
            columns = _columns(file, headings, log_map)
            found = False
            for row in _events(file, reader, columns, len(headings)):
                found = True
                yield row
            if not found:
                _refuse(file, reader.line_num, "R111", "the log has no events", "below the headings stands one a line")
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            _refuse(
                file, reader.line_num, "R112", f"the packed file breaks off or is damaged: {error}", "fetch it again"
            )
        except UnicodeDecodeError:
            _refuse(file, reader.line_num + 1, "R113", "this is not UTF-8 text", "export the log as UTF-8")
        except csv.Error as error:
            _refuse(file, reader.line_num, "R114", f"this is not CSV: {error}", "separate columns by commas")


def _events(file: Path, reader: Iterator[list[str]], columns: tuple[int, int, int | None], width: int) -> Iterator[Row]:
    case, event, role = columns
    for cells in reader:
        if len(cells) != width:
            if not cells:
                continue
            line = reader.line_num  # type: ignore[attr-defined]  # a csv.reader is passed
            _refuse(file, line, "R115", f"the row has {len(cells)} columns, the headings {width}", "")
        if not cells[case].strip():
            line = reader.line_num  # type: ignore[attr-defined]  # as above
            _refuse(file, line, "R115", "the row names no case", "")
        yield Row(
            reader.line_num,  # type: ignore[attr-defined]  # as above
            cells[case],
            cells[event],
            None if role is None else cells[role],
        )


def _columns(file: Path, headings: list[str], log_map: LogMap) -> tuple[int, int, int | None]:
    """The places of case, event and role."""
    problems = []
    sign = next((sign for sign in ";\t|" if len(headings) == 1 and sign in headings[0]), "")
    if sign:
        shown = "tabs" if sign == "\t" else repr(sign)
        _refuse(file, 1, "R114", f"the columns are separated by {shown}", "separate columns by commas")
    for meaning, name in log_map.columns.items():
        if name not in headings:
            hint = nearest(name, tuple(headings)) or f"there are {', '.join(headings)}"
            message = f"there is no column {name!r} for the {meaning}"
            problems.append(Problem("R116", message, hint, line=1, column=1, file=str(file)))
    if problems:
        raise InvalidFile(problems)
    columns = log_map.columns
    role = headings.index(columns["role"]) if "role" in columns else None
    return headings.index(columns["case"]), headings.index(columns["event"]), role


@contextmanager
def _opened(file: Path) -> Iterator[io.TextIOBase]:
    try:
        raw = file.open("rb")
    except OSError as error:
        _refuse(file, 0, "R117", f"the log cannot be read: {error.strerror or error}", "name a CSV file")
    with raw:
        try:
            is_packed = raw.read(2) == GZIP
            raw.seek(0)
        except OSError as error:
            _refuse(file, 0, "R117", f"the log cannot be read: {error.strerror or error}", "name a CSV file")
        if file.suffix == ".gz" and not is_packed:
            _refuse(
                file, 0, "R112", "this is not packed with gzip, though its name says so", "rename it, or fetch it again"
            )
        plain = gzip.GzipFile(fileobj=raw) if is_packed else raw
        with io.TextIOWrapper(plain, encoding="utf-8-sig", newline="") as text:
            yield text


def _refuse(file: Path, line: int, code: str, message: str, hint: str) -> NoReturn:
    raise InvalidFile([Problem(code, message, hint, line=max(line, 1), column=1, file=str(file))])

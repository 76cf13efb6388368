"""A log of events as a file: CSV, packed with gzip or not, XES, packed or not, and XLSX, read row by row.

A file is taken for what it is, whatever its name says. Refuses a file that is not one, at the line where that shows;
nothing of a row is guessed.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, NoReturn

from engine.errors import InvalidFile, Problem
from engine.expr.types import nearest
from engine.service import xes_reading

GZIP = b"\x1f\x8b"
ZIP = b"PK"
MARK = b"\xef\xbb\xbf"
NO_CSV = "separate columns by commas, and close every quote"

Picked = Iterator[tuple[int, tuple[str, ...]]]
"""The line of each row, and what it has in the columns that were asked for."""


def picked(file: Path, columns: Mapping[str, str]) -> Picked:
    """The rows in the order of the file, with the cells of these columns (what they mean -> heading) in their order.

    In XES, `case:KEY` is an attribute of the trace and any other heading one of the event; what an event does not have
    is empty. Raises InvalidFile for a file that cannot be read to its end.
    """
    with _opened(file) as data:
        begin = data.peek(512)[:512].removeprefix(MARK).lstrip()
        if begin.startswith(b"<"):
            yield from _of_xes(file, data, columns)
        elif begin.startswith(ZIP):
            yield from _of_workbook(file, data, columns)
        else:
            yield from _of_csv(file, data, columns)


def _of_csv(file: Path, data: IO[bytes], columns: Mapping[str, str]) -> Picked:
    with io.TextIOWrapper(data, encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text)
        try:
            headings = next(reader, None)
            if not headings:
                _refuse(file, 0, "R111", "the log is empty", "its first line holds the headings")
            pick, width = _picker(file, headings, columns), len(headings)
            found = False
            for cells in reader:
                if len(cells) != width:
                    if not cells:
                        continue
                    message = f"the row has {len(cells)} columns, the headings {width}"
                    _refuse(file, reader.line_num, "R115", message, "")
                found = True
                yield reader.line_num, pick(cells)
            if not found:
                _refuse(file, reader.line_num, "R111", "the log has no events", "below the headings stands one a line")
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            _damaged(file, reader.line_num, error)
        except UnicodeDecodeError:
            _refuse(file, reader.line_num + 1, "R113", "this is not UTF-8 text", "export the log as UTF-8")
        except csv.Error as error:
            _refuse(file, reader.line_num, "R114", f"this is not CSV: {error}", NO_CSV)


def _of_xes(file: Path, data: IO[bytes], columns: Mapping[str, str]) -> Picked:
    found = False
    try:
        for row in xes_reading.events(data, str(file), tuple(columns.values())):
            found = True
            yield row
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        _damaged(file, 0, error)
    if not found:
        _refuse(file, 0, "R111", "the log has no events", "its traces hold them")


def _of_workbook(file: Path, data: IO[bytes], columns: Mapping[str, str]) -> Picked:
    from engine.service import sheets  # noqa: PLC0415  # loads the reader of workbooks

    sheet = sheets.read(data.read(sheets.MAX_BYTES + 1), str(file))
    pick = _picker(file, sheet.headings, columns)
    if not sheet.lines:
        _refuse(file, 1, "R111", "the log has no events", "below the headings stands one a line")
    for line in sheet.lines:
        yield line.number, pick(line.cells)


def _picker(
    file: Path, headings: Sequence[str], columns: Mapping[str, str]
) -> Callable[[Sequence[str]], tuple[str, ...]]:
    """From the cells of a row to those of the columns."""
    problems = []
    sign = next((sign for sign in ";\t|" if len(headings) == 1 and sign in headings[0]), "")
    if sign:
        shown = "tabs" if sign == "\t" else repr(sign)
        _refuse(file, 1, "R114", f"the columns are separated by {shown}", "separate columns by commas")
    for meaning, name in columns.items():
        if name not in headings:
            hint = nearest(name, tuple(headings)) or f"there are {', '.join(headings)}"
            message = f"there is no column {name!r} for the {meaning}"
            problems.append(Problem("R116", message, hint, line=1, column=1, file=str(file)))
        elif headings.count(name) > 1:
            second = headings.index(name, headings.index(name) + 1) + 1
            message = f"{headings.count(name)} columns are called {name!r}, the {meaning}"
            problems.append(
                Problem("R116", message, "give each its own heading", line=1, column=second, file=str(file))
            )
    if problems:
        raise InvalidFile(problems)
    places = [headings.index(name) for name in columns.values()]
    return itemgetter(*places) if len(places) > 1 else lambda cells: (cells[places[0]],)


@contextmanager
def _opened(file: Path) -> Iterator[io.BufferedReader]:
    try:
        raw = file.open("rb")
    except OSError as error:
        _refuse(file, 0, "R117", f"the log cannot be read: {error.strerror or error}", "name a CSV or XES file")
    with raw:
        try:
            is_packed = raw.read(2) == GZIP
            raw.seek(0)
        except OSError as error:
            _refuse(file, 0, "R117", f"the log cannot be read: {error.strerror or error}", "name a CSV or XES file")
        if file.suffix == ".gz" and not is_packed:
            _refuse(
                file, 0, "R112", "this is not packed with gzip, though its name says so", "rename it, or fetch it again"
            )
        if not is_packed:
            yield raw
            return
        unpacked: Any = gzip.GzipFile(fileobj=raw)  # reads as a raw file does, but is not called one
        with io.BufferedReader(unpacked) as plain:
            try:
                plain.peek(1)
            except (gzip.BadGzipFile, zlib.error, EOFError) as error:
                _damaged(file, 0, error)
            yield plain


def _damaged(file: Path, line: int, error: Exception) -> NoReturn:
    _refuse(file, line, "R112", f"the packed file breaks off or is damaged: {error}", "fetch it again")


def _refuse(file: Path, line: int, code: str, message: str, hint: str) -> NoReturn:
    raise InvalidFile([Problem(code, message, hint, line=max(line, 1), column=1, file=str(file))])

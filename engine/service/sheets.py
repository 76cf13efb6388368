"""Tables as files: CSV and XLSX, read into rows of text with their line numbers, and written.

A file is taken for what it is, whatever its name says. Refuses what is too large before it is unpacked (a workbook of
0.3 MB can hold 98 MB), formulas' results that are errors, and files of other kinds. What is written is read in again;
tables to look at are `tabling`'s, and one writer (`table_files`) makes both.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from engine import clock
from engine.errors import InvalidFile, Problem
from engine.service import table_files
from engine.service.cells import plain
from engine.service.tabling import Column, Table
from engine.values import Bilingual
from engine.warehouse.workbooks import unfit

Format = Literal["csv", "xlsx"]
MAX_BYTES = 8 * 1024 * 1024
MAX_UNPACKED = 64 * 1024 * 1024
MAX_ROWS = 100_000
MAX_COLUMNS = 60
MAX_CELL = 2_000
MEDIA: Mapping[Format, str] = {"csv": table_files.MEDIA["csv"], "xlsx": table_files.MEDIA["xlsx"]}


@dataclass(frozen=True, slots=True)
class Line:
    """One row under the headings; `number` counts from 1 as a spreadsheet does."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table: its headings, its rows that hold anything."""

    name: str
    headings: tuple[str, ...]
    lines: tuple[Line, ...]


def read(data: bytes, name: str) -> Sheet:
    """The table in a file. Raises InvalidFile that says what is wrong with it, and where."""
    if not data:
        raise _refused("sheet.empty", "the file is empty", name)
    if len(data) > MAX_BYTES:
        raise _refused("sheet.large", f"the file is larger than {MAX_BYTES // 1024**2} MB", name)
    rows = _workbook(data, name) if data.startswith(b"PK") else _csv(data, name)
    lines = [Line(number, cells) for number, cells in rows if any(cells)]
    if not lines:
        raise _refused("sheet.empty", "the file is empty", name)
    headings = tuple(cell.strip() for cell in lines[0].cells)
    while headings and not headings[-1]:
        headings = headings[:-1]
    width = len(headings)
    problems = [_too_wide(line, width, name) for line in lines[1:] if _width(line) > width]
    if problems:
        raise InvalidFile(problems)
    return Sheet(name, headings, tuple(Line(line.number, _fitted(line.cells, width)) for line in lines[1:]))


def write(kind: Format, headings: Sequence[str], rows: Iterable[Sequence[str]], *, title: str) -> bytes:
    """A table of texts as a file of that kind, to be read in again: `read` gives its headings and cells back."""
    columns = [Column(heading, Bilingual(en=heading)) for heading in headings]
    table = Table(title, Bilingual(en=title), columns, rows, as_of=clock.now(), zone=ZoneInfo("UTC"), asked_by="")
    return table_files.exchanged(table, kind, "en")


def _csv(data: bytes, name: str) -> list[tuple[int, tuple[str, ...]]]:
    if b"\0" in data:
        raise _refused("sheet.kind", "this is neither CSV nor XLSX", name)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = data.decode("gb18030")  # what a Chinese spreadsheet calls CSV
        except UnicodeDecodeError:
            raise _refused("sheet.text", "this is not UTF-8 text", name) from None
    rows = []
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        for cells in reader:
            rows.append((reader.line_num, tuple(plain(cell) for cell in _bounded(cells, reader.line_num, name))))
            if len(rows) > MAX_ROWS:
                raise _refused("sheet.rows", f"more than {MAX_ROWS} rows", name)
    except csv.Error as error:
        problem = Problem(
            "sheet.csv", f"this cannot be read as CSV: {error}", line=reader.line_num, column=1, file=name
        )
        raise InvalidFile([problem]) from error
    return rows


def _workbook(data: bytes, name: str) -> list[tuple[int, tuple[str, ...]]]:
    from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415  # few commands read a workbook

    match unfit(data, MAX_UNPACKED):
        case "kind":
            raise _refused("sheet.kind", "this is neither CSV nor XLSX", name)
        case "large":
            raise _refused("sheet.large", "unpacked, the file is too large", name)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheet = book.get_sheet_by_index(0)
        height, width = sheet.total_height, sheet.total_width
        if height > MAX_ROWS or width > MAX_COLUMNS:
            raise _refused("sheet.rows", f"more than {MAX_ROWS} rows or {MAX_COLUMNS} columns", name)
        values = sheet.to_python(skip_empty_area=False)
    except (CalamineError, ValueError, IndexError) as error:
        raise _refused("sheet.kind", "this is neither CSV nor XLSX", name) from error
    return [
        (number, tuple(_bounded([_text(value) for value in row], number, name))) for number, row in enumerate(values, 1)
    ]


def _text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # a code that the spreadsheet took for a number
    return "" if value is None else str(value)


def _bounded(cells: Sequence[str], number: int, name: str) -> Sequence[str]:
    if len(cells) > MAX_COLUMNS:
        raise _refused("sheet.rows", f"more than {MAX_COLUMNS} columns", name, number)
    for column, cell in enumerate(cells, 1):
        if len(cell) > MAX_CELL:
            raise _refused("sheet.long", f"a cell is longer than {MAX_CELL} signs", name, number, column)
    return [cell.strip() for cell in cells]


def _too_wide(line: Line, width: int, name: str) -> Problem:
    told = f"{_width(line)} cells under {width} headings"
    fields = {"cells": _width(line), "headings": width}
    return Problem("sheet.cells", told, line=line.number, column=width + 1, file=name, fields=fields)


def _width(line: Line) -> int:
    return max((n for n, cell in enumerate(line.cells, 1) if cell), default=0)


def _fitted(cells: tuple[str, ...], width: int) -> tuple[str, ...]:
    return (*cells[:width], *[""] * (width - len(cells)))


def _refused(code: str, message: str, name: str, line: int = 1, column: int = 1) -> InvalidFile:
    return InvalidFile([Problem(code, message, line=line, column=column, file=name)])

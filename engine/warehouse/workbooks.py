"""Reads the first sheet of an XLSX workbook as rows of text.

A workbook is a packed file: 0.3 MB may hold 98 MB, so what it says of its size and what is really in it are both
measured before it is opened. A number of more than 15 digits was cut by the spreadsheet; it keeps the look of one, and
is refused where text is wanted. Refuses to carry out a formula: its last result is what counts.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from engine.errors import InvalidFile, Problem
from engine.warehouse.dataset import Told
from engine.warehouse.rows import BadRow, Records, bad, of_columns, too_large

PACKED = b"PK"
MOST_UNPACKED = 64 * 1024 * 1024
MOST_TIMES = 30
"""How many times its size a workbook may be unpacked; real ones are 5 to 15 times."""
EXACT = 10**15
PIECE = 1024 * 1024
STEP = 10_000


@dataclass(frozen=True, slots=True)
class Workbook:
    """An XLSX file; its first sheet, the first row that is not empty names the columns."""

    path: Path
    most_unpacked: int = MOST_UNPACKED * MOST_TIMES

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.path.name

    def records(self, told: Told = lambda done, of: None) -> Records:
        """All its rows. Raises InvalidFile for what is no workbook, or too large unpacked."""
        data = self.path.read_bytes()
        most = min(max(MOST_UNPACKED, MOST_TIMES * len(data)), self.most_unpacked)
        match unfit(data, most):
            case "kind":
                raise InvalidFile([_no_workbook(self.name)])
            case "large":
                raise InvalidFile([too_large(self.name, most)])
        rows = _rows(data, self.name, told)
        first, headings = next(((n, cells) for n, cells in rows if any(cells)), (0, ()))
        while headings and not headings[-1]:
            headings = headings[:-1]
        if not headings:
            raise InvalidFile([Problem("D105", "is empty", "the first row names columns", at=self.name)])
        blank = [n for n, heading in enumerate(headings, 1) if not heading]
        if blank:
            problems = [
                Problem("D106", f"the heading of column {n} is empty", at=self.name, line=first, fields={"column": n})
                for n in blank
            ]
            raise InvalidFile(problems)
        return _records(tuple(headings), rows, hashlib.sha256(data).hexdigest())


def unfit(data: bytes, most: int) -> Literal["", "kind", "large"]:
    """Whether it is no workbook, or holds more than `most` bytes: as it says of itself, and counted, without keeping
    anything."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if "xl/workbook.xml" not in packed.namelist():
                return "kind"
            if sum(member.file_size for member in packed.infolist()) > most:
                return "large"
            left = most
            for member in packed.infolist():
                with packed.open(member) as part:
                    while piece := part.read(PIECE):
                        left -= len(piece)
                        if left < 0:
                            return "large"
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError):
        return "kind"
    return ""


def _no_workbook(name: str) -> Problem:
    return Problem("D122", "is no XLSX workbook, or a damaged one", "save it as XLSX or CSV", name)


def _rows(data: bytes, name: str, told: Told) -> Iterator[tuple[int, list[str]]]:
    from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415  few commands read a workbook

    try:
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0)
        height = sheet.total_height
        for n, values in enumerate(sheet.iter_rows(), 1):
            if n % STEP == 0:
                told(n, height)
            yield n, [_text(value) for value in values]
    except (CalamineError, ValueError, IndexError) as error:
        raise InvalidFile([_no_workbook(name)]) from error


def _text(value: Any) -> str:
    """A cell as text: a number as it would be written by hand, times in ISO form."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < EXACT else repr(value)
    if isinstance(value, datetime):
        return value.isoformat(" ") if value.time().isoformat() != "00:00:00" else value.date().isoformat()
    return value.isoformat() if isinstance(value, date) else "" if value is None else str(value)


def _records(headings: tuple[str, ...], rows: Iterator[tuple[int, list[str]]], sha256: str) -> Records:
    width = len(headings)
    columns: list[list[str]] = [[] for _ in headings]
    numbers: list[int] = []
    wrong: list[BadRow] = []
    for n, cells in rows:
        found = max((at for at, cell in enumerate(cells, 1) if cell), default=0)
        if not found:
            continue
        if found > width:
            wrong.append(bad(n, "", "row.columns", "row", found=found, wanted=width))
            continue
        numbers.append(n)
        for column, cell in zip(columns, cells, strict=False):
            column.append(cell)
    return of_columns(
        headings,
        [pa.chunked_array([pa.array(column, pa.string())]) for column in columns],
        sha256=sha256,
        numbers=numbers,
        wrong=wrong,
    )

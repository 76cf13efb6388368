"""Cuts the bytes of a CSV file into records and says of every bad one on which line it stands.

CSV readers either stop at the first short row or fill it up in silence; neither will do for a list of customers. So
the line and column breaks are found here (vectorised, quotes respected), records with another number of columns than
the header are set aside, and only the others go to the parser. Refuses to guess what a short row meant.
"""

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from engine.errors import InvalidFile, Problem
from engine.warehouse.dataset import Told
from engine.warehouse.rows import LONGEST_VALUE, MOST_UNPACKED, BadRow, Positions, Records, bad, too_large

LINE_FEED, RETURN, QUOTE = 0x0A, 0x0D, 0x22
LONGEST_RECORD = 200  # lines; a longer one means a quote that was never closed
PIECE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A CSV file with a header line, packed with gzip or not."""

    path: Path
    most_unpacked: int = MOST_UNPACKED

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.path.name

    def records(self, told: Told = lambda done, of: None) -> Records:
        """All its records."""
        return read_records(self.path, self.most_unpacked)


def read_records(path: Path, most_unpacked: int = MOST_UNPACKED) -> Records:
    """Cut the CSV file at `path` (gzip by its first bytes; UTF-8 or GB18030; comma, semicolon, tab or bar).

    Raises InvalidFile for a file that has no header at all, or is larger unpacked than it may be.
    """
    packed = path.read_bytes()
    sha256 = hashlib.sha256(packed).hexdigest()
    content = _as_utf8(_unpacked(packed, most_unpacked, path), path)
    del packed
    delimiter = _delimiter(content[: content.find(b"\n") if b"\n" in content else len(content)])
    try:
        found = _cut(content, delimiter, path)
    except (pa.ArrowInvalid, _OpenQuote):
        # Quotes that do not pair up: every line is a record then, and the lines to blame are named.
        found = _cut_by_line(content, delimiter, path)
    return replace(found, sha256=sha256)


class _OpenQuote(Exception):
    """A quote is opened and never closed."""


def _unpacked(content: bytes, most: int, path: Path) -> bytes:
    """Piece by piece: a file of 20 KB may hold 20 MB, one of 20 MB 20 GB."""
    if not content.startswith(b"\x1f\x8b"):
        return content
    whole = bytearray()
    try:
        with gzip.open(io.BytesIO(content)) as packed:
            while piece := packed.read(PIECE):
                whole += piece
                if len(whole) > most:
                    raise InvalidFile([too_large(path.name, most)])
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidFile([Problem("D119", "is packed with gzip, and damaged", at=path.name)]) from error
    return bytes(whole)


def _as_utf8(content: bytes, path: Path) -> bytes:
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        content.decode()
    except UnicodeDecodeError:
        try:
            content = content.decode("gb18030").encode()
        except UnicodeDecodeError as error:
            problem = Problem(code="D104", message="is neither UTF-8 nor GB18030 text", at=path.name)
            raise InvalidFile([problem]) from error
    if not content.strip():
        raise InvalidFile([Problem(code="D105", message="is empty", hint="the first line names columns", at=path.name)])
    return content if content.endswith(b"\n") else content + b"\n"


def _delimiter(header: bytes) -> str:
    unquoted = b"".join(header.split(b'"')[::2])
    return max(",;\t|", key=lambda mark: unquoted.count(mark.encode()))


def _cut(content: bytes, delimiter: str, path: Path) -> Records:
    buffer = np.frombuffer(content, dtype=np.uint8)
    breaks = buffer == LINE_FEED
    marks = buffer == ord(delimiter)
    every_break = np.flatnonzero(breaks)
    quoted = b'"' in content
    if quoted:
        inside = np.logical_xor.accumulate(buffer == QUOTE)
        if inside[-1]:
            raise _OpenQuote
        breaks &= ~inside
        marks &= ~inside
    ends = np.flatnonzero(breaks) if quoted else every_break
    starts = np.concatenate(([0], ends[:-1] + 1))
    lines = np.searchsorted(every_break, starts) + 1
    if quoted and len(lines) > 1 and int(np.diff(lines).max()) > LONGEST_RECORD:
        raise _OpenQuote
    columns = np.diff(np.searchsorted(np.flatnonzero(marks), ends), prepend=0) + 1
    filled = (ends - starts > 1) | ((ends - starts == 1) & (buffer[starts] != RETURN))
    starts, ends, lines, columns = starts[filled], ends[filled], lines[filled], columns[filled]
    headings = _headings(content[starts[0] : ends[0]].decode(), delimiter, path)
    ordinals = np.arange(len(starts), dtype=np.int64)  # the header is 0, so the first customer's row is 1
    good = columns == len(headings)
    good[0] = False
    wrong = [
        bad(int(line), "", "row.columns", found=int(found), wanted=len(headings))
        for line, found in zip(lines[1:][~good[1:]], columns[1:][~good[1:]], strict=True)
    ]
    for code, of, fields in (
        ("row.long", ends - starts > LONGEST_VALUE, {"most": LONGEST_VALUE // 1024}),
        ("row.nul", _with_nul(content, buffer, ends), {}),
    ):
        unfit = good & of
        wrong += [bad(int(line), "", code, **fields) for line in lines[unfit]]
        good &= ~of
    kept = b"".join(_runs(content, starts, ends, good))
    rows = _parse(kept, headings, delimiter, multiline=quoted) if kept else _no_rows(headings)
    if rows.num_rows != int(good.sum()):
        raise _OpenQuote
    return Records(headings, rows, lines[good], ordinals[good], tuple(wrong))


def _with_nul(content: bytes, buffer: npt.NDArray[np.uint8], ends: Positions) -> npt.NDArray[np.bool_]:
    """Which records hold a NUL, which no database keeps."""
    held = np.zeros(len(ends), dtype=np.bool_)
    if b"\0" in content:
        held[np.searchsorted(ends, np.flatnonzero(buffer == 0))] = True
    return held


def _runs(content: bytes, starts: Positions, ends: Positions, good: npt.NDArray[np.bool_]) -> Iterator[memoryview]:
    """The good records as few pieces as possible."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], good, [False])).astype(np.int8)))
    view = memoryview(content)
    for first, after in edges.reshape(-1, 2):
        # Blank lines between two records of a run are skipped by the parser as well.
        yield view[starts[first] : ends[after - 1] + 1]


def _parse(kept: bytes, headings: tuple[str, ...], delimiter: str, *, multiline: bool) -> pa.Table:
    names = [str(n) for n in range(len(headings))]  # headings may repeat
    return pa_csv.read_csv(
        io.BytesIO(kept),
        read_options=pa_csv.ReadOptions(column_names=names, block_size=16 << 20),
        parse_options=pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=multiline),
        convert_options=pa_csv.ConvertOptions(column_types={name: pa.string() for name in names}),
    )


def _cut_by_line(content: bytes, delimiter: str, path: Path) -> Records:
    texts = content.decode().split("\n")
    headings = _headings(texts[0], delimiter, path)
    wrong: list[BadRow] = []
    rows: list[list[str]] = []
    lines: list[int] = []
    ordinals: list[int] = []
    ordinal = 0
    for line, text in enumerate(texts[1:], start=2):
        if not text.strip("\r"):
            continue
        ordinal += 1
        try:
            found = next(csv.reader([text.rstrip("\r")], delimiter=delimiter, strict=True))
        except csv.Error:
            wrong.append(bad(line, "", "row.quote"))
            continue
        if len(found) != len(headings):
            wrong.append(bad(line, "", "row.columns", found=len(found), wanted=len(headings)))
            continue
        if "\0" in text or len(text) > LONGEST_VALUE:
            code = "row.nul" if "\0" in text else "row.long"
            wrong.append(bad(line, "", code, most=LONGEST_VALUE // 1024))
            continue
        rows.append(found)
        lines.append(line)
        ordinals.append(ordinal)
    table = pa.table({str(n): pa.array([row[n] for row in rows], pa.string()) for n in range(len(headings))})
    return Records(headings, table, np.array(lines, np.int64), np.array(ordinals, np.int64), tuple(wrong))


def _headings(line: str, delimiter: str, path: Path) -> tuple[str, ...]:
    try:
        headings = tuple(text.strip() for text in next(csv.reader([line.strip("\r\n")], delimiter=delimiter)))
    except (csv.Error, StopIteration) as error:
        raise InvalidFile([Problem(code="D105", message="has no header line", at=path.name, line=1)]) from error
    problems = [
        Problem(code="D106", message=f"the heading of column {n} is empty", at=path.name, line=1)
        for n, heading in enumerate(headings, start=1)
        if not heading
    ]
    if problems:
        raise InvalidFile(problems)
    return headings


def _no_rows(headings: tuple[str, ...]) -> pa.Table:
    return pa.table({str(n): pa.array([], pa.string()) for n in range(len(headings))})

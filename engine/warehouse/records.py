"""Cuts the bytes of a CSV file into records and says of every bad one on which line it stands.

CSV readers either stop at the first short row or fill it up in silence; neither will do for a list of customers. So
the line and column breaks are found here (vectorised, quotes respected), records with another number of columns than
the header are set aside, and only the others go to the parser. Refuses to guess what a short row meant.
"""

import contextlib
import csv
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv

from engine.errors import InvalidFile, Problem
from engine.warehouse.dataset import Told, digest_of_file
from engine.warehouse.pieces import PIECE, Encoding, text_pieces
from engine.warehouse.rows import LONGEST_VALUE, MOST_UNPACKED, BadRow, Positions, Records, bad

LINE_FEED, RETURN, QUOTE = 0x0A, 0x0D, 0x22
LONGEST_RECORD = 200  # lines; a longer one means a quote that was never closed
WORKERS = 2
"""Threads beside the one that cuts: they parse, and one takes the digest."""


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


def read_records(path: Path, most_unpacked: int = MOST_UNPACKED, piece: int = PIECE) -> Records:
    """Cut the CSV file at `path` (gzip by its first bytes; UTF-8 or GB18030; comma, semicolon, tab or bar).

    Raises InvalidFile for a file that has no header at all, or is larger unpacked than it may be. `piece` is how many
    bytes are taken in at once, which changes nothing of the result.
    """
    encodings: tuple[Encoding, ...] = ("utf-8", "gb18030")
    with ThreadPoolExecutor(WORKERS) as pool:
        digest = pool.submit(digest_of_file, path)
        for encoding in encodings:
            with contextlib.suppress(UnicodeDecodeError):
                return replace(_read(path, most_unpacked, encoding, piece, pool), sha256=digest.result())
    raise InvalidFile([Problem(code="D104", message="is neither UTF-8 nor GB18030 text", at=path.name)])


class _OpenQuote(Exception):
    """A quote is opened and never closed."""


def _read(path: Path, most: int, encoding: Encoding, piece: int, pool: Executor) -> Records:
    try:
        return _Cutter(path, pool).cut(text_pieces(path, most, encoding, piece))
    except (pa.ArrowInvalid, _OpenQuote):
        # Quotes that do not pair up: every line is a record then, and the lines to blame are named.
        content = b"".join(text_pieces(path, most, encoding))
        return _cut_by_line(content, _delimiter(content), path)


def _delimiter(content: bytes) -> str:
    unquoted = b"".join(content[: content.index(b"\n")].split(b'"')[::2])
    return max(",;\t|", key=lambda mark: unquoted.count(mark.encode()))


class _Cutter:
    """Cuts a file block by block, each of whole records, and has the good records of a block parsed while it cuts the
    next."""

    def __init__(self, path: Path, pool: Executor) -> None:
        self._path, self._pool = path, pool
        self._delimiter = ""
        self._headings: tuple[str, ...] = ()
        self._unfit: InvalidFile | None = None
        """What is wrong with the headings, unless an open quote shows that they were cut wrong."""
        self._line, self._before, self._count = 1, 1, 0
        """The line that the next block begins with, that of the record before it, and the records up to there."""
        self._wrong: list[BadRow] = []
        self._lines: list[Positions] = []
        self._ordinals: list[Positions] = []
        self._parsed: list[Future[pa.Table]] = []

    def cut(self, pieces: Iterator[bytes]) -> Records:
        """All its records. _OpenQuote where its quotes do not pair up."""
        held, enough = b"", 1
        for piece in pieces:
            held += piece
            # Twice as much before the next look: a record, or blank lines, may be longer than many pieces.
            if len(held) >= enough:
                held = self._block(held)
                enough = 2 * len(held) if len(held) > LONGEST_VALUE else 1
        left = self._block(held)
        if not self._delimiter:
            raise InvalidFile([Problem("D105", "is empty", hint="the first line names columns", at=self._path.name)])
        if left:
            raise _OpenQuote
        if self._unfit:
            raise self._unfit
        tables = [each.result() for each in self._parsed] or [_no_rows(self._headings)]
        none = np.zeros(0, np.int64)
        lines, ordinals = (np.concatenate([none, *each]) for each in (self._lines, self._ordinals))
        wrong = tuple(sorted(self._wrong, key=lambda row: row.line))
        return Records(self._headings, pa.concat_tables(tables), lines, ordinals, wrong)

    def _block(self, content: bytes) -> bytes:
        """Take the records that are whole; what is left over."""
        if not self._delimiter:
            if b"\n" not in content or not content.strip():
                return content
            self._delimiter = _delimiter(content)
        buffer = np.frombuffer(content, dtype=np.uint8)
        breaks = buffer == LINE_FEED
        edges = breaks | (buffer == ord(self._delimiter))
        if quoted := b'"' in content:
            edges &= ~np.logical_xor.accumulate(buffer == QUOTE)
        at = np.flatnonzero(edges)
        last_of_record = np.flatnonzero(buffer[at] == LINE_FEED)
        if not len(last_of_record):
            return content
        ends, columns = at[last_of_record], np.diff(last_of_record, prepend=-1)
        starts = np.concatenate(([0], ends[:-1] + 1))
        every_break = np.flatnonzero(breaks[: ends[-1] + 1]) if quoted else ends
        lines = np.searchsorted(every_break, starts) + self._line if quoted else np.arange(len(ends)) + self._line
        if int(np.diff(lines, prepend=self._before).max()) > LONGEST_RECORD:
            raise _OpenQuote
        self._line, self._before = self._line + len(every_break), int(lines[-1])
        filled = (ends - starts > 1) | ((ends - starts == 1) & (buffer[starts] != RETURN))
        if not filled.all():
            starts, ends, lines, columns = starts[filled], ends[filled], lines[filled], columns[filled]
        self._records(content, starts, ends, lines, columns, quoted=quoted)
        return content[int(at[last_of_record[-1]]) + 1 :]

    def _records(  # the positions of one block belong together
        self, content: bytes, starts: Positions, ends: Positions, lines: Positions, columns: Positions, *, quoted: bool
    ) -> None:
        good = np.ones(len(starts), dtype=np.bool_)
        if len(starts) and not self._headings and not self._unfit:
            try:
                self._headings = _headings(content[starts[0] : ends[0]].decode(), self._delimiter, self._path)
            except InvalidFile as unfit:
                self._unfit = unfit
            good[0] = False  # the header is record 0, so the first customer's row is 1
        if self._unfit:
            return
        wanted = len(self._headings)
        reasons: tuple[tuple[str, npt.NDArray[np.bool_], dict[str, int]], ...] = (
            ("row.columns", columns != wanted, {"wanted": wanted}),
            ("row.long", ends - starts > LONGEST_VALUE, {"most": LONGEST_VALUE // 1024}),
            ("row.nul", _with_nul(content, ends), {}),
        )
        for code, of, fields in reasons:
            for n in np.flatnonzero(good & of).tolist():
                found = {"found": int(columns[n])} if code == "row.columns" else {}
                self._wrong.append(bad(int(lines[n]), "", code, **found, **fields))
            good &= ~of
        self._lines.append(lines[good])
        self._ordinals.append(np.flatnonzero(good) + self._count)
        self._count += len(starts)
        if kept := b"".join(_runs(content, starts, ends, good)):
            if len(self._parsed) >= WORKERS:
                self._parsed[-WORKERS].result()  # no more is cut than can be parsed
            rows = int(good.sum())
            self._parsed.append(self._pool.submit(_parse, kept, wanted, self._delimiter, rows, multiline=quoted))


def _with_nul(content: bytes, ends: Positions) -> npt.NDArray[np.bool_]:
    """Which records hold a NUL, which no database keeps."""
    held = np.zeros(len(ends), dtype=np.bool_)
    if len(ends) and b"\0" in content:
        at = np.flatnonzero(np.frombuffer(content, np.uint8)[: ends[-1]] == 0)
        held[np.searchsorted(ends, at)] = True
    return held


def _runs(content: bytes, starts: Positions, ends: Positions, good: npt.NDArray[np.bool_]) -> Iterator[memoryview]:
    """The good records as few pieces as possible."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], good, [False])).astype(np.int8)))
    view = memoryview(content)
    for first, after in edges.reshape(-1, 2):
        # Blank lines between two records of a run are skipped by the parser as well.
        yield view[starts[first] : ends[after - 1] + 1]


def _parse(kept: bytes, width: int, delimiter: str, rows: int, *, multiline: bool) -> pa.Table:
    names = [str(n) for n in range(width)]  # headings may repeat
    parsed = pa_csv.read_csv(
        pa.BufferReader(kept),
        read_options=pa_csv.ReadOptions(column_names=names, block_size=len(kept) + 1, use_threads=False),
        parse_options=pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=multiline),
        convert_options=pa_csv.ConvertOptions(column_types={name: pa.string() for name in names}, check_utf8=False),
    )
    if parsed.num_rows != rows:
        raise _OpenQuote
    return parsed


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

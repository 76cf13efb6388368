"""What every reader gives, whatever the shape of the file: the rows as they stand, and those that are set aside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from engine.errors import Problem

Positions = npt.NDArray[np.int64]
Place = Literal["line", "row"]
MOST_UNPACKED = 8 * 1024**3
LONGEST_VALUE = 256 * 1024
"""Bytes; whatever is longer is no field of a customer."""

REASONS = {  # by code; the pages have the same sentences in both languages
    "row.columns": "has {found} columns, the header has {wanted}",
    "row.quote": "a quote is opened and never closed",
    "row.nul": "holds a NUL sign",
    "row.long": "is longer than {most} KB",
    "row.number": "{value!r} is not a number",
    "row.date": "{value!r} is not a date; write 2026-11-30",
    "row.timestamp": "{value!r} is not a timestamp",
    "row.bool": "{value!r} is neither true nor false",
    "row.month": "{value!r} is not a month; write 2026-10",
    "row.blank": "is blank",
    "row.key_blank": "the key is blank",
    "row.key_null": "{value!r} is no key, it stands for none",
    "row.key_twice": "{value!r} stands on {place} {first} already",
    "row.key_number": "{value!r} is a number that a spreadsheet has changed; give the column as text",
    "row.value": "{value!r} is none of {possible}",
    "D190": "this customer was erased on request, and is not taken in again",
}


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that is not taken over: its line in the file, the column's heading where one is to blame, and why."""

    line: int
    column: str
    reason: str
    code: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    place: Place = "line"

    def __str__(self) -> str:
        return f"{self.place} {self.line}{', column ' + self.column if self.column else ''}: {self.reason}"

    @property
    def problem(self) -> Problem:
        """The same as a problem of the file, for pages."""
        return Problem(self.code, self.reason, at=self.column, line=self.line, fields=dict(self.fields))


def bad(line: int, column: str, code: str, place: Place = "line", /, **fields: Any) -> BadRow:
    """A bad row of one of REASONS."""
    return BadRow(line, column, REASONS[code].format(**fields), code, fields, place)


@dataclass(frozen=True, slots=True)
class Records:
    """The records with the header's number of columns, all values still text, and those without.

    `rows` has a column "0", "1", … per heading; `lines` says where each row stands, as a `place`. `types` holds what
    the source itself says of a column's type, by the name in `rows`; `sha256` is of the source's bytes.
    """

    headings: tuple[str, ...]
    rows: pa.Table
    lines: Positions
    ordinals: Positions
    bad: tuple[BadRow, ...]
    sha256: str = ""
    place: Place = "line"
    types: Mapping[str, str] = field(default_factory=dict)


def too_large(name: str, most: int) -> Problem:
    """A file that is packed holds more than `most` bytes."""
    megabytes = most // 1024**2
    return Problem("D118", f"is larger than {megabytes} MB unpacked", at=name, fields={"most": megabytes})


def of_columns(
    headings: tuple[str, ...],
    columns: Sequence[pa.ChunkedArray],
    *,
    sha256: str,
    numbers: Sequence[int] | None = None,
    wrong: Sequence[BadRow] = (),
    types: Mapping[str, str] | None = None,
) -> Records:
    """Rows that come as columns of text; those with a value that no field can hold are set aside, beside those that
    are `wrong` already. `numbers` says where each stands, by default from 1 on."""
    rows = pa.table({str(n): column for n, column in enumerate(columns)})
    ordinals = np.arange(1, rows.num_rows + 1, dtype=np.int64)
    places = ordinals if numbers is None else np.array(numbers, np.int64)
    unfit: dict[int, BadRow] = {}
    for heading, column in zip(headings, columns, strict=True):
        for found, code, fields in (
            (pc.match_substring(column, "\0"), "row.nul", {}),
            (pc.greater(pc.binary_length(column), LONGEST_VALUE), "row.long", {"most": LONGEST_VALUE // 1024}),
        ):
            if pc.any(found).as_py():
                for at in pc.indices_nonzero(found).to_pylist():
                    unfit.setdefault(at, bad(int(places[at]), heading, code, "row", **fields))
    good = np.ones(rows.num_rows, dtype=np.bool_)
    good[list(unfit)] = False
    kept = rows.filter(pa.array(good)) if unfit else rows
    told = (*wrong, *(unfit[at] for at in sorted(unfit)))
    return Records(headings, kept, places[good], ordinals[good], told, sha256, "row", types or {})

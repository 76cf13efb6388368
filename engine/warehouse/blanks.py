"""Values that stand for none in a file: NULL, or the -1 and 999 of an older system.

Only whoever gives the file knows them: nothing is taken for a blank by itself, as a -1 may be an amount.
"""

import re
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from engine.errors import InvalidFile, Problem

Blanks = Mapping[str, tuple[str, ...]]
"""Values by the heading of their column; those of "" stand for none in every column."""


def read_blanks(text: str) -> Blanks:
    """Of `NULL, pdays=-1`: NULL in every column, and -1 in the column pdays. InvalidFile where a part has no value."""
    found: dict[str, tuple[str, ...]] = {}
    for part in filter(None, (one.strip() for one in re.split("[,，;；\n]", text))):
        heading, _, value = part.rpartition("=")
        if not value.strip() or (not heading.strip() and "=" in part):
            fields = {"value": part[:40]}
            message = f"{part[:40]!r} is no value that stands for none; write NULL, or COLUMN=-1"
            raise InvalidFile([Problem("D200", message, at="blank", fields=fields)])
        found[heading.strip()] = (*found.get(heading.strip(), ()), value.strip())
    return found


def blanked(column: pa.ChunkedArray, values: tuple[str, ...]) -> pa.ChunkedArray:
    """NULL in place of the values."""
    if not values:
        return column
    stands_for_none = pc.is_in(column, pa.array(values, pa.string()))
    return pc.if_else(stands_for_none, pa.nulls(1, pa.string())[0], column)

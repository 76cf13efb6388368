"""A log as the command `replay` reads it: which of its columns say what, and no row without a case.

A log that `countersign export` wrote says by itself what its columns are, and of which definition each case is.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from engine.definition.replay import Row
from engine.definition.replay_map import LogMap
from engine.errors import InvalidFile, Problem
from engine.service.log_files import picked

OWN = {
    "case": "case:concept:name",
    "definition": "case:definition",
    "event": "concept:name",
    "moves": "states",
}


class OwnRow(NamedTuple):
    """One event of a log of our own; `moves` is where its case came to."""

    line: int
    case: str
    event: str
    moves: str


def own_rows_of(file: Path, definition: str) -> Iterator[OwnRow]:
    """The events of the cases of one definition, in the order of the file. Raises InvalidFile for a log that
    `countersign export` did not write, and for one without such a case."""
    others: dict[str, None] = {}
    found = False
    for line, (case, of, event, moves) in picked(file, OWN):
        if not of or not case:
            message = f"the event names no {'case' if of else 'definition'}: this is no log that we exported"
            raise InvalidFile([Problem("F128", message, "say --map MAP.yaml", line=line, column=1, file=str(file))])
        if of != definition:
            others[of] = None
            continue
        found = True
        yield OwnRow(line, case, event, moves)
    if not found:
        hint = f"its cases are of {', '.join(others)}"
        problem = Problem("F128", f"the log has no case of {definition}", hint, line=1, column=1, file=str(file))
        raise InvalidFile([problem])


def rows_of(file: Path, log_map: LogMap) -> Iterator[Row]:
    """The events in the order of the file. Raises InvalidFile for a file that cannot be read to its end."""
    columns, has_role = log_map.columns, "role" in log_map.columns
    read = {name: columns[name] for name in ("case", "event", "role") if name in columns}
    for line, cells in picked(file, read | dict(columns)):  # whatever the map names must be there
        if not cells[0].strip():
            problem = Problem("R115", "the row names no case", line=line, column=1, file=str(file))
            raise InvalidFile([problem])
        yield Row(line, cells[0], cells[1], cells[2] if has_role else None)

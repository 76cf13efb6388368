"""A few customers of every cell of a list with the fields that a message names, for whoever wants to see it.

Drawn by a hash, so that the same list gives the same customers. Refuses customers of the control group: they get
nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from engine.warehouse.wavefiles import MEMORY, Fields, Turn, Wording, slices

DRAWN = """SELECT cell, count(*) AS customers, arg_min(customer, hash(customer), $each) AS drawn
           FROM read_parquet($list) WHERE arm = 'target' GROUP BY cell ORDER BY cell"""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The customers of a cell: how many there are, and some of them with the values of the fields."""

    cell: str
    customers: int
    some: tuple[tuple[str, tuple[Any, ...]], ...]


def drawn(
    list_file: Path, customers: Sequence[str] | Fields, fields: Sequence[str], scratch: Path, *, each: int
) -> tuple[Drawn, ...]:
    """Up to `each` customers of each cell of the target. Writes into `scratch`, a folder that the caller ends."""
    import duckdb  # noqa: PLC0415  # takes long to load; few pages show a message

    with duckdb.connect(config={"memory_limit": MEMORY, "threads": 1}) as connection:
        rows = connection.execute(DRAWN, {"list": str(list_file), "each": each}).fetchall()
    chosen = [(customer, cell, "target") for cell, _, some in rows for customer in some]
    if not chosen:
        return ()
    path = scratch / "drawn.parquet"
    names = ("customer", "cell", "arm")
    pq.write_table(pa.table(dict(zip(names, map(list, zip(*chosen, strict=True)), strict=True))), path)
    found: dict[str, list[tuple[str, tuple[Any, ...]]]] = {cell: [] for cell, _, _ in rows}
    for customer, cell, values in _valued(Turn(path, customers, "", 0, len(chosen)), fields, scratch):
        found[cell].append((customer, values))
    return tuple(Drawn(cell, count, tuple(found[cell])) for cell, count, _ in rows)


def _valued(turn: Turn, fields: Sequence[str], scratch: Path) -> Iterator[tuple[str, str, tuple[Any, ...]]]:
    wording = Wording("", fields, lambda _cell, _values: "")
    for customers, cells, _addresses, *columns in slices(turn, wording, turn.size, scratch / "letters"):
        values = zip(*columns, strict=True) if columns else iter([()] * len(customers))
        yield from zip(customers, cells, values, strict=True)

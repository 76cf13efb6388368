"""Runs statements over the facts, of the newest version as it is when it begins. Refuses a statement that writes: the
tables are views over files, and nothing outside those files can be read.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import pyarrow as pa

from engine.evaluation.figures import Statement
from engine.warehouse.star import SHAPES, Star

TABLES = tuple(name for name in SHAPES if name != "marks")


@dataclass(frozen=True, slots=True)
class Found:
    """The rows of a statement."""

    rows: tuple[tuple[Any, ...], ...]


class Facts(AbstractContextManager["Facts"]):
    """The facts opened for some statements; `as_of` is the moment whose ledger they show, None before the first
    refresh. `seen`: the ids of the cases that the viewer may see."""

    def __init__(self, data: Path, seen: Iterable[str]) -> None:
        self._star = Star(data)
        self.version = self._star.current()
        self.as_of: datetime | None = self._star.as_of()
        self._opened = self._star.opened()
        self._db: duckdb.DuckDBPyConnection = self._opened.__enter__()
        for name in TABLES:
            self._star.view(self._db, self.version, name)
        told = self.as_of.astimezone(UTC).replace(tzinfo=None) if self.as_of else None
        self._db.execute("CREATE TEMP TABLE shown AS SELECT CAST(? AS TIMESTAMP) AS as_of", [told])
        self._db.register("seen", pa.table({"case_id": pa.array(list(seen), pa.string())}))

    def ask(self, statement: Statement) -> Found:
        """The rows of a statement, in its order."""
        return Found(tuple(self._db.execute(statement.sql, list(statement.values)).fetchall()))

    def names(self, table: str, key: str, some: Sequence[str]) -> dict[str, tuple[str, str]]:
        """The Chinese and English name of some rows of a dimension's table, by their key."""
        places = ", ".join("?" for _ in some)
        rows = self._db.execute(
            f'SELECT "{key}", zh, en FROM {table} WHERE "{key}" IN ({places})', list(some)
        ).fetchall()
        return {one: (zh, en) for one, zh, en in rows}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.__exit__(kind, error, trace)

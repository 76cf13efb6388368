"""Runs statements over the facts, of the newest version as it is when it begins. Refuses a statement that writes: the
tables are views over files, and nothing outside those files can be read.
"""

from collections import OrderedDict
from collections.abc import Iterable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any

import duckdb
import pyarrow as pa

from engine.evaluation.statements import SEEN_CASES, Statement
from engine.warehouse.star import SHAPES, Star

MOST_KEPT, MOST_KEPT_ROWS = 256, 1_000
TABLES = tuple(name for name in SHAPES if name != "marks")


@dataclass(frozen=True, slots=True)
class Found:
    """The rows of a statement."""

    rows: tuple[tuple[Any, ...], ...]


_kept: OrderedDict[tuple[Any, ...], Found] = OrderedDict()
_lock = Lock()


class Facts(AbstractContextManager["Facts"]):
    """The facts opened for some statements; `as_of` is the moment whose ledger they show, None before the first
    refresh. `seen`: the ids of the cases that the viewer may see; `named`: the offices whose people they are told
    by name (None for all), which statements that name people ask of the table `named_office`."""

    def __init__(self, data: Path, seen: Iterable[str], named: Iterable[str] | None = ()) -> None:
        self._star = Star(data)
        self.version = self._star.current()
        self.as_of: datetime | None = self._star.as_of()
        self._seen = sorted(seen)
        self._named = None if named is None else sorted(named)
        of_whom = sha256("\n".join([*self._seen, repr(self._named)]).encode()).hexdigest()
        self._facts = (str(self._star.folder), self.version.number, self.as_of, of_whom)
        self._opened = ExitStack()

    @cached_property
    def _db(self) -> duckdb.DuckDBPyConnection:
        """Opened with the first statement whose answer is not kept."""
        db = self._opened.enter_context(self._star.opened())
        for name in TABLES:
            self._star.view(db, self.version, name)
        told = self.as_of.astimezone(UTC).replace(tzinfo=None) if self.as_of else None
        db.execute("CREATE TEMP TABLE shown AS SELECT CAST(? AS TIMESTAMP) AS as_of", [told])
        db.register("seen", pa.table({"case_id": pa.array(self._seen, pa.string())}))
        if self._named is None:
            db.execute("CREATE TEMP VIEW named_office AS SELECT DISTINCT hall AS office FROM fact_recommendation")
        else:
            db.register("named_office", pa.table({"office": pa.array(self._named, pa.string())}))
        db.execute(f"CREATE TEMP TABLE seen_case AS {SEEN_CASES}")
        return db

    def ask(self, statement: Statement) -> Found:
        """The rows of a statement, in its order. A version of the facts never changes, so an answer that this process
        gave for the same cases is given again."""
        asked = (*self._facts, statement.sql, statement.values)
        with _lock:
            if asked in _kept:
                _kept.move_to_end(asked)
                return _kept[asked]
        found = Found(tuple(self._db.execute(statement.sql, list(statement.values)).fetchall()))
        if len(found.rows) <= MOST_KEPT_ROWS:
            with _lock:
                _kept[asked] = found
                while len(_kept) > MOST_KEPT:
                    _kept.popitem(last=False)
        return found

    def names(self, table: str, key: str, some: Iterable[str]) -> dict[str, tuple[str, str]]:
        """The Chinese and English name of some rows of a dimension's table, by their key."""
        wanted = tuple(sorted(some))
        places = ", ".join("?" for _ in wanted)
        told = Statement(sql=f'SELECT "{key}", zh, en FROM {table} WHERE "{key}" IN ({places})', values=wanted)
        return {one: (zh, en) for one, zh, en in self.ask(told).rows}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

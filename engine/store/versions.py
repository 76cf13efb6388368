"""Versions of what the whole house keeps to: one person proposes, another confirms or refuses.

One shape for the global holdout, the contact policy, the offers and the budgets of offices. Nothing is ever changed or
taken out: something else is another version, so that whatever was made can say which one it used. Refuses two that wait
at a time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection, Table

from engine.store.tables import organisation


@dataclass(frozen=True, slots=True)
class Proposed:
    """One version. `decision` is empty while it waits, else refused, or the word for yes; with that it holds from
    `decided_at` until the next one does."""

    version: int
    reason: str
    proposed_by: str
    proposed_at: datetime
    decision: str
    decided_by: str
    decided_at: datetime | None


Row = TypeVar("Row", bound=Proposed)


@dataclass(frozen=True, slots=True)
class Versions(Generic[Row]):
    """The versions of one thing, or of each of several, told apart by the columns `of` (code="F1").

    `row` makes a row of the columns, where `read` gives what is not kept as it is. `yes` is the decision that counts.
    """

    table: Table
    row: Callable[..., Row]
    read: Callable[[Mapping[str, Any]], Mapping[str, object]]
    yes: str = "confirmed"

    def lock(self, tx: Connection) -> None:
        """Let those who change versions pass one by one until the end of the transaction."""
        tx.execute(sa.select(organisation.c.id).with_for_update())

    def history(self, tx: Connection, **of: str) -> tuple[Row, ...]:
        """All versions, the newest first."""
        return self.rows(tx, self._newest_first(*self._are(of)))

    def find(self, tx: Connection, version: int, **of: str) -> Row | None:
        """One version."""
        return next(iter(self.rows(tx, self._newest_first(self.table.c.version == version, *self._are(of)))), None)

    def in_force(self, tx: Connection, at: datetime, **of: str) -> Row | None:
        """The version that holds at `at`."""
        chosen = self._newest_first(self.said_yes(at), *self._are(of)).limit(1)
        return next(iter(self.rows(tx, chosen)), None)

    def propose(self, tx: Connection, says: Mapping[str, object], *, by: str, at: datetime, **of: str) -> int:
        """Write down the next version, which holds once somebody else says yes; its number."""
        newest = sa.select(sa.func.coalesce(sa.func.max(self.table.c.version), 0)).where(*self._are(of))
        version: int = tx.execute(newest).scalar_one() + 1
        tx.execute(sa.insert(self.table).values(**of, version=version, **says, proposed_by=by, proposed_at=at))
        return version

    def decide(self, tx: Connection, version: int, decision: str, *, by: str, at: datetime, **of: str) -> bool:
        """Say yes to a version that waits, or refuse it; False where it does not wait."""
        waits = (self.table.c.version == version, self.table.c.decision == "", *self._are(of))
        decided = sa.update(self.table).where(*waits).values(decision=decision, decided_by=by, decided_at=at)
        return tx.execute(decided).rowcount > 0

    def said_yes(self, at: datetime) -> sa.ColumnElement[bool]:
        """That a version was decided for by then."""
        return sa.and_(self.table.c.decision == self.yes, self.table.c.decided_at <= at)

    def rows(self, tx: Connection, query: sa.Select[Any]) -> tuple[Row, ...]:
        """What a query over the table's columns finds."""
        return tuple(self.row(**{**one, **self.read(one)}) for one in map(dict, tx.execute(query).mappings()))

    def _newest_first(self, *conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
        return sa.select(self.table).where(*conditions).order_by(self.table.c.version.desc())

    def _are(self, of: Mapping[str, str]) -> list[sa.ColumnElement[bool]]:
        return [self.table.c[name] == value for name, value in of.items()]

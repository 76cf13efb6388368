"""The one place where rows of the ledger change their state: the sums of their wave change with them, in the same
transaction. Counting ten million rows takes a second, reading the sums of ten waves none.

Every caller holds the wave's lock (`waves.lock`) and takes the locks of several waves at once (`waves.lock_all`), so
the sums are locked in the order of their waves and never make anybody wait in a circle. Refuses to lead out of
suppressed, cancelled, failed or delivered: that is for receipts alone (`exchange`), which know what each row was.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.session import inserting
from engine.store.tables import recipients, wave_sums, waves

RecipientState = Literal["waiting", "sent", "delivered", "failed", "unknown", "suppressed", "cancelled"]
STATES: tuple[RecipientState, ...] = get_args(RecipientState)
CAPPED = "contact_policy"  # begins the reason of a row that the contact policy kept from being sent
KEPT = (*STATES, "capped")
READ_AT_ONCE = 500_000


@dataclass(frozen=True, slots=True)
class Drift:
    """A wave whose kept sums are not what its rows say; only the states that differ. `kept` is empty where it has
    none."""

    wave: str
    kept: Mapping[str, int]
    counted: Mapping[str, int]

    @property
    def said(self) -> str:
        """In words, for whoever runs the installation."""
        differs = [f"{name} is {self.kept.get(name, 0)}, its rows say {count}" for name, count in self.counted.items()]
        return f"{self.wave}: {'; '.join(differs)}"


def begin(tx: Connection, wave: str, counts: Mapping[RecipientState, int]) -> None:
    """Keep the sums of rows that were just loaded, beside those that the wave has already."""
    tx.execute(inserting(tx, wave_sums).values(wave=wave).on_conflict_do_nothing())
    _add(tx, wave, counts)


def move(
    tx: Connection,
    wave: str,
    where: sa.ColumnElement[bool] | None = None,
    *,
    come_from: Literal["waiting", "sent", "unknown"],
    to: RecipientState,
    **columns: Any,
) -> int:
    """Give the rows of the wave that are in the state `come_from`, and of which `where` holds, another one, and set
    `columns` (`reason` as a text); the count."""
    here = sa.update(recipients).where(recipients.c.wave == wave, recipients.c.state == come_from)
    if where is not None:
        here = here.where(where)
    count = tx.execute(here.values(state=to, **columns)).rowcount
    if not count:
        return 0
    is_of_policy = to == "suppressed" and str(columns.get("reason", "")).startswith(CAPPED)
    _add(tx, wave, {come_from: -count, to: count, "capped": count * is_of_policy})
    return count


def exchange(tx: Connection, wave: str, moved: Mapping[tuple[str, str], int]) -> None:
    """Count rows that went from one state to another. `capped` as the first is a suppressed row that was capped."""
    difference: dict[str, int] = {}
    for (old, new), count in moved.items():
        for name in ("suppressed", "capped") if old == "capped" else (old,):
            difference[name] = difference.get(name, 0) - count
        difference[new] = difference.get(new, 0) + count
    _add(tx, wave, difference)


def _add(tx: Connection, wave: str, difference: Mapping[Any, int]) -> None:
    values = {name: wave_sums.c[name] + by for name, by in difference.items() if by}
    values["revision"] = wave_sums.c.revision + 1
    if tx.execute(sa.update(wave_sums).where(wave_sums.c.wave == wave).values(values)).rowcount != 1:
        raise LookupError(f"{wave} has rows in the ledger, but no sums")


def touch(tx: Connection, wave: str) -> None:
    """Rows of the wave, whose lock the caller holds, changed in something else than their state."""
    _add(tx, wave, {})


def drifts(
    tx: Connection, wave: str = "", told: Callable[[int, int], None] = lambda _read, _of: None
) -> tuple[Drift, ...]:
    """The waves whose sums are not what their rows say, by id; one wave alone where it is named. Reads every row, and
    tells how many were read and how many there are by the sums."""
    by_index(tx)
    mine = [wave_sums.c.wave == wave] if wave else []
    rows = tx.execute(sa.select(wave_sums).where(*mine)).mappings()
    kept = {row["wave"]: {name: row[name] for name in KEPT} for row in rows}
    names = [wave] if wave else sorted(kept.keys() | set(_with_rows(tx)))
    there = sum(one[state] for one in kept.values() for state in STATES)
    found, read = [], 0
    for name in names:
        says = dict.fromkeys(KEPT, 0)
        for state, count, of_policy in _counted(tx, name):
            says[state] += count
            says["capped"] += of_policy
            read += count
            told(read, max(read, there))
        is_ = kept.get(name, dict.fromkeys(KEPT, 0))
        differs = [state for state in KEPT if is_[state] != says[state]]
        if differs:
            found.append(Drift(name, {one: is_[one] for one in differs}, {one: says[one] for one in differs}))
    return tuple(found)


def _with_rows(tx: Connection) -> Iterator[str]:
    """The waves that have rows, one look into the index for each."""
    name = ""
    while name := tx.execute(sa.select(sa.func.min(recipients.c.wave)).where(recipients.c.wave > name)).scalar() or "":
        yield name


def _counted(tx: Connection, wave: str) -> Iterator[tuple[str, int, int]]:
    """State, how many rows, how many of them capped; piece by piece, so a state comes several times."""
    last = tx.execute(sa.select(sa.func.max(recipients.c.row)).where(recipients.c.wave == wave)).scalar()
    capped = sa.func.sum(sa.case((is_capped(), 1), else_=0))
    query = sa.select(recipients.c.state, sa.func.count(), capped).group_by(recipients.c.state)
    for first in range(0, 0 if last is None else last + 1, READ_AT_ONCE):
        piece = query.where(recipients.c.wave == wave, between(first, first + READ_AT_ONCE - 1))
        for state, count, of_policy in tx.execute(piece):
            yield state, count, int(of_policy)


def mend(tx: Connection, wave: str) -> Drift | None:
    """Make the sums of a wave, whose lock the caller holds, what its rows say; how they differed, or None."""
    found = next(iter(drifts(tx, wave)), None)
    if found is not None:
        upsert = inserting(tx, wave_sums).values(wave=wave, revision=1, **found.counted)
        fresh = {**found.counted, "revision": wave_sums.c.revision + 1}
        tx.execute(upsert.on_conflict_do_update(index_elements=["wave"], set_=fresh))
    return found


def of_case(tx: Connection, case_id: str) -> dict[str, Mapping[str, int]]:
    """The sums of every wave of a case whose ledger was loaded, by wave and state; `capped` is part of suppressed."""
    columns = (wave_sums.c[name] for name in KEPT)
    chosen = sa.select(wave_sums.c.wave, *columns).join(waves, waves.c.id == wave_sums.c.wave)
    rows = tx.execute(chosen.where(waves.c.case_id == case_id)).mappings()
    return {row["wave"]: {name: row[name] for name in KEPT} for row in rows}


def by_index(tx: Connection) -> None:
    """For the rest of the transaction, have the rows of a wave read by the index. Where a wave is more than some
    hundredths of the ledger, PostgreSQL takes it to be scattered and reads the whole ledger: 1.3 s instead of 0.25 for
    one million of ten, measured."""
    if tx.dialect.name == "postgresql":
        tx.exec_driver_sql("SET LOCAL enable_seqscan = off")


def room_to_count(tx: Connection) -> None:
    """Let the rest of the transaction group a few hundred thousand rows in memory: PostgreSQL has 4 MB for it and sorts
    the rest on disk."""
    if tx.dialect.name == "postgresql":
        tx.execute(sa.text("SET LOCAL work_mem = '64MB'"))


def is_capped() -> sa.ColumnElement[bool]:
    """Whether the contact policy kept the row at hand in `recipients` from being sent."""
    return sa.and_(recipients.c.state == "suppressed", recipients.c.reason.startswith(CAPPED, autoescape=True))


def between(first: int, last: int) -> sa.ColumnElement[bool]:
    """Whether the row at hand is one of `first` to `last`."""
    return recipients.c.row.between(first, last)


def one_of(tx: Connection, rows: Sequence[int]) -> sa.ColumnElement[bool]:
    """Whether the row at hand is one of these."""
    if tx.dialect.name == "postgresql":
        return recipients.c.row == sa.func.any(sa.cast(list(rows), sa.ARRAY(sa.Integer)))
    listed = sa.text("SELECT value FROM json_each(:listed)").bindparams(listed=msgspec.json.encode(list(rows)).decode())
    return recipients.c.row.in_(listed)

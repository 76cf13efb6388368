"""Runs of the arbitration (竞合), and which of them holds for a case.

A run is never changed; to commit one says that it holds for its cases from then on, in the place of whatever held
before, which an index of the database keeps to one. Refuses to know who may commit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.definitions import ENDED
from engine.store.lines import CASE_COLUMNS, CaseLine, case_line
from engine.store.permits import Permit
from engine.store.tables import arbitration_cases, arbitrations, cases, organisation, permits, snapshots

AT_ONCE = 20_000
NOT_ASKING = ("draft", "returned", "voided", *ENDED)
"""States in which a case wants no customers now."""
DONE = ("evaluating", "voided", *ENDED)
"""States in which a frozen list makes no further contact."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run. `inputs` is JSON; `folder` is relative to the data folder; `base` is 0 where nothing was changed."""

    number: int
    since: date
    until: date
    base: int
    made_by: str
    made_at: datetime
    digest: str
    folder: str
    inputs: str
    committed_by: str
    committed_at: datetime | None


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case of a run. `losses` is JSON; `failed` says why its customers could not be found; `holds`: this run is the
    one that counts for the case."""

    run: int
    case_id: str
    place: int
    priority: int
    channel: str
    wanted: int
    got: int
    losses: str
    seen: str
    failed: str = ""
    holds: bool = False


@dataclass(frozen=True, slots=True)
class TakenRow:
    """A frozen list whose case is still on its way: where it lies, and how many customers it reaches."""

    case_id: str
    folder: str
    target: int


_RUN = tuple(arbitrations.c[one.name] for one in fields(RunRow))
_CASE = tuple(arbitration_cases.c[one.name] for one in fields(CaseRow))


def lock(tx: Connection) -> None:
    """Let those who keep or commit a run pass one by one until the end of the transaction."""
    tx.execute(sa.select(organisation.c.id).with_for_update())


def next_number(tx: Connection) -> int:
    """The number of the next run; `lock` first."""
    last: int = tx.execute(sa.select(sa.func.coalesce(sa.func.max(arbitrations.c.number), 0))).scalar_one()
    return last + 1


def save(tx: Connection, run: RunRow, of_cases: Sequence[CaseRow]) -> None:
    """Keep a run with its cases."""
    tx.execute(sa.insert(arbitrations).values({one.name: getattr(run, one.name) for one in fields(run)}))
    if of_cases:
        rows = [{one.name: getattr(row, one.name) for one in fields(row)} for row in of_cases]
        tx.execute(sa.insert(arbitration_cases), rows)


def find(tx: Connection, number: int) -> RunRow | None:
    """One run."""
    row = tx.execute(sa.select(*_RUN).where(arbitrations.c.number == number)).one_or_none()
    return None if row is None else RunRow(*row)


def newest(tx: Connection, limit: int = 50) -> tuple[RunRow, ...]:
    """The last runs, the newest first."""
    rows = tx.execute(sa.select(*_RUN).order_by(arbitrations.c.number.desc()).limit(limit))
    return tuple(RunRow(*row) for row in rows)


def of_run(tx: Connection, number: int) -> tuple[CaseRow, ...]:
    """The cases of a run, by their place."""
    chosen = sa.select(*_CASE).where(arbitration_cases.c.run == number).order_by(arbitration_cases.c.place)
    return tuple(CaseRow(*row) for row in tx.execute(chosen))


def holding(tx: Connection, case_id: str) -> CaseRow | None:
    """What the run that holds for a case says of it."""
    chosen = sa.select(*_CASE).where(arbitration_cases.c.case_id == case_id, arbitration_cases.c.holds)
    row = tx.execute(chosen).one_or_none()
    return None if row is None else CaseRow(*row)


def commit(tx: Connection, number: int, *, by: str, at: datetime) -> None:
    """Let a run hold for its cases, in the place of what held for them; `lock` first."""
    own = sa.select(arbitration_cases.c.case_id).where(arbitration_cases.c.run == number).scalar_subquery()
    before = sa.update(arbitration_cases).where(arbitration_cases.c.holds, arbitration_cases.c.case_id.in_(own))
    tx.execute(before.values(holds=False))
    counted = (arbitration_cases.c.run == number, arbitration_cases.c.failed == "")
    tx.execute(sa.update(arbitration_cases).where(*counted).values(holds=True))
    done = sa.update(arbitrations).where(arbitrations.c.number == number)
    tx.execute(done.values(committed_by=by, committed_at=at))


def asking(tx: Connection) -> tuple[CaseLine, ...]:
    """The cases that were submitted and have no frozen list of their present round, by their id."""
    frozen = sa.exists().where(snapshots.c.id == _round_of_case())
    wanted = (cases.c.number.is_not(None), cases.c.state.not_in(NOT_ASKING), ~frozen)
    rows = tx.execute(sa.select(*CASE_COLUMNS).where(*wanted).order_by(cases.c.id))
    return tuple(case_line(row) for row in rows)


def taken(tx: Connection) -> tuple[TakenRow, ...]:
    """The frozen lists of cases that still make contacts, by the case's id."""
    chosen = sa.select(snapshots.c.case_id, snapshots.c.folder, snapshots.c.target).join(
        cases, cases.c.id == snapshots.c.case_id
    )
    wanted = chosen.where(snapshots.c.id == _round_of_case(), cases.c.state.not_in(DONE))
    return tuple(TakenRow(*row) for row in tx.execute(wanted.order_by(snapshots.c.case_id)))


def permits_since(tx: Connection, since: datetime) -> Iterator[Sequence[Permit]]:
    """All contacts that are held or were made since then, some thousands at a time, in no order."""
    number = sa.func.coalesce(cases.c.number, cases.c.id).label("number")
    columns = (permits.c[name] for name in ("wave", "customer", "channel", "purpose", "category", "at"))
    chosen = sa.select(*columns, number).join(cases, cases.c.id == permits.c.case_id).where(permits.c.at > since)
    for rows in tx.execute(chosen.execution_options(yield_per=AT_ONCE)).partitions():
        yield [Permit(**row._mapping) for row in rows]


def held_of(tx: Connection, case_id: str, channel: str) -> int:
    """How many contacts a case holds or made over a channel."""
    chosen = sa.select(sa.func.count()).select_from(permits)
    return int(tx.execute(chosen.where(permits.c.case_id == case_id, permits.c.channel == channel)).scalar_one())


def _round_of_case() -> sa.ColumnElement[str]:
    return cases.c.id + "-" + sa.cast(cases.c.round, sa.String)

"""Frozen audiences by case and round: where each lies and what its manifest says.

Refuses to change one: saved again, the first stays.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.session import inserting
from engine.store.tables import snapshots


@dataclass(frozen=True, slots=True)
class SnapshotRow:
    """One frozen audience. `folder` is relative to the data folder; `manifest` is manifest.json as text."""

    id: str
    case_id: str
    digest: str
    folder: str
    manifest: str
    target: int
    control: int
    frozen_at: datetime


def snapshot_id(case_id: str, round_: int, selection: int = 0) -> str:
    """The id of the audience frozen in one round of a case; `selection` counts how often one was selected anew."""
    return f"{case_id}-{round_}" + (f"-{selection}" if selection else "")


def save(tx: Connection, row: SnapshotRow) -> SnapshotRow:
    """Keep a frozen audience; returns what is kept, which is the earlier one where there was one."""
    values = {column.name: getattr(row, column.name) for column in snapshots.columns}
    tx.execute(inserting(tx, snapshots).values(values).on_conflict_do_nothing(index_elements=["id"]))
    kept = find(tx, row.id)
    assert kept is not None
    return kept


def find(tx: Connection, id_: str) -> SnapshotRow | None:
    """The frozen audience with this id."""
    return _one(tx, sa.select(snapshots).where(snapshots.c.id == id_))


def newest(tx: Connection, case_id: str) -> SnapshotRow | None:
    """The audience of a case that was frozen last."""
    query = sa.select(snapshots).where(snapshots.c.case_id == case_id).order_by(snapshots.c.frozen_at.desc()).limit(1)
    return _one(tx, query)


def folders(tx: Connection) -> tuple[str, ...]:
    """The folders of all frozen audiences, relative to the data folder."""
    return tuple(tx.execute(sa.select(snapshots.c.folder)).scalars())


def _one(tx: Connection, query: sa.Select[tuple[object, ...]]) -> SnapshotRow | None:
    row = tx.execute(query).mappings().one_or_none()
    return None if row is None else SnapshotRow(**row)

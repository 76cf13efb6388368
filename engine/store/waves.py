"""Waves (波次) as rows: their states, the token bucket of their rate, what they have cost.

Who moves a wave: `loading` (begin is writing its list) -> `planned` (waits for its turn) -> `running` -> `gated` (all
sent, the gate waits) -> `done`; `paused` from running and gated and back; `cancelled` from anywhere but done. Every
move names the states it comes from, so that two movers cannot both succeed. Refuses to decide when to move.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.delivery.pacing import Bucket
from engine.delivery.plan import Wave
from engine.delivery.waves import PlannedWave
from engine.store.session import inserting
from engine.store.tables import cases, chunks, sent_segments, waves

WaveState = Literal["loading", "planned", "running", "gated", "paused", "done", "cancelled"]
ENDED = ("done", "cancelled")
AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class WaveRow:
    """One wave over one channel. `file` is its list, relative to the data folder; `account` the budget that pays;
    `variant` the text that it goes out with, where the test of an earlier wave has found it."""

    id: str
    case_id: str
    position: int
    name: str
    channel: str
    state: WaveState
    audience: int
    plan: Wave
    file: str
    started_at: datetime | None
    finished_at: datetime | None
    gate_until: datetime | None
    held_because: str
    bucket: Bucket | None
    segments: int
    let_go_by: str = ""
    account: str = ""
    variant: str = ""

    @property
    def parts(self) -> str:
        """The folder of a hand-off's parts, relative to the data folder."""
        return self.file.removesuffix(".parquet") + "-parts"

    @property
    def hand_off(self) -> str:
        """The file of a hand-off, relative to the data folder."""
        return self.file.removesuffix(".parquet") + ".csv"


@dataclass(frozen=True, slots=True)
class WaveSpan:
    """When a wave was begun and ended, and for how many."""

    channel: str
    audience: int
    started_at: datetime | None
    finished_at: datetime | None


def wave_id(case_id: str, position: int, epoch: int = 0) -> str:
    """The id of a wave: "<case>-w<position>", and after a restore "<case>-e<epoch>w<position>": a gateway remembers the
    messages of a wave that the older copy knows nothing of, and must not take the new ones for them."""
    return f"{case_id}-{f'e{epoch}' if epoch else ''}w{position}"


def case_of(wave: str) -> str:
    """The case of a wave, by its id."""
    return wave.rpartition("-")[0]


def enter(
    tx: Connection, case_id: str, planned: Iterable[PlannedWave], folder: PurePosixPath, *, epoch: int = 0
) -> None:
    """Write the waves of a case, as `loading`. Those that are there already stay as they are."""
    rows = [
        {
            "id": wave_id(case_id, one.position, epoch),
            "case_id": case_id,
            "position": one.position,
            "name": one.wave.name,
            "channel": one.channel,
            "state": "loading",
            "audience": one.size,
            "plan": one.wave.model_dump_json(by_alias=True),
            "folder": str(folder / one.file),
        }
        for one in planned
    ]
    if rows:
        tx.execute(inserting(tx, waves).on_conflict_do_nothing(), rows)


def of_case(tx: Connection, case_id: str) -> tuple[WaveRow, ...]:
    """The waves of a case, in order."""
    chosen = sa.select(waves).where(waves.c.case_id == case_id).order_by(waves.c.position)
    return tuple(_wave(row) for row in tx.execute(chosen).mappings())


def of_cases(tx: Connection, case_ids: Sequence[str]) -> Mapping[str, tuple[WaveRow, ...]]:
    """The waves of several cases, each in order; cases without any are left out."""
    found: dict[str, list[WaveRow]] = {}
    chosen = sa.select(waves).where(waves.c.case_id.in_(case_ids)).order_by(waves.c.case_id, waves.c.position)
    for row in tx.execute(chosen).mappings():
        found.setdefault(row["case_id"], []).append(_wave(row))
    return {case_id: tuple(rows) for case_id, rows in found.items()}


def spans(tx: Connection, case_ids: Sequence[str]) -> Mapping[str, list[WaveSpan]]:
    """Of the waves of many cases that were not cancelled what sums over them need, by case."""
    found: dict[str, list[WaveSpan]] = {}
    one = waves.c
    columns = (one.case_id, one.channel, one.audience, one.started_at, one.finished_at)
    for first in range(0, len(case_ids), AT_ONCE):
        some = case_ids[first : first + AT_ONCE]
        chosen = sa.select(*columns).where(one.case_id.in_(some), one.state != "cancelled")
        for case_id, *rest in tx.execute(chosen):
            found.setdefault(case_id, []).append(WaveSpan(*rest))
    return found


def recent(tx: Connection, since: datetime) -> tuple[WaveRow, ...]:
    """The waves that were started since then, or are under way, the newest first."""
    chosen = sa.select(waves).where(waves.c.started_at >= since).order_by(waves.c.started_at.desc(), waves.c.id)
    return tuple(_wave(row) for row in tx.execute(chosen).mappings())


def running(tx: Connection) -> tuple[WaveRow, ...]:
    """The running waves of cases that are delivering (not paused meanwhile), the longest running first."""
    chosen = (
        sa.select(waves)
        .join(cases, cases.c.id == waves.c.case_id)
        .where(waves.c.state == "running", cases.c.state == "delivering")
        .order_by(waves.c.started_at, waves.c.id)
    )
    return tuple(_wave(row) for row in tx.execute(chosen).mappings())


def files(tx: Connection) -> tuple[str, ...]:
    """The files of all waves, relative to the data folder."""
    return tuple(tx.execute(sa.select(waves.c.folder)).scalars())


def cases_under_way(tx: Connection) -> tuple[str, ...]:
    """The cases with a wave that has begun and a case that is still delivering or paused."""
    chosen = (
        sa.select(waves.c.case_id)
        .join(cases, cases.c.id == waves.c.case_id)
        .where(cases.c.state.in_(("delivering", "paused")))
        .distinct()
        .order_by(waves.c.case_id)
    )
    return tuple(tx.execute(chosen).scalars())


def ending(tx: Connection) -> tuple[str, ...]:
    """The cancelled waves that somebody was sending when they were: a chunk of each is still open."""
    chosen = sa.select(chunks.c.wave).join(waves, waves.c.id == chunks.c.wave).distinct()
    chosen = chosen.where(chunks.c.state != "done", waves.c.state == "cancelled").order_by(chunks.c.wave)
    return tuple(tx.execute(chosen).scalars())


def let_go(tx: Connection, wave: str, *, by: str) -> None:
    """Write down who gave the go that the plan asks for."""
    tx.execute(sa.update(waves).where(waves.c.id == wave).values(let_go_by=by, held_because=""))


def follow_test(tx: Connection, case_id: str, tested: str, variant: str) -> tuple[str, ...]:
    """Write down with which text the waves go out that wait for the test of the wave called `tested`; their ids."""
    follow = [row.id for row in of_case(tx, case_id) if row.plan.winner_of == tested and not row.variant]
    tx.execute(sa.update(waves).where(waves.c.id.in_(follow)).values(variant=variant, held_because=""))
    return tuple(follow)


def lock(tx: Connection, wave: str) -> WaveRow | None:
    """The wave, locked until the transaction ends: claims, marks and receipts of one wave pass one by one, which keeps
    them from waiting for each other in a circle."""
    chosen = sa.select(waves).where(waves.c.id == wave).with_for_update(key_share=True)
    row = tx.execute(chosen).mappings().one_or_none()
    return None if row is None else _wave(row)


def lock_all(tx: Connection, some: Iterable[str]) -> tuple[WaveRow, ...]:
    """Those of the waves that there are, locked in the one order that everybody keeps to who locks several in one
    transaction: else two of them would wait for each other."""
    locked = [lock(tx, wave) for wave in sorted(set(some))]
    return tuple(wave for wave in locked if wave is not None)


def move(
    tx: Connection, wave: str, *, to: WaveState, come_from: Iterable[WaveState], **columns: datetime | str | None
) -> bool:
    """Move a wave and set `columns`; False when it is in none of the states it should come from."""
    statement = sa.update(waves).where(waves.c.id == wave, waves.c.state.in_(tuple(come_from)))
    return tx.execute(statement.values(state=to, **columns)).rowcount == 1


def note(tx: Connection, wave: str, held_because: str) -> None:
    """Say why the wave is held, or that it no longer is."""
    tx.execute(sa.update(waves).where(waves.c.id == wave).values(held_because=held_because))


def keep_bucket(tx: Connection, wave: str, bucket: Bucket) -> None:
    """Store the token bucket of the wave's rate."""
    tokens = bucket.tokens.quantize(Decimal("0.001"))
    tx.execute(sa.update(waves).where(waves.c.id == wave).values(tokens=tokens, tokens_at=bucket.at))


def add_segments(tx: Connection, wave: str, segments: int, *, day: date) -> None:
    """Count what the gateway accepted and will be paid for, and on which day of the house it was."""
    tx.execute(sa.update(waves).where(waves.c.id == wave).values(segments=waves.c.segments + segments))
    fresh = inserting(tx, sent_segments).values(wave=wave, day=day.isoformat(), segments=segments)
    more = {"segments": sent_segments.c.segments + fresh.excluded.segments}
    tx.execute(fresh.on_conflict_do_update(index_elements=["wave", "day"], set_=more))


def _wave(row: Mapping[Any, Any]) -> WaveRow:
    bucket = None if row["tokens_at"] is None else Bucket(Decimal(row["tokens"]), row["tokens_at"])
    return WaveRow(
        id=row["id"],
        case_id=row["case_id"],
        position=row["position"],
        name=row["name"],
        channel=row["channel"],
        state=row["state"],
        audience=row["audience"],
        plan=Wave.model_validate_json(row["plan"]),
        file=row["folder"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        gate_until=row["gate_until"],
        held_because=row["held_because"],
        bucket=bucket,
        segments=row["segments"],
        let_go_by=row["let_go_by"],
        account=row["account"],
        variant=row["variant"],
    )

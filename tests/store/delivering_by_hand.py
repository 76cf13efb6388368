"""A case with one loaded, running wave, written straight into the tables: what the ledger's tests start from."""

from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.delivery.plan import DeliveryPlan
from engine.delivery.waves import PlannedWave, chunk_size, chunks, divide
from engine.store import chunks as chunk_rows
from engine.store import ledger, waves
from engine.store.session import Database
from engine.store.tables import cases

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
CASE = "c1"
WAVE = "c1-w1"


def plan(**wave: Any) -> DeliveryPlan:
    """A plan of one wave by SMS, changed by `wave`."""
    return DeliveryPlan.model_validate(
        {"waves": [{"name": "main", "share": "rest", "channel": "sms", "chunk": 10} | wave], "message": "您好"}
    )


def enter_case(tx: Connection, case_id: str = CASE, state: str = "delivering") -> None:
    """A row in `cases`, as far as the ledger's foreign keys need it."""
    row = {
        "id": case_id,
        "definition": "test",
        "version": 1,
        "fingerprint": "f",
        "office": "1",
        "submitter": "li",
        "state": state,
        "round": 1,
        "seq": 1,
        "body": "{}",
        "head": "",
        "created_at": NOW,
        "updated_at": NOW,
    }
    tx.execute(sa.insert(cases).values(row))


def enter_wave(db: Database, size: int, **wave: Any) -> tuple[PlannedWave, ...]:
    """The case with its wave of `size` customers named k00000, k00001, ..., running."""
    planned = divide(size, plan(**wave).waves)
    with db.begin() as tx:
        enter_case(tx)
        waves.enter(tx, CASE, planned, PurePosixPath("cases/c1/waves"))
        for one in planned:
            name = waves.wave_id(CASE, one.position)
            rows = (ledger.Recipient(row, f"k{row:05}", "base") for row in range(one.size))
            ledger.load(tx, name, CASE, one.channel, rows)
            chunk_rows.enter(tx, name, chunks(one.size, chunk_size(one.wave)))
            waves.move(tx, name, to="planned", come_from=("loading",))
            waves.move(tx, name, to="running", come_from=("planned",), started_at=NOW)
    return planned


def states(db: Database, wave: str = WAVE) -> list[str]:
    """The states of the wave's rows, in order."""
    with db.read() as tx:
        chosen = sa.text('SELECT state FROM recipients WHERE wave = :wave ORDER BY "row"')
        return list(tx.execute(chosen, {"wave": wave}).scalars())

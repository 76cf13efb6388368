"""Holds all sending in a database that was restored from an older copy, until a person releases it.

An older copy does not know what went out after it was made, and would send it again. So this machine remembers in
`home/lineage.json` how far the database had come: a row that is behind it is an older copy. The file is read before the
row moves on and written after that, so that processes beside each other never take each other for one. What
`countersign database restore` wrote is held in any case. Refuses to judge another database: each is known by its name.
"""

import json
import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy import Connection

from engine.errors import Invalid, Problem, Refused
from engine.service.app import Countersign
from engine.service.recording import By, changing
from engine.settings import Settings
from engine.store import lineage, links, snapshots, waves

FILE = "lineage.json"
EVERY = 1.0  # seconds for which an answer holds: so much of what is sent can be behind the mark
BEHIND = "this database is an older copy: more was sent than it knows of"
RESTORED = "it was restored from a backup"
LONGEST_REASON = 200

log = structlog.get_logger()


class NotHeld(Refused):
    """Nothing is held: what is due is sent."""


@dataclass(frozen=True, slots=True)
class Held:
    """Since when nothing is sent, and why."""

    at: datetime
    because: str


def may_send(app: Countersign) -> bool:
    """Whether anything may be sent now. Asked before every batch; finds out by itself that the copy is an older one."""
    if time.monotonic() < app.may_send_until:
        return True
    known = _known(app.settings)
    with app.db.begin() as tx:
        row = lineage.begin(tx)
        if row.held_at is not None:
            return False
        if row.place < known.get(row.name, (0, 0)):
            _hold(tx, BEHIND, app.now())
            log.error("sending_held", because=BEHIND, release="countersign database release")
            return False
        lineage.advance(tx)
    _remember(app.settings, row.name, (row.epoch, row.mark + 1))
    app.may_send_until = time.monotonic() + EVERY
    return True


def held(app: Countersign) -> Held | None:
    """The hold that is in force; None where what is due is sent. Looks only."""
    with app.db.read() as tx:
        return held_in(tx)


def held_in(tx: Connection) -> Held | None:
    """As `held`, in a transaction at hand."""
    row = lineage.find(tx)
    return None if row is None or row.held_at is None else Held(row.held_at, row.held_because)


def hold(app: Countersign, because: str = RESTORED) -> int:
    """Hold all sending, for a database that was just restored; links that were mailed before are void. How many."""
    with app.db.begin() as tx:
        lineage.begin(tx)
        count = _hold(tx, because, app.now())
    app.may_send_until = 0.0
    return count


def release(app: Countersign, by: By, reason: str) -> int:
    """Let sending go on, in a new epoch, with who said so and why; the number of the epoch. NotHeld where nothing is
    held. Lists and waves that only the lost time knows are put aside first, so that none is taken for one of now."""
    said = reason.strip()
    if not said or len(said) > LONGEST_REASON:
        raise Invalid([Problem("reason_missing", f"say why, in at most {LONGEST_REASON} signs", at="reason")])
    known = _known(app.settings)
    with changing(app, by, "operation.act") as change:
        row = lineage.begin(change.tx)
        if change.done_before():
            return row.epoch
        if row.held_at is None:
            raise NotHeld()
        epoch = max(row.epoch, known.get(row.name, (0, 0))[0]) + 1
        aside = _put_aside(change.tx, app.settings, epoch)
        lineage.release(change.tx, epoch)
        told = {"since": row.held_at.isoformat(), "because": row.held_because}
        change.note("sending_released", "sending", before=told, after={"epoch": epoch, "aside": aside}, reason=said)
    _remember(app.settings, row.name, (epoch, row.mark + 1))
    return epoch


def epoch_in(tx: Connection) -> int:
    """The epoch, for names that a gateway remembers."""
    row = lineage.find(tx)
    return row.epoch if row else 0


def _hold(tx: Connection, because: str, at: datetime) -> int:
    lineage.hold(tx, because, at)
    return links.begin_epoch(tx, at)


def _put_aside(tx: Connection, settings: Settings, epoch: int) -> int:
    """Rename lists and waves of the data folder that no row names; how many. They are kept, and found by an erasure."""
    listed = {*snapshots.folders(tx), *(file.partition(".")[0] for file in waves.files(tx))}
    cases = settings.data / "cases"
    found = [*cases.glob("*/r[0-9]*"), *cases.glob("*/waves/[0-9]*")]
    lost = [path for path in found if _bare(path.relative_to(settings.data)) not in listed]
    for path in lost:
        path.rename(path.with_name(f"lost{epoch}-{path.name}"))
    return len(lost)


def _bare(path: Path) -> str:
    """A frozen list's folder, or a wave's file, parts and hand-off without what tells them apart."""
    return str(path.with_name(path.name.partition(".")[0].removesuffix("-parts")).as_posix())


def _known(settings: Settings) -> dict[str, tuple[int, int]]:
    """By the name of a database how far it had come when this machine last sent something; empty where never."""
    try:
        read = json.loads((settings.home / FILE).read_text())
        return {str(name): (int(epoch), int(mark)) for name, (epoch, mark) in read.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError, TypeError):
        log.error("lineage_unreadable", file=FILE)
        return {}


def _remember(settings: Settings, name: str, place: tuple[int, int]) -> None:
    known = _known(settings)
    if known.get(name, (-1, -1)) >= place:
        return  # a process beside this one was faster
    path = settings.home / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{FILE}-{secrets.token_hex(4)}")
    fresh.write_text(json.dumps({**known, name: place}))
    fresh.replace(path)

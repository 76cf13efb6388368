"""The figures of the installation for a monitoring system, and whether all of it is ready to work.

Refuses to say who or where: neither customers nor people nor offices, and no address of a gateway or server.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine.errors import CountersignError
from engine.service import alarms, restoring, watching, whereabouts
from engine.service.alarms import Standing
from engine.service.app import Countersign
from engine.service.sealing import dataset_of
from engine.store import circuits, figures, operation, parked
from engine.store.figures import Aged, Backlog, WaveSum
from engine.store.session import newest_revision

LEAST_FREE = 0.05  # of the disk
OK = "ok"


@dataclass(frozen=True, slots=True)
class FlowAge:
    """How many seconds ago a flow or a further worker looked; `fails`: its last round did."""

    name: str
    seconds: float
    fails: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that is counted at one moment."""

    at: datetime
    cases: tuple[tuple[str, int, int], ...]
    tasks: Aged
    effects: Aged
    effect_counts: dict[str, int]
    messages: Aged
    timers: dict[str, int]
    waves: tuple[WaveSum, ...]
    backlog: tuple[Backlog, ...]
    parked: int
    in_doubt: int
    down: tuple[str, ...]
    flows: tuple[FlowAge, ...]
    workers: tuple[FlowAge, ...]
    standing: tuple[Standing, ...]
    is_held: bool
    database_size: int


@dataclass(frozen=True, slots=True)
class Readiness:
    """Each part with `ok`, or in a few words what is wrong with it."""

    is_ready: bool
    parts: dict[str, str]


def counted(app: Countersign) -> Figures:
    """The figures of now, from one snapshot."""
    now = app.now()
    with app.db.read() as tx:
        ages = [FlowAge(name, (now - at).total_seconds(), bool(error)) for name, at, error in figures.last_rounds(tx)]
        sums = figures.sums_under_way(tx)
        return Figures(
            at=now,
            cases=figures.cases_by_state(tx),
            tasks=figures.open_tasks(tx),
            effects=figures.waiting_effects(tx),
            effect_counts=operation.effect_counts(tx),
            messages=figures.waiting_messages(tx),
            timers=operation.timer_counts(tx, now),
            waves=sums,
            backlog=figures.backlog(tx),
            parked=sum(parked.counts(tx).values()),
            in_doubt=sum(one.count for one in sums if one.state == "unknown"),
            down=tuple(one.name.partition(":")[0] for one in circuits.all_down(tx)),
            flows=tuple(one for one in ages if one.name in watching.FLOWS),  # others look once an hour or less
            workers=tuple(one for one in ages if one.name.startswith(watching.WORKER)),
            standing=alarms.standing(app, tx),
            is_held=restoring.held_in(tx) is not None,
            database_size=operation.size_of(tx),
        )


def readiness(app: Countersign) -> Readiness:
    """Every part that the work needs. Asks nobody outside; one that fails does not keep the others from being told."""
    parts: dict[str, str] = {}
    checks: dict[str, Callable[[Countersign], str]] = {
        "database": _database,
        "dataset": _dataset,
        "flows": _flows,
        "disk": _disk,
        "sending": _sending,
    }
    for name, check in checks.items():
        try:
            parts[name] = check(app)
        except (CountersignError, OSError, ValueError):
            parts[name] = "does not answer" if name != "dataset" else "cannot be read"
    return Readiness(all(said == OK for said in parts.values()), parts)


def _database(app: Countersign) -> str:
    with app.db.read() as tx:
        return OK if operation.schema_revision(tx) == newest_revision() else "its tables are of another release"


def _dataset(app: Countersign) -> str:
    """A house whose customers are elsewhere, and one that has none yet, is ready."""
    if whereabouts.place(app.settings) is not None:
        return OK
    dataset = dataset_of(app.settings)
    if not app.settings.data.exists():
        return OK
    tables = dataset.current().tables
    missing = [path for table in tables.values() for path in dataset.paths(table) if not Path(path).is_file()]
    return "files are missing" if missing else OK


def _flows(app: Countersign) -> str:
    with app.db.read() as tx:
        last = {name: at for name, at, _ in figures.last_rounds(tx)}
    quiet = [name for name in watching.FLOWS if name not in last or last[name] + watching.QUIET_AFTER < app.now()]
    return f"not running: {', '.join(quiet)}" if quiet else OK


def _disk(app: Countersign) -> str:
    for folder in (app.settings.home, app.settings.data):
        if folder.exists():
            usage = shutil.disk_usage(folder)
            if usage.free < usage.total * LEAST_FREE:
                return "nearly full"
    return OK


def _sending(app: Countersign) -> str:
    return "held after a restore" if restoring.held(app) else OK

"""What does not go on by itself: cases that stay too long where work is done for them, chunks that a worker left.

A case waits rightly while a timer is ahead of it or its waves go on; whatever else is older than the limit of its state
is an alarm, with the effect that can be tried again. Refuses to judge where people are asked: the inbox does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from engine.service.app import Countersign
from engine.store import figures
from engine.store.figures import Backlog

AN_HOUR = timedelta(hours=1)
LISTED = 50


@dataclass(frozen=True, slots=True)
class Standing:
    """A case that stands still. `effect` is the key of what can be tried again, empty where there is nothing; `error`:
    why it failed last."""

    case_id: str
    number: str
    title: str
    state: str
    since: datetime
    effect: str
    error: str


def limits(app: Countersign) -> Mapping[str, timedelta]:
    """How long a case stays in a state at most, unless something is ahead of it."""
    selection = timedelta(seconds=2 * app.settings.selection_seconds)
    return {"targeting": selection, "delivering": AN_HOUR, "evaluating": AN_HOUR}


def standing(app: Countersign, tx: Connection) -> tuple[Standing, ...]:
    """The first of the cases that stand still, the longest first."""
    now = app.now()
    found = figures.standing_since(tx, {state: now - limit for state, limit in limits(app).items()}, 4 * LISTED)
    ids = [one.id for one in found]
    if not ids:
        return ()
    ahead, moving, left = figures.has_ahead(tx, ids, now), figures.moving_waves(tx, ids), figures.left_effects(tx, ids)
    still = [one for one in found if one.id not in ahead and not (one.state == "delivering" and one.id in moving)]
    return tuple(
        Standing(one.id, one.number, one.title, one.state, one.since, *left.get(one.id, ("", "")))
        for one in still[:LISTED]
    )


def interrupted(tx: Connection) -> tuple[Backlog, ...]:
    """Waves with chunks that a worker left, or that something did not take."""
    return tuple(one for one in figures.backlog(tx) if one.expired or one.failing)

"""What does not go on by itself: cases that stay too long where work is done for them, steps at which people are asked
for longer than usual, chunks that a worker left.

How long is too long is learned from earlier cases of the definition (usual.py). A case waits rightly while a timer is
ahead of it or its waves go on; whatever else is older than the limit of its state is an alarm, with the effect that can
be tried again. A step is judged by its age alone; who is asked there is for the inbox and the case to say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from engine.machine.case import ProcessRef
from engine.service.app import Countersign
from engine.service.usual import ASKED, SHORTEST, SHORTEST_ASKED, Limit, limit, usual
from engine.store import figures, stays
from engine.store.figures import Backlog, StandingCase
from engine.values import NO_TEXT, Bilingual

AN_HOUR = timedelta(hours=1)
LISTED = 50
LOOKED_AT = 4 * LISTED


@dataclass(frozen=True, slots=True)
class Standing:
    """A case that stands still in a state, or people's step that takes too long: then `step` is its name and `label`
    what it is called. `limit` says how long is too long, and by what. `effect` is the key of what can be tried again,
    empty where there is nothing; `error`: why it failed last."""

    case_id: str
    number: str
    title: str
    state: str
    since: datetime
    limit: Limit
    effect: str = ""
    error: str = ""
    step: str = ""
    label: Bilingual = NO_TEXT


def limits(app: Countersign) -> Mapping[str, timedelta]:
    """How long a case stays in a state at most, as long as nobody knows what is usual."""
    selection = timedelta(seconds=2 * app.settings.selection_seconds)
    return {"targeting": selection, "delivering": AN_HOUR, "evaluating": AN_HOUR}


def standing(app: Countersign, tx: Connection) -> tuple[Standing, ...]:
    """The first of the cases that stand still, the longest first; then the steps that take too long."""
    return (*_in_states(app, tx)[:LISTED], *_at_steps(app, tx)[:LISTED])


def _in_states(app: Countersign, tx: Connection) -> list[Standing]:
    now = app.now()
    found = figures.standing_since(tx, dict.fromkeys(limits(app), now - SHORTEST), LOOKED_AT)
    still = _that_wait(tx, found, now)
    if not still:
        return []
    ids = [one.id for one in still]
    came = {(one.case_id, one.state): one.at for one in stays.entered(tx, ids)}
    left = figures.left_effects(tx, ids)
    told = []
    for one in still:
        took = usual(app, tx, one.definition).states.get(one.state, ())
        most = limit(took, fixed=limits(app)[one.state], shortest=SHORTEST)
        entered = came.get((one.id, one.state), one.since)
        if now - (entered if most.basis == "usual" else one.since) > most.after:
            effect, error = left.get(one.id, ("", ""))
            told.append(Standing(one.id, one.number, one.title, one.state, entered, most, effect, error))
    return sorted(told, key=lambda one: one.since)


def _that_wait(tx: Connection, found: Sequence[StandingCase], now: datetime) -> list[StandingCase]:
    ids = [one.id for one in found]
    if not ids:
        return []
    ahead, moving = figures.has_ahead(tx, ids, now), figures.moving_waves(tx, ids)
    return [one for one in found if one.id not in ahead and not (one.state == "delivering" and one.id in moving)]


def _at_steps(app: Countersign, tx: Connection) -> list[Standing]:
    now, told = app.now(), []
    for one in stays.asked_since(tx, now - SHORTEST_ASKED, LOOKED_AT):
        took = usual(app, tx, one.definition).steps.get(one.step, ())
        most = limit(took, fixed=ASKED, shortest=SHORTEST_ASKED)
        if now - one.since > most.after:
            label = app.process(ProcessRef(one.definition, one.version, one.fingerprint), tx).label(one.step)
            case = (one.case_id, one.number, one.title, one.state, one.since)
            told.append(Standing(*case, most, step=one.step, label=label))
    return told


def interrupted(tx: Connection) -> tuple[Backlog, ...]:
    """Waves with chunks that a worker left, or that something did not take."""
    return tuple(one for one in figures.backlog(tx) if one.expired or one.failing)

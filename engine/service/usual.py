"""How long is too long: by what earlier cases of the same definition took in the same state or step, else by a fixed
limit.

Nine in ten of the earlier ones took at most so long (the nearest rank of the 90th percentile); the alarm comes after
twice that. Refuses to learn from fewer than 20.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Literal

from sqlalchemy import Connection

from engine.service.app import Countersign
from engine.store import stays

LEAST = 20
FACTOR = 2
SHORTEST = timedelta(minutes=10)
"""No alarm of a state comes sooner: a flow may be between two runs."""
SHORTEST_ASKED = timedelta(days=1)
"""The same where people are asked: they have other work, and a night."""
ASKED = timedelta(days=30)
"""The fixed limit of a step at which people are asked."""
LEARNED_FOR = timedelta(minutes=10)
Basis = Literal["usual", "fixed"]


@dataclass(frozen=True, slots=True)
class Limit:
    """How long at most, and why. `basis` usual: `most_took` is what nine in ten of `earlier` cases took at most, and
    `after` is twice that, or the shortest there is; fixed: there are too few earlier ones."""

    after: timedelta
    basis: Basis
    earlier: int
    most_took: timedelta | None


@dataclass(frozen=True, slots=True)
class Usual:
    """What earlier cases of a definition took, by state and by step, as it was learned at a moment."""

    at: datetime
    states: Mapping[str, Sequence[timedelta]]
    steps: Mapping[str, Sequence[timedelta]]


def usual(app: Countersign, tx: Connection, definition: str) -> Usual:
    """What is usual for the cases of a definition; learned again after ten minutes."""
    now, known = app.now(), app.usual.get(definition)
    if known is None or not timedelta() <= now - known.at < LEARNED_FOR:
        known = Usual(now, stays.in_states(tx, definition), stays.at_steps(tx, definition))
        app.usual[definition] = known
    return known


def limit(took: Sequence[timedelta], *, fixed: timedelta, shortest: timedelta) -> Limit:
    """The limit by what earlier ones took, `fixed` where they are too few."""
    if len(took) < LEAST:
        return Limit(fixed, "fixed", len(took), None)
    most = ninth_tenth(took)
    return Limit(max(FACTOR * most, shortest), "usual", len(took), most)


def ninth_tenth(took: Sequence[timedelta]) -> timedelta:
    """The smallest of them that at least nine in ten do not exceed."""
    return sorted(took)[ceil(len(took) * 9 / 10) - 1]

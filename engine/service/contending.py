"""Who takes part in an arbitration: submitted cases that want customers in its period and have no frozen list yet.

A case takes part by leaving out whom it loses (`remove: [arbitration]`). Refuses to say who gets whom.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from engine.audience.policy import Approach, ContactPolicy
from engine.definition.model import Definition
from engine.machine.case import Case
from engine.service import permits
from engine.service.app import Countersign
from engine.store import arbitrations, cases
from engine.store import permits as permit_rows
from engine.values import canonical_json
from engine.warehouse.arbitrating import Taken
from engine.warehouse.freeze import LIST


@dataclass(frozen=True, slots=True)
class Contestant:
    """A case of the contest. `seen` changes when its form or its round does."""

    case: Case
    contact: Approach
    priority: int
    seen: str


@dataclass(frozen=True, slots=True)
class OnTheWay:
    """A frozen list whose case still makes contacts, and how many of them it has not made."""

    taken: Taken
    open: int


@dataclass(frozen=True, slots=True)
class Room:
    """What a channel carries in the days of a run, and how much of it is gone before."""

    channel: str
    a_day: int
    days: int
    used: int

    @property
    def left(self) -> int:
        """How many contacts are left for the cases of the run."""
        return max(0, self.a_day * self.days - self.used)


def contestants(app: Countersign, tx: Connection, since: date, until: date) -> tuple[Contestant, ...]:
    """The cases of the days from `since` to `until`, both included; one without days of its own is always among
    them."""
    lines = arbitrations.asking(tx)
    arbitrated = {line.process for line in lines if takes_part(app.definition(line.process))}
    loaded = cases.load_many(tx, [line.id for line in lines if line.process in arbitrated])
    return tuple(one for one in (_contestant(app, case, since, until) for case in loaded) if one is not None)


def takes_part(definition: Definition) -> bool:
    """Whether cases of the definition take part."""
    return definition.audience is not None and definition.audience.is_arbitrated


def seen(case: Case) -> str:
    """A digest of what a run saw of a case."""
    said = {"form": case.form, "round": case.round, "definition": case.process.fingerprint}
    return hashlib.sha256(canonical_json(said)).hexdigest()


def on_the_way(app: Countersign, tx: Connection) -> tuple[OnTheWay, ...]:
    """The frozen lists of all cases that still make contacts, whether they took part in an arbitration or not."""
    found = []
    for row in arbitrations.taken(tx):
        case = cases.load(tx, row.case_id)
        definition = app.definition(case.process)
        if definition.delivery is None:
            continue
        contact = _contact(definition, case)
        made = arbitrations.held_of(tx, case.id, contact.channel)
        listed = app.settings.data.resolve() / row.folder / LIST
        found.append(OnTheWay(Taken(listed, case.number or case.id, contact), max(0, row.target - made)))
    return tuple(found)


def rooms(
    tx: Connection, policy: ContactPolicy, taken: tuple[OnTheWay, ...], *, since: date, until: date, zone: ZoneInfo
) -> tuple[Room, ...]:
    """What each channel with a capacity has left in these days."""
    began = datetime.combine(since, datetime.min.time(), zone)
    days = (until - since).days + 1
    return tuple(
        Room(
            channel,
            most,
            days,
            permit_rows.count(tx, channel, began)
            + sum(one.open for one in taken if one.taken.contact.channel == channel),
        )
        for channel, most in sorted(policy.capacity.items())
    )


def _contestant(app: Countersign, case: Case, since: date, until: date) -> Contestant | None:
    definition = app.definition(case.process)
    plan = definition.audience
    window = definition.proposal.window(case.form)
    if plan is None or (window is not None and (window[1] < since or window[0] > until)):
        return None
    priority = plan.arbitration.priority_in(case.form) if plan.arbitration else 0
    return Contestant(case, _contact(definition, case), priority, seen(case))


def _contact(definition: Definition, case: Case) -> Approach:
    """The contact that most of its customers get: that of the last wave, over the first of its channels."""
    waves = definition.delivery.waves if definition.delivery else ()
    return permits.approach(definition, case.form, waves[-1].channel[0] if waves else "")


def path_in(folder: Path, place: int) -> Path:
    """Where the list of a contestant is written."""
    return folder / f"wish-{place}"

"""The history of a case: append-only entries, each sealed with the hash of the one before.

An entry keeps the command and its events as the bytes that were hashed; `verify` computes every hash again and names
the first entry that does not fit. Refuses to change or remove anything; triggers in the database refuse it too.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from engine.machine.case import Case
from engine.machine.commands import AnyCommand
from engine.machine.outcome import AnyEvent
from engine.machine.replay import replay
from engine.store.tables import cases, history
from engine.values import canonical_json

BEGINNING = "0" * 64


class Body(msgspec.Struct, frozen=True):
    """What was asked and what happened."""

    command: AnyCommand
    events: tuple[AnyEvent, ...]


_read_body = msgspec.json.Decoder(Body).decode
_read_case = msgspec.json.Decoder(Case).decode


class Entry(msgspec.Struct, frozen=True, dict=True):
    """One entry as stored. `seq` counts from 1; `body` is canonical JSON; `hash` seals everything else here."""

    case_id: str
    seq: int
    at: datetime
    kind: str
    actor: str
    on_behalf_of: str
    via: str
    body: str
    previous: str
    hash: str

    @cached_property
    def read(self) -> Body:
        """The body, decoded."""
        return _read_body(self.body)

    @property
    def command(self) -> AnyCommand:
        """What was asked."""
        return self.read.command

    @property
    def events(self) -> tuple[AnyEvent, ...]:
        """What happened."""
        return self.read.events


@dataclass(frozen=True, slots=True)
class Broken:
    """The first entry of a case that does not fit its chain, and why."""

    case_id: str
    seq: int
    reason: str


def sealed(
    *, case_id: str, seq: int, at: datetime, command: AnyCommand, events: Sequence[AnyEvent], previous: str
) -> Entry:
    """The entry for `command`, sealed onto the hash `previous`."""
    body = canonical_json({"command": command, "events": events}).decode()
    who = (type(command).__name__, command.actor, command.on_behalf_of, command.via)
    return Entry(case_id, seq, at, *who, body, previous, _seal((previous, case_id, seq), at, who, body))


def load(tx: Connection, case_id: str) -> tuple[Entry, ...]:
    """All entries of a case, oldest first; empty for an unknown case."""
    query = sa.select(history).where(history.c.case_id == case_id).order_by(history.c.seq)
    return tuple(Entry(*row) for row in tx.execute(query))


def last_by(tx: Connection, case_id: str, person: str) -> int:
    """The newest entry that `person` wrote in a case; 0 where there is none."""
    query = sa.select(sa.func.max(history.c.seq)).where(history.c.case_id == case_id, history.c.actor == person)
    return tx.execute(query).scalar_one() or 0


def is_moved_on(tx: Connection, case_id: str, since: int, person: str) -> bool:
    """Whether anybody but `person` did something with a case after entry `since`; deadlines do not count."""
    later = sa.and_(history.c.case_id == case_id, history.c.seq > since, history.c.actor.not_in((person, "system")))
    return bool(tx.execute(sa.select(sa.exists().where(later))).scalar_one())


_OF_A_CHANGE = (("type", "FormSaved"), ("why", "not_widened"))


def amended(tx: Connection, case_ids: Sequence[str]) -> frozenset[str]:
    """Those of these cases whose proposal an approver changed since it was last submitted."""
    # quotes in what people wrote are escaped, so this stands only where an event of that kind is
    saved, put_back = (history.c.body.contains(f'"{key}":"{what}"') for key, what in _OF_A_CHANGE)
    changed = sa.and_(history.c.kind == "Decide", saved, ~put_back)  # what is put back was approved before
    last = [sa.func.max(sa.case((what, history.c.seq), else_=0)) for what in (changed, history.c.kind == "Submit")]
    query = sa.select(history.c.case_id).where(history.c.case_id.in_(case_ids)).group_by(history.c.case_id)
    return frozenset(tx.execute(query.having(last[0] > last[1])).scalars()) if case_ids else frozenset()


def case_ids(tx: Connection) -> Sequence[str]:
    """Every case, in a fixed order."""
    return tx.execute(sa.select(cases.c.id).order_by(cases.c.id)).scalars().all()


def verify(tx: Connection, case_id: str) -> Broken | None:
    """The first bad entry of a case; None when the chain is whole and the case is what its history says."""
    entries = load(tx, case_id)
    previous = BEGINNING
    for seq, entry in enumerate(entries, start=1):
        if entry.seq != seq:
            return Broken(case_id, seq, f"entry {seq} is missing")
        if entry.previous != previous:
            return Broken(case_id, seq, "it does not follow the entry before it")
        if entry.hash != _hash(entry):
            return Broken(case_id, seq, "it was changed after it was written")
        previous = entry.hash
    query = sa.select(cases.c.head, cases.c.seq, cases.c.body).where(cases.c.id == case_id)
    case = tx.execute(query).one_or_none()
    if case is None or (case.head, case.seq) != (previous, len(entries)):
        return Broken(case_id, len(entries) + 1, "the case does not end with its newest entry")
    if replay(entries) != _read_case(case.body):
        return Broken(case_id, len(entries), "the case is not what its history says")
    return None


def _hash(entry: Entry) -> str:
    who = (entry.kind, entry.actor, entry.on_behalf_of, entry.via)
    return _seal((entry.previous, entry.case_id, entry.seq), entry.at, who, entry.body)


def _seal(place: tuple[str, str, int], at: datetime, who: tuple[str, ...], body: str) -> str:
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    # A JSON array, not joined text: no two entries can give the same bytes.
    header = canonical_json((*place, moment, *who))
    return hashlib.sha256(header + body.encode()).hexdigest()

"""The history of the organisation and of what administrators do: append-only, each entry sealed onto the one before.

One chain for all of it, so writers pass one by one (they hold the row of `organisation`). Only `forget` changes an
entry: it takes out an erased customer's number, and the entry keeps the hash that the next one follows. What it says
since is sealed by the certificate of the erasure, a later entry of the chain. Refuses every other change and removal;
triggers in the database refuse them too.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from engine.store.history import BEGINNING, Broken
from engine.store.tables import organisation, organisation_history
from engine.values import canonical_json

NAME = "organisation"  # what a checkpoint and a finding call this chain
READ_AT_ONCE = 5_000
ERASED = "customer_erased"
"""The kind of the entry that is a certificate of erasure; its `entries` are keyed seals of what it changed."""
Keyed = Callable[[str], tuple[str, ...]]
"""Seals with the secret key in force, and with earlier ones after it."""


@dataclass(frozen=True, slots=True)
class Note:
    """One change: its kind, whom or what it is about, what was and what is (JSON values, None where nothing)."""

    kind: str
    subject: str
    before: Any = None
    after: Any = None
    reason: str = ""


class Entry(msgspec.Struct, frozen=True):
    """One entry as stored; `hash` seals everything else here."""

    seq: int
    at: datetime
    kind: str
    actor: str
    via: str
    address: str
    subject: str
    body: str
    previous: str
    hash: str

    @property
    def said(self) -> Mapping[str, Any]:
        """before, after and reason, decoded."""
        told: dict[str, Any] = msgspec.json.decode(self.body)
        return told


_COLUMNS = tuple(organisation_history.c[name] for name in Entry.__struct_fields__)


def record(
    tx: Connection, notes: Sequence[Note], *, at: datetime, actor: str, via: str, address: str = "", key: str = ""
) -> int:
    """Write the notes down; the number of the newest entry. `key` goes with the first of them."""
    tx.execute(sa.select(organisation.c.id).with_for_update())
    last = tx.execute(_newest()).one_or_none()
    seq, previous = (last.seq, last.hash) if last else (0, BEGINNING)
    rows: list[dict[str, Any]] = []
    for note in notes:
        seq += 1
        body = canonical_json({"before": note.before, "after": note.after, "reason": note.reason}).decode()
        entry = Entry(seq, at, note.kind, actor, via, address[:60], note.subject[:80], body, previous, "")
        previous = _seal(entry)
        rows.append({**msgspec.structs.asdict(entry), "hash": previous, "key": None})
    if rows:
        rows[0]["key"] = key or None
        tx.execute(sa.insert(organisation_history), rows)
    return seq


def done_under(tx: Connection, key: str) -> Entry | None:
    """The entry that the key wrote; None where it wrote none yet."""
    query = sa.select(*_COLUMNS).where(organisation_history.c.key == key)
    row = tx.execute(query).one_or_none() if key else None
    return None if row is None else Entry(*row)


def about(tx: Connection, subject: str, limit: int = 20) -> tuple[Entry, ...]:
    """The newest entries about a subject."""
    query = sa.select(*_COLUMNS).where(organisation_history.c.subject == subject)
    return tuple(Entry(*row) for row in tx.execute(query.order_by(organisation_history.c.seq.desc()).limit(limit)))


def head(tx: Connection) -> tuple[int, str]:
    """The number and the hash of the newest entry; 0 and the beginning where there is none."""
    row = tx.execute(_newest()).one_or_none()
    return (row.seq, row.hash) if row else (0, BEGINNING)


def hash_of(tx: Connection, seq: int) -> str:
    """The hash of an entry; empty where there is none, the beginning for 0."""
    query = sa.select(organisation_history.c.hash).where(organisation_history.c.seq == seq)
    return BEGINNING if seq == 0 else (tx.execute(query).scalar_one_or_none() or "")


def forget(
    tx: Connection, *, subject: str, instead: str, words: Sequence[str], written: Callable[[str], str], keyed: Keyed
) -> dict[str, str]:
    """Take a customer out of every entry: `instead` becomes the subject, `written` what a body says. Number of the
    entry -> keyed seal of what it says now, for the certificate, which is recorded in the same transaction."""
    entry = organisation_history.c
    named = sa.or_(entry.subject == subject, *(entry.body.contains(word, autoescape=True) for word in words))
    seals: dict[str, str] = {}
    for row in tx.execute(sa.select(*_COLUMNS).where(named).order_by(entry.seq)).all():
        before = Entry(*row)
        after = instead if before.subject == subject else before.subject
        fresh = msgspec.structs.replace(before, subject=after, body=written(before.body))
        if fresh != before:
            here = sa.update(organisation_history).where(entry.seq == before.seq)
            tx.execute(here.values(subject=fresh.subject, body=fresh.body))
            seals[str(before.seq)] = keyed(_seal(fresh))[0]
    return seals


def verify(tx: Connection, keyed: Keyed) -> Broken | None:
    """The first bad entry; None when the chain is whole. What was cut off its end only a checkpoint shows. `keyed` as
    in `forget`: who can write the database alone cannot certify a change."""
    previous, seq = BEGINNING, 0
    broken: Broken | None = None
    changed: dict[int, str] = {}
    certified: dict[int, str] = {}
    query = sa.select(*_COLUMNS).order_by(organisation_history.c.seq).execution_options(yield_per=READ_AT_ONCE)
    for row in tx.execute(query):
        entry, seq = Entry(*row), seq + 1
        seal = _seal(entry)
        if broken is None:
            broken = _unfit(entry, seq, previous)
            if broken is None and entry.hash != seal:
                changed[seq] = seal
        if entry.hash == seal and entry.kind == ERASED:  # behind a break as well: an earlier entry may need it
            certified |= {int(number): one for number, one in entry.said["after"].get("entries", {}).items()}
        previous = entry.hash
    for number, seal in changed.items():
        if certified.get(number) not in keyed(seal):
            return Broken(NAME, number, "it was changed after it was written")
    return broken


def _unfit(entry: Entry, seq: int, previous: str) -> Broken | None:
    """Why the entry is not the one that should stand here."""
    if entry.seq != seq:
        return Broken(NAME, seq, f"entry {seq} is missing")
    if entry.previous != previous:
        return Broken(NAME, seq, "it does not follow the entry before it")
    return None


def certificates(tx: Connection) -> tuple[Entry, ...]:
    """The entries that are certificates of erasure, the oldest first."""
    query = sa.select(*_COLUMNS).where(organisation_history.c.kind == ERASED).order_by(organisation_history.c.seq)
    return tuple(Entry(*row) for row in tx.execute(query))


def _newest() -> sa.Select[Any]:
    newest = sa.select(organisation_history.c.seq, organisation_history.c.hash)
    return newest.order_by(organisation_history.c.seq.desc()).limit(1)


def _seal(entry: Entry) -> str:
    moment = entry.at.astimezone(UTC).isoformat(timespec="microseconds")
    place = (entry.previous, entry.seq, moment)
    header = canonical_json((*place, entry.kind, entry.actor, entry.via, entry.address, entry.subject))
    return hashlib.sha256(header + entry.body.encode()).hexdigest()

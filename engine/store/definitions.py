"""Definitions by fingerprint. A published text never changes: cases that run are pinned to its bytes."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.errors import NotPossible
from engine.store.session import inserting
from engine.store.tables import cases, definitions


@dataclass(frozen=True, slots=True)
class Published:
    """A published version of a definition."""

    name: str
    version: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Stored:
    """One version as it is kept, draft or published, with who wrote and who published it."""

    name: str
    version: int
    fingerprint: str
    source: str
    state: str
    author: str
    published_by: str | None
    published_at: datetime | None
    writers: str = ""
    retired_by: str | None = None
    retired_at: datetime | None = None
    retired_because: str = ""


@dataclass(frozen=True, slots=True)
class OfDefinition:
    """A case, and the version it is pinned to."""

    id: str
    number: str | None
    version: int
    state: str


ENDED = ("closed", "rejected", "withdrawn", "cancelled", "expired")
_STORED = tuple(getattr(definitions.c, one.name) for one in fields(Stored))


def save(
    tx: Connection, *, name: str, version: int, fingerprint: str, source: str, author: str, writers: str = ""
) -> None:
    """Keep a draft; saved again, it is replaced. `writers`: all who wrote it, the author at least. Raises NotPossible
    where the version is already published."""
    row = {"name": name, "version": version, "fingerprint": fingerprint, "source": source, "author": author}
    row["writers"] = writers or author
    upsert = inserting(tx, definitions).values({**row, "state": "draft"})
    replaced = upsert.on_conflict_do_update(
        index_elements=["name", "version"], set_=row, where=definitions.c.state == "draft"
    )
    if not tx.execute(replaced).rowcount:
        raise taken(name, version)


def publish(
    tx: Connection, *, name: str, version: int, fingerprint: str, source: str, author: str, by: str, at: datetime
) -> None:
    """Publish a text; twice is once. Raises NotPossible where another text is published under that version."""
    key = (definitions.c.name == name) & (definitions.c.version == version)
    known = tx.execute(sa.select(definitions.c.fingerprint, definitions.c.state).where(key)).one_or_none()
    if known and known.state != "draft":
        if known.fingerprint != fingerprint:
            raise taken(name, version)
        return
    if known is None or known.fingerprint != fingerprint:
        save(tx, name=name, version=version, fingerprint=fingerprint, source=source, author=author)
    tx.execute(sa.update(definitions).where(key).values(state="published", published_by=by, published_at=at))


def retire(tx: Connection, name: str, version: int, *, by: str, at: datetime, because: str) -> bool:
    """Start no more cases with it; False where it is not in force."""
    key = (definitions.c.name == name) & (definitions.c.version == version) & (definitions.c.state == "published")
    values = {"state": "retired", "retired_by": by, "retired_at": at, "retired_because": because}
    return bool(tx.execute(sa.update(definitions).where(key).values(values)).rowcount)


def source(tx: Connection, fingerprint: str) -> str | None:
    """The text with this fingerprint, draft or published, or None."""
    query = sa.select(definitions.c.source).where(definitions.c.fingerprint == fingerprint)
    return tx.execute(query).scalar_one_or_none()


def find(tx: Connection, name: str, version: int) -> Stored | None:
    """That version of `name`, draft or published, or None."""
    query = sa.select(*_STORED).where(definitions.c.name == name, definitions.c.version == version)
    row = tx.execute(query).one_or_none()
    return Stored(*row) if row is not None else None


def versions(tx: Connection, name: str = "") -> tuple[Stored, ...]:
    """Every version of every definition (or of `name`), by name and version."""
    query = sa.select(*_STORED).order_by(definitions.c.name, definitions.c.version)
    rows = tx.execute(query.where(definitions.c.name == name) if name else query)
    return tuple(Stored(*row) for row in rows)


def newest(tx: Connection, name: str) -> Published | None:
    """The newest published version of `name`, or None."""
    return next((one for one in all_newest(tx) if one.name == name), None)


def all_newest(tx: Connection) -> tuple[Published, ...]:
    """The newest published version of every definition, by name."""
    query = (
        sa.select(definitions.c.name, definitions.c.version, definitions.c.fingerprint)
        .where(definitions.c.state == "published")
        .order_by(definitions.c.name, definitions.c.version)
    )
    return tuple({row.name: Published(*row) for row in tx.execute(query)}.values())


def running_cases(tx: Connection, name: str) -> tuple[OfDefinition, ...]:
    """The cases of a definition that have not ended, oldest first."""
    return _cases(tx, cases.c.definition == name, cases.c.state.not_in(ENDED))


def all_cases(tx: Connection, name: str) -> tuple[OfDefinition, ...]:
    """The cases of a definition, oldest first."""
    return _cases(tx, cases.c.definition == name)


def _cases(tx: Connection, *conditions: sa.ColumnElement[bool]) -> tuple[OfDefinition, ...]:
    query = (
        sa.select(cases.c.id, cases.c.number, cases.c.version, cases.c.state)
        .where(*conditions)
        .order_by(cases.c.created_at, cases.c.id)
    )
    return tuple(OfDefinition(*row) for row in tx.execute(query))


def pin(tx: Connection, case_id: str, version: int, fingerprint: str) -> None:
    """Let the case's row name another version; its body follows with the history entry, in the same transaction."""
    row = sa.update(cases).where(cases.c.id == case_id)
    tx.execute(row.values(version=version, fingerprint=fingerprint))


def refuse_unraised(name: str, version: int, known: Iterable[Stored]) -> None:
    """NotPossible for a version below a published one of `known`: it would never be used, as new cases start with the
    newest."""
    newest = max((one.version for one in known if one.state != "draft"), default=0)
    if version <= newest:
        raise NotPossible(
            action=f"publish {name} version {version}",
            state=f"version {newest} is published",
            possible=f"write `version: {newest + 1}` in its text",
        )


def taken(name: str, version: int) -> NotPossible:
    """What is said where a version is another text already."""
    return NotPossible(
        action=f"publish {name} version {version}",
        state="another text is published under that version",
        possible="raise `version:` in its text",
    )

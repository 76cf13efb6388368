"""Sessions, remembered devices and failed sign-ins. Tokens are never stored, only their hashes (sha256)."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from engine.store.tables import devices, kept_forms, sessions, sign_in_tries


def add(
    tx: Connection,
    hashed: str,
    person: str,
    *,
    device: str = "",
    created_at: datetime,
    expires_at: datetime,
    authenticated_at: datetime | None = None,
    stage: str = "",
    address: str = "",
    browser: str = "",
    by_code: bool = False,
) -> None:
    """Open a session; the caller keeps the token of which `hashed` is the sha256."""
    row = {"hash": hashed, "person": person, "device": device, "created_at": created_at, "expires_at": expires_at}
    row |= {"authenticated_at": authenticated_at, "stage": stage, "address": address[:60], "browser": browser[:300]}
    row["by_code"] = by_code
    tx.execute(sa.insert(sessions).values({**row, "seen_at": created_at}))


def find(tx: Connection, hashed: str) -> Row[Any] | None:
    """The session's row, expired ones too; or None."""
    return tx.execute(sa.select(sessions).where(sessions.c.hash == hashed)).one_or_none()


def of(tx: Connection, person: str, now: datetime) -> tuple[Row[Any], ...]:
    """A person's running sessions, the last used first; those that still ask something are none."""
    running = (sessions.c.person == person) & (sessions.c.expires_at > now) & (sessions.c.stage == "")
    return tuple(tx.execute(sa.select(sessions).where(running).order_by(sessions.c.seen_at.desc(), sessions.c.hash)))


def touch(tx: Connection, hashed: str, *, seen_at: datetime, expires_at: datetime) -> None:
    """Prolong a session."""
    query = sa.update(sessions).where(sessions.c.hash == hashed)
    tx.execute(query.values(seen_at=seen_at, expires_at=expires_at))


def replace(tx: Connection, hashed: str, new: str, **changed: Any) -> bool:
    """Give a session another token, and perhaps another stage or times; False where it ended meanwhile."""
    query = sa.update(sessions).where(sessions.c.hash == hashed)
    return bool(tx.execute(query.values(hash=new, **changed)).rowcount)


def end(tx: Connection, hashed: str) -> None:
    """End a session; twice is once."""
    tx.execute(sa.delete(sessions).where(sessions.c.hash == hashed))


def end_of(tx: Connection, person: str, *, but: str = "") -> int:
    """End a person's sessions, all `but` the one of that hash; how many there were."""
    ended = (sessions.c.person == person) & (sessions.c.hash != but)
    return tx.execute(sa.delete(sessions).where(ended)).rowcount


def add_device(
    tx: Connection,
    hashed: str,
    person: str,
    *,
    created_at: datetime,
    expires_at: datetime,
    address: str = "",
    browser: str = "",
    by_code: bool = False,
) -> None:
    """Remember a device of a person."""
    row = {"hash": hashed, "person": person, "created_at": created_at, "expires_at": expires_at}
    row |= {"seen_at": created_at, "address": address[:60], "browser": browser[:300], "by_code": by_code}
    tx.execute(sa.insert(devices).values(row))


def find_device(tx: Connection, hashed: str) -> Row[Any] | None:
    """The device's row, expired ones too; or None."""
    return tx.execute(sa.select(devices).where(devices.c.hash == hashed)).one_or_none()


def devices_of(tx: Connection, person: str, now: datetime) -> tuple[Row[Any], ...]:
    """A person's remembered devices, the last used first."""
    known = (devices.c.person == person) & (devices.c.expires_at > now)
    return tuple(tx.execute(sa.select(devices).where(known).order_by(devices.c.seen_at.desc(), devices.c.hash)))


def touch_device(tx: Connection, hashed: str, seen_at: datetime) -> None:
    """The device was signed in on."""
    tx.execute(sa.update(devices).where(devices.c.hash == hashed).values(seen_at=seen_at))


def trust_device(tx: Connection, hashed: str) -> None:
    """More than a one-time code was given on the device."""
    tx.execute(sa.update(devices).where(devices.c.hash == hashed).values(by_code=False))


def forget_device(tx: Connection, person: str, hashed: str) -> None:
    """Forget one device of a person, and end the sessions on it."""
    tx.execute(sa.delete(sessions).where((sessions.c.person == person) & (sessions.c.device == hashed)))
    tx.execute(sa.delete(devices).where((devices.c.person == person) & (devices.c.hash == hashed)))


def forget_devices(tx: Connection, person: str, *, but: str = "") -> None:
    """Forget a person's devices, all `but` the one of that hash."""
    tx.execute(sa.delete(devices).where((devices.c.person == person) & (devices.c.hash != but)))


def note_try(tx: Connection, key: str, at: datetime) -> None:
    """A sign-in failed; `key` says for which name or address."""
    tx.execute(sa.insert(sign_in_tries).values(key=key, at=at))


def full_since(tx: Connection, key: str, limit: int, *, since: datetime) -> datetime | None:
    """When the first of the last `limit` failures for `key` was; None where there were fewer since then."""
    recent = (sign_in_tries.c.key == key) & (sign_in_tries.c.at >= since)
    last = sa.select(sign_in_tries.c.at).where(recent).order_by(sign_in_tries.c.at.desc())
    found: datetime | None = tx.execute(last.limit(1).offset(limit - 1)).scalar_one_or_none()
    return found


def forget_tries(tx: Connection, key: str, *, before: datetime) -> None:
    """Remove the failures for `key` before that moment."""
    tx.execute(sa.delete(sign_in_tries).where((sign_in_tries.c.key == key) & (sign_in_tries.c.at < before)))


def forget_expired(tx: Connection, person: str, now: datetime) -> None:
    """Remove a person's sessions and devices that expired; sessions a week later, so that a form that was sent from
    one is known to be theirs."""
    long_over = sessions.c.expires_at < now - timedelta(days=7)
    tx.execute(sa.delete(sessions).where((sessions.c.person == person) & long_over))
    tx.execute(sa.delete(devices).where((devices.c.person == person) & (devices.c.expires_at < now)))


def keep_form(tx: Connection, hashed: str, person: str, body: str, *, now: datetime, expires_at: datetime) -> None:
    """Keep a form that came without a session; those that nobody came back to are removed."""
    tx.execute(sa.delete(kept_forms).where(kept_forms.c.expires_at < now))
    tx.execute(sa.insert(kept_forms).values(hash=hashed, person=person, body=body, expires_at=expires_at))


def find_form(tx: Connection, hashed: str) -> Row[Any] | None:
    """person, body (encrypted), expires_at; or None."""
    return tx.execute(sa.select(kept_forms).where(kept_forms.c.hash == hashed)).one_or_none()

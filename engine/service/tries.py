"""Limits on wrong tries: of passwords, codes, and addresses with a secret in them. Only what was wrong counts.

An office often stands behind one address: there one person's typing must not lock the others out. So the narrow limit
is on a name from an address; the name alone and the address alone have wider ones, against guessing from many
addresses and through many names.
"""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import Connection

from engine.errors import TooManyTries
from engine.service.app import Countersign
from engine.store import sessions

WINDOW = timedelta(minutes=10)
OF_ONE = 8
OF_NAME = 40
OF_ADDRESS = 200
Limits = Mapping[str, int]


def of_sign_in(login: str, address: str, device: str | None) -> Limits:
    """The limits of a name from an address. On a device that its person signed in on before (`device` is its hash)
    the name is not limited, so that nobody can lock somebody out of their own device by guessing elsewhere."""
    if device:
        return {f"device:{device}": OF_ONE}
    return {
        f"{login[:50]}@{address[:60]}": OF_ONE,
        f"name:{login[:100]}": OF_NAME,
        f"address:{address[:100]}": OF_ADDRESS,
    }


def check(app: Countersign, tx: Connection, limits: Limits) -> None:
    """TooManyTries, with the moment from which on it may be tried again, where one of `limits` is reached."""
    now = app.now()
    full = [sessions.full_since(tx, key, most, since=now - WINDOW) for key, most in limits.items()]
    reached = [moment for moment in full if moment is not None]
    if reached:
        free = max(reached) + WINDOW
        until = free.replace(second=0, microsecond=0) + timedelta(minutes=1)
        raise TooManyTries(until=until, seconds=max(1, int((until - now).total_seconds())))


def look(app: Countersign, address: str, *, is_known: bool) -> None:
    """Somebody at `address` looks at a page with a secret in its address; one that nobody was given (not `is_known`)
    counts. TooManyTries after OF_ADDRESS of those, for known ones too, so that the answer tells no guess from another.
    """
    limits = {f"look:{address[:100]}": OF_ADDRESS}
    with app.db.read() as tx:
        check(app, tx, limits)
    if not is_known:
        with app.db.begin() as tx:
            note(app, tx, limits)


def note(app: Countersign, tx: Connection, limits: Limits) -> None:
    """It was wrong."""
    now = app.now()
    for key in limits:
        sessions.forget_tries(tx, key, before=now - WINDOW)
        sessions.note_try(tx, key, now)

"""Passwords: kept as argon2id, chosen by their person, reset by a link that works once.

Long rather than odd: ten signs at least, and nothing that guessing tries first (zxcvbn's lists of common passwords,
rows of the keyboard, dates). A link changes nothing when it is looked at: mail scanners do that.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, Row

from engine.errors import InvalidForm, NotFound, Problem, Refused
from engine.service import sealing, tries
from engine.service.app import Countersign
from engine.service.authorizing import authorize
from engine.service.recording import By, changing
from engine.service.sessions import digest, fresh
from engine.service.views import Viewer
from engine.store import credentials, keys, people, sessions
from engine.values import Language

SHORTEST, LONGEST = 10, 200
JUDGED = 72  # signs that zxcvbn looks at; what follows makes a password only better
EASY = 2  # its score from 0 to 4, below which a password falls to 10^6 guesses
_hasher = PasswordHasher()


class WrongPassword(Refused):
    """The name or the password is wrong."""

    status = 401


class WrongOldPassword(Refused):
    """The present password is wrong; nothing was changed."""

    status = 422


@dataclass(frozen=True, slots=True)
class Reset:
    """A link with which somebody chooses a new password. `token` is shown once and kept by nobody."""

    person: str
    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ResetFor:
    """Whose password a link is for."""

    person: str
    name: str
    language: Language


def hashed(password: str) -> str:
    """What is kept of a password."""
    return _hasher.hash(password)


def is_right(row: Row[Any] | None, password: str) -> bool:
    """Whether it is the password of an open account; as slow for unknown ones."""
    known = row is not None and row.active and bool(row.password_hash)
    return _verify(row.password_hash if row is not None and known else _nobody(), password[:LONGEST]) and known


def refuse_weak(password: str, again: str, *about: str) -> None:
    """InvalidForm with everything that is wrong with a new password; `about` are words it must not consist of."""
    problems = []
    if len(password) < SHORTEST:
        problems.append(Problem("password_short", "a password has 10 characters at least", at="new"))
    elif len(password) > LONGEST:
        problems.append(Problem("password_long", "a password has 200 characters at most", at="new"))
    elif _is_easy(password, about):
        problems.append(Problem("password_easy", "this password is among the first that are guessed", at="new"))
    if password != again:
        problems.append(Problem("password_again", "the two passwords are not the same", at="again"))
    if problems:
        raise InvalidForm(problems)


def unchanged() -> InvalidForm:
    """The new password is the one that was given."""
    return InvalidForm([Problem("password_same", "choose another password than the one you were given", at="new")])


def change(app: Countersign, viewer: Viewer, token: str, *, old: str, new: str, again: str, key: str = "") -> None:
    """Change the viewer's own password; their other sessions end, and their other devices are asked for it again. The
    same `key` again changes nothing.

    Raises WrongOldPassword, TooManyTries and InvalidForm; then nothing changed.
    """
    authorize(viewer, "account.keep")
    limits = {f"old:{viewer.person}": tries.OF_ONE}
    with app.db.begin() as tx:
        tries.check(app, tx, limits)
        row = people.find_person(tx, viewer.person)
    right = is_right(row, old)
    assert row is not None
    with app.db.begin() as tx:
        if key and keys.find(tx, key) is not None:
            return
        if not right:
            tries.note(app, tx, limits)
        else:
            refuse_weak(new, again, row.id, row.name, row.email, old)
            if key:
                keys.take(tx, key, app.now())
            credentials.set_password(tx, viewer.person, hashed(new), must_change=False)
            here = sessions.find(tx, digest(token))
            sessions.end_of(tx, viewer.person, but=digest(token))
            sessions.forget_devices(tx, viewer.person, but=here.device if here is not None else "")
            return
    raise WrongOldPassword()


def reset_link(app: Countersign, by: By, person: str, *, reason: str = "") -> Reset:
    """A link for somebody who forgot their password; links before it stop working. For administrators, not by
    an API token; the same key again gives the same link. NotFound for unknown and closed accounts."""
    token = sealing.drawn(app.settings, "reset link", by.key) if by.key else fresh()
    with changing(app, by, "accounts.let_in") as change:
        expires = change.now + timedelta(hours=app.settings.reset_hours)
        row = people.find_person(change.tx, person)
        if row is None or not row.active:
            raise NotFound()
        if change.done_before():
            known = credentials.find_reset(change.tx, digest(token))
            return Reset(person, token, known.expires_at if known is not None else change.now)
        credentials.put_reset(change.tx, digest(token), person, at=change.now, expires_at=expires)
        change.note("reset_link_made", person, after={"until": expires.isoformat(timespec="seconds")}, reason=reason)
    return Reset(person, token, expires)


def address_of(app: Countersign, made: Reset) -> str:
    """The link as it is opened."""
    return f"{app.settings.public_url.rstrip('/')}/reset/{made.token}"


def reset_for(app: Countersign, token: str, address: str | None = None) -> ResetFor:
    """Whose password a link is for. Uses nothing up, however often. NotFound when unknown, expired or used. With the
    `address` of who looks, TooManyTries after many links that nobody was given."""
    if address is not None:
        with app.db.read() as tx:
            is_known = credentials.find_reset(tx, digest(token)) is not None
        tries.look(app, address, is_known=is_known)
    with app.db.read() as tx:
        return _reset_for(app, tx, token)


def reset(app: Countersign, token: str, *, new: str, again: str, address: str) -> str:
    """Choose a new password by a link, which works once; all sessions end. Returns the sign-in name. Raises NotFound,
    InvalidForm (the link still works) and TooManyTries."""
    limits = {f"reset:{address[:100]}": tries.OF_NAME}
    with app.db.begin() as tx:
        tries.check(app, tx, limits)
        if credentials.find_reset(tx, digest(token)) is None:
            tries.note(app, tx, limits)
    kept = hashed(new) if len(new) <= LONGEST else ""
    with app.db.begin() as tx:
        known = _reset_for(app, tx, token)
        refuse_weak(new, again, known.person, known.name)
        if not credentials.use_reset(tx, digest(token), app.now()):
            raise NotFound()
        credentials.set_password(tx, known.person, kept, must_change=False)
        sessions.end_of(tx, known.person)
        sessions.forget_devices(tx, known.person)
    return known.person


def _reset_for(app: Countersign, tx: Connection, token: str) -> ResetFor:
    row = credentials.find_reset(tx, digest(token))
    person = people.find_person(tx, row.person) if row is not None else None
    if row is None or row.used_at is not None or row.expires_at <= app.now() or person is None or not person.active:
        raise NotFound()
    return ResetFor(person.id, person.name, person.language)


def _is_easy(password: str, about: tuple[str, ...]) -> bool:
    rest = password.lower()
    for word in (part for text in about for part in (text.lower(), text.lower().partition("@")[0]) if len(part) > 2):
        rest = rest.replace(word, "")
    from zxcvbn import zxcvbn  # noqa: PLC0415  # its lists take long to load, and few commands need them

    return len(rest) < SHORTEST - 4 or int(zxcvbn(password[:JUDGED])["score"]) < EASY


@cache
def _nobody() -> str:
    """A hash checked for unknown names, so that they take as long as known ones."""
    return _hasher.hash(secrets.token_hex(16))


def _verify(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False

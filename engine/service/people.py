"""Who is there and who is signed in.

A session is a random token whose hash is stored. A notification link only locates a task; the session authorises. A
remembered device lets its person go on from a link with one more tap instead of a password.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection

from engine.errors import NotFound, Refused, SignInNeeded, TooManyTries
from engine.organisation import Office
from engine.service.app import Countersign
from engine.service.recording import OPERATOR, By, changing
from engine.service.views import Grant, Viewer
from engine.store import cases, links, people
from engine.values import Bilingual, Language

TRIES = 8
NAME_TRIES = 40
ADDRESS_TRIES = 200
TRIES_WINDOW = timedelta(minutes=10)
TOUCHED_EVERY = timedelta(minutes=1)
_hasher = PasswordHasher()
_NOBODY = _hasher.hash(secrets.token_hex(16))  # checked for unknown names, so that they take as long as known ones


class WrongPassword(Refused):
    """The name or the password is wrong."""

    status = 401


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person to be added with their grants as (role, office code)."""

    id: str
    name: str
    email: str
    language: Language
    password: str
    grants: tuple[tuple[str, str], ...]
    same_as: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The two cookies of a browser: the session, and the device to be remembered."""

    person: str
    token: str
    device_token: str


@dataclass(frozen=True, slots=True)
class LinkTarget:
    """Whom a link was mailed to, and the task it locates."""

    person: str
    task_id: str
    case_id: str


def any_case(app: Countersign) -> bool:
    """Whether the database holds a case."""
    with app.db.read() as tx:
        return cases.any_case(tx)


def known(app: Countersign) -> frozenset[str]:
    """The sign-in names that there are."""
    with app.db.read() as tx:
        return frozenset(app.organisation(tx).people)


def offices(app: Countersign) -> tuple[Office, ...]:
    """The offices that there are."""
    with app.db.read() as tx:
        return people.offices_of(tx)


def load(app: Countersign, offices: Iterable[Office], newcomers: Iterable[NewPerson], *, by: By = OPERATOR) -> None:
    """Add offices (parents before children) and people; those who are there already keep what they have."""
    people_rows, grant_rows = [], []
    for person in newcomers:
        people_rows.append(
            {
                "id": person.id,
                "name": person.name,
                "email": person.email,
                "language": person.language,
                "same_as": person.same_as,
                "password_hash": _hasher.hash(person.password),
            }
        )
        grant_rows += [{"person": person.id, "role": role, "office": office} for role, office in person.grants]
    with changing(app, by, None) as change:
        known = change.organisation
        listed = tuple(offices)
        people.add_offices(change.tx, listed)
        people.add_people(change.tx, people_rows)
        people.add_grants(change.tx, grant_rows)
        for office in listed:
            if office.code not in known.offices:
                change.note("office_added", office.code, after={"name": office.zh, "level": office.level})
        for row in people_rows:
            if row["id"] not in known.people:
                held = [f"{one['role']}@{one['office']}" for one in grant_rows if one["person"] == row["id"]]
                change.note("person_added", row["id"], after={"name": row["name"], "roles": ";".join(held)})


def sign_in(app: Countersign, login: str, password: str, *, address: str, device: str | None = None) -> SignedIn:
    """Open a session with name and password. Raises WrongPassword, and TooManyTries after 8 in 10 minutes
    for this name from this address, 40 for the name, or 200 from the address.
    """
    now = app.now()
    # An office often stands behind one address: there one person's typing must not lock the others out. The name and
    # the address alone have wider limits, against guessing from many addresses and through many names.
    limits = {
        f"{login[:50]}@{address[:60]}": TRIES,
        f"name:{login[:100]}": NAME_TRIES,
        f"address:{address[:100]}": ADDRESS_TRIES,
    }
    with app.db.begin() as tx:
        if any(people.tries(tx, key, since=now - TRIES_WINDOW) >= limit for key, limit in limits.items()):
            raise TooManyTries(seconds=int(TRIES_WINDOW.total_seconds()))
        row = people.find_person(tx, login)
    known = row is not None and row.active and bool(row.password_hash)
    right = _verify(row.password_hash if row is not None and known else _NOBODY, password) and known
    with app.db.begin() as tx:
        if not right:
            for key in limits:
                people.note_try(tx, key, now)
        else:
            return _open_session(app, tx, login, device)
    raise WrongPassword()


def sign_in_by_device(app: Countersign, link_token: str, device_token: str) -> SignedIn:
    """Open a session from a link on a device that its person signed in on before. Raises SignInNeeded otherwise."""
    target = follow_link(app, link_token)
    if device_person(app, device_token) != target.person:
        raise SignInNeeded()
    with app.db.begin() as tx:
        return _open_session(app, tx, target.person, device_token)


def sign_out(app: Countersign, token: str) -> None:
    """End the session; the device stays remembered. Twice is once."""
    with app.db.begin() as tx:
        people.end_session(tx, _digest(token))


def viewer_of(app: Countersign, token: str) -> Viewer:
    """Who a session belongs to. Raises SignInNeeded when it ended, expired, or the account was closed.

    Reading changes nothing: a session is prolonged by what its person does (`prolong`), not by looking.
    """
    with app.db.read() as tx:
        session = people.find_session(tx, _digest(token)) if token else None
        if session is None or session.expires_at <= app.now():
            raise SignInNeeded()
        return _viewer(app, tx, session.person, csrf=csrf_of(app, token))


def prolong(app: Countersign, token: str) -> None:
    """The person of a session did something: it lasts for its whole time again. Written once a minute at most."""
    now, hashed = app.now(), _digest(token)
    with app.db.read() as tx:
        session = people.find_session(tx, hashed)
    if session is not None and session.seen_at + TOUCHED_EVERY <= now < session.expires_at:
        with app.db.begin() as tx:
            people.touch(tx, hashed, seen_at=now, expires_at=now + timedelta(hours=app.settings.session_hours))


def csrf_of(app: Countersign, token: str) -> str:
    """The token that forms of a session carry; useless without the session."""
    return hmac.new(app.settings.secret_key, b"csrf:" + token.encode(), hashlib.sha256).hexdigest()


def viewer_named(app: Countersign, login: str) -> Viewer:
    """The viewer of an account without a session, for commands at the operator's own terminal."""
    with app.db.read() as tx:
        return _viewer(app, tx, login, csrf="")


def set_language(app: Countersign, viewer: Viewer, language: Language) -> None:
    """Remember the language of a person's pages and notices."""
    with app.db.begin() as tx:
        people.set_language(tx, viewer.person, language)


def device_person(app: Countersign, device_token: str) -> str | None:
    """Whose remembered device this is, or None."""
    if not device_token:
        return None
    with app.db.read() as tx:
        device = people.find_device(tx, _digest(device_token))
        if device is None or device.expires_at <= app.now():
            return None
        return str(device.person)


def follow_link(app: Countersign, token: str) -> LinkTarget:
    """What a notification link locates. Changes nothing, however often. NotFound when unknown, expired or revoked."""
    with app.db.read() as tx:
        link = links.find(tx, token)
        if link is None or link.revoked_at is not None or link.expires_at <= app.now():
            raise NotFound()
        person = people.find_person(tx, link.person)
        if person is None or not person.active:
            raise NotFound()
    return LinkTarget(person=link.person, task_id=link.task, case_id=link.case_id)


def _viewer(app: Countersign, tx: Connection, person: str, *, csrf: str) -> Viewer:
    row = people.find_person(tx, person)
    if row is None or not row.active:
        raise SignInNeeded()
    grants = tuple(
        Grant(role=grant.role, office=grant.office, office_name=Bilingual(zh=grant.zh, en=grant.en))
        for grant in people.grants_of(tx, person)
    )
    return Viewer(person=person, name=row.name, language=row.language, grants=grants, csrf=csrf)


def _open_session(app: Countersign, tx: Connection, person: str, device: str | None) -> SignedIn:
    token, now = secrets.token_urlsafe(32), app.now()
    known = people.find_device(tx, _digest(device)) if device else None
    if device is None or known is None or known.person != person or known.expires_at <= now:
        device = secrets.token_urlsafe(32)
        people.add_device(
            tx, _digest(device), person, created_at=now, expires_at=now + timedelta(days=app.settings.device_days)
        )
    people.add_session(
        tx,
        _digest(token),
        person,
        device=_digest(device),
        created_at=now,
        expires_at=now + timedelta(hours=app.settings.session_hours),
    )
    return SignedIn(person=person, token=token, device_token=device)


def _verify(hashed: str, password: str) -> bool:
    try:
        return _hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

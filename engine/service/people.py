"""Who is there and who is signed in.

A notification link only locates a task; the session authorises. A remembered device lets its person go on from a link
with one more tap instead of a password.
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from engine.errors import NotFound, SignInNeeded
from engine.organisation import Office
from engine.service import passwords, sessions, tokens, tries
from engine.service.app import Countersign
from engine.service.passwords import WrongPassword
from engine.service.sessions import Browser, SignedIn, digest
from engine.service.views import Grant, Viewer
from engine.store import cases, links, people
from engine.store import sessions as store
from engine.values import Bilingual, Language


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
    must_change: bool = False  # the password was given by another, so the first sign-in asks for one of their own


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


def load(app: Countersign, offices: Iterable[Office], newcomers: Iterable[NewPerson]) -> None:
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
                "password_hash": passwords.hashed(person.password),
                "must_change": person.must_change,
            }
        )
        grant_rows += [{"person": person.id, "role": role, "office": office} for role, office in person.grants]
    with app.db.begin() as tx:
        people.add_offices(tx, offices)
        people.add_people(tx, people_rows)
        people.add_grants(tx, grant_rows)


def sign_in(
    app: Countersign,
    login: str,
    password: str,
    *,
    address: str,
    device: str | None = None,
    browser: str = "",
    language: Language | None = None,
) -> SignedIn:
    """Open a session with name and password. With a `stage` it is not open yet: something is still asked
    (`signing_in`). `language`: chosen in this browser, and the person's from then on.

    Raises WrongPassword, and TooManyTries after 8 in 10 minutes for this name from this address, 40 for the name, or
    200 from the address; on a device of theirs, after 8 on that device.
    """
    hashed = digest(device) if device and device_person(app, device) == login else None
    limits = tries.of_sign_in(login, address, hashed)
    with app.db.begin() as tx:
        tries.check(app, tx, limits)
        row = people.find_person(tx, login)
    right = passwords.is_right(row, password)
    with app.db.begin() as tx:
        if not right:
            tries.note(app, tx, limits)
        else:
            assert row is not None
            stage = sessions.next_stage(app, tx, row, after=None)
            where = Browser(address=address, name=browser, device=device or "", language=language)
            return sessions.opened(app, tx, login, stage, where, proved=True)
    raise WrongPassword()


def sign_in_by_device(
    app: Countersign, link_token: str, device_token: str, *, address: str = "", browser: str = ""
) -> SignedIn:
    """Open a session from a link on a device that its person signed in on before. Raises SignInNeeded otherwise."""
    target = follow_link(app, link_token)
    if device_person(app, device_token) != target.person:
        raise SignInNeeded()
    with app.db.begin() as tx:
        where = Browser(address=address, name=browser, device=device_token)
        return sessions.opened(app, tx, target.person, "", where, proved=False)


def sign_out(app: Countersign, token: str) -> None:
    """End the session; the device stays remembered. Twice is once."""
    with app.db.begin() as tx:
        store.end(tx, digest(token))


def viewer_of(app: Countersign, token: str) -> Viewer:
    """Who a session or an API token belongs to. Raises SignInNeeded when it ended, expired, or the account was closed.

    Looking does not prolong a session: that is done by what its person does (`sessions.prolong`).
    """
    if token.startswith(tokens.PREFIX):
        person, scopes = tokens.bearer_of(app, token)
        with app.db.read() as tx:
            return replace(_viewer(app, tx, person, csrf=""), scopes=scopes)
    with app.db.read() as tx:
        session = sessions.running(app, tx, token)
        if session is None:
            raise SignInNeeded()
        return _viewer(app, tx, session.person, csrf=csrf_of(app, token))


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
        device = store.find_device(tx, digest(device_token))
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

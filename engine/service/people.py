"""Who is there and who is signed in.

A notification link only locates a task; the session authorises. A remembered device lets its person go on from a link
with one more tap instead of a password.
"""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import Connection

from engine.errors import SignInNeeded
from engine.organisation import Office
from engine.service import passwords, sessions, tokens, tries
from engine.service.app import Countersign
from engine.service.passwords import WrongPassword
from engine.service.recording import OPERATOR, By, changing
from engine.service.sessions import Browser, SignedIn, digest
from engine.service.views import Grant, Viewer
from engine.store import cases, people
from engine.store import sessions as store
from engine.values import Bilingual, Language

STEP_UP = timedelta(minutes=15)  # so long after the password a session may decide above the step-up budget


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
                "password_hash": passwords.hashed(person.password),
                "must_change": person.must_change,
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
                change.note("person_added", str(row["id"]), after={"name": row["name"], "roles": ";".join(held)})


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


def sign_in_by_device(app: Countersign, person: str, where: Browser) -> SignedIn:
    """Open a session on a device that this person signed in on before. Raises SignInNeeded on any other.

    Whether a link allows it is asked before (`links.follow`). Such a session does not do for a step-up.
    """
    if device_person(app, where.device) != person:
        raise SignInNeeded()
    with app.db.begin() as tx:
        device = store.find_device(tx, digest(where.device))
        by_code = device is not None and device.by_code
        return sessions.opened(app, tx, person, "", where, proved=False, by_code=by_code)


def sign_out(app: Countersign, token: str) -> None:
    """End the session; the device stays remembered. Twice is once."""
    with app.db.begin() as tx:
        store.end(tx, digest(token))


def viewer_of(app: Countersign, token: str, *, address: str = "") -> Viewer:
    """Who a session or an API token belongs to. Raises SignInNeeded when it ended, expired, or the account was closed.

    Looking does not prolong a session: that is done by what its person does (`sessions.prolong`).
    """
    if token.startswith(tokens.PREFIX):
        person, scopes = tokens.bearer_of(app, token)
        with app.db.read() as tx:
            return replace(_viewer(app, tx, person, csrf=""), scopes=scopes, address=address, is_stale=True)
    with app.db.read() as tx:
        session = sessions.running(app, tx, token)
        if session is None:
            raise SignInNeeded()
        viewer = _viewer(app, tx, session.person, csrf=csrf_of(app, token))
        proved = session.authenticated_at
        is_stale = proved is None or proved + STEP_UP <= app.now()
        by_code = session.by_code and proved is None
        bounds = sessions.BY_CODE if by_code else None
        return replace(viewer, address=address, is_stale=is_stale, by_code=by_code, scopes=bounds)


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


def _viewer(app: Countersign, tx: Connection, person: str, *, csrf: str) -> Viewer:
    row = people.find_person(tx, person)
    if row is None or not row.active:
        raise SignInNeeded()
    grants = tuple(
        Grant(role=grant.role, office=grant.office, office_name=Bilingual(zh=grant.zh, en=grant.en))
        for grant in people.grants_of(tx, person)
    )
    return Viewer(person=person, name=row.name, language=row.language, grants=grants, csrf=csrf)

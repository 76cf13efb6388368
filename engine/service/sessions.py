"""Sessions and remembered devices: opened, renewed, listed and ended.

A session is a random token whose hash is stored. It ends after some hours without use, and after some days in any
case. Its token changes whenever its person proves who they are. While something is still asked at sign-in (a code, a
password of one's own), it is a session in a stage, which shows nobody anything.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row

from engine.errors import NotFound, SignInNeeded
from engine.service.app import Countersign
from engine.service.recording import By, changing
from engine.service.views import Viewer
from engine.store import credentials, people, sessions
from engine.values import Language

Stage = Literal["", "code", "provider", "password", "enrol"]
STAGE_TIME = timedelta(minutes=15)
TOUCHED_EVERY = timedelta(minutes=1)
BY_CODE = frozenset({"read", "act", "session"})  # what who came by a one-time code may, before they give more
SHOWN = 16  # signs of the hash that name a session on the account page


@dataclass(frozen=True, slots=True)
class Browser:
    """Where somebody signs in: their address, what the browser calls itself, the token of its remembered device, and
    the language chosen in it."""

    address: str = ""
    name: str = ""
    device: str = ""
    language: Language | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The two cookies of a browser: the session, and the device to be remembered. With a `stage`, something is still
    asked, and the session shows nothing before."""

    person: str
    token: str
    device_token: str
    stage: Stage = ""


@dataclass(frozen=True, slots=True)
class Staged:
    """Who is signing in, and what is still asked of them."""

    person: str
    name: str
    language: Language
    stage: Stage
    hashed: str
    by_code: bool = False


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session or a remembered device, as its person sees it. `address` and `browser` may be empty."""

    id: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    browser: str
    is_here: bool
    by_code: bool = False


@dataclass(frozen=True, slots=True)
class Places:
    """Where a person is signed in, and which devices are remembered."""

    sessions: tuple[SessionRow, ...]
    devices: tuple[SessionRow, ...]


def digest(token: str) -> str:
    """The hash under which a token is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def fresh() -> str:
    """A new token, of 256 bits."""
    return secrets.token_urlsafe(32)


def recently_authenticated(app: Countersign, token: str, *, minutes: int) -> bool:
    """Whether the session's person proved who they are (password, code, provider) in the last `minutes`. A session
    that a remembered device opened did not, before its person confirms (`signing_in.confirm`, page /confirm)."""
    with app.db.read() as tx:
        row = running(app, tx, token)
    moment = row.authenticated_at if row is not None else None
    return moment is not None and moment > app.now() - timedelta(minutes=minutes)


def running(app: Countersign, tx: Connection, token: str) -> Row[Any] | None:
    """The row of a session that is open now; None when it ended, expired or still asks something."""
    row = sessions.find(tx, digest(token)) if token else None
    now = app.now()
    if row is None or row.stage or row.expires_at <= now or last_end(app, row.created_at) <= now:
        return None
    return row


def staged(app: Countersign, token: str) -> Staged:
    """Who is signing in with this token, and what is asked next. SignInNeeded where nobody is any more."""
    with app.db.read() as tx:
        row = sessions.find(tx, digest(token)) if token else None
        person = people.find_person(tx, row.person) if row is not None else None
    if row is None or person is None or not row.stage or row.expires_at <= app.now() or not person.active:
        raise SignInNeeded()
    return Staged(row.person, person.name, person.language, row.stage, row.hash, row.by_code)


def person_of(app: Countersign, token: str) -> str:
    """Whose session this is or was, also after it expired; empty where nothing is known of it."""
    with app.db.read() as tx:
        row = sessions.find(tx, digest(token)) if token else None
    return row.person if row is not None else ""


def opened(
    app: Countersign,
    tx: Connection,
    person: str,
    stage: Stage,
    browser: Browser,
    *,
    proved: bool,
    by_code: bool = False,
) -> SignedIn:
    """A new session of a person, in its stage."""
    token, now = fresh(), app.now()
    sessions.forget_expired(tx, person, now)
    device = "" if stage else _remembered(app, tx, person, browser, by_code=by_code)
    if not stage:
        _take_over(tx, person, browser)
    sessions.add(
        tx,
        digest(token),
        person,
        device=digest(device) if device else "",
        created_at=now,
        expires_at=now + (STAGE_TIME if stage else timedelta(hours=app.settings.session_hours)),
        authenticated_at=now if proved and not stage else None,
        stage=stage,
        address=browser.address,
        browser=browser.name,
        by_code=by_code,
    )
    return SignedIn(person=person, token=token, device_token=device, stage=stage)


def advanced(app: Countersign, tx: Connection, at: Staged, stage: Stage, browser: Browser) -> SignedIn:
    """The session of somebody who gave what was asked, in its next stage, under a new token. SignInNeeded where it
    was used up meanwhile."""
    token, now = fresh(), app.now()
    changed: dict[str, Any] = {"stage": stage}
    device = ""
    if not stage:
        device = _remembered(app, tx, at.person, browser, by_code=at.by_code)
        _take_over(tx, at.person, browser)
        changed |= {"device": digest(device), "created_at": now, "seen_at": now}
        changed["authenticated_at"] = None if at.by_code else now
        changed["expires_at"] = now + timedelta(hours=app.settings.session_hours)
    if not sessions.replace(tx, at.hashed, digest(token), **changed):
        raise SignInNeeded()
    return SignedIn(person=at.person, token=token, device_token=device, stage=stage)


def renewed(app: Countersign, tx: Connection, token: str) -> str:
    """The token of a session whose person just proved who they are; the old one is worth nothing any more."""
    new = fresh()
    if not sessions.replace(tx, digest(token), digest(new), authenticated_at=app.now()):
        raise SignInNeeded()
    row = sessions.find(tx, digest(new))
    if row is not None and row.device:
        sessions.trust_device(tx, row.device)
    return new


def next_stage(
    app: Countersign, tx: Connection, person: Row[Any], *, after: Stage | None, by_provider: bool = False
) -> Stage:
    """What is asked next at sign-in, `after` a stage; None stands for the password, or with `by_provider` for the word
    of a provider, behind which no password is asked."""
    has_factor = credentials.find_factor(tx, person.id) is not None
    if after is None and has_factor:
        return "provider" if by_provider else "code"
    if after in (None, "code") and person.must_change and not by_provider:
        return "password"
    if after != "enrol" and not has_factor and is_factor_required(app, tx, person.id):
        return "enrol"
    return ""


def is_factor_required(app: Countersign, tx: Connection, person: str) -> bool:
    """Whether the settings ask a second factor of this person."""
    match app.settings.second_factor:
        case "optional":
            return False
        case "everybody":
            return True
        case "administrators":
            return any(grant.role == "administrator" for grant in people.grants_of(tx, person))


def prolong(app: Countersign, token: str) -> None:
    """The person of a session did something: it lasts for its whole time again. Written once a minute at most."""
    now = app.now()
    with app.db.read() as tx:
        row = running(app, tx, token)
    if row is not None and row.seen_at + TOUCHED_EVERY <= now:
        expires = min(now + timedelta(hours=app.settings.session_hours), last_end(app, row.created_at))
        with app.db.begin() as tx:
            sessions.touch(tx, row.hash, seen_at=now, expires_at=expires)


def last_end(app: Countersign, began: datetime) -> datetime:
    """When a session ends whatever its person does."""
    return began + timedelta(days=app.settings.session_days)


def places(app: Countersign, viewer: Viewer, token: str) -> Places:
    """Where the viewer is signed in and remembered; what this browser is, is marked."""
    now = app.now()
    with app.db.read() as tx:
        here = running(app, tx, token)
        open_now = [row for row in sessions.of(tx, viewer.person, now) if last_end(app, row.created_at) > now]
        known = sessions.devices_of(tx, viewer.person, now)
    hashed, device = (here.hash, here.device) if here is not None else ("", "")
    return Places(
        tuple(_row(row, is_here=row.hash == hashed) for row in open_now),
        tuple(_row(row, is_here=row.hash == device) for row in known),
    )


def end(app: Countersign, viewer: Viewer, shown: str) -> None:
    """End one of the viewer's own sessions. NotFound where they have none of that name; ended twice is ended once."""
    with app.db.begin() as tx:
        sessions.end(tx, _named(sessions.of(tx, viewer.person, app.now()), shown))


def end_others(app: Countersign, viewer: Viewer, token: str) -> int:
    """End all of the viewer's sessions but this one; how many there were."""
    with app.db.begin() as tx:
        return sessions.end_of(tx, viewer.person, but=digest(token))


def end_all(app: Countersign, by: By, person: str, *, reason: str = "") -> int:
    """Sign somebody out everywhere, and forget their devices; how many sessions there were. For administrators.
    NotFound for unknown accounts. API tokens stay: those are scripts."""
    with changing(app, by, "organisation.manage") as change:
        if people.find_person(change.tx, person) is None:
            raise NotFound()
        if done := change.done_before():
            return int(done.said["before"]["sessions"])
        sessions.forget_devices(change.tx, person)
        ended = sessions.end_of(change.tx, person)
        change.note("signed_out", person, before={"sessions": ended}, reason=reason)
        return ended


def forget_device(app: Countersign, viewer: Viewer, shown: str) -> None:
    """Forget one of the viewer's own devices and end the sessions on it. NotFound where they have none of that name."""
    with app.db.begin() as tx:
        sessions.forget_device(tx, viewer.person, _named(sessions.devices_of(tx, viewer.person, app.now()), shown))


def _named(rows: tuple[Row[Any], ...], shown: str) -> str:
    found = [row.hash for row in rows if row.hash[:SHOWN] == shown]
    if not found:
        raise NotFound()
    return str(found[0])


def _row(row: Row[Any], *, is_here: bool) -> SessionRow:
    return SessionRow(
        id=row.hash[:SHOWN],
        created_at=row.created_at,
        seen_at=row.seen_at or row.created_at,
        expires_at=row.expires_at,
        address=row.address,
        browser=row.browser,
        is_here=is_here,
        by_code=row.by_code,
    )


def _remembered(app: Countersign, tx: Connection, person: str, browser: Browser, *, by_code: bool) -> str:
    """The token of the browser's device, remembered for this person from now on."""
    now = app.now()
    known = sessions.find_device(tx, digest(browser.device)) if browser.device else None
    if known is not None and known.person == person and known.expires_at > now:
        sessions.touch_device(tx, known.hash, now)
        if not by_code:
            sessions.trust_device(tx, known.hash)
        return browser.device
    device, expires = fresh(), now + timedelta(days=app.settings.device_days)
    where = {"address": browser.address, "browser": browser.name}
    sessions.add_device(tx, digest(device), person, created_at=now, expires_at=expires, by_code=by_code, **where)
    return device


def _take_over(tx: Connection, person: str, browser: Browser) -> None:
    """The language that somebody chose in the browser before they signed in is theirs."""
    if browser.language:
        people.set_language(tx, person, browser.language)

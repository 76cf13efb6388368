"""One-time codes by mail: the way in from a link on a new device, without the password.

A code proves that somebody reads the mailbox of the account, which the link itself proved already; so it opens less
than a password does (`sessions.BY_CODE`). It is made while its mail is made, so that it stands nowhere but in the mail;
here is its hash, keyed with the installation's secret because six digits are soon tried. Whoever asks is told the same
whether or not a mail goes.
"""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from engine.errors import Refused
from engine.service import channels, tries
from engine.service.app import Countersign
from engine.service.sessions import digest, next_stage
from engine.store import link_codes, messages
from engine.store import people as accounts
from engine.store.messages import Code, New

LIFE = timedelta(minutes=10)
TRIES = 5  # at one code
OF_LINK = 10  # codes for one link, ever: 50 guesses at a million
OF_PERSON = 5  # in 10 minutes, by whatever links
OF_ADDRESS = 30
SECOND_TAP = timedelta(seconds=20)


class WrongMailCode(Refused):
    """The code is wrong, too old or was used already. Type the newest one, on the device that asked for it, or have
    another one sent."""

    status = 401


class NoMoreCodes(Refused):
    """No more codes are sent for this link; sign in with your password. Nothing was lost."""

    status = 429


def ask(app: Countersign, tx: Connection, link: str, person: str, *, browser: str, address: str) -> None:
    """Mail a code for `link` (a hash) that counts in `browser` (a token that it shows again). The one before it counts
    no more; a second tap asks for nothing more. Raises TooManyTries and NoMoreCodes, whoever the person is."""
    now, row = app.now(), link_codes.find(tx, link, lock=True)
    if row is not None and row.browser == digest(browser) and now < row.asked_at + SECOND_TAP:
        return
    limits = {f"code-mail:{person}": OF_PERSON, f"code-mail-from:{address[:60]}": OF_ADDRESS}
    tries.check(app, tx, limits)
    if row is not None and row.asked >= OF_LINK:
        raise NoMoreCodes()
    tries.note(app, tx, limits)
    link_codes.ask(tx, link, person, digest(browser), at=now, expires_at=now + LIFE)
    if _reaches(app, tx, person):
        new = New(
            key=f"code:{link}:{now:%Y%m%dT%H%M%S.%f}",
            person=person,
            channel="email",
            circuit="email",
            occasion="code",
            case_id="",
            subject=Code(link, now),
            release_at=now,
        )
        messages.put(tx, new, now)


def made(app: Countersign, subject: Code) -> tuple[str, datetime] | None:
    """A code for the mail that is being written, and until when it counts; None where it would come too late, or
    another was asked for meanwhile. A mail that is sent again carries a fresh one."""
    with app.db.begin() as tx:
        row = link_codes.find(tx, subject.link, lock=True)
        if row is None or row.expires_at <= app.now():
            return None
        code = f"{secrets.randbelow(10**6):06}"
        if not link_codes.put(tx, subject.link, subject.asked_at, _hashed(app, subject.link, code)):
            return None
        return code, row.expires_at


def spend(app: Countersign, tx: Connection, link: str, code: str, *, browser: str) -> bool:
    """Use the code up; False where it is wrong, late, used, missed five times, or was asked for elsewhere."""
    row = link_codes.find(tx, link, lock=True)
    if row is None or not row.code or row.wrong >= TRIES or row.expires_at <= app.now():
        return False
    if row.browser != digest(browser):
        return False
    if not hmac.compare_digest(row.code, _hashed(app, link, "".join(code.split()))):
        link_codes.miss(tx, link)
        return False
    link_codes.use_up(tx, link)
    return True


def is_offered(app: Countersign, tx: Connection) -> bool:
    """Whether this installation mails codes at all."""
    return bool(app.settings.mail_url) and channels.chosen_by_administrators(tx)["email"].is_open


def may_open(app: Countersign, tx: Connection, person: Row[Any] | None) -> bool:
    """Whether a code opens a session of this person: not where the account is closed, nor while a password of their
    own or a second factor is still to be chosen, which who reads their mail must not do."""
    if person is None or not person.active or person.must_change:
        return False
    return next_stage(app, tx, person, after=None) in ("", "code")


def _reaches(app: Countersign, tx: Connection, person: str) -> bool:
    row = accounts.find_person(tx, person)
    return row is not None and bool(row.email) and may_open(app, tx, row)


def _hashed(app: Countersign, link: str, code: str) -> str:
    told = f"code:{link}:{code}".encode(errors="surrogatepass")
    return hmac.new(app.settings.secret_key, told, hashlib.sha256).hexdigest()

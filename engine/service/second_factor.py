"""The second factor: six digits of an app (TOTP, RFC 6238), or a recovery code where the phone is lost.

The secret is kept encrypted, and only after its first code was right, so that nobody locks themselves out. A code
counts once, also within the half minute that it is shown.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta

import pyotp
from sqlalchemy import Connection

from engine.errors import NotFound, Refused
from engine.service import sealing, tries
from engine.service.app import Countersign
from engine.service.authorizing import authorize
from engine.service.recording import By, changing
from engine.service.sessions import digest, is_factor_required
from engine.service.views import Viewer
from engine.store import credentials, people

PURPOSE = "second factor"
STEP = 30
RECOVERY_CODES = 10
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without signs that are taken for another


class WrongCode(Refused):
    """The code is wrong or was used already. Wait for the next one in your app, and check that the phone's clock is
    right."""

    status = 401


class FactorRequired(Refused):
    """Your account must have a second factor; it cannot be switched off. Set it up anew instead."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What an authenticator app is given: `uri` as a QR code, or `secret` typed by hand. `sealed` is the secret as the
    form carries it until its first code was right."""

    secret: str
    uri: str
    sealed: str


@dataclass(frozen=True, slots=True)
class Factor:
    """The state of a person's second factor."""

    is_on: bool
    is_required: bool
    codes_left: int


def of(app: Countersign, viewer: Viewer) -> Factor:
    """The viewer's own second factor."""
    with app.db.read() as tx:
        row = credentials.find_factor(tx, viewer.person)
        left = credentials.recovery_codes_left(tx, viewer.person)
        return Factor(row is not None, is_factor_required(app, tx, viewer.person), left)


def prepare(app: Countersign, person: str, sealed: str = "") -> Setup:
    """A secret for the person's app; that of `sealed`, where a page comes back to it. Nothing is kept before the first
    code was right, and a factor that is on stays in force until then."""
    secret = _unsealed(app, person, sealed) or pyotp.random_base32()
    uri = pyotp.TOTP(secret).provisioning_uri(name=person, issuer_name="Countersign")
    return Setup(secret, uri, sealing.seal(app.settings, PURPOSE, f"{person} {secret}"))


def confirm(app: Countersign, tx: Connection, person: str, sealed: str, code: str) -> tuple[str, ...] | None:
    """Switch the second factor on with a first right code; the recovery codes, shown once. None with a wrong code."""
    secret = _unsealed(app, person, sealed)
    step = _step(app, secret, code, after=0) if secret else None
    if step is None:
        return None
    credentials.put_factor(tx, person, sealed, app.now())
    credentials.use_step(tx, person, step)
    return _new_codes(tx, person)


def switch_on(app: Countersign, viewer: Viewer, sealed: str, code: str) -> tuple[str, ...]:
    """Confirm the viewer's own second factor; their recovery codes. Raises WrongCode and TooManyTries."""
    authorize(viewer, "account.keep")
    limits = {f"code:{viewer.person}": tries.OF_ONE}
    with app.db.begin() as tx:
        tries.check(app, tx, limits)
        codes = confirm(app, tx, viewer.person, sealed, code)
        if codes is None:
            tries.note(app, tx, limits)
    if codes is None:
        raise WrongCode()
    return codes


def switch_off(app: Countersign, viewer: Viewer) -> None:
    """Ask the viewer for no codes any more. The page asks them to prove who they are before. FactorRequired where the
    settings ask for one."""
    authorize(viewer, "account.keep")
    with app.db.begin() as tx:
        if is_factor_required(app, tx, viewer.person):
            raise FactorRequired()
        credentials.remove_factor(tx, viewer.person)


def renew_codes(app: Countersign, viewer: Viewer) -> tuple[str, ...]:
    """New recovery codes for the viewer; the old ones count no more. NotFound without a second factor."""
    authorize(viewer, "account.keep")
    with app.db.begin() as tx:
        if credentials.find_factor(tx, viewer.person) is None:
            raise NotFound()
        return _new_codes(tx, viewer.person)


def remove(app: Countersign, by: By, person: str, *, reason: str = "") -> bool:
    """Take away the second factor of somebody who lost phone and recovery codes; False where there was none. For
    administrators, not by an API token. NotFound for unknown accounts."""
    with changing(app, by, "accounts.let_in") as change:
        if people.find_person(change.tx, person) is None:
            raise NotFound()
        if change.done_before():
            return True
        if not credentials.remove_factor(change.tx, person):
            return False
        change.note("factor_removed", person, reason=reason)
        return True


def is_right(app: Countersign, tx: Connection, person: str, code: str) -> bool:
    """Whether the code, of the app or for recovery, is right; it is used up by that. Codes of one person are looked at
    one after another."""
    row = credentials.lock_factor(tx, person)
    if row is None:
        return False
    typed = "".join(code.split()).replace("-", "").lower()
    if not (typed.isdigit() and len(typed) == 6):
        return credentials.use_recovery_code(tx, person, digest(f"{person}:{typed}"), app.now())
    secret = _unsealed(app, person, row.secret)
    step = _step(app, secret, typed, after=row.last_step) if secret else None
    if step is None:
        return False
    credentials.use_step(tx, person, step)
    return True


def _unsealed(app: Countersign, person: str, sealed: str) -> str:
    """The secret; empty where it was changed, is another person's, or was kept under another secret key."""
    owner, _, secret = (sealing.unseal(app.settings, PURPOSE, sealed) or "").partition(" ")
    return secret if owner == person else ""


def _step(app: Countersign, secret: str, code: str, *, after: int) -> int | None:
    """The time step that the code is of, one before or after now at most; None where it is wrong or not `after`."""
    typed, totp = "".join(code.split()), pyotp.TOTP(secret)
    for seconds in (-STEP, 0, STEP):
        moment = app.now() + timedelta(seconds=seconds)
        step = int(moment.timestamp()) // STEP
        if step > after and secrets.compare_digest(totp.at(moment).encode(), typed.encode()):
            return step
    return None


def _new_codes(tx: Connection, person: str) -> tuple[str, ...]:
    """Each of 50 bits: a hash without salt cannot be turned back within the ten tries that there are."""
    codes = tuple("".join(secrets.choice(ALPHABET) for _ in range(10)) for _ in range(RECOVERY_CODES))
    credentials.put_recovery_codes(tx, person, [digest(f"{person}:{code}") for code in codes])
    return tuple(f"{code[:5]}-{code[5:]}" for code in codes)

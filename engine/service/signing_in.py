"""What is asked after the password: a code, a password of one's own, a second factor; and proving it is still you."""

from engine.errors import Refused, SignInNeeded
from engine.service import passwords, people, second_factor, sessions, tries
from engine.service.app import Countersign
from engine.service.passwords import WrongPassword
from engine.service.second_factor import WrongCode
from engine.service.sessions import Browser, SignedIn, Staged
from engine.service.views import Viewer
from engine.store import credentials
from engine.store import people as store


class CodeNeeded(Refused):
    """This account has a second factor: send its code as well."""

    status = 401


class PageNeeded(Refused):
    """Sign in on the page first: a password of your own or a second factor is asked there."""


def for_script(app: Countersign, login: str, password: str, code: str, browser: Browser) -> SignedIn:
    """A session in one go. Raises as `people.sign_in` and `give_code`, CodeNeeded and PageNeeded."""
    opened = people.sign_in(app, login, password, address=browser.address, browser=browser.name)
    try:
        if opened.stage == "code" and code:
            opened = give_code(app, opened.token, code, browser)
        if opened.stage == "code":
            raise CodeNeeded()
        if opened.stage:
            raise PageNeeded()
    except Refused:
        people.sign_out(app, opened.token)
        raise
    return opened


def give_code(app: Countersign, token: str, code: str, browser: Browser) -> SignedIn:
    """Go on with a code of the app or for recovery. Raises SignInNeeded, WrongCode and TooManyTries (8 in 10 minutes
    for this person, whatever password they came with)."""
    at = _at(app, token, "code", "provider")
    limits = {f"code:{at.person}": tries.OF_ONE}
    with app.db.begin() as tx:
        tries.check(app, tx, limits)
        if second_factor.is_right(app, tx, at.person, code):
            person = store.find_person(tx, at.person)
            assert person is not None
            return sessions.advanced(app, tx, at, sessions.next_stage(app, tx, person, after=at.stage), browser)
        tries.note(app, tx, limits)
    raise WrongCode()


def choose_password(app: Countersign, token: str, *, new: str, again: str, browser: Browser) -> SignedIn:
    """Go on with a password of one's own instead of the one that was given. Raises SignInNeeded and InvalidForm."""
    at = _at(app, token, "password")
    with app.db.read() as tx:
        row = store.find_person(tx, at.person)
    assert row is not None
    passwords.refuse_weak(new, again, row.id, row.name, row.email)
    if passwords.is_right(row, new):
        raise passwords.unchanged()
    kept = passwords.hashed(new)
    with app.db.begin() as tx:
        credentials.set_password(tx, at.person, kept, must_change=False)
        person = store.find_person(tx, at.person)
        assert person is not None
        return sessions.advanced(app, tx, at, sessions.next_stage(app, tx, person, after=at.stage), browser)


def factor_to_set_up(app: Countersign, token: str, sealed: str = "") -> second_factor.Setup:
    """What the app of somebody is given who must have a second factor. SignInNeeded in any other stage."""
    return second_factor.prepare(app, _at(app, token, "enrol").person, sealed)


def enrol(app: Countersign, token: str, sealed: str, code: str, browser: Browser) -> tuple[SignedIn, tuple[str, ...]]:
    """Go on with a second factor that was set up; and the recovery codes, shown once. Raises SignInNeeded, WrongCode
    and TooManyTries."""
    at = _at(app, token, "enrol")
    limits = {f"code:{at.person}": tries.OF_ONE}
    with app.db.begin() as tx:
        tries.check(app, tx, limits)
        codes = second_factor.confirm(app, tx, at.person, sealed, code)
        if codes is not None:
            return sessions.advanced(app, tx, at, "", browser), codes
        tries.note(app, tx, limits)
    raise WrongCode()


def asks_code(app: Countersign, viewer: Viewer) -> bool:
    """Whether `confirm` asks the viewer for a code."""
    return second_factor.of(app, viewer).is_on


def confirm(app: Countersign, viewer: Viewer, token: str, *, password: str, code: str) -> str:
    """The viewer proves that it is still them, by password and, where they have one, second factor. The session's new
    token; the old one is worth nothing. Raises WrongPassword, WrongCode and TooManyTries."""
    limits = {f"confirm:{viewer.person}": tries.OF_ONE}
    with app.db.begin() as tx:
        tries.check(app, tx, limits)
        row = store.find_person(tx, viewer.person)
        has_factor = credentials.find_factor(tx, viewer.person) is not None
    is_password = passwords.is_right(row, password)
    with app.db.begin() as tx:
        is_code = is_password and (not has_factor or second_factor.is_right(app, tx, viewer.person, code))
        if is_code:
            return sessions.renewed(app, tx, token)
        tries.note(app, tx, limits)
    raise WrongCode() if is_password else WrongPassword()


def _at(app: Countersign, token: str, *stages: str) -> Staged:
    at = sessions.staged(app, token)
    if at.stage not in stages:
        raise SignInNeeded()
    return at

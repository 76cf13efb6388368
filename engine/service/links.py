"""Links in notices: what one locates, what it asks for before it opens, and when it is over (DESIGN 9).

A link locates a task; a session authorises. Where the task is not open any more, or the proposal was changed after the
mail, the link signs nobody in: it only leads its person, once they are signed in, to what became of it. Unknown,
expired, revoked ones and those from before a restore are all one NotFound. Looking never changes anything, but that
looks at links which nobody was sent are counted, against guessing.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import structlog

from engine.definition.model import Definition
from engine.errors import NotFound, SignInNeeded
from engine.machine.case import Case
from engine.service import approvals, codes, people, sessions, tries
from engine.service.access import is_confidential
from engine.service.app import Countersign
from engine.service.authorizing import authorize
from engine.service.codes import WrongMailCode
from engine.service.sessions import Browser, SignedIn
from engine.service.stepping_up import asks_anew
from engine.service.views import SheetView, Viewer
from engine.store import cases, links, visibility
from engine.store import people as accounts
from engine.store.cases import Recorded
from engine.store.links import Refusal

LINK_TRIES = 30
Asks = Literal["nothing", "device", "session", "fresh", "password"]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LinkTarget:
    """Whom a link was mailed to, and the task it leads to. `since`: the revision it was mailed at, where the proposal
    was changed after that, else 0. `takes_code`: a one-time code does for a sign-in.

    `asks`: nothing (the link itself decides), device (a remembered one, else a sign-in), session (a session, else a
    sign-in), fresh (a session whose password was given just now), password (always).
    """

    person: str
    task_id: str
    case_id: str
    asks: Asks
    since: int = 0
    takes_code: bool = False

    def lets_in(self, viewer: Viewer | None) -> bool:
        """Whether this visitor's session is enough."""
        if viewer is None or viewer.person != self.person or self.asks in ("password", "nothing"):
            return False
        return self.asks != "fresh" or not viewer.is_stale


def follow(app: Countersign, token: str) -> LinkTarget:
    """What a link locates. Changes nothing, however often. NotFound when unknown, expired, revoked, from before a
    restore, or its person has no open account or may not see the case."""
    with app.db.read() as tx:
        link = links.find(tx, token)
        if link is None or link.revoked_at is not None or link.expires_at <= app.now() or link.epoch != links.epoch(tx):
            raise NotFound()
        if not visibility.may_see(tx, link.person, link.case_id):
            raise NotFound()
        case = cases.load(tx, link.case_id)
        takes_code = codes.is_offered(app, tx) and not is_confidential(app, case)
    task = next((task for task in case.tasks if task.id == link.task), None)
    is_open = task is not None and task.state == "open"
    is_revised = case.form_seq > link.seq
    asks: Asks = "session"
    if _decides_by_itself(app, app.definition(case.process), case):
        asks = "nothing"
    elif is_open and not is_revised:
        asks = _asks(app, app.definition(case.process), case)
    task_id = link.task if is_open else _asked_again(case, link)
    return LinkTarget(
        link.person, task_id, case.id, asks, link.seq if is_revised else 0, takes_code and asks == "device"
    )


def look(app: Countersign, token: str, address: str) -> LinkTarget:
    """As `follow`, for who looks from `address`; TooManyTries after many links that nobody was sent."""
    with app.db.read() as tx:
        is_known = links.find(tx, token) is not None
    tries.look(app, address, is_known=is_known)
    return follow(app, token)


def sign_in(app: Countersign, token: str, login: str, password: str, browser: Browser) -> tuple[SignedIn, LinkTarget]:
    """Open a session from a link, by password, or by the remembered device where `login` is empty.

    Another person's sign-in is ended again and kept for the auditors; for them there is no such link. Raises as
    `people.sign_in`, SignInNeeded where the device is not enough, TooManyTries after 30 unknown links in 10 minutes.
    """
    target = _guarded(app, token, browser.address)
    if not login:
        if target.asks != "device":
            raise SignInNeeded()
        return people.sign_in_by_device(app, target.person, browser), target
    opened = people.sign_in(
        app,
        login,
        password,
        address=browser.address,
        device=browser.device,
        browser=browser.name,
        language=browser.language,
    )
    if opened.person != target.person:
        people.sign_out(app, opened.token)
        _refuse(app, target, opened.person, browser.address)
        raise NotFound()
    return opened, target


def ask_code(app: Countersign, token: str, visitor: str, address: str) -> None:
    """Mail a one-time code to the link's person, which counts in the browser that `visitor` is of. The same answer
    whether or not they can receive it. SignInNeeded where the link takes none; TooManyTries, NoMoreCodes."""
    target = _taking_code(app, token, address)
    with app.db.begin() as tx:
        codes.ask(app, tx, links.hashed(token), target.person, browser=visitor, address=address)


def sign_in_by_code(
    app: Countersign, token: str, code: str, visitor: str, browser: Browser
) -> tuple[SignedIn, LinkTarget]:
    """Open a session from a link by the code that was mailed for it; who has a second factor is asked for it next.
    Raises WrongMailCode, and as `ask_code`."""
    target = _taking_code(app, token, browser.address)
    with app.db.begin() as tx:
        person = accounts.find_person(tx, target.person)
        is_right = codes.spend(app, tx, links.hashed(token), code, browser=visitor)
        if is_right and person is not None and codes.may_open(app, tx, person):
            stage = sessions.next_stage(app, tx, person, after=None)
            log.info("link.opened_by_code", person=target.person, task=target.task_id, address=browser.address)
            return sessions.opened(app, tx, target.person, stage, browser, proved=False, by_code=True), target
    raise WrongMailCode()


def direct_sheet(app: Countersign, token: str, address: str) -> tuple[SheetView, LinkTarget]:
    """The sheet behind a link that decides by itself. NotFound for every other link."""
    target, viewer = _direct(app, token, address)
    return approvals.sheet(app, viewer, target.task_id, mailed=target.since or None), target


def decide_directly(
    app: Countersign, token: str, decision: str, *, remark: str, seen_seq: int | None, key: str, address: str
) -> Recorded:
    """Decide by the link alone; the history says so. Raises as `approvals.decide`, and NotFound for any other link."""
    target, viewer = _direct(app, token, address)
    named = approvals.decision_named(decision)
    return approvals.decide(
        app, viewer, target.task_id, named, remark=remark, seen_seq=seen_seq, key=f"{target.person}:{key}", via="link"
    )


def void(app: Countersign, viewer: Viewer, person: str = "") -> int:
    """Make every link void that was mailed to the viewer, or by an administrator to `person`; how many there were."""
    if person and person != viewer.person:
        authorize(viewer, "organisation.manage")
    with app.db.begin() as tx:
        if accounts.find_person(tx, person or viewer.person) is None:
            raise NotFound()
        return links.revoke_for_person(tx, person or viewer.person, app.now())


def restored(app: Countersign) -> int:
    """The database was restored from a backup: links mailed before are void. Returns how many of them still held."""
    with app.db.begin() as tx:
        return links.begin_epoch(tx, app.now())


def _asks(app: Countersign, definition: Definition, case: Case) -> Asks:
    if definition.approval.defaults.link == "sign_in":
        return "password"
    return "fresh" if asks_anew(app, case) else "device"


def _decides_by_itself(app: Countersign, definition: Definition, case: Case) -> bool:
    """Whether links to this case need no sign-in: its definition says so, it is not confidential, and its budget is
    known and within what the operator allows."""
    if definition.approval.defaults.link != "direct" or definition.proposal.visibility == "confidential":
        return False
    budget, limit = case.form.get("budget"), app.settings.direct_budget
    return limit > 0 and budget is not None and Decimal(str(budget)) <= limit and not asks_anew(app, case)


def _asked_again(case: Case, link: links.Link) -> str:
    """The open task that the same person has at the same step by now, else the one that was mailed."""
    again = (task for task in case.tasks if (task.person, task.step, task.state) == (link.person, link.step, "open"))
    return next((task.id for task in again), link.task)


def _direct(app: Countersign, token: str, address: str) -> tuple[LinkTarget, Viewer]:
    target = _guarded(app, token, address)
    if target.asks != "nothing":
        raise NotFound()
    return target, people.viewer_named(app, target.person)


def _guarded(app: Countersign, token: str, address: str) -> LinkTarget:
    """As `follow`, for what acts: who tries many links that lead nowhere has to wait."""
    limits = {f"link:{address[:100]}": LINK_TRIES}
    with app.db.read() as tx:
        tries.check(app, tx, limits)
    try:
        return follow(app, token)
    except NotFound:
        with app.db.begin() as tx:
            tries.note(app, tx, limits)
        raise


def _taking_code(app: Countersign, token: str, address: str) -> LinkTarget:
    target = _guarded(app, token, address)
    if not target.takes_code:
        raise SignInNeeded()
    return target


def _refuse(app: Countersign, target: LinkTarget, used_by: str, address: str) -> None:
    log.warning("link.forwarded", meant_for=target.person, used_by=used_by, task=target.task_id)
    row = Refusal(target.case_id, target.task_id, target.person, used_by, app.now(), address)
    with app.db.begin() as tx:
        links.refused(tx, row)

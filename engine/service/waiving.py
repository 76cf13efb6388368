"""Waivers (灰名单豁免): customers of the grey list whom one case may contact all the same.

Whoever makes the case asks, with a reason, for one customer or for all entries of one reason; an administrator who
neither asked nor makes the case decides. Granted, it holds for the next selection of that case and for its messages,
and ends with the case. Refuses the black list: nobody waives that.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from engine.errors import InvalidForm, NotFound, OwnWaiver, Problem, WaiverWaits
from engine.masking import masked
from engine.organisation import Organisation
from engine.service.app import Countersign
from engine.service.authorizing import Action, allowed
from engine.service.recording import By, changing
from engine.service.suppressing import CUSTOMER, LONGEST_REASON
from engine.store import cases, suppression, visibility, waivers
from engine.store.definitions import ENDED
from engine.store.lines import CaseLine
from engine.store.waivers import WaiverRow

ASKS: Action = "waivers.ask"
DECIDES: Action = "waivers.decide"


@dataclass(frozen=True, slots=True)
class WaiverView:
    """One waiver. `customer` is masked, and empty where it is for all grey entries with the reason `grey_reason`.
    `state`: open, granted, refused, or over (granted, and the case has ended)."""

    id: int
    case_id: str
    case_number: str
    case_title: str
    customer: str
    grey_reason: str
    reason: str
    state: str
    asked_by: str
    asked_at: datetime
    decided_by: str
    decided_at: datetime | None
    may_decide: bool


def listed(app: Countersign, by: By, case: str = "") -> tuple[WaiverView, ...]:
    """Those of a case (id or number), or the newest of all cases that the viewer sees. NotFound for a case that they
    do not."""
    by.authorize(ASKS)
    with app.db.read() as tx:
        line = _named(tx, by, case) if case else None
        organisation = app.organisation(tx)
        views = (_view(tx, organisation, by, row) for row in waivers.listed(tx, line.id if line else ""))
        return tuple(view for view in views if view is not None)


def ask(app: Countersign, by: By, *, case: str, customer: str = "", grey_reason: str = "", reason: str) -> None:
    """Ask for a waiver of one customer, or of all with a grey reason. InvalidForm names wrong fields; NotFound where
    the case is not theirs to see, is not theirs, or has ended; WaiverWaits where the same waits."""
    by.authorize(ASKS)
    customer, grey_reason = customer.strip(), grey_reason.strip()
    problems = _wrong(customer, grey_reason, reason)
    with changing(app, by, ASKS) as change:
        if change.done_before():
            return
        line = _named(change.tx, by, case)
        loaded = cases.load(change.tx, line.id)
        is_theirs = by.viewer is None or loaded.submitter == by.person or allowed(by.viewer, DECIDES)
        if not is_theirs or loaded.state in ENDED:
            raise NotFound()
        if not problems:
            problems = _not_grey(change.tx, customer, grey_reason, change.now)
        if problems:
            raise InvalidForm(problems)
        values = {"customer": customer, "grey_reason": grey_reason, "reason": reason.strip()}
        number = waivers.ask(change.tx, case_id=line.id, **values, by=by.person, at=change.now)
        if number is None:
            raise WaiverWaits()
        change.note("waiver_asked", _subject(line), after=_told(number, customer, grey_reason), reason=reason.strip())


def decide(app: Countersign, by: By, number: int, *, grant: bool) -> None:
    """Grant or refuse a waiver that waits. OwnWaiver where they asked for it or made the case (refusing is open to
    them); NotFound where none waits under that number; the same decision twice is once."""
    with changing(app, by, DECIDES) as change:
        if change.done_before():
            return
        row = waivers.find(change.tx, number)
        if row is None or row.decision:
            raise NotFound()
        line = _named(change.tx, by, row.case_id)
        if grant and by.person in (row.asked_by, cases.load(change.tx, row.case_id).submitter):
            raise OwnWaiver()
        decision = "granted" if grant else "refused"
        if not waivers.decide(change.tx, number, decision, by=by.person, at=change.now):
            raise NotFound()
        change.note(f"waiver_{decision}", _subject(line), after=_told(number, row.customer, row.grey_reason))


def _named(tx: Connection, by: By, case: str) -> CaseLine:
    """The case, where the viewer sees it."""
    if by.viewer is None:
        raise NotFound()
    line = visibility.named(tx, by.person, case.strip())
    if line is None:
        raise NotFound()
    return line


def _wrong(customer: str, grey_reason: str, reason: str) -> list[Problem]:
    problems = []
    if bool(customer) == bool(grey_reason):
        problems.append(Problem("waiver_scope", "name one customer, or one reason of the grey list", at="customer"))
    elif customer and not CUSTOMER.fullmatch(customer):
        problems.append(Problem("customer_id", "a customer is 1 to 60 signs without spaces", at="customer"))
    if not reason.strip() or len(reason) > LONGEST_REASON:
        problems.append(Problem("reason_missing", "say why", at="reason"))
    return problems


def _not_grey(tx: Connection, customer: str, grey_reason: str, now: datetime) -> list[Problem]:
    if grey_reason:
        if suppression.has_reason(tx, "grey", grey_reason, now):
            return []
        return [Problem("waiver_no_reason", "no entry of the grey list has this reason", at="grey_reason")]
    in_force = [one for one in suppression.of_customer(tx, customer) if one.expires_at is None or one.expires_at > now]
    if any(one.list == "black" for one in in_force):
        return [Problem("waiver_black", "this customer is on the black list, which nobody waives", at="customer")]
    if any(one.list == "grey" for one in in_force):
        return []
    return [Problem("waiver_not_grey", "this customer is not on the grey list", at="customer")]


def _view(tx: Connection, organisation: Organisation, by: By, row: WaiverRow) -> WaiverView | None:
    line = visibility.find(tx, by.person, row.case_id)
    if line is None:
        return None
    may = by.viewer is not None and allowed(by.viewer, DECIDES) and not row.decision
    state = row.decision or "open"
    return WaiverView(
        id=row.id,
        case_id=row.case_id,
        case_number=line.number or "",
        case_title=line.title,
        customer=masked(row.customer),
        grey_reason=row.grey_reason,
        reason=row.reason,
        state="over" if state == "granted" and line.state in ENDED else state,
        asked_by=organisation.name(row.asked_by),
        asked_at=row.asked_at,
        decided_by=organisation.name(row.decided_by) if row.decided_by else "",
        decided_at=row.decided_at,
        may_decide=may,
    )


def _subject(line: CaseLine) -> str:
    return f"case {line.number or line.id}"


def _told(number: int, customer: str, grey_reason: str) -> dict[str, str | int]:
    return {"waiver": number, "customer": masked(customer), "grey_reason": grey_reason}

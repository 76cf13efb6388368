"""What a customer said to a recommendation in the hall, written down by the clerk: accepted, refused, or later.

It settles the ledger's row and counts as a response; as a conversion only with evidence of how the customer confirmed.
"No marketing any more" is an opt-out, which holds from this moment, also for what else waits here. One of two clerks
wins, and the other is told who. Refuses to conclude an offer whose elements are not complete, and to answer what no
clerk has seen.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from engine.delivery.channels import Hall
from engine.errors import InvalidForm, NotFound, Problem, RecommendationAnswered, RecommendationOver
from engine.service import answered, confirmations, worth
from engine.service.app import Countersign
from engine.service.confirmations import Proof, not_among
from engine.service.halls import offices_of, serves
from engine.service.recommending import SERVES, Standing, standing_now
from engine.service.recording import By, Change, changing
from engine.store import cases, ledger, permits, recommendations, waves
from engine.store.recommendations import Placed
from engine.store.reports import ResponseRow

ANSWERS = ("accept", "refuse", "later")
ANSWERED = "recommendation_answered"
NO_MARKETING = "no_marketing"
REASONS = ("price", "no_need", "has_similar", "thinks_it_over", "other", NO_MARKETING)
DAYS, MOST_DAYS = 7, 90


@dataclass(frozen=True, slots=True)
class Said:
    """What the customer said. `reason` belongs to refuse, `days` (until they are asked again) to later, `confirmed_by`,
    `evidence` (the number of the signature, the code) and `value` (money per month, where the offer has no fee) to
    accept."""

    answer: str
    reason: str = ""
    days: int = DAYS
    confirmed_by: str = ""
    evidence: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class AnswerView:
    """What is written down. `counts_as`: conversion, response, refused, opt_out or later. `again_at` belongs to
    later; `value`, money per month, to what was accepted."""

    id: str
    answer: str
    counts_as: str
    by: str
    at: datetime
    again_at: datetime | None = None
    value: Decimal | None = None


def answer(app: Countersign, by: By, number: str, said: Said) -> AnswerView:
    """Write down what the customer said; the same key again changes nothing and gives the same answer.

    InvalidForm names wrong fields. NotFound where no clerk of the same offices saw it; RecommendationAnswered where
    another answer stands; RecommendationOver where it may not be made any more.
    """
    by.authorize(SERVES)
    said = _checked(said)
    wave, row = confirmations.place_of(number)
    with changing(app, by, SERVES) as change:
        seen = _theirs(change, wave, row)
        _lock(change.tx, seen, said)
        placed = recommendations.find(change.tx, wave, row) or seen
        done = change.done_before()
        if done is not None and done.kind == ANSWERED:
            after = done.said["after"]
            return _written(change, placed, after["answer"], after["counts_as"], by=done.actor, at=done.at)
        if placed.state == "delivered" and placed.answer in ("accept", "refuse"):
            who = change.organisation.name(placed.answered_by)
            raise RecommendationAnswered(by=who, answer=placed.answer, at=placed.answered_at)
        standing = standing_now(app, change.tx, by, [placed]) if placed.state == "sent" else ()
        if not standing:
            raise RecommendationOver()
        _record(change, standing[0], said)
        placed = recommendations.find(change.tx, wave, row) or placed
        return _written(change, placed, placed.answer, _counts_as(said), by=by.person, at=change.now)


def _checked(said: Said) -> Said:
    problems = []
    if said.answer not in ANSWERS:
        problems.append(not_among(said.answer, "answer"))
    if said.answer == "refuse" and said.reason not in REASONS:
        problems.append(not_among(said.reason, "reason"))
    if said.answer == "later" and not 1 <= said.days <= MOST_DAYS:
        told = f"1 to {MOST_DAYS} days"
        problems.append(Problem("E382", told, at="days", fields={"most": MOST_DAYS}))
    confirmed_by, evidence = said.confirmed_by, " ".join(said.evidence.split())
    if said.answer == "accept" and (confirmed_by or evidence):
        confirmed_by, evidence, wrong = confirmations.checked(Proof(confirmed_by, evidence))
        problems += wrong
    if problems:
        raise InvalidForm(problems)
    return Said(
        answer=said.answer,
        reason=said.reason if said.answer == "refuse" else "",
        days=said.days,
        confirmed_by=confirmed_by if said.answer == "accept" else "",
        evidence=evidence if said.answer == "accept" else "",
        value=said.value if said.answer == "accept" else "",
    )


def _theirs(change: Change, wave: str, row: int) -> Placed:
    """The row, where a clerk has seen it and its case is one of this clerk's offices."""
    placed = recommendations.find(change.tx, wave, row)
    if placed is None:
        raise NotFound()
    case = cases.load(change.tx, placed.case_id)
    if not serves(change.organisation, change.by, case.office):
        raise NotFound()
    return placed


def _lock(tx: Connection, placed: Placed, said: Said) -> None:
    """The waves that are about to change, in one order for everybody."""
    wanted = {placed.wave}
    if said.reason == NO_MARKETING:
        wanted |= {one.wave for one in recommendations.waiting_for(tx, placed.customer, Hall.name)}
    waves.lock_all(tx, wanted)


def _record(change: Change, standing: Standing, said: Said) -> None:
    placed, tx, now = standing.placed, change.tx, change.now
    if said.answer == "accept" and standing.offer is not None and standing.offer.missing:
        missing = ", ".join(standing.offer.missing)
        told = f"the offer cannot be concluded: it has no {missing}"
        raise InvalidForm([Problem("E381", told, at="answer", fields={"missing": missing})])
    value = None
    if said.answer == "accept":
        value, problems = worth.of(standing.offer.monthly_fee if standing.offer else None, said.value)
        if problems:
            raise InvalidForm(problems)
    again = now + timedelta(days=said.days) if said.answer == "later" else None
    recommendations.note_answer(
        tx,
        placed.wave,
        placed.row,
        answer=said.answer,
        reason=said.reason,
        confirmed_by=said.confirmed_by,
        evidence=said.evidence,
        answered_by=change.by.person,
        answered_at=now,
        again_at=again,
        office=next(iter(offices_of(change.by)), ""),
        value=value,
        proved_by=change.by.person if said.evidence else "",
        proved_at=now if said.evidence else None,
    )
    if said.answer != "later":
        recommendations.settle(tx, placed.wave, [placed.row], state="delivered", reason=_reason(said), at=now)
    kinds = {"conversion": ("response", "conversion"), "response": ("response",), "opt_out": ("opt_out",)}
    rows = [
        ResponseRow(placed.customer, kind, now, value if kind == "conversion" else None, f"hall:{placed.id}")
        for kind in kinds.get(_counts_as(said), ())
    ]
    if rows:
        answered.keep(change.app, tx, placed.case_id, rows, source="hall", by=change.by.person)
    if said.reason == NO_MARKETING:
        for other in recommendations.waiting_for(tx, placed.customer, Hall.name):
            recommendations.settle(tx, other.wave, [other.row], state="suppressed", reason=ledger.SUPPRESSED, at=now)
            if other.shown_at is None:
                permits.release(tx, other.wave, [other.customer])
    after = {"answer": said.answer, "reason": said.reason, "counts_as": _counts_as(said)}
    change.note(ANSWERED, f"recommendation {placed.id}", after=after)


def _written(change: Change, placed: Placed, answer: str, counts_as: str, *, by: str, at: datetime) -> AnswerView:
    again = placed.again_at if answer == "later" else None
    value = placed.value if answer == "accept" else None
    return AnswerView(placed.id, answer, counts_as, change.organisation.name(by), at, again, value)


def _counts_as(said: Said) -> str:
    if said.answer == "accept":
        return "conversion" if said.evidence else "response"
    if said.answer == "refuse":
        return "opt_out" if said.reason == NO_MARKETING else "refused"
    return "later"


def _reason(said: Said) -> str:
    """What the ledger says of the row."""
    if said.answer == "refuse":
        return f"refused: {said.reason}"
    return "accepted, confirmed" if said.evidence else "accepted"

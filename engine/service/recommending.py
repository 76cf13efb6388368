"""Recommendations in the hall (营业厅推荐): a clerk asks by the customer, and sees what may be offered to them, ranked.

Seeing it is the contact (docs/decisions/0036): who saw what first is written down, and it is recorded that somebody
asked. Refuses to find by a part of a number, to show what is over, paused, suppressed, withdrawn or of another office's
case, and to tell a customer without a recommendation here from one that there is not.
"""

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from math import inf

from sqlalchemy import Connection

from engine.definition.model import Definition
from engine.delivery.channels import Hall
from engine.delivery.waves import chunk_size
from engine.machine.case import Case
from engine.masking import masked, masked_name
from engine.service import customers, evidencing, forgotten, recommended_offers, scores, worth
from engine.service.app import Countersign
from engine.service.authorizing import Action
from engine.service.evidencing import Unproved
from engine.service.halls import offices_of, serves
from engine.service.recommended_offers import OfferTold
from engine.service.recording import By, Change, changing
from engine.service.sealing import vault
from engine.store import cases, permits, recommendations, suppression, waves
from engine.store.recommendations import Placed
from engine.store.waves import WaveRow
from engine.warehouse.customers import Facts, Nobody
from engine.warehouse.wavefiles import WaveFile

SERVES: Action = "hall.serve"
MOST = 20


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One offer for the customer at the counter. `id` is what an answer names; `until` is the moment from which it
    stands no more; `not_before`: the customer asked to be asked again from then on. `priority`, `score` (the customer's
    in the arbitration that holds for the case) and `value` (the monthly fee) are what it is ranked by, before how long
    it waits."""

    id: str
    title: str
    script: str
    offer: OfferTold | None
    missing: tuple[str, ...]
    priority: int
    score: float | None
    value: Decimal | None
    placed_at: datetime
    until: datetime
    not_before: datetime | None


@dataclass(frozen=True, slots=True)
class HallView:
    """The answer. `outcome`: found, several (the phone of several), or none: there is nobody, or nothing to recommend
    here. `customer` and `name` are masked; name and tariff stand there only with a recommendation. `unproved`: what
    they accepted here and what nobody has written evidence down for yet."""

    outcome: str
    customer: str
    name: str = ""
    tariff: str = ""
    recommendations: tuple[Recommendation, ...] = ()
    later: tuple[Recommendation, ...] = ()
    unproved: tuple[Unproved, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """A placed row that may be worked now, with its case."""

    placed: Placed
    case: Case
    definition: Definition
    wave: WaveRow
    offer: OfferTold | None
    until: datetime


def look_up(app: Countersign, by: By, wanted: str, *, is_new: bool = True) -> HallView:
    """What to recommend to the customer with this id or phone. InvalidForm where it is neither; TooManyTries. `is_new`
    False: the same customer once more after an answer, which is recorded already."""
    by.authorize(SERVES)
    wanted = customers.whole(wanted)
    if is_new:
        customers.count_question(app, by)
    found, _ = customers.facts_of(app, wanted)
    with changing(app, by, SERVES) as change:
        if is_new and not change.done_before():
            subject = found.customer if isinstance(found, Facts) else masked(wanted)
            change.note("customer_asked", f"customer {subject}", after={"at": "hall"})
        if isinstance(found, Nobody):
            return HallView("several" if found.several else "none", masked(wanted))
        return _view(change, found)


def _view(change: Change, found: Facts) -> HallView:
    app, tx = change.app, change.tx
    if forgotten.among(tx, vault(app.settings), [found.customer]):
        return HallView("none", masked(found.customer))
    standing = standing_now(app, tx, change.by, recommendations.waiting_for(tx, found.customer, Hall.name))
    unproved = evidencing.of_customer(app, tx, change.by, found.customer)
    if not standing and not unproved:
        return HallView("none", masked(found.customer))
    told = sorted(_told(app, tx, standing), key=_rank)
    ready = tuple(one for one in told if not one.not_before or one.not_before <= change.now)[:MOST]
    later = tuple(one for one in told if one.not_before and one.not_before > change.now)[:MOST]
    shown = {one.id for one in (*ready, *later)}
    _note_shown(change, (one.placed for one in standing if one.placed.id in shown))
    return HallView(
        outcome="found",
        customer=masked(found.customer),
        name=masked_name(found.fields.get(customers.NAME, "")),
        tariff=found.fields.get("tariff", ""),
        recommendations=ready,
        later=later,
        unproved=unproved,
    )


def standing_now(app: Countersign, tx: Connection, by: By, placed: Sequence[Placed]) -> tuple[Standing, ...]:
    """Those of one customer's placed rows that may be worked now by this clerk: of cases of their offices, within the
    days of the case and the offer, and not suppressed."""
    now, organisation = app.now(), app.organisation(tx)
    loaded = {one.id: one for one in cases.load_many(tx, sorted({one.case_id for one in placed}))}
    rows = {row.id: row for some in waves.of_cases(tx, list(loaded)).values() for row in some}
    codes = {one.id: worth.offer_of(app, loaded[one.case_id], one.cell) for one in placed}
    offers = recommended_offers.told(app, tx, codes.values(), now)
    found = []
    for one in placed:
        case = loaded[one.case_id]
        definition, offer = app.definition(case.process), offers.get(codes[one.id])
        until = _until(app, definition, case, one, offer)
        barred = suppression.suppressed(tx, [one.customer], now, channel=Hall.name, case_id=case.id)
        starts = _day(app, definition, case, first=True)
        is_theirs = case.state == "delivering" and serves(organisation, by, case.office)
        is_open = now < until and (starts is None or starts <= now) and (offer is None or offer.in_force)
        if is_theirs and is_open and not barred:
            found.append(Standing(one, case, definition, rows[one.wave], offer, until))
    return tuple(found)


def _note_shown(change: Change, shown: Iterable[Placed]) -> None:
    """The first time that a row is seen its contact is made, and the policy counts it from this moment."""
    fresh = [one for one in shown if one.shown_at is None]
    office = next(iter(offices_of(change.by)), "")
    recommendations.note_shown(change.tx, fresh, office=office, by=change.by.person, at=change.now)
    for one in fresh:
        permits.move(change.tx, one.wave, [one.customer], at=change.now)


def _told(app: Countersign, tx: Connection, standing: Iterable[Standing]) -> Iterable[Recommendation]:
    for one in standing:
        offer = one.offer
        priority, score = scores.of(app, tx, one.case, one.definition, one.placed.customer)
        yield Recommendation(
            id=one.placed.id,
            title=str(one.case.form.get("title") or ""),
            script=_script(app, one),
            offer=offer,
            missing=offer.missing if offer else (),
            priority=priority,
            score=score,
            value=offer.monthly_fee if offer else None,
            placed_at=one.placed.placed_at,
            until=one.until,
            not_before=one.placed.again_at if one.placed.answer == "later" else None,
        )


def _rank(one: Recommendation) -> tuple[bool, int, float, Decimal, datetime, str]:
    """What cannot be concluded stands last, and what has no score after what has one."""
    score = inf if one.score is None else -one.score
    return (bool(one.missing), -one.priority, score, -(one.value or Decimal()), one.placed_at, one.id)


def _script(app: Countersign, one: Standing) -> str:
    """The words that were rendered for the customer before the wave began."""
    place = one.placed.row // chunk_size(one.wave.plan)
    with closing(WaveFile(app.settings.data / one.wave.file, one.wave.variant)) as file:
        return next(letter.text for letter in file.chunk(place) if letter.row == one.placed.row)


def _until(app: Countersign, definition: Definition, case: Case, placed: Placed, offer: OfferTold | None) -> datetime:
    assert definition.delivery is not None
    ends = [placed.placed_at + definition.delivery.receipts_within.on_the_clock()]
    over = _day(app, definition, case, first=False)
    if over is not None:
        ends.append(over)
    if offer is not None and offer.valid_until is not None:
        ends.append(datetime.combine(offer.valid_until + timedelta(days=1), time(), app.settings.zone))
    return min(ends)


def _day(app: Countersign, definition: Definition, case: Case, *, first: bool) -> datetime | None:
    """When the days of a case begin, or are over."""
    window = definition.proposal.window(case.form)
    if window is None:
        return None
    day = window[0] if first else window[1] + timedelta(days=1)
    return datetime.combine(day, time(), app.settings.zone)

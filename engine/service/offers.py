"""Offers and tariffs (产品、资费): a catalogue whose versions one person proposes and another publishes.

A published version holds until the next one is published or it is withdrawn, on the days that it says. Nothing is ever
overwritten. Refuses a publication by whoever proposed it, and a proposal made from an older version than there is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from engine.audience.compile import customer_type
from engine.definition.catalogue import catalogue
from engine.errors import InvalidExpression, InvalidForm, NotFound, OfferChanged, OwnOffer, Problem
from engine.expr import Scope, compile_expression
from engine.expr.types import BOOL
from engine.offers.terms import FIELDS, Terms, difference, kept_terms, read_terms
from engine.organisation import Organisation
from engine.service import confirming, whereabouts
from engine.service.app import Countersign
from engine.service.authorizing import Action, allowed
from engine.service.confirming import Kind
from engine.service.recording import By, Change, changing
from engine.store import offers
from engine.store.offers import OFFERS, OfferRow

READS: Action = "offers.read"
MANAGES: Action = "offers.manage"
CUSTOMERS = "customers"
OFFER = Kind("offer", OFFERS, MANAGES, OwnOffer)


@dataclass(frozen=True, slots=True)
class OfferView:
    """One version. `state`: open, in_force, coming, expired, over (another followed), withdrawn, refused, replaced.
    `terms` are all fields as text; `changes` is (field, was, is) against the version published before it."""

    code: str
    version: int
    state: str
    terms: Mapping[str, str]
    proposed_by: str
    proposed_at: datetime
    decided_by: str
    decided_at: datetime | None
    withdrawn_by: str
    withdrawn_at: datetime | None
    reason: str
    changes: tuple[tuple[str, str, str], ...]
    may_publish: bool


@dataclass(frozen=True, slots=True)
class OfferPage:
    """All versions of a code, the newest first. `newest` is the number that a change must name."""

    code: str
    versions: tuple[OfferView, ...]
    newest: int
    may_manage: bool

    @property
    def shown(self) -> OfferView:
        """The version that holds, else the one that would or did last, else the newest."""
        order = ("in_force", "coming", "expired", "withdrawn")
        found = (one for state in order for one in self.versions if one.state == state)
        return next(found, self.versions[0])

    @property
    def waits(self) -> OfferView | None:
        """The version that waits for its publication."""
        return next((one for one in self.versions if one.state == "open"), None)


def listed(app: Countersign, by: By, query: str = "", state: str = "") -> tuple[OfferView, ...]:
    """Of each code the version that holds, else the newest; those whose code, names, family, category, tags or filing
    number have the words of `query`, in that state where one is named."""
    by.authorize(READS)
    with app.db.read() as tx:
        published, newest = offers.published(tx, app.now()), offers.newest(tx)
        organisation = app.organisation(tx)
    words = query.casefold().split()
    rows = [published.get(one.code, one) for one in newest]
    waiting = {one.code for one in newest if not one.decision}
    found = [_view(app, by, organisation, row, published.get(row.code)) for row in rows if _has(row, words)]
    if state == "open":
        return tuple(one for one in found if one.code in waiting)
    return tuple(one for one in found if not state or one.state == state)


def show(app: Countersign, by: By, code: str) -> OfferPage:
    """All versions of a code. NotFound where there is none."""
    by.authorize(READS)
    with app.db.read() as tx:
        rows, organisation = OFFERS.history(tx, code=code), app.organisation(tx)
        published = offers.published(tx, app.now()).get(code)
    if not rows:
        raise NotFound()
    views = []
    for place, row in enumerate(rows):
        earlier = next((one for one in rows[place + 1 :] if one.decision == "published"), None)
        views.append(_view(app, by, organisation, row, published, earlier=earlier))
    may = by.viewer is None or allowed(by.viewer, MANAGES)
    return OfferPage(code, tuple(views), rows[0].version, may)


def propose(app: Countersign, by: By, code: str, typed: Mapping[str, str], *, seen: int) -> int:
    """Write down the next version of a code, made from version `seen` (0: none), and give its number. InvalidForm with
    every problem, OfferChanged where another was proposed since. It holds once somebody else publishes it."""
    by.authorize(MANAGES)
    terms, problems = read(app, code, typed)
    if terms is None or problems:
        raise InvalidForm(problems)
    with changing(app, by, None) as change:
        OFFERS.lock(change.tx)
        rows = OFFERS.history(change.tx, code=code)
        if change.done_before():
            return rows[0].version
        if (rows[0].version if rows else 0) != seen:
            raise OfferChanged(by=change.organisation.name(rows[0].proposed_by) if rows else "", code=code)
        return propose_row(change, code, terms, rows[0] if rows else None)


def decide(app: Countersign, by: By, code: str, version: int, *, publish: bool) -> None:
    """Publish a version, which then holds, or refuse it. OwnOffer where they proposed it themselves; NotFound where
    nothing waits under that number; the same decision twice is once."""
    confirming.decide(app, by, OFFER, version, confirm=publish, code=code)


def withdraw(app: Countersign, by: By, code: str, version: int, *, reason: str) -> None:
    """Withdraw the published version at once; no earlier one holds again. NotFound where it does not hold."""
    by.authorize(MANAGES)
    problems = confirming.without_reason(reason)
    if problems:
        raise InvalidForm(problems)
    with changing(app, by, None) as change:
        OFFERS.lock(change.tx)
        if change.done_before():
            return
        held = offers.published(change.tx, change.now).get(code)
        if held is None or held.version != version:
            raise NotFound()
        if not offers.withdraw(change.tx, code, version, reason.strip(), by=by.person, at=change.now):
            raise NotFound()
        change.note("offer_withdrawn", f"offer {code}", after={"version": version}, reason=reason.strip())


def in_force(app: Countersign, tx: Connection, at: datetime) -> dict[str, Terms]:
    """The terms of each code that holds at `at`."""
    day = at.astimezone(app.settings.zone).date()
    held = {}
    for code, row in offers.published(tx, at).items():
        terms = kept_terms(row.terms)
        if _state(row, row, terms, day, at) == "in_force":
            held[code] = terms
    return held


def read(app: Countersign, code: str, typed: Mapping[str, str]) -> tuple[Terms | None, tuple[Problem, ...]]:
    """The terms that were typed, or every problem, with that of `requires` at its line and column."""
    terms, problems = read_terms(code, typed)
    rule = " ".join(typed.get("requires", "").split())
    return terms, (*problems, *_unreadable(app, rule))


def propose_row(change: Change, code: str, terms: Terms, before: OfferRow | None) -> int:
    """Write the next version within a transaction that holds the lock; its number."""
    version = offers.propose(change.tx, code, terms.written(), by=change.by.person, at=change.now)
    was = {name: text for name, text in before.terms.items() if text} if before else None
    now = {name: text for name, text in terms.written().items() if text}
    if was is not None:
        was, now = (
            {name: one.get(name, "") for name in FIELDS if was.get(name) != now.get(name)} for one in (was, now)
        )
    change.note("offer_proposed", f"offer {code}", before=was, after={**now, "version": version})
    return version


def rule_fields(app: Countersign) -> dict[str, str]:
    """The customer fields that a rule may name: those of the catalogue, and the dataset's."""
    customers = whereabouts.last_seen(app).tables.get(CUSTOMERS)
    known = catalogue(CUSTOMERS)
    return {
        **(known.types if known else {}),
        **({column.name: column.type for column in customers.columns} if customers else {}),
    }


def _unreadable(app: Countersign, rule: str) -> tuple[Problem, ...]:
    if not rule:
        return ()
    try:
        compile_expression(rule, Scope().plus(c=customer_type(rule_fields(app))), gives=BOOL)
    except InvalidExpression as error:
        return tuple(
            Problem("D186", str(one.message), one.hint, at="requires", fields={"reason": one.message})
            for one in error.problems
        )
    return ()


def _has(row: OfferRow, words: list[str]) -> bool:
    names = ("name_zh", "name_en", "category", "family", "tags", "filing_number")
    text = " ".join([row.code, *(row.terms.get(name, "") for name in names)]).casefold()
    return all(word in text for word in words)


def _state(row: OfferRow, published: OfferRow | None, terms: Terms, day: date, now: datetime) -> str:
    if row.decision != "published":
        return row.decision or "open"
    if row.withdrawn_at is not None and row.withdrawn_at <= now:
        return "withdrawn"
    if published is None or row.version != published.version:
        return "over"
    if terms.valid_from and day < terms.valid_from:
        return "coming"
    return "in_force" if terms.is_valid_on(day) else "expired"


def _view(
    app: Countersign,
    by: By,
    organisation: Organisation,
    row: OfferRow,
    published: OfferRow | None,
    *,
    earlier: OfferRow | None = None,
) -> OfferView:
    terms, now = kept_terms(row.terms), app.now()
    state = _state(row, published, terms, now.astimezone(app.settings.zone).date(), now)
    manages = by.viewer is None or allowed(by.viewer, MANAGES)
    return OfferView(
        code=row.code,
        version=row.version,
        state=state,
        terms={name: row.terms.get(name, "") for name in FIELDS},
        proposed_by=organisation.name(row.proposed_by),
        proposed_at=row.proposed_at,
        decided_by=organisation.name(row.decided_by) if row.decided_by else "",
        decided_at=row.decided_at,
        withdrawn_by=organisation.name(row.withdrawn_by) if row.withdrawn_by else "",
        withdrawn_at=row.withdrawn_at,
        reason=row.reason,
        changes=difference(kept_terms(earlier.terms), terms) if earlier else (),
        may_publish=state == "open" and manages and row.proposed_by != by.person,
    )


def choosable(app: Countersign) -> tuple[tuple[str, int, Terms, str], ...]:
    """What may be rehearsed, as (code, version, terms, state): of each code what was published last, and what waits;
    tariffs with a monthly fee alone."""
    now = app.now()
    day = now.astimezone(app.settings.zone).date()
    with app.db.read() as tx:
        published, newest = offers.published(tx, now), offers.newest(tx)
    rows = {(row.code, row.version): row for row in (*published.values(), *newest)}
    found = []
    for (code, version), row in sorted(rows.items()):
        terms = kept_terms(row.terms)
        state = _state(row, published.get(code), terms, day, now)
        if terms.replaces_the_bill and state not in ("refused", "replaced"):
            found.append((code, version, terms, state))
    return tuple(found)

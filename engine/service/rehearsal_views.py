"""A rehearsal (预演) as pages and API show it: amounts in yuan, means and shares worked out of exact sums."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec import Struct

from engine.offers.figures import (
    BANDS,
    LAST_BAND,
    Group,
    MonthSum,
    Rehearsed,
    Side,
    break_even_take_up,
    further_customers,
    mean,
    share_of_losers,
    yuan,
)
from engine.offers.terms import kept_terms
from engine.store.rehearsals import RehearsalRow
from engine.values import Bilingual

TWO_YEARS = 24
"""Months over which a fixed cost is earned back where the tariff has no contract."""


class Inputs(Struct, frozen=True):
    """What went into a rehearsal. `target`: rule, list (the frozen list of the case) or estimate (of its form); `list`
    is the digest of that list. `terms` are those of the tariff's version."""

    target: str
    rule: str
    list: str
    months: tuple[str, ...]
    dataset: int
    files: tuple[tuple[str, str], ...]
    sql: str
    terms: dict[str, str]
    fixed_cost: str = ""
    margin: str = ""


@dataclass(frozen=True, slots=True)
class SideView:
    """Customers whose bill falls, or rises; amounts in CNY per month, `mean` and the ranks per customer."""

    customers: int
    now: Decimal
    change: Decimal
    mean: Decimal | None
    p5: Decimal
    p50: Decimal
    p95: Decimal


@dataclass(frozen=True, slots=True)
class BandView:
    """So many customers whose bill changes by more than `above` and less than `below` CNY; the end that lies nearer
    to 0 belongs to a band that does not touch 0. None where it is open; both 0: unchanged."""

    above: Decimal | None
    below: Decimal | None
    customers: int


@dataclass(frozen=True, slots=True)
class GroupView:
    """All customers (`cell` empty) or one segment."""

    cell: str
    customers: int
    known: int
    partial: int
    unknown: int
    unchanged: int
    winners: SideView
    losers: SideView
    now: Decimal
    change: Decimal
    mean_now: Decimal | None
    mean: Decimal | None
    p5: Decimal
    p50: Decimal
    p95: Decimal
    bands: tuple[BandView, ...]


@dataclass(frozen=True, slots=True)
class MonthView:
    """One month of usage: what was paid, and the change if all switch or only those who gain."""

    month: str
    customers: int
    now: Decimal
    change: Decimal
    winners: int
    winners_change: Decimal


@dataclass(frozen=True, slots=True)
class BreakEven:
    """What it takes until nothing is lost. None where nothing does, or where it was not asked.

    `losers`: if all who gain switch, this share of those who lose. `take_up`: this share of all, until `fixed_cost` is
    earned back over `months`. `further`: new customers for each who switches, with `margin` left of a yuan.
    """

    losers: Decimal | None
    take_up: Decimal | None
    further: Decimal | None
    fixed_cost: Decimal | None
    margin: Decimal | None
    months: int


@dataclass(frozen=True, slots=True)
class RehearsalLine:
    """A rehearsal in a list."""

    number: int
    offer: str
    name: Bilingual
    version: int
    case_id: str
    target: str
    rule: str
    months: tuple[str, ...]
    customers: int
    known: int
    winners: int
    losers: int
    mean: Decimal | None
    change: Decimal
    winners_change: Decimal
    made_by: str
    made_at: datetime
    other_offer: bool = False
    """The case is about another offer by now."""


@dataclass(frozen=True, slots=True)
class RehearsalView:
    """A rehearsal with all its figures. `withheld`: segments are too small to be shown."""

    line: RehearsalLine
    terms: Mapping[str, str]
    all: GroupView
    cells: tuple[GroupView, ...]
    withheld: bool
    months: tuple[MonthView, ...]
    break_even: BreakEven
    dataset: int
    list: str
    sql: str
    digest: str


def line_of(row: RehearsalRow, made_by: str, *, other_offer: bool = False) -> RehearsalLine:
    """What a list shows of it."""
    inputs, found = opened(row)
    return RehearsalLine(
        number=row.number,
        offer=row.offer,
        name=kept_terms(inputs.terms).name,
        version=row.version,
        case_id=row.case_id,
        target=inputs.target,
        rule=inputs.rule,
        months=inputs.months,
        customers=found.all.customers,
        known=found.all.known,
        winners=found.all.winners.customers,
        losers=found.all.losers.customers,
        mean=mean(found.all.change, found.all.known),
        change=yuan(found.all.change),
        winners_change=yuan(found.all.winners.change),
        made_by=made_by,
        made_at=row.made_at,
        other_offer=other_offer,
    )


def view_of(row: RehearsalRow, line: RehearsalLine, least: int) -> RehearsalView:
    """All of it; segments only where each has `least` customers of whom usage is known."""
    inputs, found = opened(row)
    is_shown = all(one.known >= least for one in found.cells)
    return RehearsalView(
        line=line,
        terms=inputs.terms,
        all=_group(found.all),
        cells=tuple(map(_group, found.cells)) if is_shown else (),
        withheld=not is_shown,
        months=tuple(map(_month, found.months)),
        break_even=_break_even(found.all, inputs),
        dataset=inputs.dataset,
        list=inputs.list,
        sql=inputs.sql,
        digest=row.digest,
    )


def opened(row: RehearsalRow) -> tuple[Inputs, Rehearsed]:
    """What went in and what came out."""
    return msgspec.json.decode(row.inputs, type=Inputs), msgspec.json.decode(row.figures, type=Rehearsed)


def _group(one: Group) -> GroupView:
    return GroupView(
        cell=one.cell,
        customers=one.customers,
        known=one.known,
        partial=one.partial,
        unknown=one.unknown,
        unchanged=one.unchanged,
        winners=_side(one.winners),
        losers=_side(one.losers),
        now=yuan(one.now),
        change=yuan(one.change),
        mean_now=mean(one.now, one.known),
        mean=mean(one.change, one.known),
        p5=yuan(one.p5),
        p50=yuan(one.p50),
        p95=yuan(one.p95),
        bands=tuple(_band(band, one.bands.get(band, 0)) for band in range(-LAST_BAND, LAST_BAND + 1)),
    )


def _side(one: Side) -> SideView:
    ranks = (yuan(one.p5), yuan(one.p50), yuan(one.p95))
    return SideView(one.customers, yuan(one.now), yuan(one.change), mean(one.change, one.customers), *ranks)


def _band(band: int, customers: int) -> BandView:
    if band == 0:
        return BandView(Decimal(), Decimal(), customers)
    ends = [Decimal(), *map(yuan, BANDS), None]
    near, far = ends[abs(band) - 1], ends[abs(band)]
    if band > 0:
        return BandView(near, far, customers)
    return BandView(None if far is None else -far, None if near is None else -near, customers)


def _month(one: MonthSum) -> MonthView:
    return MonthView(one.month, one.customers, yuan(one.now), yuan(one.change), one.winners, yuan(one.winners_change))


def _break_even(one: Group, inputs: Inputs) -> BreakEven:
    months = kept_terms(inputs.terms).tariff.contract_months or TWO_YEARS
    cost = Decimal(inputs.fixed_cost) if inputs.fixed_cost else None
    margin = Decimal(inputs.margin) if inputs.margin else None
    return BreakEven(
        losers=share_of_losers(one.winners.change, one.losers.change),
        take_up=None if cost is None else break_even_take_up(cost, one.change, months),
        further=None if margin is None else further_customers(one.now, one.change, margin),
        fixed_cost=cost,
        margin=margin,
        months=months,
    )

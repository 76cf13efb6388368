"""What a case was planned to cost, from its proposal, against what it did, from the ledger.

Planned: the customers that the proposal declares (of the frozen list, where it declares none) over the waves of the
definition, texts with one sign for every value of a customer, at the definition's prices or those of the house's table
on the day the list was frozen. Actual: what left the house, each message at the price of its sending day in the zone
of the house. The table goes before the definition's prices; one in another currency than the case's is not used, and
that is said. Refuses to count a wave or a case twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal

from sqlalchemy import Connection

from engine.definition.fields import Money
from engine.definition.model import Definition
from engine.delivery.channels import segments_of
from engine.delivery.plan import DeliveryPlan
from engine.delivery.waves import divide
from engine.evaluation.cost_table import BY_SEGMENT, CostTable
from engine.evaluation.costs import (
    CostRow,
    Planned,
    Prices,
    Sent,
    Spent,
    cost_of,
    fixed_rows,
    messages_row,
    sent_of,
)
from engine.machine.case import Case
from engine.machine.funding import FIELD
from engine.service.app import Countersign
from engine.service.wording import composed
from engine.store import budgets, costs
from engine.store.costs import CostTableRow
from engine.store.reports import Contacts
from engine.store.snapshots import SnapshotRow
from engine.store.waves import WaveRow

ABSENT = "…"
"""What stands in a planned text for a value of a customer."""


@dataclass(frozen=True, slots=True)
class CaseCosts:
    """Planned and actual cost of a case. `by_wave` is what its messages cost by wave, not rounded. `reach` customers
    are planned for, as the `proposal` declares or the frozen `list` has (`reach_of`). `other_currency` is that of a
    table that was not used; `booked` what the office's budget was charged, None where none pays."""

    currency: str
    rows: tuple[CostRow, ...]
    by_wave: Mapping[str, Decimal]
    messages: int
    reach: int
    reach_of: str
    table_version: int
    other_currency: str
    booked: Decimal | None

    @property
    def actual(self) -> Decimal:
        """All of it, fixed costs once."""
        return sum((one.actual for one in self.rows), Decimal())

    @property
    def fixed(self) -> Decimal:
        """The part that does not depend on how many messages there were."""
        return sum((one.actual for one in self.rows if one.is_fixed), Decimal())


def costs_of(
    app: Countersign,
    tx: Connection,
    case: Case,
    *,
    snapshot: SnapshotRow,
    rows: Sequence[WaveRow],
    contacts: Sequence[Contacts],
    as_of: datetime,
) -> CaseCosts:
    """Of a case whose newest list is `snapshot`, with its waves and what left the house by wave and cell."""
    definition = app.definition(case.process)
    currency, plan = _currency(definition), definition.delivery
    version = costs.in_force(tx, as_of)
    prices = prices_of(definition, version)
    table = prices.table
    reach = _declared(definition, case)
    planned = _planned(app, plan, case, definition, snapshot.target if reach is None else reach) if plan else ()
    sent = _sent(app, tx, case.id, _Left(rows, contacts, as_of), table)
    approved = _day(app, snapshot.frozen_at)
    begun: dict[str, list[date]] = {}
    for row in rows:
        if row.started_at is not None:
            begun.setdefault(row.channel, []).append(_day(app, row.started_at))
    by_wave: dict[str, Decimal] = {}
    for one in sent:
        by_wave[one.wave] = by_wave.get(one.wave, Decimal()) + cost_of(one, prices.paid(one.channel, one.day))
    found = tuple(
        messages_row(one, [each for each in sent if each.channel == one.channel], prices, approved) for one in planned
    )
    return CaseCosts(
        currency=currency,
        rows=(*found, *fixed_rows(planned, begun, prices, approved)),
        by_wave=by_wave,
        messages=sum(one.contacted for one in sent),
        reach=snapshot.target if reach is None else reach,
        reach_of="list" if reach is None else "proposal",
        table_version=version.version if version and table else 0,
        other_currency=version.table.currency if version and table is None else "",
        booked=budgets.holding(tx, case.id, case.fund.account).actual if case.fund else None,
    )


def prices_of(definition: Definition, version: CostTableRow | None) -> Prices:
    """What messages of cases of this definition may be charged; a table in another currency is not used."""
    plan, evaluation = definition.delivery, definition.evaluation
    return Prices(
        version.table if version and version.table.currency == _currency(definition) else None,
        evaluation.cost_per_contact if evaluation else {},
        plan.prices if plan else {},
    )


def _currency(definition: Definition) -> str:
    field = definition.proposal.fields.get(FIELD)
    return field.currency if isinstance(field, Money) else "CNY"


def _declared(definition: Definition, case: Case) -> int | None:
    audience = definition.audience
    number = case.form.get(audience.drift.source) if audience and audience.drift else None
    return number if isinstance(number, int) and number > 0 else None


def _planned(
    app: Countersign, plan: DeliveryPlan, case: Case, definition: Definition, reach: int
) -> tuple[Planned, ...]:
    parts = {channel: _parts(app, plan, case, definition, channel) for channel in BY_SEGMENT}
    found: dict[str, list[int]] = {}
    for one in divide(reach, plan.waves):
        found.setdefault(one.channel, []).append(one.size)
    return tuple(
        Planned(channel, sum(sizes), sum(sizes) * parts.get(channel, 1), len(sizes)) for channel, sizes in found.items()
    )


def _parts(app: Countersign, plan: DeliveryPlan, case: Case, definition: Definition, channel: str) -> int:
    """How many segments a text of the proposal has; of several the longest, 1 where it has none yet."""
    if plan.message is None or not any(channel in wave.channel for wave in plan.waves):
        return 1
    try:
        form = definition.context(case.form)["form"]
        texts = composed(app.settings, plan, form, (channel,)) | composed(app.settings, plan, form, is_tested=True)
    except ValueError:  # a text that cannot be filled
        return 1
    blank = tuple(ABSENT for _ in plan.message.fields)
    return max((segments_of(channel, text(blank)) for text in texts.values()), default=1)


@dataclass(frozen=True, slots=True)
class _Left:
    """What left the house by `as_of`: the waves, and their messages by cell."""

    rows: Sequence[WaveRow]
    contacts: Sequence[Contacts]
    as_of: datetime


def _sent(app: Countersign, tx: Connection, case_id: str, left: _Left, table: CostTable | None) -> tuple[Sent, ...]:
    """What went out, by wave and by period between two changes of a price: the ledger is read by time only where a
    price changed meanwhile."""
    begun = [row for row in left.rows if row.started_at is not None]
    if not begun:
        return ()
    first = min(_day(app, row.started_at) for row in begun if row.started_at is not None)
    last = _day(app, left.as_of)
    changes = sorted({day for row in begun if table for day in table.changes(row.channel) if first < day <= last})
    periods = [first, *changes]
    if changes:
        zone = app.settings.zone
        counted = costs.sent_between(tx, case_id, [datetime.combine(day, time(), zone) for day in changes])
    else:
        counted = tuple(costs.Between(one.wave, 0, one.contacted, one.delivered) for one in left.contacts)
    by_day = costs.segments_by_day(tx, [row.id for row in begun])
    found: list[Sent] = []
    for row in begun:
        found += _of_wave(row, counted, by_day.get(row.id, {}), periods)
    return tuple(found)


def _of_wave(
    row: WaveRow, counted: Sequence[costs.Between], by_day: Mapping[date, int], periods: Sequence[date]
) -> list[Sent]:
    messages: dict[date, tuple[int, int]] = {}
    for one in counted:
        if one.wave == row.id:
            contacted, arrived = messages.get(periods[one.period], (0, 0))
            messages[periods[one.period]] = (contacted + one.contacted, arrived + one.delivered)

    return sent_of(row.id, row.channel, messages, Spent(by_day, row.segments), periods)


def _day(app: Countersign, at: datetime) -> date:
    return at.astimezone(app.settings.zone).date()

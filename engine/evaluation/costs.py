"""What a case was planned to cost against what it did, and how much of the difference is volume and how much price.

The split is that of standard costing: volume = (actual - planned quantity) at the planned price, price = actual
quantity at (actual - planned price); the two add up to the difference (Horngren, Datar and Rajan, Cost Accounting,
ch. 7). What was charged otherwise than planned, as by message and not by segment or for what arrived only, is price.
Refuses to price what nobody named a price for: it is named instead.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

from engine.evaluation.cost_table import BY_SEGMENT, Charged, CostTable, Unit
from engine.evaluation.money import CENT

Source = Literal["table", "per_contact", "delivery", "none"]
"""Where a price comes from: the house's cost table, `evaluation.cost_per_contact`, `delivery.prices`, nowhere."""
NOTHING = Decimal()


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit costs. `since` is the first day of the table's line."""

    unit: Unit
    price: Decimal
    source: Source
    charged: Charged = "sent"
    provider: str = ""
    since: date | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What of a wave went out on days of one price: messages, those that arrived, and segments of all of them, which
    are as many as the messages where a channel has none."""

    wave: str
    channel: str
    day: date
    contacted: int
    delivered: int
    segments: int
    is_estimate: bool = False

    def units(self, unit: Unit, charged: Charged = "sent") -> int:
        """How many segments or messages are paid for; see `is_shared` for segments of what arrived."""
        if unit != "segment":
            return self.delivered if charged == "delivered" else self.contacted
        if charged == "sent" or not self.contacted:
            return self.segments
        share = Decimal(self.segments) * self.delivered / self.contacted
        return int(share.quantize(Decimal(1), ROUND_HALF_EVEN))

    def is_shared(self, price: Price) -> bool:
        """Whether the segments of what arrived are a share: exact where all messages have as many, or all arrived."""
        if price.unit != "segment" or price.charged == "sent" or self.delivered in (0, self.contacted):
            return False
        return bool(self.segments % self.contacted)


@dataclass(frozen=True, slots=True)
class Spent:
    """The segments of a wave: those counted by day, and all of them."""

    by_day: Mapping[date, int]
    total: int


@dataclass(frozen=True, slots=True)
class Planned:
    """What was planned to go out by a channel: messages, and the segments of all of them."""

    channel: str
    messages: int
    segments: int
    waves: int


@dataclass(frozen=True, slots=True)
class CostRow:
    """One line of planned against actual: the messages of a channel (`kind` message), its waves, or the case.
    `difference` = `volume` + `price`, to the cent. An `actual_price` is the average paid per unit planned; `sources`
    and `providers` are those of the actual prices. `is_estimate`: segments were shared out among days or arrivals."""

    kind: str
    channel: str
    unit: Unit
    planned_quantity: int
    planned_price: Decimal
    planned: Decimal
    planned_source: Source
    actual_quantity: int
    actual_price: Decimal | None
    actual: Decimal
    sources: tuple[Source, ...]
    providers: tuple[str, ...]
    difference: Decimal
    volume: Decimal
    price: Decimal
    is_estimate: bool = False

    @property
    def is_fixed(self) -> bool:
        """Whether it does not depend on how many messages there are."""
        return self.kind != "message"


@dataclass(frozen=True, slots=True)
class Prices:
    """All prices that a case may be charged: the house's table, then the definition's."""

    table: CostTable | None
    per_contact: Mapping[str, Decimal]
    delivery: Mapping[str, Decimal]

    def paid(self, channel: str, day: date) -> Price:
        """The price of a message that goes out on `day`: the table's, else that of the definition."""
        line = self.table.price(channel, "message", day) if self.table else None
        if line is None:
            return self.declared(channel) or Price("message", NOTHING, "none")
        return Price(line.unit, line.price, "table", line.charged, line.provider, line.since)

    def planned(self, channel: str, day: date) -> Price:
        """The price that was approved: the definition's, else the table's of that day."""
        return self.declared(channel) or self.paid(channel, day)

    def declared(self, channel: str) -> Price | None:
        """The price in the definition; None where it names none."""
        if channel in self.per_contact:
            return Price("message", self.per_contact[channel], "per_contact")
        if channel in self.delivery:
            return Price("segment", self.delivery[channel], "delivery")  # a mail or a row counts as one
        return None

    def fixed(self, channel: str, kind: Literal["wave", "case"], day: date) -> Price | None:
        """The fixed price of a wave of the channel, or of the case, that begins on `day`; None where there is none."""
        line = self.table.price(channel, kind, day) if self.table else None
        return None if line is None else Price(kind, line.price, "table", "sent", line.provider, line.since)


def cost_of(sent: Sent, price: Price) -> Decimal:
    """What it costs, exact and not rounded."""
    return sent.units(price.unit, price.charged) * price.price


def messages_row(planned: Planned, sent: Sequence[Sent], prices: Prices, approved: date) -> CostRow:
    """The messages of a channel, planned against actual. `approved` is the day whose prices were planned with."""
    standard = prices.planned(planned.channel, approved)
    each = [(one, prices.paid(planned.channel, one.day)) for one in sent if one.contacted or one.segments]
    quantity = planned.segments if standard.unit == "segment" else planned.messages
    charge = _Charge(
        sum(one.units(standard.unit) for one, _ in each),
        sum((cost_of(one, price) for one, price in each), NOTHING),
        [price for _, price in each],
        any((one.is_estimate and price.unit == "segment") or one.is_shared(price) for one, price in each),
    )
    return _row(("message", planned.channel), standard, quantity, charge)


def fixed_rows(
    planned: Iterable[Planned], begun: Mapping[str, Sequence[date]], prices: Prices, approved: date
) -> tuple[CostRow, ...]:
    """The fixed costs of waves by channel, and of the case once: `begun` are the days on which waves began, by
    channel. A case without fixed costs has no rows."""
    first = sorted(day for days in begun.values() for day in days)[:1]
    kinds: list[tuple[Literal["wave", "case"], str, int, Sequence[date]]] = [
        *(("wave", one.channel, one.waves, begun.get(one.channel, ())) for one in planned),
        ("case", "", 1, first),
    ]
    rows = []
    for kind, channel, count, days in kinds:
        standard = prices.fixed(channel, kind, approved)
        paid = [price for day in days if (price := prices.fixed(channel, kind, day)) is not None]
        if standard is not None or paid:
            charge = _Charge(len(days), sum((price.price for price in paid), NOTHING), paid)
            rows.append(_row((kind, channel), standard or Price(kind, NOTHING, "none"), count, charge))
    return tuple(rows)


@dataclass(frozen=True, slots=True)
class _Charge:
    """So many units, as planned ones are counted, what they cost, and at which prices."""

    quantity: int
    amount: Decimal
    paid: Sequence[Price]
    is_estimate: bool = False


def _row(place: tuple[str, str], standard: Price, quantity: int, actual: _Charge) -> CostRow:
    """`quantity` were planned at the `standard` price."""
    kind, channel = place
    planned, spent = _cents(quantity * standard.price), _cents(actual.amount)
    volume = _cents((actual.quantity - quantity) * standard.price)
    average = (actual.amount / actual.quantity).quantize(Decimal("0.000001")) if actual.quantity else None
    return CostRow(
        kind=kind,
        channel=channel,
        unit="message" if standard.unit == "segment" and channel not in BY_SEGMENT else standard.unit,
        planned_quantity=quantity,
        planned_price=standard.price,
        planned=planned,
        planned_source=standard.source,
        actual_quantity=actual.quantity,
        actual_price=average,
        actual=spent,
        sources=tuple(dict.fromkeys(one.source for one in actual.paid)),
        providers=tuple(dict.fromkeys(one.provider for one in actual.paid if one.provider)),
        difference=spent - planned,
        volume=volume,
        price=spent - planned - volume,
        is_estimate=actual.is_estimate,
    )


def spread(
    contacted: Sequence[tuple[date, int, int]],
    segments: Mapping[date, int],
    total: int,
    first_of: Callable[[date], date],
) -> dict[date, tuple[int, bool]]:
    """The segments of a wave by period of one price. `contacted` are (first day of the period, messages, arrived),
    `segments` those counted by day, of `total` in all; `first_of` names a day's period. What was not counted by day is
    shared out among the periods as their messages are, which is said of them (True)."""
    found = {day: 0 for day, _, _ in contacted}
    for day, count in segments.items():
        found[first_of(day)] = found.get(first_of(day), 0) + count
    left, messages = total - sum(found.values()), sum(count for _, count, _ in contacted)
    if left <= 0 or not messages:
        return {day: (count, False) for day, count in found.items()}
    shared, given = {}, 0
    for n, (day, count, _) in enumerate(contacted, 1):
        part = left - given if n == len(contacted) else left * count // messages
        given += part
        shared[day] = (found[day] + part, len(contacted) > 1)
    return {day: (count, False) for day, count in found.items()} | shared


def sent_of(
    wave: str, channel: str, messages: Mapping[date, tuple[int, int]], segments: Spent, periods: Sequence[date]
) -> list[Sent]:
    """What of a wave went out by period of one price: `messages` (sent, arrived) by the first day of their period."""

    def first_of(day: date) -> date:
        return max((begin for begin in periods if begin <= day), default=periods[0])

    counted = [(day, *both) for day, both in sorted(messages.items())]
    return [
        Sent(wave, channel, day, *messages.get(day, (0, 0)), segments=count, is_estimate=is_estimate)
        for day, (count, is_estimate) in sorted(spread(counted, segments.by_day, segments.total, first_of).items())
    ]


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_EVEN)

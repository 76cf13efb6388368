"""The house's cost table (成本表): what a message of each channel costs by which provider, from which day to which.

A price holds on the sending day. On one day a channel has one price of its messages and one of its waves: who sent is
never guessed between two providers. Refuses periods that overlap, prices by segment where nothing has segments, and
more than one currency; a gap between two periods is no mistake, but it is said.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Literal, get_args

from engine.errors import Problem

Unit = Literal["segment", "message", "wave", "case"]
Charged = Literal["sent", "delivered"]
COLUMNS = ("channel", "provider", "unit", "charged", "price", "currency", "from", "until")
CURRENCIES = ("CNY", "USD", "EUR", "HKD")
BY_SEGMENT = ("sms",)
"""Channels whose messages have segments."""
LARGEST = Decimal("1e9")
LONGEST_PROVIDER = 40
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CostLine:
    """One price. `unit` case has no channel; `charged` says whether what did not arrive is charged too; `until` is the
    last day, None without an end. Wave and case are charged once they begin."""

    channel: str
    provider: str
    unit: Unit
    charged: Charged
    price: Decimal
    since: date
    until: date | None = None

    @property
    def place(self) -> tuple[str, str]:
        """Lines of one place must not overlap: the messages of a channel, its waves, the case."""
        return self.channel, "message" if self.unit == "segment" else self.unit

    def holds(self, day: date) -> bool:
        """Whether it is the price of that day."""
        return self.since <= day and (self.until is None or day <= self.until)


@dataclass(frozen=True, slots=True)
class Gap:
    """A channel has prices before and after these days, and none on them."""

    channel: str
    unit: str
    since: date
    until: date


@dataclass(frozen=True, slots=True)
class CostTable:
    """All prices of a house, in one currency.

    >>> old = CostLine("sms", "a", "segment", "sent", Decimal("0.05"), date(2026, 1, 1), date(2026, 6, 30))
    >>> new = CostLine("sms", "b", "segment", "sent", Decimal("0.04"), date(2026, 7, 1))
    >>> CostTable("CNY", (old, new)).price("sms", "message", date(2026, 7, 1)).provider
    'b'
    """

    currency: str
    lines: tuple[CostLine, ...] = ()

    def price(self, channel: str, kind: str, day: date) -> CostLine | None:
        """What holds on `day` for the channel's messages (`message`), its waves (`wave`) or the case (`case`)."""
        return next((one for one in self.lines if one.place == (channel, kind) and one.holds(day)), None)

    def changes(self, channel: str) -> tuple[date, ...]:
        """The days on which the price of the channel's messages begins or has ended, in order."""
        of = [one for one in self.lines if one.place == (channel, "message")]
        ends = [one.until + DAY for one in of if one.until is not None and one.until < date.max]
        return tuple(sorted({*(one.since for one in of), *ends}))

    def gaps(self) -> tuple[Gap, ...]:
        """The days between two periods on which there is no price."""
        found = []
        for (channel, unit), lines in self._by_place().items():
            for one, other in pairwise(lines):
                if one.until is not None and other.since > one.until + DAY:
                    found.append(Gap(channel, unit, one.until + DAY, other.since - DAY))
        return tuple(found)

    def overlaps(self) -> tuple[tuple[int, int], ...]:
        """Pairs of lines, by their place in `lines`, that name two prices for one day."""
        found = []
        for n, one in enumerate(self.lines):
            for m, other in enumerate(self.lines[:n]):
                if one.place == other.place and _meet(one, other):
                    found.append((m, n))
        return tuple(found)

    def _by_place(self) -> Mapping[tuple[str, str], Sequence[CostLine]]:
        found: dict[tuple[str, str], list[CostLine]] = {}
        for one in sorted(self.lines, key=lambda line: (*line.place, line.since)):
            found.setdefault(one.place, []).append(one)
        return found


def written(table: CostTable) -> Iterator[tuple[str, ...]]:
    """The rows of a table under COLUMNS, as `read` reads them."""
    for one in table.lines:
        until = one.until.isoformat() if one.until else ""
        since = one.since.isoformat()
        price = f"{one.price.normalize():f}"
        yield one.channel, one.provider, one.unit, one.charged, price, table.currency, since, until


def read(
    rows: Sequence[tuple[int, Mapping[str, str]]], channels: Sequence[str], *, currency: str = ""
) -> tuple[CostTable, list[Problem]]:
    """The table of rows (line number, cells by heading) and everything that is wrong with them, each at its line and
    heading. Lines with a mistake are left out of the table; `currency` is that of a table without rows."""
    found: list[tuple[int, CostLine]] = []
    problems: list[Problem] = []
    currencies: dict[str, int] = {}
    for number, row in rows:
        line, wrong = _line(row, channels)
        wrong += _currency(row.get("currency", ""), currencies, number)
        problems += [_at(one, number) for one in wrong]
        if line is not None and not wrong:
            found.append((number, line))
    table = CostTable(next(iter(currencies), currency), tuple(line for _, line in found))
    for m, n in table.overlaps():
        (before, _), (number, line) = found[m], found[n]
        told = f"{line.channel or line.unit} has another price on some of these days, in line {before}"
        problems.append(Problem("E441", told, at="from", line=number, fields={"line": before, "channel": line.channel}))
    return table, problems


def _line(row: Mapping[str, str], channels: Sequence[str]) -> tuple[CostLine | None, list[Problem]]:
    problems: list[Problem] = []
    channel, unit, charged = row.get("channel", ""), row.get("unit", ""), row.get("charged", "") or "sent"
    provider = row.get("provider", "")
    if unit not in get_args(Unit):
        problems.append(_wrong("unit", unit, ", ".join(get_args(Unit))))
    elif (unit == "case") is not (channel == "") or (channel and channel not in channels):
        problems.append(_wrong("channel", channel, ", ".join(channels)))
    elif unit == "segment" and channel not in BY_SEGMENT:
        told = f"nothing by {channel} has segments; write message"
        problems.append(Problem("E443", told, at="unit", fields={"channel": channel}))
    if charged not in get_args(Charged):
        problems.append(_wrong("charged", charged, ", ".join(get_args(Charged))))
    if len(provider) > LONGEST_PROVIDER:
        problems.append(_wrong("provider", provider[:LONGEST_PROVIDER], f"≤ {LONGEST_PROVIDER}"))
    price = _amount(row.get("price", ""))
    if price is None:
        problems.append(_wrong("price", row.get("price", "")[:40], "0.045"))
    since, until = _day(row.get("from", "")), _day(row.get("until", ""))
    if since is None:
        problems.append(_wrong("from", row.get("from", "")[:40], "2026-07-01"))
    if row.get("until", "") and until is None:
        problems.append(_wrong("until", row["until"][:40], "2026-12-31"))
    if since is not None and until is not None and until < since:
        problems.append(_wrong("until", until.isoformat(), f"≥ {since.isoformat()}"))
    if problems or price is None or since is None:
        return None, problems
    return CostLine(channel, provider, unit, charged, price, since, until), []  # type: ignore[arg-type]  # looked at above


def _currency(said: str, seen: dict[str, int], number: int) -> list[Problem]:
    if said not in CURRENCIES:
        return [_wrong("currency", said[:10], ", ".join(CURRENCIES))]
    seen.setdefault(said, number)
    first = next(iter(seen))
    if said == first:
        return []
    told = f"the table is in {first}, as line {seen[first]} says; amounts in {said} cannot stand beside it"
    return [Problem("E442", told, at="currency", fields={"currency": said, "first": first, "line": seen[first]})]


def _meet(one: CostLine, other: CostLine) -> bool:
    return (other.until is None or one.since <= other.until) and (one.until is None or other.since <= one.until)


def _amount(text: str) -> Decimal | None:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None
    is_price = amount.is_finite() and 0 <= amount < LARGEST and amount == round(amount, 6)
    return amount if is_price else None


def _day(text: str) -> date | None:
    try:
        return (
            date.fromisoformat(text[:10]) if text[10:] in ("", " 00:00:00") else None
        )  # a workbook's days have a time
    except ValueError:
        return None


def _wrong(at: str, value: str, possible: str) -> Problem:
    told = f"{at}: {value!r} is not possible; write {possible}"
    return Problem("E440", told, at=at, fields={"field": at, "value": value, "choices": possible})


def _at(one: Problem, line: int) -> Problem:
    return Problem(one.code, one.message, one.hint, one.at, line, fields=one.fields)

"""How many contacts fall on which day: a wave is spread evenly over the days it has, in whole contacts that add up.

A forecast of a plan, not a promise: rates, quiet hours and gates are not looked at. A customer who is written to by two
channels counts twice, because that is what a gateway carries.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Span:
    """`contacts` by one channel, on the days from `first` to `last`, both included."""

    channel: str
    contacts: int
    first: date
    last: date

    def within(self, first: date, last: date) -> int:
        """Its contacts on the days from `first` to `last`, both included."""
        count = (self.last - self.first).days + 1
        after = min(max((last - self.first).days + 1, 0), count)
        before = min(max((first - self.first).days, 0), count)
        return self.contacts * after // count - self.contacts * before // count


def by_day(spans: Iterable[Span], first: date, last: date) -> Mapping[date, Mapping[str, int]]:
    """The contacts of each day from `first` to `last`, by channel; days without any are left out."""
    days: dict[date, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for span in spans:
        for day, contacts in _spread(span, first, last):
            if contacts:
                days[day][span.channel] += contacts
    return days


def _spread(span: Span, first: date, last: date) -> Iterator[tuple[date, int]]:
    count = (span.last - span.first).days + 1
    for n in range(max((first - span.first).days, 0), min((last - span.first).days + 1, count)):
        yield span.first + timedelta(days=n), span.contacts * (n + 1) // count - span.contacts * n // count

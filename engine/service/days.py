"""Days as they stand in filters: of pages, of scripts, of saved views, one reading for all.

Refuses what Python takes and people do not write (2026-W01-1, 20261201), and years in which no case was ever: a day
further on, or the zone's clock, would leave the calendar there.
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from engine.errors import InvalidForm, Problem

YEARS = range(2000, 2101)


def find_day(text: str) -> date | None:
    """The day that is written as 2026-11-30, None for what is none."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.isoformat() == text and day.year in YEARS else None


def day_of(typed: str, at: str) -> date | None:
    """The day that the filter `at` names, None where it is empty. InvalidForm for what is no day."""
    text = typed.strip()
    day = find_day(text)
    if text and day is None:
        said = f"not a day: {text[:20]}; write it as 2026-11-30"
        raise InvalidForm([Problem("form.not_date", said, at=at, fields={"value": text[:20]})])
    return day


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """The beginning of a day in the time zone of the house."""
    return datetime.combine(day, time(), zone)


def turned(at: str) -> Problem:
    """What is said of a first day, the filter `at`, that comes after the last: no case is between them."""
    return Problem("E457", "the first day is after the last", at=at)


def span_of(
    since: str, until: str, zone: ZoneInfo, *, names: tuple[str, str] = ("since", "until")
) -> tuple[datetime | None, datetime | None]:
    """From the beginning of the first day to that of the day after the last; None without one. InvalidForm for what is
    no day, and for a first day after the last."""
    first, last = day_of(since, names[0]), day_of(until, names[1])
    if first and last and first > last:
        raise InvalidForm([turned(names[0])])
    return (
        start_of(first, zone) if first else None,
        start_of(last + timedelta(days=1), zone) if last else None,
    )

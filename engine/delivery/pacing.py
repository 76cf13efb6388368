"""When the next messages may go: token buckets for rates, open hours of the day, back-off after a refusal.

Plain arithmetic over times that come in as arguments; the buckets themselves live in the database, so that several
workers share one rate.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from engine.delivery.plan import Hours, Rate, Wave

LONGEST_BACKOFF = timedelta(minutes=1)
LOOK_EVERY = 1.0  # seconds between two looks at a stop rule
LOOK_SHARE = 5


@dataclass(frozen=True, slots=True)
class Bucket:
    """Messages that may go now, as of `at`. Below zero is debt: a chunk leaves whole and is paid off by waiting."""

    tokens: Decimal
    at: datetime


def refill(bucket: Bucket | None, rate: Rate, burst: int, now: datetime) -> Bucket:
    """The bucket at `now`. It holds `burst` at most (one chunk), so a long pause is not made up for by a flood.

    A bucket of which nothing is known yet lets one message out, then the rate rules.
    """
    if bucket is None:
        return Bucket(Decimal(1), now)
    passed = Decimal(str(max(0.0, (now - bucket.at).total_seconds())))
    return Bucket(min(Decimal(burst), bucket.tokens + passed * rate.per_second), max(now, bucket.at))


def take(bucket: Bucket, count: int) -> Bucket | None:
    """The bucket after `count` messages left, or None while it is in debt. Over any span no more than
    rate * seconds + one chunk leave."""
    if bucket.tokens <= 0:
        return None
    return Bucket(bucket.tokens - count, bucket.at)


def is_open(hours: Hours | None, now: datetime, zone: ZoneInfo) -> bool:
    """Whether messages may go at `now`: from the first minute of the hours to just before the last."""
    if hours is None:
        return True
    return hours.opens <= now.astimezone(zone).time() < hours.closes


def next_open(hours: Hours | None, now: datetime, zone: ZoneInfo) -> datetime:
    """The first moment from `now` on at which messages may go, by the clock on the wall in `zone`."""
    local = now.astimezone(zone)
    if hours is None or is_open(hours, now, zone):
        return now
    day = local.date() if local.time() < hours.opens else local.date() + timedelta(days=1)
    return datetime.combine(day, hours.opens, zone).astimezone(now.tzinfo)


def ends_at(wave: Wave, started: datetime, zone: ZoneInfo) -> datetime | None:
    """From when on a wave that started then sends nothing more: the end of the first hours that it could use where it
    drops the rest, its time after the start where it expires. None where it waits as long as it takes."""
    if wave.outside == "drop" and wave.hours is not None:
        day = next_open(wave.hours, started, zone).astimezone(zone).date()
        return datetime.combine(day, wave.hours.closes, zone).astimezone(started.tzinfo)
    if wave.outside == "expire" and wave.expires is not None:
        return started + wave.expires.on_the_clock()
    return None


def seconds_open(hours: Hours | None, start: datetime, end: datetime, zone: ZoneInfo) -> float:
    """How many seconds of the span messages may go out in."""
    if hours is None or start >= end:
        return max(0.0, (end - start).total_seconds())
    total, day = 0.0, start.astimezone(zone).date()
    while (opens := datetime.combine(day, hours.opens, zone)) < end:
        closes = datetime.combine(day, hours.closes, zone)
        first, last = (moment.astimezone(UTC) for moment in (max(opens, start), min(closes, end)))
        total += max(0.0, (last - first).total_seconds())
        day += timedelta(days=1)
    return total


def room(wave: Wave, started: datetime, now: datetime, zone: ZoneInfo) -> int | None:
    """How many messages a wave that started then can still send from `now` on; None where nothing limits it."""
    until = ends_at(wave, started, zone)
    if until is None:
        return None
    seconds = seconds_open(wave.hours, now, until, zone)
    if not seconds:
        return 0
    return None if wave.rate is None else int(Decimal(str(seconds)) * wave.rate.per_second)


def backoff(attempts: int, asked: float = 0) -> timedelta:
    """How long to leave a chunk alone after `attempts` that were refused or not answered: 1, 2, 4, ... 60 seconds.

    A gateway that asked for more (Retry-After, in seconds) gets it, up to an hour.
    """
    doubled = min(LONGEST_BACKOFF, timedelta(seconds=2.0 ** min(attempts - 1, 10)))
    return max(doubled, timedelta(seconds=min(asked, 3600)))


def next_look(began: float, ended: float) -> float:
    """When to look at a stop rule again after a look that took from `began` to `ended`, in seconds of one clock: once a
    second, and where complaints are so many that a look takes long, for no more than a fifth of the time."""
    return began + max(LOOK_EVERY, LOOK_SHARE * (ended - began))

"""When the next messages may go: token buckets for rates, open hours of the day, back-off after a refusal.

Plain arithmetic over times that come in as arguments; the buckets themselves live in the database, so that several
workers share one rate.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from engine.delivery.plan import Hours, Rate

LONGEST_BACKOFF = timedelta(minutes=1)


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


def backoff(attempts: int, asked: float = 0) -> timedelta:
    """How long to leave a chunk alone after `attempts` that were refused or not answered: 1, 2, 4, ... 60 seconds.

    A gateway that asked for more (Retry-After, in seconds) gets it, up to an hour.
    """
    doubled = min(LONGEST_BACKOFF, timedelta(seconds=2.0 ** min(attempts - 1, 10)))
    return max(doubled, timedelta(seconds=min(asked, 3600)))

"""How a person wants to be told: by which channels, when not, at once or in a digest. And when a notice goes then.

The rule: reminders and escalations are in no digest. Everything waits for the end of the quiet hours, and what is
digested for its hour; but where a task is due before that, its notice goes at once: nothing is held beyond a deadline,
and nothing is ever dropped. Pure: the time comes in as an argument.
"""

from datetime import datetime, time, timedelta
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

Channel = Literal["email", "sms", "wecom", "dingtalk", "feishu", "webhook"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
Group = Literal["task", "reminder", "outcome", "news", "copy"]
GROUPS: tuple[Group, ...] = get_args(Group)
Pace = Literal["at_once", "daily", "weekly"]
Hour = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]

URGENT = ("reminder", "escalation", "channel_down", "webhook_disabled", "report_stopped", "ping")  # never in a digest
_GROUP_OF: dict[str, Group] = {
    **dict.fromkeys(("task", "question", "answer", "unstaffed"), "task"),
    **dict.fromkeys(("reminder", "escalation", "channel_down", "webhook_disabled", "report_stopped"), "reminder"),
    **dict.fromkeys(
        (
            "approved",
            "filed",
            "rejected",
            "returned",
            "objected",
            "expired",
            "cancelled",
            "voided",
            "converted",
            "widened",
            "not_widened",
        ),
        "outcome",
    ),
    "copied": "copy",
}


class Address(BaseModel):
    """Where a channel reaches a person: a mobile number, or the address of a bot and the key that signs for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    to: str = Field("", max_length=500)
    secret: str = Field("", max_length=200)


class Preferences(BaseModel):
    """What a person chose. `channels` names for each group of occasions the channels; a group that is not named goes
    as administrators set it. Mail goes to the address of the account."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: dict[Group, tuple[Channel, ...]] = Field({}, examples=[{"task": ["email", "sms"]}])
    addresses: dict[Channel, Address] = Field({}, examples=[{"sms": {"to": "13800001111"}}])
    quiet_from: Hour | Literal[""] = Field("", examples=["22:00"])
    quiet_to: Hour | Literal[""] = Field("", examples=["07:30"])
    pace: Pace = "at_once"
    at: Hour = Field("08:30", description="When the digest comes")
    weekday: int = Field(0, ge=0, le=6, description="On which day, where it comes weekly; 0 is Monday")


def group_of(occasion: str) -> Group:
    """What kind of occasion it is; what nobody named is news."""
    return _GROUP_OF.get(occasion, "news")


def digest_at(wanted: Preferences, now: datetime, zone: ZoneInfo) -> datetime | None:
    """When the next digest after `now` goes; None where the person wants everything at once."""
    if wanted.pace == "at_once":
        return None
    local = now.astimezone(zone)
    day = local.date()
    while True:
        at = datetime.combine(day, time.fromisoformat(wanted.at), zone)
        if at > local and (wanted.pace == "daily" or day.weekday() == wanted.weekday):
            return at
        day += timedelta(days=1)


def quiet_until(wanted: Preferences, at: datetime, zone: ZoneInfo) -> datetime:
    """`at`, or the end of the quiet hours in which it falls; they may pass midnight."""
    if not wanted.quiet_from or not wanted.quiet_to or wanted.quiet_from == wanted.quiet_to:
        return at
    begin, end = time.fromisoformat(wanted.quiet_from), time.fromisoformat(wanted.quiet_to)
    local = at.astimezone(zone)
    clock = local.time()
    is_quiet = begin <= clock < end if begin < end else clock >= begin or clock < end
    if not is_quiet:
        return at
    day = local.date() + timedelta(days=1 if clock >= begin > end else 0)
    return datetime.combine(day, end, zone)


def release(
    wanted: Preferences, occasion: str, *, due_at: datetime | None, now: datetime, zone: ZoneInfo
) -> tuple[datetime, bool]:
    """When a notice goes, and whether in a digest. Never later than the deadline that it tells of."""
    slot = None if occasion in URGENT else digest_at(wanted, now, zone)
    if slot is not None and not _too_late(slot, due_at, now):
        return slot, True
    at = quiet_until(wanted, now, zone)
    return (now if _too_late(at, due_at, now) else at), False


def _too_late(at: datetime, due_at: datetime | None, now: datetime) -> bool:
    return due_at is not None and now < due_at <= at

"""The contact policy (接触策略): how often a customer may be contacted, and what is carried in a day by a channel, by
each hall and by each agent.

Pure: who was contacted when is an argument. The same caps answer twice: a selection leaves out whoever has no contact
left (exclusions.py), and a wave asks again at the moment of sending, where the last contact goes to one of two cases.
Refuses a policy that says nothing, contradicts itself, or looks back further than a year.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

from engine.errors import Problem
from engine.values import Bilingual, Duration

Purpose = Literal["marketing", "service"]
MARKETING: Purpose = "marketing"
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
SHORTEST, LONGEST = timedelta(hours=1), timedelta(days=365)
MOST_CAPS = 20

CarrierKind = Literal["hall", "agent"]
CARRIERS: dict[CarrierKind, tuple[str, str]] = {"hall": ("营业厅", "business hall"), "agent": ("坐席", "agent")}
"""Who carries contacts, and what they are called."""

CHANNEL = r"^([a-z][a-z0-9_]{0,19})?$"


@dataclass(frozen=True, slots=True)
class Contacted:
    """One contact of a customer. Empty is unknown; `case` is the number of the case that made it, as far as known. One
    of unknown purpose counts for every purpose."""

    at: datetime
    channel: str = ""
    purpose: str = ""
    category: str = ""
    case: str = ""

    @property
    def event(self) -> tuple[datetime, str, str, str]:
        """What two records of one contact agree in, though one of them may not know what for."""
        return (self.at, self.channel, self.category, self.case)


@dataclass(frozen=True, slots=True)
class Approach:
    """A contact that a case wants to make."""

    channel: str
    purpose: Purpose = MARKETING
    category: str = ""


def _span(value: Duration) -> Duration:
    if value.is_working:
        raise ValueError("caps count days and hours of the clock; write 7d or 12h")
    if not SHORTEST <= value.on_the_clock() <= LONGEST:
        raise ValueError("a period is from 1h to 365d")
    return value


class Cap(BaseModel):
    """At most `most` contacts of a customer within a period: {most: 2, within: 7d, channel: sms, purpose: marketing}.

    What is left out stands for all: without a channel contacts over every channel count, and so on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    most: int = Field(ge=1, le=1000, description="At most so many contacts")
    within: Duration = Field(description="In this time, 1h to 365d")
    channel: str = Field("", pattern=CHANNEL, description="Only over this channel")
    purpose: Purpose | Literal[""] = Field("", description="Only for this purpose")
    category: str = Field("", max_length=40, description="Only of cases of this category")

    _checked = field_validator("within")(_span)

    @property
    def scope(self) -> tuple[str, str, str]:
        """What it counts."""
        return (self.channel, self.purpose, self.category)

    @property
    def window(self) -> timedelta:
        """How far back it looks."""
        return self.within.on_the_clock()

    @property
    def short(self) -> str:
        """The cap in a few signs: "2 in 7d sms"."""
        return " ".join(filter(None, (f"{self.most} in {self.within}", *self.scope)))

    @property
    def label(self) -> Bilingual:
        """The cap in words."""
        zh = "".join(
            (
                f"{spelled(self.within).zh}内",
                f"“{self.category}”类" if self.category else "",
                f"通过{_CHANNELS.get(self.channel, (self.channel,))[0]}" if self.channel else "",
                f"为{_PURPOSES[self.purpose][0]}" if self.purpose else "",
                f"接触同一客户不超过 {self.most} 次",
            )
        )
        contacts = "contact" if self.most == 1 else "contacts"
        en = "".join(
            (
                f"At most {self.most} {contacts} of a customer in {spelled(self.within).en}",
                f" by {_named(self.channel)}" if self.channel else "",
                f" for {_PURPOSES[self.purpose][1]}" if self.purpose else "",
                f" of category “{self.category}”" if self.category else "",
            )
        )
        return Bilingual(zh=zh, en=en)

    def stops(self, wanted: Approach) -> bool:
        """Whether it counts contacts like the one wanted."""
        return self._counts(wanted.channel, wanted.purpose, wanted.category)

    def counted(self, past: Iterable[Contacted], at: datetime) -> tuple[Contacted, ...]:
        """Those of the past contacts that it counts at that moment."""
        since = at - self.window
        return tuple(
            one
            for one in past
            if one.at > since and self._counts(one.channel, one.purpose or self.purpose, one.category)
        )

    def covers(self, other: "Cap") -> bool:
        """Whether whoever keeps to it keeps to the other as well, which then says nothing."""
        is_wider = all(mine in ("", its) for mine, its in zip(self.scope, other.scope, strict=True))
        return is_wider and self.most <= other.most and self.window >= other.window

    def _counts(self, channel: str, purpose: str, category: str) -> bool:
        return all(mine in ("", its) for mine, its in zip(self.scope, (channel, purpose, category), strict=True))


class Each(BaseModel):
    """What each hall or agent carries in a day: {by: hall, per_day: 30}. `by` is the customer field that says whose a
    customer is; who has none there counts for nobody."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    by: str = Field(pattern=r"^[a-z][a-z0-9_]{0,59}$", description="Customer field that names the hall or agent")
    per_day: int = Field(ge=1, le=1_000_000, description="At most so many contacts a day for each of them")
    channel: str = Field("", pattern=CHANNEL, description="Only over this channel")

    @property
    def short(self) -> str:
        """In a few signs: "30 a day by hall"."""
        return f"{self.per_day} a day by {self.by}"

    def label(self, kind: CarrierKind, names: Mapping[str, Bilingual] | None = None) -> Bilingual:
        """In words; `names` are what customer fields are called."""
        zh, en = CARRIERS[kind]
        by = (names or {}).get(self.by) or Bilingual(zh=self.by, en=self.by)
        over = _CHANNELS.get(self.channel, (self.channel, self.channel))
        by_zh, by_en = (f"通过{over[0]}", f" by {over[1]}") if self.channel else ("", "")
        return Bilingual(
            zh=f"每个{zh}（按客户字段“{by.zh or by.en}”）每天{by_zh}最多 {self.per_day:,} 次",
            en=f"At most {self.per_day:,} contacts a day{by_en} for each {en} (customer field “{by.en or by.zh}”)",
        )


@dataclass(frozen=True, slots=True)
class Reached:
    """Why a contact is not made: the cap that is reached, and the cases that took what it allows. Of what a hall or an
    agent carries no cases are named: all of the day took it."""

    cap: Cap | Each
    cases: tuple[str, ...] = ()


class ContactPolicy(BaseModel):
    """The policy as written. Nothing in it is the end of a policy: nobody is capped any more."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    caps: tuple[Cap, ...] = Field((), max_length=MOST_CAPS, description="How often, each for itself")
    similar: Duration | None = Field(
        None, description="A customer is not contacted again by a case of the same category in this time"
    )
    capacity: dict[str, Annotated[int, Field(ge=1, le=1_000_000_000)]] = Field(
        default_factory=dict, max_length=20, description="By channel: how many contacts it carries in a day"
    )
    capacity_each: dict[CarrierKind, Each] = Field(
        default_factory=dict, description="How many contacts each hall or each agent carries in a day"
    )
    exempt: tuple[Purpose, ...] = Field((), description="Purposes that no cap stops and whose contacts no cap counts")

    @field_validator("similar")
    @classmethod
    def _on_the_clock(cls, value: Duration | None) -> Duration | None:
        return None if value is None else _span(value)

    @property
    def is_over(self) -> bool:
        """Whether it caps nothing."""
        return not (self.caps or self.similar or self.capacity or self.capacity_each)

    @property
    def longest(self) -> timedelta:
        """How far back any of it looks."""
        windows = [cap.window for cap in self.caps]
        return max((*windows, self.similar.on_the_clock() if self.similar else timedelta()), default=timedelta())

    def caps_of(self, wanted: Approach) -> tuple[Cap, ...]:
        """The caps that a contact must keep to, the shortest period first."""
        if wanted.purpose in self.exempt:
            return ()
        caps = [cap for cap in self.caps if cap.stops(wanted)]
        if self.similar and wanted.category:
            caps.append(Cap(most=1, within=self.similar, category=wanted.category))
        return tuple(sorted(caps, key=lambda cap: (cap.window, cap.most, cap.scope)))

    def uncounted_by(self, cap: Cap) -> tuple[Purpose, ...]:
        """The purposes whose contacts the cap does not count. A contact of no known purpose counts for every one."""
        return tuple(one for one in PURPOSES if one in self.exempt or cap.purpose not in ("", one))

    def each_of(self, channel: str) -> dict[CarrierKind, Each]:
        """What halls and agents carry that contacts over this channel count for."""
        return {kind: each for kind, each in self.capacity_each.items() if each.channel in ("", channel)}

    def refusal(self, wanted: Approach, past: Sequence[Contacted], at: datetime) -> Reached | None:
        """The first cap that the contact would exceed; None where there is one left."""
        return self.reached(self.caps_of(wanted), past, at)

    def reached(self, caps: Sequence[Cap], past: Sequence[Contacted], at: datetime) -> Reached | None:
        """The first of these caps that one more contact would exceed; for many customers with the same caps."""
        counting = [one for one in past if one.purpose not in self.exempt]
        for cap in caps:
            counted = cap.counted(counting, at)
            if len(counted) >= cap.most:
                return Reached(cap, tuple(dict.fromkeys(one.case for one in counted if one.case)))
        return None

    def lines(self, names: Mapping[str, Bilingual] | None = None) -> tuple[Bilingual, ...]:
        """The policy in words, a sentence each; `names` are what customer fields are called."""
        return tuple(self._lines(names))

    def problems(self) -> Iterator[Problem]:
        """What contradicts itself, at its place: "caps.1.within"."""
        for place, cap in enumerate(self.caps):
            if cap.purpose in self.exempt:
                told = f"{cap.purpose} is exempt, so a cap for it never holds"
                yield Problem("policy_exempt", told, at=f"caps.{place}.purpose")
            for other, one in enumerate(self.caps):
                if other == place or (one == cap and other > place) or not one.covers(cap):
                    continue
                told = f"cap {place + 1} never holds: cap {other + 1} is reached first"
                fields = {"this": place + 1, "other": other + 1}
                yield Problem("policy_covered", told, at=f"caps.{place}.most", fields=fields)
                break
        if len(set(self.exempt)) == len(_PURPOSES) and (self.caps or self.similar):
            yield Problem("policy_all_exempt", "every purpose is exempt, so no cap ever holds", at="exempt")

    def _lines(self, names: Mapping[str, Bilingual] | None) -> Iterator[Bilingual]:
        for cap in self.caps:
            yield cap.label
        if self.similar:
            yield Bilingual(
                zh=f"{spelled(self.similar).zh}内不因同类营销案再次接触同一客户",
                en=f"No second contact of a customer by a case of the same category in {spelled(self.similar).en}",
            )
        for channel, most in sorted(self.capacity.items()):
            yield Bilingual(
                zh=f"{_CHANNELS.get(channel, (channel,))[0]}每天最多 {most:,} 次",
                en=f"At most {most:,} contacts a day by {_named(channel)}",
            )
        for kind, each in sorted(self.capacity_each.items()):
            yield each.label(kind, names)
        for purpose in self.exempt:
            zh, en = _PURPOSES[purpose]
            yield Bilingual(zh=f"{zh}不受次数限制，也不计入次数", en=f"No cap stops or counts contacts for {en}")


_UNITS = {"d": ("天", "days"), "h": ("小时", "hours"), "m": ("分钟", "minutes"), "s": ("秒", "seconds")}
_PURPOSES = {"marketing": ("营销目的", "marketing"), "service": ("服务目的", "service")}
_CHANNELS = {
    "sms": ("短信", "SMS"),
    "email": ("邮件", "e-mail"),
    "file": ("文件交接", "file hand-off"),
    "hall": ("营业厅", "business hall"),
    "call": ("外呼", "outbound call"),
    "webhook": ("其他系统", "another system"),
}


def _named(channel: str) -> str:
    return _CHANNELS.get(channel, ("", channel))[1]


def spelled(span: Duration) -> Bilingual:
    """A span on the clock in words."""
    zh, en = _UNITS[span.unit]
    return Bilingual(zh=f"{span.amount} {zh}", en=f"{span.amount} {en.removesuffix('s') if span.amount == 1 else en}")

"""The `delivery:` section of a definition: waves, their pace and gates, the message, when to stop.

Refuses channels that do not exist, shares that do not add up, and gates nobody could measure. The expression
`stop_when` is text here; the definition's check compiles it over `METRICS` as `m` and the form.
"""

import re
from datetime import time
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from engine.delivery.channels import CHANNELS, USUAL_ADDRESS, Call, Email
from engine.delivery.variants import TextTest, read_winner, winner_of
from engine.delivery.words import Message, Section
from engine.values import Duration

METRICS: dict[str, Literal["int", "decimal"]] = {
    "audience": "int",
    "sent": "int",
    "delivered": "int",
    "failed": "int",
    "complaints": "int",
    "opt_outs": "int",
    "complaint_rate": "decimal",
    "opt_out_rate": "decimal",
    "failure_rate": "decimal",
    "spent": "decimal",
}
"""What `stop_when` may read as `m.…`, with its type in expressions. Rates are shares of what was sent, 0 to 1."""

DEFAULT_CHUNK = 1000


def _share(value: object) -> object:
    if isinstance(value, str) and value != "rest":
        match = re.fullmatch(r"(\d{1,3}(?:\.\d{1,4})?)%", value.strip())
        if match is None or not 0 < Decimal(match[1]) <= 100:
            raise PydanticCustomError("share", "not a share; write 5%, 0.5% or rest")
        return Decimal(match[1]) / 100
    return value


def _percent(value: Decimal | str) -> str:
    return value if isinstance(value, str) else f"{(value * 100).normalize():f}%"


Share = Annotated[
    Decimal | Literal["rest"], BeforeValidator(_share, json_schema_input_type=str), PlainSerializer(_percent)
]
Percent = Annotated[Decimal, BeforeValidator(_share, json_schema_input_type=str), PlainSerializer(_percent)]


class Rate(Section):
    """How many messages may go out in a minute or a second: `2000/min`, `100/s`."""

    count: int = Field(ge=1, le=1_000_000, description="So many messages")
    per: Literal["s", "min", "h"] = Field(description="In this time")

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        match = re.fullmatch(r"(\d{1,7})/(s|min|h)", value.strip())
        if match is None:
            raise PydanticCustomError("rate", "not a rate; write 2000/min, 100/s or 5000/h")
        return {"count": int(match[1]), "per": match[2]}

    @property
    def per_second(self) -> Decimal:
        """Messages per second."""
        return Decimal(self.count) / {"s": 1, "min": 60, "h": 3600}[self.per]


class Hours(Section):
    """The hours of a day in which messages may go out, `09:00-20:00`, in the time zone of the settings."""

    opens: time = Field(description="From this time of day")
    closes: time = Field(description="To this time of day")

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)\s*-\s*([01]\d|2[0-4]):([0-5]\d)", value.strip())
        if match is None or (match[3] == "24" and match[4] != "00"):
            raise PydanticCustomError("hours", "not hours of a day; write 09:00-20:00")
        opens = time(int(match[1]), int(match[2]))
        closes = time.max if match[3] == "24" else time(int(match[3]), int(match[4]))
        return {"opens": opens, "closes": closes}

    @model_validator(mode="after")
    def _open_at_all(self) -> Self:
        if self.opens >= self.closes:
            raise PydanticCustomError("hours", "the hours must end after they begin, on the same day")
        return self


class Gate(Section):
    """What must hold, `wait` after the last message of a wave, before the next wave starts."""

    metric: Literal["complaint_rate", "opt_out_rate", "failure_rate"] = Field(
        description="Which share of the wave's messages"
    )
    max: Percent = Field(description="The wave after it starts only up to this")
    wait: Duration = Field(description="How long after the last message")

    @field_validator("wait")
    @classmethod
    def _on_the_clock(cls, value: Duration) -> Duration:
        if value.is_working:
            raise PydanticCustomError("duration", "a gate waits hours or days, not working days; write 24h")
        return value

    @field_validator("max")
    @classmethod
    def _a_limit(cls, value: Decimal | str) -> Decimal | str:
        if value == "rest":
            raise PydanticCustomError("share", "not a share; write 0.2%")
        return value


class Wave(Section):
    """One wave (波次). With several channels every customer of the wave gets one delivery per channel."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", description="Its name in history and report")
    share: Share | None = Field(None, description="Share of the list; the last may say rest")
    size: int | None = Field(None, ge=1, description="Or so many customers")
    channel: tuple[str, ...] = Field(min_length=1, description="One or several channels")
    rate: Rate | None = Field(None, description="How fast, as 2000/min")
    hours: Hours | None = Field(None, description="When of a day, as 09:00-20:00")
    outside: Literal["hold", "drop", "expire"] = Field(
        "hold", description="What cannot go out in the hours: waits, is dropped at their end, or expires after a time"
    )
    expires: Duration | None = Field(None, description="How long after its start the wave expires, as 3d")
    go: Literal["person"] | None = Field(None, description="Who says go before the wave starts; empty = nobody need")
    gate: Gate | None = Field(None, description="What must hold before the next wave")
    chunk: int = Field(DEFAULT_CHUNK, ge=1, le=10_000, description="Recipients that a worker claims at once")
    test: TextTest | None = Field(None, description="Texts that it compares, and what decides between them")
    text: Annotated[str, BeforeValidator(read_winner)] = Field(
        "", description="As winner of WAVE: it goes out with the text that the test of an earlier wave has found"
    )

    @field_validator("channel", mode="before", json_schema_input_type=str | list[str])
    @classmethod
    def _one_or_list(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("channel")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in CHANNELS:
                known = ", ".join(CHANNELS)
                raise PydanticCustomError(
                    "channel", "there is no channel {name}; possible: {known}", _named(name, known)
                )
        if len(set(value)) < len(value):
            raise PydanticCustomError("channel", "a channel stands twice")
        return value

    @field_validator("expires")
    @classmethod
    def _on_the_clock(cls, value: Duration | None) -> Duration | None:
        if value is not None and (value.is_working or not value.on_the_clock()):
            raise PydanticCustomError("duration", "a wave expires after hours or days, not working days; write 3d")
        return value

    @model_validator(mode="after")
    def _ends_as_it_says(self) -> Self:
        if self.outside == "drop" and self.hours is None:
            raise PydanticCustomError("outside", "outside: drop needs the hours whose end it speaks of")
        if (self.outside == "expire") != (self.expires is not None):
            raise PydanticCustomError("outside", "outside: expire and expires: 3d stand together")
        return self

    @model_validator(mode="after")
    def _one_text(self) -> Self:
        if self.test is not None and self.text:
            raise PydanticCustomError("test", "a wave tests texts, or goes out with the winner of another; not both")
        if self.test is not None and len(self.channel) > 1:
            raise PydanticCustomError("test", "a wave with a test goes over one channel, so that one text is compared")
        if self.has_variants and not all(CHANNELS[name].has_text for name in self.channel):
            raise PydanticCustomError("test", "there is no text to compare over the channel {name}; leave the test out",
                                      {"name": ", ".join(self.channel)})  # fmt: skip
        return self

    @property
    def has_variants(self) -> bool:
        """Whether its texts are variants of the message."""
        return self.test is not None or bool(self.text)

    @property
    def winner_of(self) -> str:
        """The earlier wave whose test finds its text; empty where it has a text anyway."""
        return winner_of(self.text)

    @model_validator(mode="after")
    def _share_or_size(self) -> Self:
        if (self.share is None) == (self.size is None):
            raise PydanticCustomError("share", "a wave has either a share (5%, rest) or a size")
        return self


class CallRules(Section):
    """How often a customer is called, and how long the list is worked."""

    attempts: int = Field(
        3, ge=1, le=100, description="So many calls that reach nobody, then the customer counts as not reached"
    )
    between: Duration = Field(
        Duration(2, "h"), description="So long after a call that reached nobody it is tried again"
    )
    within: Duration = Field(Duration(14, "d"), description="So long after the start of the wave its calls are over")

    @field_validator("between", "within")
    @classmethod
    def _on_the_clock(cls, value: Duration) -> Duration:
        if value.is_working:
            raise PydanticCustomError("duration", "calls go by hours or days, not working days; write 2h")
        return value


class ProofRule(Section):
    """Who must say of a proof (样张) that it fits, before the first wave starts."""

    to: str = Field(min_length=1, max_length=200, description="Who is asked, as role:marketing@city")
    need: int = Field(1, ge=1, le=20, description="So many of them must say of every text that it fits")


class DeliveryPlan(Section):
    """The section. `prices` are per SMS segment, mail or row; `receipts_within` makes a message `unknown` after it."""

    waves: tuple[Wave, ...] = Field(min_length=1, max_length=50, description="The waves in their order")
    message: Message | None = Field(None, description="What is sent")
    purpose: Literal["marketing", "service"] = Field("marketing", description="What for, as the contact policy asks")
    stop_when: str = Field("", description="An expression over m.FIGURE and the form: pauses the delivery")
    address: str = Field("phone", pattern=r"^[a-z][a-z0-9_]{0,59}$", description="Customer field that holds the number")
    addresses: dict[str, Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]] = Field(
        default_factory=dict,
        description="Customer fields that hold other addresses, by channel; an e-mail goes to the field email",
    )
    prices: dict[str, Annotated[Decimal, Field(max_digits=16, decimal_places=6)]] = Field(
        default_factory=dict, description="By channel"
    )
    receipts_within: Duration = Field(Duration(72, "h"), description="Without a receipt by then, a message is unknown")
    calls: CallRules | None = Field(None, description="How often customers are called, where a wave goes by call")
    proofs: ProofRule | None = Field(None, description="Who must say of a proof that it fits, before anything is sent")
    seeds: Literal["none"] | None = Field(None, description="none: the seeds of the offices get nothing of it")

    @field_validator("waves")
    @classmethod
    def _adds_up(cls, value: tuple[Wave, ...]) -> tuple[Wave, ...]:
        names = [wave.name for wave in value]
        if len(set(names)) < len(names):
            raise PydanticCustomError("waves", "two waves have the same name")
        if any(wave.share == "rest" for wave in value[:-1]):
            raise PydanticCustomError("waves", "only the last wave can take the rest")
        if sum(wave.share for wave in value if isinstance(wave.share, Decimal)) > 1:
            raise PydanticCustomError("waves", "the shares add up to more than 100%")
        return value

    @field_validator("prices", "addresses")
    @classmethod
    def _known_channels(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            if name not in CHANNELS:
                known = ", ".join(CHANNELS)
                raise PydanticCustomError(
                    "channel", "there is no channel {name}; possible: {known}", _named(name, known)
                )
        return value

    @field_validator("prices")
    @classmethod
    def _not_negative(cls, value: dict[str, Decimal]) -> dict[str, Decimal]:
        if any(price < 0 for price in value.values()):
            raise PydanticCustomError("price", "a price cannot be negative")
        return value

    @field_validator("receipts_within")
    @classmethod
    def _on_the_clock(cls, value: Duration) -> Duration:
        if value.is_working:
            raise PydanticCustomError("duration", "receipts come within hours or days, not working days; write 72h")
        return value

    @model_validator(mode="after")
    def _has_words(self) -> Self:
        texts = {name for wave in self.waves for name in wave.channel if CHANNELS[name].has_text}
        if any(wave.has_variants for wave in self.waves) and (self.message is None or not self.message.variants):
            raise PydanticCustomError("message", "a test needs its texts: write message.variants, a text for each")
        for name in sorted(texts):
            of_cells = any(name in wave.channel and not wave.has_variants for wave in self.waves)
            message = self.message
            if message is None or not (message.words_for(name) if of_cells else message.variants):
                told = "a wave by {channel} needs a message: message: {field: …} or {text: …}"
                raise PydanticCustomError("message", told, {"channel": name})
        if Email.name in texts and (self.message is None or self.message.email is None):
            raise PydanticCustomError("message", "a wave by e-mail needs a subject: write message.email.subject")
        return self

    @model_validator(mode="after")
    def _calls_somebody(self) -> Self:
        if self.calls is not None and not any(Call.name in wave.channel for wave in self.waves):
            raise PydanticCustomError("calls", "no wave goes by call; leave calls out, or give a wave channel: call")
        return self

    def test_for(self, wave: Wave) -> TextTest | None:
        """The test that finds the text of a wave; None where it has its text without one."""
        return next((one.test for one in self.waves if one.name == wave.winner_of), None) if wave.text else None

    @property
    def call_rules(self) -> CallRules:
        """The rules of its calls, the usual ones where it names none."""
        return self.calls or CallRules()

    def address_for(self, channel: str) -> str:
        """The customer field with the address that a channel goes to; empty where it needs none."""
        if channel in self.addresses:
            return self.addresses[channel]
        return USUAL_ADDRESS.get(channel, self.address) if CHANNELS[channel].has_address else ""

    def price(self, channel: str) -> Decimal:
        """What one segment (sms) or message, row, call (any other) costs; zero where the plan names no price."""
        return self.prices.get(channel, Decimal())


def _named(name: str, known: str) -> dict[str, Any]:
    return {"name": name, "known": known}

"""Small values that every part shares: names of things, two-language text, digests.

Refuses to know what they are used for.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, NewType, Self

import msgspec
from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

CaseId = NewType("CaseId", str)
CaseNumber = NewType("CaseNumber", str)
PersonId = NewType("PersonId", str)
OfficeCode = NewType("OfficeCode", str)
TaskId = NewType("TaskId", str)
CustomerId = NewType("CustomerId", str)
Digest = NewType("Digest", str)

Language = Literal["zh", "en"]
Level = Literal["county", "city", "province"]
LEVELS: tuple[Level, ...] = ("county", "city", "province")


class Bilingual(BaseModel):
    """A label in Chinese and English; a missing language falls back to the other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    zh: str = ""
    en: str = ""

    def in_language(self, language: Language) -> str:
        """The text in `language`, or the other one where it is empty."""
        return (self.zh or self.en) if language == "zh" else (self.en or self.zh)


NO_TEXT = Bilingual()
CURRENCY_SIGNS = {"CNY": "¥", "": "¥", "USD": "$", "EUR": "€", "HKD": "HK$"}


Unit = Literal["wd", "wh", "d", "h", "m", "s"]
_CLOCK: dict[str, timedelta] = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
_DURATION = re.compile(r"([0-9]{1,6})(wd|wh|d|h|m|s)")


@dataclass(frozen=True, slots=True)
class Duration:
    """A span of time as people write it: `3wd` is three working days, `4wh` four office hours on working days;
    `2d`, `72h`, `30m`, `10s` run on the clock.

    The kinds never compare or add: how long `3wd` lasts depends on the calendar and the day it starts.
    """

    amount: int
    unit: Unit

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `3wd`, `72h`, ...; ValueError for anything else."""
        match = _DURATION.fullmatch(text)
        if match is None:
            raise ValueError(
                f"not a duration: {text!r}; write 3wd (working days), 4wh (working hours), 2d, 72h, 30m or 10s"
            )
        return cls(int(match[1]), match[2])  # type: ignore[arg-type]  # the pattern allows the units only

    @property
    def is_working(self) -> bool:
        """Whether it counts working days or hours, which only a calendar can turn into a time."""
        return self.unit in ("wd", "wh")

    def on_the_clock(self) -> timedelta:
        """The fixed span of `d`, `h`, `m` and `s`; ValueError for working days and hours."""
        if self.is_working:
            raise ValueError(f"{self} depends on the calendar")
        return self.amount * _CLOCK[self.unit]

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls._validated,
            json_schema_input_schema=core_schema.str_schema(pattern=f"^{_DURATION.pattern}$"),
            serialization=core_schema.to_string_ser_schema(),
        )

    @classmethod
    def _validated(cls, value: object) -> "Duration":
        if isinstance(value, Duration):
            return value
        if not isinstance(value, str) or not _DURATION.fullmatch(value):
            raise PydanticCustomError(
                "duration",
                "not a duration; write 3wd (working days), 4wh (working hours), 2d, 72h, 30m or 10s",
                {"value": str(value)},
            )
        return cls.parse(value)


_sorted = msgspec.json.Encoder(order="sorted").encode


def canonical_json(value: Any) -> bytes:
    """One byte string per value: keys sorted, Decimal as text. What digests and the history hash are taken of."""
    return _sorted(value)


def digest_of(value: Any) -> Digest:
    """sha256 of the canonical JSON, as 64 hexadecimal characters."""
    return Digest(hashlib.sha256(canonical_json(value)).hexdigest())

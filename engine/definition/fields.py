"""The kinds of proposal fields that hold one value, a range or a set: one class each, named in `form_fields.FormField`.

Each kind knows the type its values have in expressions, how a value that came from an HTML form or from JSON is read,
and which JSON value the case keeps. Refuses to guess: `1,000` is no number, `3.5` is no whole number.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PlainSerializer, StrictBool, field_validator
from pydantic_core import PydanticCustomError

from engine.definition.section import Name, Section, Who
from engine.expr.patterns import pattern as safe_pattern
from engine.expr.types import DATE, DECIMAL, INT, TEXT, List, Record, Type
from engine.values import NO_TEXT, Bilingual

WINDOW = Record({"from": DATE, "to": DATE}, "daterange")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_INT = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,20}(\.[0-9]{1,10})?")
_FULL_WIDTH = str.maketrans("０１２３４５６７８９．－＋", "0123456789.-+")  # as Chinese input methods write numbers


class Wrong(Exception):
    """A value that a field does not take: a code and fields for the translated message, and the English message."""

    def __init__(self, code: str, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fields = fields


class WrongParts(Wrong):
    """Several things wrong with one value, each at its place behind the field's name; `kept` is what could be read."""

    def __init__(self, parts: Sequence[tuple[str, Wrong]], kept: Any) -> None:
        super().__init__("parts", "; ".join(f"{place} {wrong.message}" for place, wrong in parts))
        self.parts = tuple(parts)
        self.kept = kept


def _number(value: object) -> Decimal | None:
    if value is None:
        return None
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    if isinstance(value, bool | float | dict | list) or not _NUMBER.fullmatch(text):
        message = 'write a number of at most 20 digits, 10 of them behind the point, in quotes, as "0.10"'
        raise PydanticCustomError("exact", message)
    return Decimal(text)


Exact = Annotated[Decimal | None, Field(validate_default=False), PlainSerializer(lambda value: value and str(value))]


class Kind(Section):
    """What every kind has. `help` is shown under the field. `visible`: who sees it, besides the submitter and the steps
    that name it; else everybody who sees the case."""

    type: str
    label: Bilingual = Field(NO_TEXT, description="What the page calls it")
    help: Bilingual = Field(NO_TEXT, description="A line below the label")
    required: StrictBool = Field(False, description="Without it the form cannot be submitted, a draft can be saved")
    visible: Annotated[tuple[Who, ...], Field(min_length=1)] | None = Field(
        None,
        description="Who sees it, besides the submitter and the steps that name it; else all who see the case",
    )

    @property
    def value_type(self) -> Type:
        """The type of its values in expressions."""
        raise NotImplementedError

    def read(self, raw: Any) -> Any:
        """The JSON value of what was entered; None where nothing was. Raises Wrong."""
        raise NotImplementedError

    def value(self, kept: Any) -> Any:
        """The value that expressions see, of the JSON value that the case keeps."""
        return kept

    def shown_choices(self) -> tuple[tuple[str, Bilingual], ...]:
        """The values to choose from with their labels; empty where any value goes."""
        return ()

    def limits(self) -> dict[str, str]:
        """What is enforced, as text for pages: max_length, min, max, scale."""
        return {}


def _entered(raw: Any) -> str:
    if isinstance(raw, bool | list | tuple | dict):
        raise Wrong("kind", "one value is expected")
    text = "" if raw is None else str(raw).strip()
    if _UNPRINTABLE.search(text):  # PostgreSQL keeps no NUL, UTF-8 no half of a surrogate pair
        raise Wrong("unprintable", "there is a sign that cannot be kept")
    return text


class Text(Kind):
    """One line. `max` counts signs."""

    type: Literal["text"]
    max: int = Field(200, strict=True, ge=1, le=1_000, description="Most signs")
    pattern: str | None = Field(None, description="A regular expression that the whole text must match")

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        try:
            safe_pattern(value or "")
        except ValueError as error:
            raise PydanticCustomError("pattern", "{why}", {"why": str(error)}) from None
        return value

    @property
    def value_type(self) -> Type:
        return TEXT

    def read(self, raw: Any) -> str | None:
        text = _entered(raw)
        if "\n" in text or "\r" in text:
            raise Wrong("one_line", "one line only")
        if len(text) > self.max:
            raise Wrong("too_long", f"at most {self.max} signs, these are {len(text)}", max=self.max, length=len(text))
        if text and self.pattern and not safe_pattern(self.pattern).fullmatch(text):
            raise Wrong("pattern", "this does not have the required form", pattern=self.pattern)
        return text or None

    def limits(self) -> dict[str, str]:
        return {"max_length": str(self.max)}


class LongText(Kind):
    """Several lines. `max` counts signs."""

    type: Literal["longtext"]
    max: int = Field(4_000, strict=True, ge=1, le=20_000, description="Most signs")

    @property
    def value_type(self) -> Type:
        return TEXT

    def read(self, raw: Any) -> str | None:
        text = _entered(raw).replace("\r\n", "\n")
        if len(text) > self.max:
            raise Wrong("too_long", f"at most {self.max} signs, these are {len(text)}", max=self.max, length=len(text))
        return text or None

    def limits(self) -> dict[str, str]:
        return {"max_length": str(self.max)}


class _Number(Kind):
    min: Exact = Field(None, description="The smallest value that is taken")
    max: Exact = Field(None, description="The largest value that is taken")

    _exact = field_validator("min", "max", mode="before")(_number)

    def within(self, value: Decimal) -> None:
        """Raises Wrong where the value is outside min and max."""
        low, high = self.min, self.max
        if low is not None and value < low:
            raise Wrong("too_small", f"at least {low}", min=str(low), value=str(value))
        if high is not None and value > high:
            raise Wrong("too_large", f"at most {high}", max=str(high), value=str(value))

    def limits(self) -> dict[str, str]:
        return {name: str(value) for name, value in (("min", self.min), ("max", self.max)) if value is not None}


class Int(_Number):
    """A whole number."""

    type: Literal["int"]

    @property
    def value_type(self) -> Type:
        return INT

    def read(self, raw: Any) -> int | None:
        text = _entered(raw).translate(_FULL_WIDTH)
        if not text:
            return None
        if not _INT.fullmatch(text):
            raise Wrong("not_int", f"not a whole number: {text}", value=text)
        self.within(Decimal(text))
        return int(text)


class ExactNumber(_Number):
    """An exact decimal, kept as the text it was entered as."""

    type: Literal["decimal"]
    scale: int = Field(4, strict=True, ge=0, le=10, description="Digits behind the point")

    @property
    def value_type(self) -> Type:
        return DECIMAL

    def read(self, raw: Any) -> str | None:
        text = _entered(raw).translate(_FULL_WIDTH)
        if not text:
            return None
        if not _NUMBER.fullmatch(text):
            raise Wrong("not_number", f"not a number: {text}", value=text)
        number = Decimal(text)
        if -int(number.normalize().as_tuple().exponent) > self.scale:
            raise Wrong("scale", f"at most {self.scale} digits behind the point", scale=self.scale, value=text)
        self.within(number)
        return f"{number:f}"

    def value(self, kept: Any) -> Decimal:
        return Decimal(kept)

    def limits(self) -> dict[str, str]:
        return {**super().limits(), "scale": str(self.scale)}


class Money(ExactNumber):
    """An amount in one currency, to the cent."""

    type: Literal["money"]  # type: ignore[assignment]  # another word for the discriminator
    currency: Literal["CNY", "USD", "EUR", "HKD"] = Field("CNY", description="How amounts are shown")
    scale: int = Field(2, strict=True, ge=0, le=4, description="Digits behind the point")


class Date(Kind):
    """A day."""

    type: Literal["date"]

    @property
    def value_type(self) -> Type:
        return DATE

    def read(self, raw: Any) -> str | None:
        text = _entered(raw)
        return _day(text).isoformat() if text else None

    def value(self, kept: Any) -> date:
        return date.fromisoformat(kept)


class DateRange(Kind):
    """From a day to a day, both included; kept as [from, to]."""

    type: Literal["daterange"]

    @property
    def value_type(self) -> Type:
        return WINDOW

    def read(self, raw: Any) -> list[str] | None:
        """See Kind. Takes [from, to] or {from, to}."""
        pair = [raw.get("from"), raw.get("to")] if isinstance(raw, Mapping) else raw
        if pair is None or pair == "":
            return None
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise Wrong("range", "two days are expected, from and to")
        first, last = (_entered(part) for part in pair)
        if not first and not last:
            return None
        if not first or not last:
            raise Wrong("half_range", "both days are needed")
        if _day(last) < _day(first):
            raise Wrong("range_order", "it ends before it begins", **{"from": first, "to": last})
        return [_day(first).isoformat(), _day(last).isoformat()]

    def value(self, kept: Any) -> dict[str, date]:
        return {"from": date.fromisoformat(kept[0]), "to": date.fromisoformat(kept[1])}


def _day(text: str) -> date:
    try:
        if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError
        return date.fromisoformat(text)
    except ValueError:
        raise Wrong("not_date", f"not a day: {text}; write 2026-11-30", value=text) from None


Options = dict[str, Bilingual]


def _labelled(value: Any) -> Any:
    """A plain list of values stands for values that are their own labels."""
    if isinstance(value, list | tuple):
        if len(set(map(str, value))) < len(value):
            raise PydanticCustomError("twice", "a value stands twice")
        return {str(one): Bilingual(en=str(one)) for one in value}
    return value


class Choice(Kind):
    """One of the values of `of`."""

    type: Literal["choice"]
    of: Options = Field(min_length=1, description="The values, as a list or each with a label")

    _values = field_validator("of", mode="before")(_labelled)

    @property
    def value_type(self) -> Type:
        return TEXT

    def read(self, raw: Any) -> str | None:
        text = _entered(raw)
        if text and text not in self.of:
            raise _not_among(text, self.of)
        return text or None

    def shown_choices(self) -> tuple[tuple[str, Bilingual], ...]:
        return tuple(self.of.items())


class Set(Kind):
    """Any number of the values of `of`, each once; kept in the order of `of`."""

    type: Literal["set"]
    of: Options = Field(min_length=1, description="The values, as a list or each with a label")

    _values = field_validator("of", mode="before")(_labelled)

    @property
    def value_type(self) -> Type:
        return List(TEXT)

    def read(self, raw: Any) -> list[str] | None:
        """See Kind. Takes a list; one value alone counts as a list of one."""
        if raw is None or raw == "":
            return None
        given = [_entered(one) for one in (raw if isinstance(raw, list | tuple) else [raw])]
        for one in given:
            if one and one not in self.of:
                raise _not_among(one, self.of)
        return [value for value in self.of if value in given] or None

    def shown_choices(self) -> tuple[tuple[str, Bilingual], ...]:
        return tuple(self.of.items())


def _not_among(text: str, of: Mapping[str, object]) -> Wrong:
    return Wrong("not_among", f"{text} is none of {', '.join(of)}", value=text, choices=list(of))


class _Code(Kind):
    pattern: ClassVar[re.Pattern[str]] = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}")

    @property
    def value_type(self) -> Type:
        return TEXT

    def read(self, raw: Any) -> str | None:
        """See Kind. Whether the code exists is the service's to say: it knows the registers."""
        text = _entered(raw)
        if text and not self.pattern.fullmatch(text):
            raise Wrong("not_code", f"not a code: {text}", value=text)
        return text or None


class PersonField(_Code):
    """A person, by their account: who is asked by `field(NAME)`. `among`: the submitter chooses one of these."""

    type: Literal["person"]
    among: Who | Literal[""] = Field(
        "", description="The submitter chooses one of these; without it, any person by name"
    )


class Office(_Code):
    """An office, by its code."""

    type: Literal["office"]


class Ref(_Code):
    """Something kept in a register, by its code: an offer, an earlier case."""

    type: Literal["ref"]
    to: Name = Field(description="What the code is of")

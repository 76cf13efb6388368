"""A wave that tests texts (A/B): which variants, what decides, how long it waits; and who gets which.

Everything that decides is declared before anybody was written to. Refuses to draw lots: the rows of a wave stand in the
order of a stable hash already, so the row says the variant, every chunk has all of them alike, and nothing about it
need be stored a second time.
"""

import re
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from engine.values import Duration

TestMetric = Literal["response", "conversion", "click"]
WINNER = re.compile(r"winner of ([a-z][a-z0-9_]{0,39})")
VARIANT = re.compile(r"[a-z][a-z0-9_]{0,19}")


class TextTest(BaseModel):
    """What a wave tests: `{of: [a, b], metric: click, wait: 24h}`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: tuple[str, ...] = Field(min_length=2, max_length=4, description="The variants of the message, two to four")
    metric: TestMetric = Field(
        description="What decides, as a share of the customers of a variant: response, conversion, or click"
    )
    wait: Duration = Field(description="How long after the last message of the wave it is decided")
    confidence: float = Field(0.95, ge=0.8, le=0.999, description="How sure the difference must be")
    else_: str = Field("", alias="else", description="The variant that goes on without a winner; the first by default")

    @field_validator("of")
    @classmethod
    def _each_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise PydanticCustomError("variants", "a variant stands twice")
        return value

    @field_validator("wait")
    @classmethod
    def _on_the_clock(cls, value: Duration) -> Duration:
        if value.is_working or not value.on_the_clock():
            raise PydanticCustomError("duration", "a test waits hours or days, not working days; write 24h")
        return value

    @model_validator(mode="after")
    def _goes_on_with_one_of_them(self) -> Self:
        if self.else_ and self.else_ not in self.of:
            told = "{name} is not tested, so it cannot go on without a winner; possible: {known}"
            raise PydanticCustomError("variants", told, {"name": self.else_, "known": ", ".join(self.of)})
        return self

    @property
    def otherwise(self) -> str:
        """The variant that goes on without a winner."""
        return self.else_ or self.of[0]

    def variant_of(self, row: int) -> str:
        """The variant of a row of the wave: they take turns, so that no part of the wave has one alone."""
        return self.of[row % len(self.of)]

    def sizes(self, audience: int) -> dict[str, int]:
        """How many of the customers of a wave get each variant; they differ by one at most.

        >>> TextTest.model_validate({"of": ["a", "b"], "metric": "click", "wait": "1d"}).sizes(5)
        {'a': 3, 'b': 2}
        """
        count = len(self.of)
        return {name: (audience - place + count - 1) // count for place, name in enumerate(self.of)}


def winner_of(text: str) -> str:
    """The wave whose test a wave's text waits for; empty where it waits for none."""
    found = WINNER.fullmatch(text)
    return found[1] if found else ""


def read_winner(value: Any) -> Any:
    """`winner of WAVE`, with as many blanks as somebody typed."""
    text = " ".join(value.split()) if isinstance(value, str) else value
    if not isinstance(text, str) or not (text == "" or WINNER.fullmatch(text)):
        raise PydanticCustomError("winner", "write winner of WAVE, with the name of an earlier wave that has a test")
    return text

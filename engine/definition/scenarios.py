"""The `tests:` section: scenarios (试跑场景) that say how a case goes, so that a change that breaks one is seen.

Refuses to run anything: `scenario_run` plays them on invented people and a clock of their own.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from engine.definition.deeds import Deed, Unreadable
from engine.definition.section import Name, Section, Who
from engine.definition.sentences import deed
from engine.values import Level


def _readable(text: str) -> str:
    try:
        deed(text)
    except Unreadable as wrong:
        raise PydanticCustomError("deed", "{message}", {"message": str(wrong), "hint": wrong.hint}) from None
    return text


Sentence = Annotated[str, AfterValidator(_readable)]
"""One deed, as `county_head approve`."""


class Staff(Section):
    """The people that a `who` finds, by the weights of their votes."""

    weights: tuple[Annotated[int, Field(strict=True, ge=1)], ...] = Field(
        min_length=1, description="The weight of each one's vote"
    )


class Expect(Section):
    """What must be so when the deeds are done.

    `asked`: exactly these are asked then, each a step or a person (`head@city`, `finance@city.2`). `escalated`: steps
    whose task went up. `told`: what the submitter was told meanwhile (returned, approved, ...). `refused`: the verb of
    the last deed, which must be refused and change nothing.
    """

    asked: tuple[str, ...] | None = Field(None, description="Exactly these are asked then, steps or people")
    escalated: Name | tuple[Name, ...] = Field((), description="Steps whose task went up")
    told: str | tuple[str, ...] = Field((), description="What the submitter was told meanwhile")
    state: Name | None = Field(None, description="The state of the case")
    refused: str | None = Field(None, description="The verb of the last sentence, which must be refused")

    @property
    def all_escalated(self) -> tuple[str, ...]:
        """The steps, also where one stands alone."""
        return (self.escalated,) if isinstance(self.escalated, str) else self.escalated

    @property
    def all_told(self) -> tuple[str, ...]:
        """The occasions, also where one stands alone."""
        return (self.told,) if isinstance(self.told, str) else self.told


class Scenario(Section):
    """One case: what is proposed, what is done, and what must come of it.

    `given` is submitted first, unless `do` begins with submit or edit; required fields that it leaves out are filled
    in. `people` says how many a `who` finds, 0 for nobody. `route` is the chain it takes; `at` the state it is in after
    the deeds; `ends` the state it comes to when everybody then agrees and time passes.
    """

    name: str = Field("", max_length=200, description="What its result is told under")
    given: dict[Name, Any] = Field(
        default_factory=dict, description="Values of the form; required fields that are not given are filled in"
    )
    office: Level = Field("county", description="The level of the office that submits")
    people: dict[Who, Annotated[int, Field(strict=True, ge=0, le=99)] | Staff] = Field(
        default_factory=dict, description="How many hold a role; one each where it does not say"
    )
    do: tuple[Sentence, ...] = Field(
        (), description="What happens, a sentence each; without it everybody agrees to the end"
    )
    route: Name | None = Field(None, description="The chain that the case takes")
    at: Name | None = Field(None, description="The state after the last sentence")
    ends: Name | None = Field(
        None, description="The state in the end, when everybody agrees from there on and time passes"
    )
    expect: Expect = Field(Expect(), description="What else is so after the last sentence")

    @cached_property
    def deeds(self) -> tuple[Deed, ...]:
        """The deeds, read."""
        return tuple(map(deed, self.do))

    @property
    def expects_anything(self) -> bool:
        """Whether it can fail other than by a deed that is refused."""
        return bool(self.route or self.at or self.ends or self.expect.model_fields_set)

    def states(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """The states it names, each with its path in the scenario."""
        named = {("at",): self.at, ("ends",): self.ends, ("expect", "state"): self.expect.state}
        yield from ((path, state) for path, state in named.items() if state)

    def values(self) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
        """The form values it gives, each with its path in the scenario."""
        yield ("given",), self.given
        for n, one in enumerate(self.deeds):
            changed = getattr(one, "values", None)
            if changed:
                yield ("do", n), dict(changed)

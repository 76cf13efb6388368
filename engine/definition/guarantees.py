"""The `guarantees:` section: what must hold for every case the definition admits, whatever people decide.

Few kinds, each of which a proof can answer; which kind one is, its key tells. Refuses free formulas over histories: a
sentence that nobody at the office can check by reading is no guarantee.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from msgspec import Struct
from pydantic import AfterValidator, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from engine.definition.section import Rule, Section

HAPPENINGS = ("asked", "approved", "acknowledged")


class Occurrence(Struct, frozen=True):
    """Something that happens to a case: it comes to a state, or a step of it is asked, approved or acknowledged."""

    name: str
    happening: str = ""

    @classmethod
    def parse(cls, text: str) -> "Occurrence":
        """Read `delivering` or `city_vp approved`; ValueError for anything else."""
        name, _, happening = text.strip().partition(" ")
        if not name or (happening and happening not in HAPPENINGS):
            raise ValueError(text)
        return cls(name, happening)


def _occurrence(text: str) -> str:
    try:
        Occurrence.parse(text)
    except ValueError:
        message = (
            "write a state, as delivering, or a step with one of asked, approved, acknowledged, as city_vp approved"
        )
        raise PydanticCustomError("occurrence", "{message}", {"message": message}) from None
    return text


def _result(text: str) -> str:
    return text if text.startswith("route ") and len(text.split()) == 2 else _occurrence(text)


Happens = Annotated[str, AfterValidator(_occurrence)]
Result = Annotated[str, AfterValidator(_result)]


class Never(Section):
    """No case comes to `never`; with `before`, none does without that having happened in the same round.

    `when` limits it to cases whose form fits then; in doubt it applies.
    """

    never: Happens = Field(description="A state, or a step with asked, approved or acknowledged")
    before: Happens | None = Field(None, description="Unless this happened before")
    when: Rule | None = Field(None, description="Only for forms that this holds of")

    def __str__(self) -> str:
        before = f" before {self.before}" if self.before else ""
        return f"never {self.never}{before}" + (f" when {self.when}" if self.when else "")

    def rules(self) -> Iterator[tuple[str, str]]:
        """Its expressions with their keys."""
        if self.when is not None:
            yield "when", self.when

    def occurrences(self) -> Iterator[tuple[str, Occurrence]]:
        """What it names, with the keys."""
        yield "never", Occurrence.parse(self.never)
        if self.before is not None:
            yield "before", Occurrence.parse(self.before)


class Then(Section):
    """A case whose form fits `if` takes the chain of `then: route CHAIN`, or is never approved or filed without
    `then: STEP asked` (approved, acknowledged)."""

    if_: Rule = Field(alias="if", description="The forms it is about")
    then: Result = Field(description="route CHAIN, or what must have happened")

    def __str__(self) -> str:
        return f"if {self.if_} then {self.then}"

    @property
    def route(self) -> str:
        """The chain it asks for; empty where it asks for something to happen."""
        return self.then.removeprefix("route ").strip() if self.then.startswith("route ") else ""

    def rules(self) -> Iterator[tuple[str, str]]:
        """See Never."""
        yield "if", self.if_

    def occurrences(self) -> Iterator[tuple[str, Occurrence]]:
        """See Never."""
        if not self.route:
            yield "then", Occurrence.parse(self.then)


class Always(Section):
    """Something that holds for cases as such.

    every case ends: a complete form can be submitted, and from wherever a case is, it can come to an end by decisions.
    nobody decides twice: no person decides at two steps in one round, whoever holds the roles.
    somebody decides: no case is approved or filed by nobody.
    """

    always: Literal["every case ends", "nobody decides twice", "somebody decides"] = Field(
        description="What holds for cases as such"
    )

    def __str__(self) -> str:
        return f"always {self.always}"

    def rules(self) -> Iterator[tuple[str, str]]:
        """See Never."""
        return iter(())

    def occurrences(self) -> Iterator[tuple[str, Occurrence]]:
        """See Never."""
        return iter(())


KEYS = ("never", "if", "always")


def _kind(value: Any) -> str | None:
    if isinstance(value, Section):
        return type(value).__name__.lower().replace("then", "if")
    return next((key for key in KEYS if isinstance(value, dict) and key in value), None)


Guarantee = Annotated[
    Annotated[Never, Tag("never")] | Annotated[Then, Tag("if")] | Annotated[Always, Tag("always")],
    Discriminator(
        _kind,
        custom_error_type="guarantee",
        custom_error_message="a guarantee starts with one of never, if, always",
    ),
]

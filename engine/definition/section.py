"""What all sections of a definition have in common: frozen, closed, and honest about what is not there yet.

Refuses unknown keys everywhere: a misspelt key that is silently ignored would change who approves.
"""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from engine.errors import InvalidForm
from engine.organisation.who import parse


class Section(BaseModel):
    """A part of a definition. Keys are those of the YAML file."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise PydanticCustomError("name", "a name has small letters, digits and _ and starts with a letter", {})
    return value


def _who(value: str) -> str:
    try:
        parse(value)
    except InvalidForm as error:
        (problem,) = error.problems
        raise PydanticCustomError("who", "{message}", {"message": problem.message, "hint": problem.hint}) from None
    return value


Name = Annotated[str, AfterValidator(_name)]
Who = Annotated[str, AfterValidator(_who)]
Rule = Annotated[str, AfterValidator(lambda text: text)]
"""The text of an expression that answers yes or no; `check` gives it its types."""


class WhoRow(Section):
    """Where `when` holds, `who` is asked."""

    when: Rule = Field(description="Where this holds, who is asked")
    who: Who = Field(description="Whom this row asks")


class WhoElse(Section):
    """Who is asked where no row above holds."""

    else_: Who = Field(alias="else", description="Whom to ask where no row holds")


def _entry(value: Any) -> str:
    if isinstance(value, str):
        return "plain"
    return "else" if isinstance(value, WhoElse) or (isinstance(value, dict) and "else" in value) else "row"


WhoEntry = Annotated[
    Annotated[Who, Tag("plain")] | Annotated[WhoRow, Tag("row")] | Annotated[WhoElse, Tag("else")],
    Discriminator(_entry),
]
Whom = Annotated[
    Annotated[Who, Tag("one")] | Annotated[tuple[WhoEntry, ...], Field(min_length=1), Tag("several")],
    Discriminator(lambda value: "several" if isinstance(value, list | tuple) else "one"),
]
"""One `who`, a list of them (all are asked), or a table whose first row that holds is asked and whose last is else."""


def named(whom: Whom) -> tuple[str, ...]:
    """Every `who` that it may ask."""
    if isinstance(whom, str):
        return (whom,)
    return tuple(
        entry if isinstance(entry, str) else (entry.who if isinstance(entry, WhoRow) else entry.else_) for entry in whom
    )

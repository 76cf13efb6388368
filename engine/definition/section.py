"""What all sections of a definition have in common: frozen, closed, and honest about what is not there yet.

Refuses unknown keys everywhere: a misspelt key that is silently ignored would change who approves.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

from engine.errors import InvalidForm
from engine.organisation.who import parse


class Section(BaseModel):
    """A part of a definition. Keys are those of the YAML file."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def _refuse(value: object) -> None:
    raise PydanticCustomError("not_yet", "this is not supported yet", {"value": str(value)})


NotYet = Annotated[None, BeforeValidator(_refuse)]
"""A key of the language that this version cannot carry out. Refused where it stands, never passed over in silence."""

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

"""What all sections of a definition have in common: frozen, closed, and honest about what is not there yet.

Refuses unknown keys everywhere: a misspelt key that is silently ignored would change who approves.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """A part of a definition. Keys are those of the YAML file."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def _refuse(value: object) -> None:
    raise PydanticCustomError("not_yet", "this is not supported yet", {"value": str(value)})


NotYet = Annotated[None, BeforeValidator(_refuse)]
"""A key of the language that this version cannot carry out. Refused where it stands, never passed over in silence."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,47}")
_WHO = re.compile(r"role:[a-z][a-z0-9_]*(@(county|city|province))?|head@(county|city|province)|superior|submitter")
_MEMBERS = re.compile(r"members\([a-z][a-z0-9_]*@(county|city|province)\)")


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise PydanticCustomError("name", "a name has small letters, digits and _ and starts with a letter", {})
    return value


def _who(value: str) -> str:
    if not (_WHO.fullmatch(value) or _MEMBERS.fullmatch(value)):
        raise PydanticCustomError(
            "who",
            "nobody can be found by this; write role:ROLE, role:ROLE@LEVEL, head@LEVEL, members(GROUP@LEVEL), superior "
            "or submitter, where LEVEL is county, city or province",
            {},
        )
    return value


Name = Annotated[str, AfterValidator(_name)]
Who = Annotated[str, AfterValidator(_who)]
Rule = Annotated[str, AfterValidator(lambda text: text)]
"""The text of an expression that answers yes or no; `check` gives it its types."""

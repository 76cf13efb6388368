"""The `who` of a step: whom it asks, written so that it fits every office.

`role:finance@city`, `role:process_admin`, `head@county`, `members(committee@province)`, `superior`, `superior(2)`,
`submitter`, `field(approver)`. Refuses to name a person: people change, definitions stay.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from engine.errors import InvalidForm, Problem
from engine.values import Level

HEAD = "head"

_ROLE = re.compile(r"role:(?P<role>[a-z][a-z0-9_]*)(@(?P<level>county|city|province))?")
_HEAD = re.compile(r"(?P<role>head)@(?P<level>county|city|province)")
_SUPERIOR = re.compile(r"superior\((?P<levels>[1-9])\)")
_FIELD = re.compile(r"field\((?P<name>[a-z][a-z0-9_]{0,47})\)")
_MEMBERS = re.compile(r"members\((?P<role>[a-z][a-z0-9_]*)@(?P<level>county|city|province)\)")


@dataclass(frozen=True, slots=True)
class Holders:
    """Those who hold `role` at the office of `level`; without a level, at the nearest office that has any."""

    role: str
    level: Level | None


@dataclass(frozen=True, slots=True)
class Superior:
    """The head above a person, `levels` times: superior(2) is the superior's superior."""

    levels: int = 1


@dataclass(frozen=True, slots=True)
class Submitter:
    """The person whose case it is."""


@dataclass(frozen=True, slots=True)
class FromField:
    """The person that the form names in a field of kind person."""

    name: str


Who = Holders | Superior | Submitter | FromField


@lru_cache(maxsize=4096)
def parse(text: str) -> Who:
    """Read a `who`. Raises InvalidForm that says what can be written."""
    if text == "superior":
        return Superior()
    if text == "submitter":
        return Submitter()
    if found := _SUPERIOR.fullmatch(text):
        return Superior(int(found["levels"]))
    if found := _FIELD.fullmatch(text):
        return FromField(found["name"])
    match = _ROLE.fullmatch(text) or _HEAD.fullmatch(text) or _MEMBERS.fullmatch(text)
    if match is None:
        raise InvalidForm([Problem("who", f"nobody can be found by {text!r}", hint=_hint(text), at="who")])
    return Holders(role=match["role"], level=cast("Level | None", match["level"]))


def _hint(text: str) -> str:
    if re.search("[“”‘’：＠（）]", text):
        return "write quotes, colon, @ and parentheses as on an English keyboard"
    level = re.search(r"@(\w*)", text)
    if level and level[1] not in ("county", "city", "province"):
        return f"after @ stands county, city or province, not {level[1]!r}"
    return (
        "write role:ROLE, role:ROLE@LEVEL, head@LEVEL, members(GROUP@LEVEL), superior, superior(2), submitter "
        "or field(NAME), where LEVEL is county, city or province"
    )

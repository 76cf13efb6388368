"""The pattern of case numbers (统一编号) and of register numbers (备案号).

Refuses a pattern without a running number, which would give two cases one number.
"""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from engine.values import CaseNumber

_PART = re.compile(r"\{([^{}]*)\}")
_SEQUENCE = re.compile(r"seq(?::0?([1-9]))?")


@dataclass(frozen=True, slots=True)
class NumberPattern:
    """`{office.code}-{year}-{seq:05}`: the running number counts within everything that stands around it."""

    pattern: str

    def number(self, *, office: str, year: int, seq: int) -> CaseNumber:
        """The number of the `seq`-th case of an office in a year."""

        def filled(part: re.Match[str]) -> str:
            sequence = _SEQUENCE.fullmatch(part[1])
            return f"{seq:0{sequence[1] or 1}}" if sequence else _given(part[1], office, year)

        return CaseNumber(_PART.sub(filled, self.pattern))

    def scope(self, *, office: str, year: int) -> str:
        """Cases with the same scope share one row of running numbers."""
        return _PART.sub(
            lambda part: "#" if _SEQUENCE.fullmatch(part[1]) else _given(part[1], office, year), self.pattern
        )

    def counted(self, *, office: str, year: int) -> tuple[str, int]:
        """The scope and the year that running numbers are counted by; 0 where the pattern runs on over the years."""
        return self.scope(office=office, year=year), year if "{year}" in self.pattern else 0

    @property
    def names_office(self) -> bool:
        """Whether each office counts by itself."""
        return "{office.code}" in self.pattern

    def __str__(self) -> str:
        return self.pattern

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            cls._checked, core_schema.str_schema(max_length=60), serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def _checked(cls, text: str) -> "NumberPattern":
        parts = _PART.findall(text)
        strange = [part for part in parts if part not in ("office.code", "year") and not _SEQUENCE.fullmatch(part)]
        if strange or "{" in _PART.sub("", text):
            raise PydanticCustomError("numbering", "a number is made of {office.code}, {year} and {seq:05}")
        if sum(bool(_SEQUENCE.fullmatch(part)) for part in parts) != 1:
            raise PydanticCustomError("numbering", "a number needs {seq:05} once, or two cases get the same one")
        return cls(text)


def _given(part: str, office: str, year: int) -> str:
    return office if part == "office.code" else str(year)

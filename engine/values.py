"""Small values that every part shares: names of things, two-language text, digests.

Refuses to know what they are used for.
"""

import hashlib
from decimal import Decimal
from typing import Any, Literal, NewType

import msgspec
import orjson
from pydantic import BaseModel, ConfigDict

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


def canonical_json(value: Any) -> bytes:
    """One byte string per value: keys sorted, Decimal as text. What digests and the history hash are taken of."""
    return orjson.dumps(
        msgspec.to_builtins(value, builtin_types=(Decimal,)), default=_text, option=orjson.OPT_SORT_KEYS
    )


def digest_of(value: Any) -> Digest:
    """sha256 of the canonical JSON, as 64 hexadecimal characters."""
    return Digest(hashlib.sha256(canonical_json(value)).hexdigest())


def _text(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"cannot stand in canonical JSON: {type(value).__name__}")

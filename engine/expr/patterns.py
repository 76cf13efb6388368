"""Patterns of `matches` and of form fields, in RE2's syntax.

RE2 runs in time linear in the text whatever the pattern is, so nobody's pattern can stop the server; DuckDB uses the
same library, so that a rule selects the same customers. Refuses what RE2 refuses: look-around and back-references.
"""

from functools import lru_cache
from typing import Protocol

import re2

MAX_PATTERN = 1_000
MAX_SUBJECT = 20_000
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 1 << 20  # a pattern that needs more is refused, as (x{1000}){1000} would


class Pattern(Protocol):
    """A compiled pattern."""

    def search(self, text: str) -> object | None:
        """A match anywhere in the text."""

    def fullmatch(self, text: str) -> object | None:
        """A match of the whole text."""


@lru_cache(maxsize=256)
def pattern(text: str) -> Pattern:
    """The pattern, compiled; ValueError says what is wrong with it."""
    if len(text) > MAX_PATTERN:
        raise ValueError(f"the pattern is too long, {MAX_PATTERN} signs at most")
    try:
        compiled: Pattern = re2.compile(text, _OPTIONS)
    except re2.error as error:
        raise ValueError(f"the pattern is wrong: {_reason(error)}") from None
    return compiled


def matches(text: str, wanted: str) -> bool:
    """Whether the pattern is found anywhere in the text."""
    if len(text) > MAX_SUBJECT:
        raise ValueError("the text is too long to be matched")
    return pattern(wanted).search(text) is not None


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)

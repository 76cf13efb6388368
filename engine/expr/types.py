"""The types of expressions, and the scope that says which names an expression may use.

Closed on purpose: what a form, a definition's params or the customer catalogue can hold has one of these types, and
nothing is converted in silence except that whole numbers mix with exact decimals. `uint`, `double` and `bytes` exist
only inside expressions, for those who write CEL; no field has them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Simple:
    """A type without parts."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class List:
    """A list (or a set: order does not matter to `in`) of values of one type."""

    of: "Type"

    def __str__(self) -> str:
        return f"list of {self.of}"


@dataclass(frozen=True, slots=True)
class Map:
    """A map whose keys are not known beforehand."""

    key: "Type"
    value: "Type"

    def __str__(self) -> str:
        return f"map of {self.key} to {self.value}"


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """Known fields with their types; those in `optional` may be absent, and reading an absent one is an error."""

    fields: Mapping[str, "Type"]
    name: str = "record"
    optional: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.name


Type: TypeAlias = Simple | List | Map | Record

BOOL = Simple("bool")
INT = Simple("int")
UINT = Simple("uint")
DECIMAL = Simple("decimal")
DOUBLE = Simple("double")
"""A binary number, only by `double(...)`: a number written with a point is an exact decimal."""
TEXT = Simple("text")
BYTES = Simple("bytes")
DATE = Simple("date")
TIMESTAMP = Simple("timestamp")
DURATION = Simple("duration")
ADDRESS = Simple("address")
"""Of a phone or of mail: sealed where it is kept. A rule can ask whether it is there, and whether two are the same."""
NULL = Simple("null")
DYN = Simple("anything")
"""Known only when it runs: every operation is allowed by the check and tried by the evaluation."""

KIND = Simple("type")
"""What `type(x)` gives, and names like `int`."""

NUMBERS = frozenset({INT, DECIMAL})
"""They mix in sums; the others need a conversion that is written out."""
COUNTED = frozenset({INT, UINT, DECIMAL, DOUBLE})
"""They can be compared with each other, exactly."""
ORDERED = frozenset({BOOL, TEXT, BYTES, DATE, TIMESTAMP, DURATION} | COUNTED)
KEYS = frozenset({BOOL, INT, UINT, TEXT, DYN})
KINDS: Mapping[str, Simple] = {
    **{kind.name: kind for kind in (BOOL, INT, UINT, DECIMAL, DOUBLE, BYTES, DATE, TIMESTAMP, DURATION, KIND)},
    **{name: Simple(name) for name in ("string", "list", "map", "null_type")},
}
"""The names of types that an expression may use, as in `type(x) == int`."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The names an expression may start with, with their types, and the texts of the rules it may name."""

    names: Mapping[str, Type] = field(default_factory=dict)
    rules: Mapping[str, str] = field(default_factory=dict)

    def plus(self, **names: Type) -> "Scope":
        """The scope with more names, which hide equal ones."""
        return Scope({**self.names, **names}, self.rules)


def nearest(wrong: str, known: Mapping[str, object] | frozenset[str] | tuple[str, ...]) -> str:
    """A hint for a misspelt name: the nearest known one, else the few that there are, else nothing."""
    close = get_close_matches(wrong, list(known), n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]}?"
    return f"known: {', '.join(sorted(known))}" if 0 < len(known) <= 8 else ""

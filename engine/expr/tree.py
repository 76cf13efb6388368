"""The one tree that an expression is: immutable, every part with its place in the text.

The type check, the compiled closure, the SQL and the explanation all read this tree; none of them changes it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal as Choice
from typing import TypeAlias

from engine.expr.types import Type

Operator = Choice["==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "/", "%", "!", "neg"]
Quantifier = Choice["all", "exists", "exists_one", "filter", "map"]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an expression. `number` is unique within it; `at` and `end` are offsets into its text."""

    number: int
    at: int
    end: int


@dataclass(frozen=True, slots=True)
class Literal(Part):
    """`12`, `"12.50"`, `true`, `null`."""

    value: object
    type: Type


@dataclass(frozen=True, slots=True)
class Name(Part):
    """`form`"""

    name: str


@dataclass(frozen=True, slots=True)
class Select(Part):
    """`of.field`"""

    of: "Tree"
    field: str


@dataclass(frozen=True, slots=True)
class Has(Part):
    """`has(of.field)`: whether the field is there."""

    of: "Tree"
    field: str


@dataclass(frozen=True, slots=True)
class Index(Part):
    """`of[key]`"""

    of: "Tree"
    key: "Tree"


@dataclass(frozen=True, slots=True)
class Logic(Part):
    """`a && b && c` or `a || b || c`; a part that decides the result absorbs the errors of the others."""

    operator: Choice["&&", "||"]
    parts: tuple["Tree", ...]


@dataclass(frozen=True, slots=True)
class Operation(Part):
    """One or two operands."""

    operator: Operator
    operands: tuple["Tree", ...]


@dataclass(frozen=True, slots=True)
class Conditional(Part):
    """`condition ? yes : no`"""

    condition: "Tree"
    yes: "Tree"
    no: "Tree"


@dataclass(frozen=True, slots=True)
class Call(Part):
    """`function(a, b)`, or `a.function(b)` where `is_member`."""

    function: str
    arguments: tuple["Tree", ...]
    is_member: bool


@dataclass(frozen=True, slots=True)
class ListOf(Part):
    """`[a, b]`"""

    elements: tuple["Tree", ...]


@dataclass(frozen=True, slots=True)
class MapOf(Part):
    """`{key: value}`"""

    entries: tuple[tuple["Tree", "Tree"], ...]


@dataclass(frozen=True, slots=True)
class Macro(Part):
    """`over.all(variable, body)` and its siblings; `condition` is the filter of a three-argument `map`."""

    quantifier: Quantifier
    over: "Tree"
    variable: str
    body: "Tree"
    condition: "Tree | None" = None


Tree: TypeAlias = (
    Literal | Name | Select | Has | Index | Logic | Operation | Conditional | Call | ListOf | MapOf | Macro
)


def children(tree: Tree) -> tuple[Tree, ...]:
    """The parts directly below, in the order of the text."""
    match tree:
        case Literal() | Name():
            return ()
        case Select() | Has():
            return (tree.of,)
        case Index():
            return (tree.of, tree.key)
        case Logic():
            return tree.parts
        case Operation():
            return tree.operands
        case Conditional():
            return (tree.condition, tree.yes, tree.no)
        case Call():
            return tree.arguments
        case ListOf():
            return tree.elements
        case MapOf():
            return tuple(part for entry in tree.entries for part in entry)
        case Macro():
            return (tree.over, *((tree.condition,) if tree.condition else ()), tree.body)


def walk(tree: Tree) -> Iterator[Tree]:
    """The tree and everything below it."""
    yield tree
    for child in children(tree):
        yield from walk(child)


def depth_of(tree: Tree) -> int:
    """How many parts stand within each other at the deepest place; found without recursion, for any tree."""
    deepest, left = 0, [(tree, 1)]
    while left:
        part, depth = left.pop()
        deepest = max(deepest, depth)
        left.extend((child, depth + 1) for child in children(part))
    return deepest


def path_of(tree: Tree) -> str | None:
    """`form.window.from` for a chain of fields that starts with a name, else None."""
    match tree:
        case Name():
            return tree.name
        case Select():
            base = path_of(tree.of)
            return f"{base}.{tree.field}" if base else None
        case _:
            return None

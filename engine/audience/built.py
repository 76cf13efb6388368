"""A source as somebody builds it on a page: blocks of rows, written as a source of the language.

A row is a condition over one field, a list, a saved group, an earlier case, or a text of its own. Rows stand in a
block, or two deep in a group within it, joined by all or any; blocks are joined one after the other. What a row holds
is text as it was typed. Refuses nothing: who writes a source from it has checked it before.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, assert_never, get_args

from engine.expr.parse import RESERVED

Join = Literal["all", "any"]
How = Literal["or", "and", "without", "one"]
Operator = Literal[
    "eq", "ne", "lt", "le", "gt", "ge", "in", "not_in", "starts", "contains", "yes", "no", "known", "unknown"
]
JOINS: tuple[Join, ...] = get_args(Join)
HOWS: tuple[How, ...] = get_args(How)
_EVERY: tuple[Operator, ...] = ("known", "unknown")
_ORDERED: tuple[Operator, ...] = ("ge", "gt", "le", "lt", "eq", "ne", *_EVERY)
OPERATORS: Mapping[str, tuple[Operator, ...]] = {
    "text": ("eq", "ne", "in", "not_in", "starts", "contains", *_EVERY),
    "int": _ORDERED,
    "decimal": _ORDERED,
    "double": _ORDERED,
    "date": _ORDERED,
    "bool": ("yes", "no", *_EVERY),
    "timestamp": _EVERY,
    "address": _EVERY,
}
"""What can be asked of a field, by its type without its digits."""
WITHOUT_VALUE: frozenset[Operator] = frozenset({"yes", "no", "known", "unknown"})
SEVERAL: frozenset[Operator] = frozenset({"in", "not_in"})
SIGNS: Mapping[Operator, str] = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


@dataclass(frozen=True, slots=True)
class Condition:
    """A claim about one field. `values` are as many as the operator wants, written as the field's type is."""

    field: str = ""
    operator: Operator | Literal[""] = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Expression:
    """A rule of the language that is no condition."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class InList:
    """Customers of an imported list."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class InGroup:
    """Customers of a saved group, NAME or NAME@VERSION."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class Earlier:
    """Customers by what became of them in an earlier case; `wave` and `within` may be empty."""

    case: str = ""
    outcome: str = ""
    wave: str = ""
    within: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """Customers that a statement gives."""

    sql: str = ""


@dataclass(frozen=True, slots=True)
class Other:
    """A source that is built of more than rows can say, as JSON."""

    text: str = ""


Row: TypeAlias = Condition | Expression | InList | InGroup | Earlier | Statement | Other
ROWS: Mapping[str, type[Row]] = {
    "condition": Condition,
    "list": InList,
    "group": InGroup,
    "earlier": Earlier,
    "expression": Expression,
    "sql": Statement,
    "other": Other,
}


@dataclass(frozen=True, slots=True)
class Nest:
    """Rows within a block that are joined in another way than those around them."""

    join: Join = "any"
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """Rows and groups of rows; `how` joins the block to all that stands before it."""

    join: Join = "all"
    rows: tuple[Row | Nest, ...] = ()
    how: How = "or"


Types = Mapping[str, str]
"""Field -> its type, as the dataset has it."""
Mapped = dict[str, Any]
_COMBINED: Mapping[Join, str] = {"all": "intersect", "any": "union"}
_SIGN: Mapping[Join, str] = {"all": " && ", "any": " || "}
_ALGEBRA: Mapping[How, str] = {"or": "union", "and": "intersect", "without": "except", "one": "symmetric"}


def written(blocks: Sequence[Block], types: Types) -> Mapped:
    """The source that the blocks say, as a definition would: a block of conditions alone is one rule."""
    return _joined([(block.how, _whole(block, types)) for block in blocks if block.rows])


@dataclass(frozen=True, slots=True)
class Parted:
    """A source whose every row is a part of its own; `places` says by part, in the order of `walk`, what it stands for:
    "0" the first block, "0.1" its second row, "0.1.2" the third within that; empty for what joins blocks."""

    source: Mapped
    places: tuple[tuple[str, ...], ...]


def parted(blocks: Sequence[Block], types: Types, *, keep: frozenset[str]) -> Parted | None:
    """The source to count by, of the rows whose places are to `keep`; None where nothing is left."""
    parts: list[tuple[How, Parted]] = []
    for number, block in enumerate(blocks):
        found = _part(block.join, block.rows, f"{number}", types, keep)
        if found:
            parts.append((block.how, found))
    if not parts:
        return None
    source = _joined([(how, part.source) for how, part in parts])
    places: tuple[tuple[str, ...], ...] = parts[0][1].places
    runs = _runs([how for how, _ in parts])
    done = 1
    for length in runs:
        places = ((), *places, *(place for _, part in parts[done : done + length] for place in part.places))
        done += length
    return Parted(source, places)


def _part(join: Join, rows: Sequence[Row | Nest], at: str, types: Types, keep: frozenset[str]) -> Parted | None:
    found: list[Parted] = []
    for number, row in enumerate(rows):
        place = f"{at}.{number}"
        if isinstance(row, Nest):
            inner = _part(row.join, row.rows, place, types, keep)
            found += [inner] if inner else []
        elif place in keep:
            source = source_of(row, types)
            found.append(Parted(source, ((place,), *((),) * (_parts_in(source) - 1))))
    if not found:
        return None
    if len(found) == 1:
        first, *others = found[0].places
        return Parted(found[0].source, ((at, *first), *others))
    joined = {_COMBINED[join]: [part.source for part in found]}
    return Parted(joined, ((at,), *(place for part in found for place in part.places)))


def _parts_in(source: Any) -> int:
    """How many parts a source as written has, itself one of them."""
    inner = next(iter(source.values()), None) if isinstance(source, Mapping) else None
    return 1 + sum(map(_parts_in, inner)) if isinstance(inner, list) else 1


def _joined(parts: Sequence[tuple[How, Mapped]]) -> Mapped:
    """One after the other: what stands before is always the first part of what follows."""
    source, done = parts[0][1], 1
    for length in _runs([how for how, _ in parts]):
        how = parts[done][0]
        source = {_ALGEBRA[how]: [source, *(part for _, part in parts[done : done + length])]}
        done += length
    return source


def _runs(hows: Sequence[How]) -> list[int]:
    """How many blocks behind the first are joined at once: equal ones that follow each other, but one or the other, not
    both, goes by two."""
    lengths: list[int] = []
    for place, how in enumerate(hows[1:], start=1):
        if lengths and how == hows[place - 1] and how != "one" and place > 1:
            lengths[-1] += 1
        else:
            lengths.append(1)
    return lengths


def _whole(block: Block, types: Types) -> Mapped:
    if all(_is_rule(row) for row in block.rows):
        return {"rule": _rule(block.join, block.rows, types)}
    parts = [
        {"rule": _rule(row.join, row.rows, types)}
        if isinstance(row, Nest) and _is_rule(row)
        else _nested(row, types)
        if isinstance(row, Nest)
        else source_of(row, types)
        for row in block.rows
    ]
    return parts[0] if len(parts) == 1 else {_COMBINED[block.join]: parts}


def _nested(nest: Nest, types: Types) -> Mapped:
    parts = [source_of(row, types) for row in nest.rows]
    return parts[0] if len(parts) == 1 else {_COMBINED[nest.join]: parts}


def _is_rule(row: Row | Nest) -> bool:
    if isinstance(row, Nest):
        return all(_is_rule(one) for one in row.rows)
    return isinstance(row, Condition | Expression)


def _rule(join: Join, rows: Sequence[Row | Nest], types: Types) -> str:
    """The text of rows that are all rules; what could be torn apart stands in parentheses."""
    texts = [
        (_rule(row.join, row.rows, types), len(row.rows) > 1 or isinstance(row.rows[0], Expression))
        if isinstance(row, Nest)
        else (rule_of(row, types), isinstance(row, Expression))
        for row in rows
        if isinstance(row, Nest | Condition | Expression)
    ]
    if len(texts) == 1:
        return texts[0][0]
    return _SIGN[join].join(_closed(text) if loose else text for text, loose in texts)


def _closed(text: str) -> str:
    return f"({text}\n)" if "//" in text else f"({text})"


def source_of(row: Row, types: Types) -> Mapped:
    """The source of one row."""
    match row:
        case Condition() | Expression():
            return {"rule": rule_of(row, types)}
        case InList():
            return {"list": row.name}
        case InGroup():
            return {"group": row.name}
        case Earlier():
            asked = {"of": row.case, "outcome": row.outcome, "wave": row.wave, "within": row.within}
            return {"feedback": {name: value for name, value in asked.items() if value}}
        case Statement():
            return {"sql": row.sql}
        case Other():
            found: Mapped = json.loads(row.text)
            return found
        case _:
            assert_never(row)


def rule_of(row: Condition | Expression, types: Types) -> str:
    """The row as an expression over the customer."""
    if isinstance(row, Expression):
        return row.text
    field, operator = _named(row.field), row.operator
    values = [_literal(value, types[row.field]) for value in row.values]
    match operator:
        case "eq" | "ne" | "lt" | "le" | "gt" | "ge":
            return f"{field} {SIGNS[operator]} {values[0]}"
        case "in":
            return f"{field} in [{', '.join(values)}]"
        case "not_in":
            return f"!({field} in [{', '.join(values)}])"
        case "starts":
            return f"{field}.startsWith({values[0]})"
        case "contains":
            return f"{field}.contains({values[0]})"
        case "yes":
            return field
        case "no":
            return f"!{field}"
        case "known":
            return f"has({field})"
        case "unknown":
            return f"!has({field})"
        case "":
            raise ValueError("a condition without an operator")
        case _:
            assert_never(operator)


def _named(field: str) -> str:
    is_plain = field.isidentifier() and field.isascii() and field not in RESERVED
    return f"c.{field}" if is_plain and field not in ("in", "true", "false", "null") else f"c.`{field}`"


def _literal(value: str, type_: str) -> str:
    kind = type_.partition("(")[0]
    if kind == "date":
        return f'date("{value}")'
    return value if kind in ("int", "decimal", "double") else json.dumps(value, ensure_ascii=False)

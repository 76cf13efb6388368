"""Reads a source back into blocks of rows, as somebody builds it on a page.

What rows cannot say stays what it is: an expression, or a source as it was written. Nothing is lost and nothing means
something else. Refuses to guess: a condition is one only if writing it again gives the same tree.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter

from engine.audience.built import (
    SIGNS,
    Block,
    Condition,
    Earlier,
    Expression,
    How,
    InGroup,
    InList,
    Join,
    Mapped,
    Nest,
    Operator,
    Other,
    Row,
    Statement,
    Types,
    rule_of,
)
from engine.audience.sources import (
    Except,
    Feedback,
    Group,
    ImportedList,
    Intersect,
    Rule,
    Source,
    SourceKind,
    Sql,
    Symmetric,
    Union,
)
from engine.errors import InvalidExpression
from engine.expr import tree as trees
from engine.expr.lexer import tokens
from engine.expr.parse import parse
from engine.expr.tree import Tree, path_of

_SOURCE: TypeAdapter[SourceKind] = TypeAdapter(Source)
_JOINS: Mapping[str, Join] = {"&&": "all", "||": "any"}
_HOWS: Mapping[str, How] = {"union": "or", "intersect": "and", "except": "without", "symmetric": "one"}
_OPERATORS: Mapping[str, Operator] = {sign: operator for operator, sign in SIGNS.items()}


def read(source: Mapping[str, Any], types: Types) -> tuple[Block, ...]:
    """The blocks of a valid source. `types` are those of the customer fields."""
    return _blocks(_SOURCE.validate_python(dict(source)), types)


def _blocks(source: SourceKind, types: Types) -> tuple[Block, ...]:
    block = _block(source, types)
    if block is not None:
        return (block,)
    first, *others = source.within()
    how = _HOWS[source.kind]
    joined = tuple(replace(_block(one, types) or Block(rows=(_other(one),)), how=how) for one in others)
    return (*_blocks(first, types), *joined)


def _block(source: SourceKind, types: Types) -> Block | None:
    """The source as one block; None where it is more than that."""
    match source:
        case Rule():
            return _of_rule(source.rule, types)
        case Union() | Intersect():
            join: Join = "any" if isinstance(source, Union) else "all"
            rows: list[Row | Nest] = []
            for part in source.within():
                found = _within(part, join, types)
                if found is None:
                    return None
                rows += found
            return Block(join, tuple(rows))
        case Except() | Symmetric():
            return None
        case _:
            return Block(rows=(_row(source),))


def _within(part: SourceKind, join: Join, types: Types) -> Sequence[Row | Nest] | None:
    """A part of a source that is joined by `join`, as rows of its block."""
    inner = _block(part, types)
    if inner is None:
        return None
    if inner.join == join or len(inner.rows) == 1:
        return inner.rows
    if any(isinstance(row, Nest) for row in inner.rows):
        return None
    return (Nest(inner.join, tuple(row for row in inner.rows if not isinstance(row, Nest))),)


def _row(source: SourceKind) -> Row:
    match source:
        case ImportedList():
            return InList(source.name)
        case Group():
            return InGroup(source.group)
        case Sql():
            return Statement(source.sql)
        case Feedback():
            asked = source.feedback
            within = str(_written(source)["feedback"].get("within") or "")
            return Earlier(asked.of, asked.outcome, asked.wave or "", within)
        case _:
            return _other(source)


def _other(source: SourceKind) -> Other:
    return Other(json.dumps(_written(source), ensure_ascii=False))


def _written(source: SourceKind) -> Mapped:
    found: Mapped = source.model_dump(mode="json", by_alias=True, exclude_none=True)
    return found


def _of_rule(text: str, types: Types) -> Block:
    """A rule as a block: the parts of its outermost && or || are its rows."""
    whole = Block(rows=(Expression(text),))
    try:
        tree = parse(text)
    except InvalidExpression:
        return whole
    if "//" in text and _has_remarks(text):
        return whole  # they would be lost between the parts
    if not isinstance(tree, trees.Logic):
        return Block(rows=(_condition(tree, types) or Expression(text),))
    join, rows = _JOINS[tree.operator], list[Row | Nest]()
    for part in tree.parts:
        inner = _parts(text, part, types) if isinstance(part, trees.Logic) else None
        row = inner or _read_row(text, part, types)
        if row is None:
            return whole
        rows += row.rows if isinstance(row, Nest) and row.join == join else (row,)
    return Block(join, tuple(rows))


def _has_remarks(text: str) -> bool:
    ends = 0
    for token in tokens(text):
        if "//" in text[ends : token.at]:
            return True
        ends = token.end
    return False


def _parts(text: str, logic: trees.Logic, types: Types) -> Nest | None:
    rows = [_read_row(text, part, types) for part in logic.parts]
    known = tuple(row for row in rows if row is not None)
    return Nest(_JOINS[logic.operator], known) if len(known) == len(rows) else None


def _read_row(text: str, part: Tree, types: Types) -> Row | None:
    """A condition, or the piece of the text where it can be cut out; None where it cannot."""
    condition = _condition(part, types)
    if condition is not None:
        return condition
    piece = text[part.at : part.end].strip()
    return Expression(piece) if _same(piece, part) else None


def _condition(tree: Tree, types: Types) -> Condition | None:
    found = _claim(tree)
    if found is None or found.field not in types:
        return None
    return found if _same(rule_of(found, types), tree) else None


def _claim(tree: Tree) -> Condition | None:
    match tree:
        case trees.Has():
            return Condition(_field(path_of(tree.of), tree.field), "known")
        case trees.Select():
            return Condition(_field(path_of(tree.of), tree.field), "yes")
        case trees.Operation(operator="!", operands=(inner,)):
            return _turned(_claim(inner))
        case trees.Operation(operator="in", operands=(trees.Select() as field, trees.ListOf() as among)):
            values = [_value(one) for one in among.elements]
            known = tuple(value for value in values if value is not None)
            complete = bool(known) and len(known) == len(values)
            return Condition(_field(path_of(field.of), field.field), "in", known) if complete else None
        case trees.Operation(operands=(trees.Select() as field, other)) if tree.operator in _OPERATORS:
            return _compared(field, _OPERATORS[tree.operator], other)
        case trees.Call(function="startsWith", arguments=(trees.Select() as field, other)):
            return _compared(field, "starts", other)
        case trees.Call(function="contains", arguments=(trees.Select() as field, other)):
            return _compared(field, "contains", other)
        case _:
            return None


def _turned(claim: Condition | None) -> Condition | None:
    opposites: dict[str, Operator] = {"known": "unknown", "yes": "no", "in": "not_in"}
    if claim is None or claim.operator not in opposites:
        return None
    return replace(claim, operator=opposites[claim.operator])


def _compared(field: trees.Select, operator: Operator, other: Tree) -> Condition | None:
    value = _value(other)
    return None if value is None else Condition(_field(path_of(field.of), field.field), operator, (value,))


def _field(record: str | None, field: str) -> str:
    return field if record == "c" else ""


def _value(tree: Tree) -> str | None:
    """The value of a literal as it is typed on a page; None where it is none."""
    match tree:
        case trees.Literal(value=bool()):
            return None
        case trees.Literal(value=int()):
            return str(tree.value)
        case trees.Literal(value=str() as text):
            return text if text.strip() and text.splitlines() == [text] else None
        case trees.Literal(value=Decimal() as number):
            return f"{number:f}"
        case trees.Call(function="date", arguments=(trees.Literal(value=str() as text),)):
            return text if _is_day(text) else None
        case _:
            return None


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _same(text: str, tree: Tree) -> bool:
    """Whether a text reads as the tree, wherever it stands."""
    try:
        return _shape(parse(text)) == _shape(tree)
    except InvalidExpression:
        return False


def _shape(part: object) -> object:
    """A tree without its places."""
    if isinstance(part, tuple):
        return tuple(map(_shape, part))
    if isinstance(part, trees.Part):
        kept = [_shape(getattr(part, one.name)) for one in fields(part) if one.name not in ("number", "at", "end")]
        return (type(part).__name__, *kept)
    return (type(part).__name__, part)

"""The form of a group that is being built: its fields read into blocks, and what its buttons do to them.

A field is named by the place of its row: `0.2.field` is that of the third row of the first block. Refuses to judge what
was typed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, cast, get_args

from starlette.datastructures import FormData

from engine.audience.built import (
    HOWS,
    JOINS,
    SEVERAL,
    Block,
    Condition,
    Earlier,
    Expression,
    How,
    InGroup,
    InList,
    Join,
    Nest,
    Operator,
    Other,
    Row,
    Statement,
)

MOST = 100
"""Rows that a form is read for at each place; how many are allowed is said elsewhere."""
KINDS: dict[type[Row | Nest], str] = {
    Condition: "condition",
    Nest: "nest",
    InList: "list",
    InGroup: "group",
    Earlier: "earlier",
    Expression: "expression",
    Statement: "sql",
    Other: "other",
}
EMPTY = (Block(rows=(Condition(),)),)


def kind(row: Row | Nest) -> str:
    """What the form calls a row."""
    return KINDS[type(row)]


def blocks_of(form: FormData) -> tuple[Block, ...]:
    """What was built, as the form has it."""
    found = []
    for number in range(MOST):
        if f"{number}.join" not in form:
            break
        join = _one(form, f"{number}.join", JOINS)
        how = _one(form, f"{number}.how", HOWS)
        found.append(Block(cast(Join, join), tuple(_rows(form, f"{number}")), cast(How, how)))
    return tuple(found)


def _rows(form: FormData, at: str) -> Iterator[Row | Nest]:
    for number in range(MOST):
        place = f"{at}.{number}"
        named = _text(form, f"{place}.kind")
        if not named:
            return
        if named == "nest" and "." not in at:
            join = _one(form, f"{place}.join", JOINS)
            inner = tuple(row for row in _rows(form, place) if not isinstance(row, Nest))
            yield Nest(cast(Join, join), inner)
        else:
            yield _row(form, place, named)


def _row(form: FormData, at: str, named: str) -> Row:
    match named:
        case "list":
            return InList(_text(form, f"{at}.value"))
        case "group":
            return InGroup(_text(form, f"{at}.value"))
        case "earlier":
            parts = ("case", "outcome", "wave", "within")
            return Earlier(*(_text(form, f"{at}.{part}").strip() for part in parts))
        case "expression":
            return Expression(_text(form, f"{at}.text").replace("\r\n", "\n"))
        case "sql":
            return Statement(_text(form, f"{at}.text").replace("\r\n", "\n"))
        case "other":
            return Other(_text(form, f"{at}.text"))
        case _:
            return _condition(form, at)


def _condition(form: FormData, at: str) -> Condition:
    operator = _text(form, f"{at}.operator")
    typed = [value for value in form.getlist(f"{at}.value") if isinstance(value, str)]
    several = [line for value in typed for line in value.splitlines()]
    known = cast(Operator, operator) if operator in get_args(Operator) else ""
    return Condition(_text(form, f"{at}.field"), known, tuple(several if known in SEVERAL else typed[:1]))


def _text(form: FormData, name: str) -> str:
    value: Any = form.get(name, "")
    return value if isinstance(value, str) else ""


def _one(form: FormData, name: str, known: Sequence[str]) -> str:
    value = _text(form, name)
    return value if value in known else known[0]


def changed(blocks: Sequence[Block], action: str) -> tuple[Block, ...]:
    """The blocks after a button: `block`, `add:PLACE:KIND` or `remove:PLACE`. Others change nothing."""
    deed, _, rest = action.partition(":")
    if deed == "block":
        return (*blocks, Block(rows=(Condition(),)))
    place, _, named = rest.partition(":")
    at = [int(one) for one in place.split(".") if one.isdecimal()]
    if not at or at[0] >= len(blocks) or deed not in ("add", "remove"):
        return tuple(blocks)
    if deed == "remove" and len(at) == 1:
        return tuple(block for number, block in enumerate(blocks) if number != at[0]) or EMPTY
    block = blocks[at[0]]
    rows = _added(block.rows, at[1:], named) if deed == "add" else _removed(block.rows, at[1:])
    return tuple(replace(block, rows=rows) if number == at[0] else one for number, one in enumerate(blocks))


def _added(rows: tuple[Row | Nest, ...], at: list[int], named: str) -> tuple[Row | Nest, ...]:
    made = next((known for known, name in KINDS.items() if name == named), Condition)
    fresh: Row | Nest = Nest(rows=(Condition(), Condition())) if made is Nest else made()
    if not at:
        return (*rows, fresh)
    return tuple(
        replace(row, rows=(*row.rows, fresh))
        if number == at[0] and isinstance(row, Nest) and not isinstance(fresh, Nest)
        else row
        for number, row in enumerate(rows)
    )


def _removed(rows: tuple[Row | Nest, ...], at: list[int]) -> tuple[Row | Nest, ...]:
    if len(at) == 1:
        return tuple(row for number, row in enumerate(rows) if number != at[0])
    left = [
        replace(row, rows=tuple(one for n, one in enumerate(row.rows) if n != at[1]))
        if number == at[0] and isinstance(row, Nest)
        else row
        for number, row in enumerate(rows)
    ]
    return tuple(row for row in left if not isinstance(row, Nest) or row.rows)

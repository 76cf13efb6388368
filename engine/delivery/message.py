"""The words of a message: a template filled for a customer, SMS segments as networks count them, and what it costs.

What a template may say is in `template`. Refuses to fill one that names what nobody gives, and bounds what comes out.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal

from engine.delivery.template import (
    FILTERS,
    LONGEST_TEMPLATE,
    Choice,
    Clause,
    Filled,
    Node,
    Unusable,
    fixed_text,
    holds,
    names,
    parse,
    too_long,
    unknown,
    written,
)
from engine.expr.types import nearest

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
LONGEST_VALUE = 100
LONGEST_TEXT = 1_000

# GSM 03.38: the default alphabet, and the characters that take two places by an escape.
GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_ESCAPED = frozenset("\f^{}\\[~]|€")
GSM_ALL = GSM_BASIC | GSM_ESCAPED


@dataclass(frozen=True, slots=True)
class Size:
    """How a text travels: its alphabet, its length in that alphabet, the segments that are paid for."""

    alphabet: Literal["GSM-7", "UCS-2"]
    length: int
    segments: int


def size_of(text: str) -> Size:
    """Segments of an SMS (3GPP TS 23.038, 23.040): 160 or 70 in one, else parts of 153 or 67.

    A character that takes two places is never cut in two by the end of a part.
    """
    if GSM_ALL.issuperset(text):
        if text.isascii() and not GSM_ESCAPED.intersection(text):
            widths = None
            length = len(text)
        else:
            widths = [2 if character in GSM_ESCAPED else 1 for character in text]
            length = sum(widths)
        return Size("GSM-7", length, 1 if length <= 160 else _parts(widths, length, 153))
    length = len(text.encode("utf-16-be")) // 2
    if length <= 70:
        return Size("UCS-2", length, 1)
    widths = None if length == len(text) else [2 if character > "\uffff" else 1 for character in text]
    return Size("UCS-2", length, _parts(widths, length, 67))


def _parts(widths: list[int] | None, length: int, limit: int) -> int:
    if widths is None:
        return -(-length // limit)
    parts, used = 1, 0
    for width in widths:
        if used + width > limit:
            parts, used = parts + 1, 0
        used += width
    return parts


def placeholders(template: str) -> tuple[str, ...]:
    """The names a template uses, each once, in order."""
    return tuple(dict.fromkeys(names(parse(template)[0])))


def unusable(template: str, allowed: Collection[str], longest: int = LONGEST_TEMPLATE) -> tuple[Unusable, ...]:
    """Everything in `template` that cannot be filled: names not in `allowed`, and what is no part of a template. One of
    more signs than `longest` is not looked at."""
    if len(template) > longest:
        return (too_long(template, longest),)
    found = (*parse(template)[1], *unknown(template, frozenset(allowed)))
    return tuple(sorted(found, key=lambda problem: problem.offset))


def suggestion(problem: Unusable, allowed: Collection[str]) -> str:
    """The nearest name or filter that there is, empty where none is near."""
    if problem.why not in ("name", "filter"):
        return ""
    return nearest(problem.name, tuple(FILTERS if problem.why == "filter" else allowed))


def renderer(
    template: str,
    fields: tuple[str, ...],
    constants: Mapping[str, Any] = MappingProxyType({}),
    frame: Callable[[str], tuple[str, str]] = lambda _text: ("", ""),
    longest: int = LONGEST_TEXT,
) -> Callable[[tuple[Any, ...]], str]:
    """A function from a customer's values of `fields`, in that order, to the text; `constants` are the same for all.
    `frame` says what is put before and behind a text with these words of its own.

    Made once per wave, called per customer. Values are put in as they are: a brace in one is text, not a template.
    A text longer than `longest` is cut one sign behind it, for whoever looks at it to refuse. ValueError when the
    template has anything that neither fills.
    """
    wrong = unusable(template, {*fields, *constants}, max(longest, LONGEST_TEMPLATE))
    if wrong:
        raise ValueError(f"cannot fill {wrong[0].what} at line {wrong[0].line}, column {wrong[0].column}")
    fixed = {name: _plain(value) for name, value in constants.items()}
    own = _joined(_settled(parse(template)[0], frozenset(fields), fixed))
    before, after = frame(fixed_text(own))
    pieces = _joined(iter((before, *own, after)))
    if all(isinstance(piece, str) for piece in pieces):
        text = "".join(map(str, pieces))[: longest + 1]
        return lambda values: text
    compose = _composer(pieces, fields)
    return lambda values: compose(values)[: longest + 1]


def _settled(nodes: Sequence[Node], fields: frozenset[str], fixed: Mapping[str, str]) -> Iterator[Node]:
    """The tree with everything put in that is the same for all customers."""
    for node in nodes:
        if isinstance(node, Filled) and node.name not in fields:
            yield written(fixed[node.name], node.filters)
        elif isinstance(node, Choice):
            yield from _chosen(node, fields, fixed)
        else:
            yield node


def _chosen(choice: Choice, fields: frozenset[str], fixed: Mapping[str, str]) -> Iterator[Node]:
    left = list[tuple[tuple[tuple[Clause, ...], ...], tuple[Node, ...]]]()
    for any_of, inner in choice.branches:
        asked = [
            together
            for together in any_of
            if all(one.name in fields or holds(one, fixed[one.name]) for one in together)
        ]
        if any_of and not asked:
            continue
        open_ones = tuple(tuple(one for one in together if one.name in fields) for together in asked)
        settled = _joined(_settled(inner, fields, fixed))
        if not all(open_ones):  # whatever the customer, it comes no further than this text
            left.append(((), settled))
            break
        left.append((open_ones, settled))
        if not any_of:
            break
    if left and not left[0][0]:
        yield from left[0][1]
    elif left:
        yield Choice(tuple(left))


def _joined(nodes: Iterator[Node]) -> tuple[Node, ...]:
    """The same with texts that stand side by side made one."""
    found: list[Node] = []
    for node in nodes:
        if isinstance(node, str) and found and isinstance(found[-1], str):
            found[-1] += node
        else:
            found.append(node)
    return tuple(found)


def _composer(nodes: Sequence[Node], fields: tuple[str, ...]) -> Callable[[tuple[Any, ...]], str]:
    parts = [_piece(node, fields) for node in nodes]
    if len(parts) == 1:
        return parts[0]
    return lambda values: "".join([part(values) for part in parts])


def _piece(node: Node, fields: tuple[str, ...]) -> Callable[[tuple[Any, ...]], str]:
    if isinstance(node, str):
        return lambda _values: node
    if isinstance(node, Filled):
        index, filters = fields.index(node.name), node.filters
        if not filters:
            return lambda values: _plain(values[index])
        return lambda values: written(_plain(values[index]), filters)
    branches = [
        ([[(fields.index(one.name), one) for one in together] for together in any_of], _composer(inner, fields))
        for any_of, inner in node.branches
    ]

    def choose(values: tuple[Any, ...]) -> str:
        for any_of, compose in branches:
            if not any_of or any(all(holds(c, _plain(values[n])) for n, c in together) for together in any_of):
                return compose(values)
        return ""

    return choose


def cost(segments: int, price: Decimal) -> Decimal:
    """What `segments` cost at `price` each, exact."""
    return segments * price


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return CONTROL.sub("", str(value))[:LONGEST_VALUE]

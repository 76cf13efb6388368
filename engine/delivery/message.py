"""The words of a message: a template of an allow-list, SMS segments as networks count them, and what it costs.

A template can name values and nothing else: no attributes, indexes, formats or code. A brace that is no placeholder is
an error, not text, so that `{ name}` is never sent to anybody.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal

PLACEHOLDER = re.compile(r"\{((?:form\.)?[a-z][a-z0-9_]{0,39})\}")
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
LONGEST_VALUE = 100

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


@dataclass(frozen=True, slots=True)
class Unusable:
    """What is wrong with a template: the placeholder or brace, and the column it stands at (from 1)."""

    what: str
    column: int


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
    return tuple(dict.fromkeys(match[1] for match in PLACEHOLDER.finditer(template)))


def unusable(template: str, allowed: Collection[str]) -> tuple[Unusable, ...]:
    """Everything in `template` that cannot be filled: names not in `allowed`, and stray braces."""
    found = [
        Unusable(match[0], match.start() + 1) for match in PLACEHOLDER.finditer(template) if match[1] not in allowed
    ]
    blank = PLACEHOLDER.sub(lambda match: "\0" * len(match[0]), template)
    found += [Unusable(match[0], match.start() + 1) for match in re.finditer(r"[{}]", blank)]
    return tuple(sorted(found, key=lambda problem: problem.column))


def renderer(
    template: str, names: tuple[str, ...], constants: Mapping[str, Any] = MappingProxyType({})
) -> Callable[[tuple[Any, ...]], str]:
    """A function from a customer's values of `names`, in that order, to the text; `constants` are the same for all.

    Made once per wave, called per customer. Values are put in as they are: a brace in one is text, not a template.
    ValueError when the template has anything that neither fills.
    """
    wrong = unusable(template, {*names, *constants})
    if wrong:
        raise ValueError(f"cannot fill {wrong[0].what} at column {wrong[0].column}")
    fixed, used = [""], []
    for position, piece in enumerate(PLACEHOLDER.split(template)):
        if position % 2 == 0:
            fixed[-1] += piece
        elif piece in names:
            used.append(names.index(piece))
            fixed.append("")
        else:
            fixed[-1] += _plain(constants[piece])
    if not used:
        return lambda values: fixed[0]

    def render(values: tuple[Any, ...]) -> str:
        parts = [fixed[0]]
        for index, text in zip(used, fixed[1:], strict=True):
            parts.append(_plain(values[index]))
            parts.append(text)
        return "".join(parts)

    return render


def cost(segments: int, price: Decimal) -> Decimal:
    """What `segments` cost at `price` each, exact."""
    return segments * price


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return CONTROL.sub("", str(value))[:LONGEST_VALUE]

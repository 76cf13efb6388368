"""Rules that have a name: `rules.large` in an expression stands for the text of the rule `large`.

The text is put in place before the expression is read, in parentheses, so that types, SQL, explanations and proofs see
the comparisons themselves. Refuses nothing: a name that is not known, or a rule that leads back to itself, stays as it
is written, and the check tells it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.errors import InvalidExpression
from engine.expr.lexer import Token, tokens

RULES = "rules"


@dataclass(frozen=True, slots=True)
class Spliced:
    """The text with its rules in place. `pieces`: where each piece begins in it, where in the original, how long."""

    text: str
    pieces: tuple[tuple[int, int, bool], ...] = ()

    def original(self, offset: int) -> int:
        """The offset in the text as it was written; of what stands in a rule, where the rule is named."""
        for begins, written, is_rule in reversed(self.pieces):
            if offset >= begins:
                return written if is_rule else written + offset - begins
        return offset


def spliced(text: str, rules: Mapping[str, str], above: frozenset[str] = frozenset()) -> Spliced:
    """Put the rules in place, and those that they name in turn."""
    if not rules or RULES not in text:
        return Spliced(text)
    found, pieces, length, done = "", [], 0, 0
    for name, at, end in _named(text):
        if name not in rules or name in above:
            continue
        inner = spliced(rules[name], rules, above | {name}).text
        whole = f"({inner}\n)" if "//" in inner else f"({inner})"
        pieces += [(length, done, False), (length + at - done, at, True)]
        found += text[done:at] + whole
        length, done = len(found), end
    pieces.append((length, done, False))
    return Spliced(found + text[done:], tuple(pieces))


def names_in(text: str) -> tuple[str, ...]:
    """The rules that a text names, each once."""
    return tuple(dict.fromkeys(name for name, _, _ in _named(text))) if RULES in text else ()


def _named(text: str) -> Iterator[tuple[str, int, int]]:
    """Every `rules.NAME` with where it begins and ends; what cannot be read names nothing."""
    try:
        parts = tokens(text)
    except InvalidExpression:
        return
    before: Token | None = None
    for first, dot, name in zip(parts, parts[1:], parts[2:], strict=False):
        is_field = before is not None and before.value == "." and before.kind == "sign"
        if first.kind == "name" and first.value == RULES and not is_field and dot.value == "." and name.kind == "name":
            yield str(name.value), first.at, name.end
        before = first

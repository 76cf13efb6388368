"""Templates of messages: names, filters and `if`, read into a tree that is checked before anything is filled.

    {name}您好，{if level == "gold"}金卡{elif arpu >= 88}优享{else}特惠{end}，{spent|money}元，至{ends|date("M月D日")}

A template can name values, change how they are written and choose between texts, and nothing else: no attributes,
indexes, calls, loops or code, so that a text is never longer than its template and its values together. A brace that is
none of this is an error, not text: `{ name}` is never sent to anybody.
"""

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from engine.masking import masked

LONGEST_TEMPLATE = 2_000
LONGEST_MAIL = 20_000
"""Of an e-mail, the template and the text."""
DEEPEST = 4
NAME = r"(?:form\.)?[a-z][a-z0-9_]{0,39}"
TEXT = r'"[^"{}\n]{0,60}"'
TAG = re.compile(r"\{[^{}\n]{0,300}\}")
STRAY = re.compile(r"[{}]")
SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
WORDS = ("if", "elif", "else", "end")
"""Names that no value can have in a template."""
_VALUE = re.compile(rf"({NAME})((?:\|[a-z]+(?:\((?:{TEXT}|\d{{1,3}})\))?)*)")
_FILTER = re.compile(rf"\|([a-z]+)(?:\(({TEXT}|\d{{1,3}})\))?")
_CHOICE = re.compile(r"(if|elif) (.+)")
_CLAUSE = re.compile(rf"(not )?({NAME})(?: ?(==|!=|<=|>=|<|>) ?({TEXT}|-?\d{{1,15}}(?:\.\d{{1,6}})?))?")

Wrong = Literal["syntax", "name", "filter", "argument", "unclosed", "unopened", "deep", "long"]


@dataclass(frozen=True, slots=True)
class Unusable:
    """What is wrong with a template: a piece of it, where it begins (from 0), and why. `name` is the name or filter
    that there is not."""

    what: str
    offset: int
    why: Wrong = "syntax"
    name: str = ""
    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class Filled:
    """A value, written as its filters say."""

    name: str
    filters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Clause:
    """What a value is compared with; no `sign`: whether there is one, and it is not false."""

    name: str
    sign: str = ""
    against: str = ""
    is_number: bool = False
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """The texts of an `if` with what must hold for each: one of several lists of clauses, wholly. The last may be
    empty: `else`."""

    branches: tuple[tuple[tuple[tuple[Clause, ...], ...], tuple["Node", ...]], ...]


Node = str | Filled | Choice


@dataclass(slots=True)
class _Open:
    """An `if` that has not ended yet."""

    offset: int
    what: str
    branches: list[tuple[tuple[tuple[Clause, ...], ...], tuple[Node, ...]]] = field(default_factory=list)
    holds: tuple[tuple[Clause, ...], ...] = ()
    nodes: list[Node] = field(default_factory=list)
    has_else: bool = False

    def end_branch(self) -> None:
        """What was read since the last `if`, `elif` or `else` is its text."""
        self.branches.append((self.holds, tuple(self.nodes)))
        self.holds, self.nodes = (), []


def _cut(text: str, argument: str) -> str:
    return text[: int(argument)]


def _money(text: str, _argument: str) -> str:
    number = _number(text)
    return text if number is None else f"{number:,.2f}"


def _as_number(text: str, _argument: str) -> str:
    number = _number(text)
    return text if number is None else f"{number.normalize():,f}"


def _date(text: str, argument: str) -> str:
    try:
        day = date.fromisoformat(text[:10])
    except ValueError:
        return text
    parts = {"YYYY": f"{day.year:04}", "MM": f"{day.month:02}", "DD": f"{day.day:02}", "M": f"{day.month}"}
    parts["D"] = f"{day.day}"
    return re.sub(r"YYYY|MM|DD|M|D", lambda found: parts[found[0]], argument or "YYYY-MM-DD")


FILTERS: dict[str, tuple[Callable[[str, str], str], Literal["none", "may", "text", "number"]]] = {
    "money": (_money, "none"),
    "number": (_as_number, "none"),
    "date": (_date, "may"),
    "mask": (lambda text, _: masked(text), "none"),
    "upper": (lambda text, _: text.upper(), "none"),
    "lower": (lambda text, _: text.lower(), "none"),
    "default": (lambda text, argument: text or argument, "text"),
    "cut": (_cut, "number"),
}
"""By name: what it makes of a text and its argument, and what argument it takes. What is no number or day stays."""


def parse(template: str) -> tuple[tuple[Node, ...], tuple[Unusable, ...]]:
    """The tree of a template, and everything in it that cannot be read, in order."""
    wrong: list[Unusable] = []
    if len(template) > LONGEST_MAIL:
        return (), (too_long(template, LONGEST_MAIL),)
    whole = _Open(0, "")
    stack = [whole]
    after = 0
    for found in TAG.finditer(template):
        _fixed(template, after, found.start(), stack[-1], wrong)
        after = found.end()
        _tag(found[0], found.start(), stack, wrong)
    _fixed(template, after, len(template), stack[-1], wrong)
    wrong += [Unusable(one.what, one.offset, "unclosed") for one in stack[1:]]
    return tuple(whole.nodes), tuple(_placed(template, one) for one in sorted(wrong, key=lambda one: one.offset))


def names(nodes: tuple[Node, ...]) -> Iterator[str]:
    """The names that a tree reads, as often as it does."""
    for node in nodes:
        if isinstance(node, Filled):
            yield node.name
        elif isinstance(node, Choice):
            for holds, inner in node.branches:
                yield from (clause.name for together in holds for clause in together)
                yield from names(inner)


def unknown(template: str, allowed: "frozenset[str]") -> Iterator[Unusable]:
    """The tags of a template that read a name which is not `allowed`."""
    for found in TAG.finditer(template):
        for name in _named(found[0][1:-1]):
            if name not in allowed:
                yield _placed(template, Unusable(found[0], found.start(), "name", name))


def fixed_text(nodes: tuple[Node, ...]) -> str:
    """The words that a template has itself, of all its branches, with a space where a value stands."""
    return "".join(
        node
        if isinstance(node, str)
        else " "
        if isinstance(node, Filled)
        else " ".join(fixed_text(inner) for _, inner in node.branches)
        for node in nodes
    )


def shortest(template: str) -> int:
    """How many signs a text has at least, whatever its values are."""
    return _shortest(parse(template)[0])


def _shortest(nodes: tuple[Node, ...]) -> int:
    found = 0
    for node in nodes:
        if isinstance(node, str):
            found += len(node)
        elif isinstance(node, Choice) and not node.branches[-1][0]:
            found += min(_shortest(inner) for _, inner in node.branches)
    return found


def written(text: str, filters: tuple[tuple[str, str], ...]) -> str:
    """A value as the filters write it, one after the other."""
    for name, argument in filters:
        text = FILTERS[name][0](text, argument)
    return text


def holds(clause: Clause, text: str) -> bool:
    """Whether a value is as the clause says. What is no number is neither more nor less than one, nor like it."""
    if not clause.sign:
        found = text not in ("", "false", "False")
    elif clause.is_number:
        number = _number(text)
        found = clause.sign == "!=" if number is None else SIGNS[clause.sign](number, Decimal(clause.against))
    else:
        found = SIGNS[clause.sign](text, clause.against)
    return found != clause.is_negated


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < Decimal(10) ** 20 else None


def _fixed(template: str, start: int, end: int, to: _Open, wrong: list[Unusable]) -> None:
    piece = template[start:end]
    wrong += [Unusable(found[0], start + found.start()) for found in STRAY.finditer(piece)]
    if piece:
        to.nodes.append(piece)


def _tag(tag: str, offset: int, stack: list[_Open], wrong: list[Unusable]) -> None:
    inside, now = tag[1:-1], stack[-1]
    choice, value = _CHOICE.fullmatch(inside), _VALUE.fullmatch(inside)
    if choice is not None:
        clauses = _clauses(choice[2])
        if not clauses:
            wrong.append(Unusable(tag, offset))
        if choice[1] == "if":
            if len(stack) > DEEPEST:
                wrong.append(Unusable(tag, offset, "deep"))
            stack.append(_Open(offset, tag, holds=clauses))
        elif len(stack) == 1 or now.has_else:
            wrong.append(Unusable(tag, offset, "unopened"))
        else:
            now.end_branch()
            now.holds = clauses
    elif inside in ("else", "end"):
        if len(stack) == 1 or (inside == "else" and now.has_else):
            wrong.append(Unusable(tag, offset, "unopened"))
            return
        now.end_branch()
        if inside == "else":
            now.has_else = True
        else:
            stack.pop()
            stack[-1].nodes.append(Choice(tuple(now.branches)))
    elif value is None or inside in WORDS:
        wrong.append(Unusable(tag, offset))
    else:
        filters = tuple((name, argument.strip('"')) for name, argument in _FILTER.findall(value[2]))
        given = [bool(argument) for _, argument in _FILTER.findall(value[2])]
        wrong += [
            one
            for (name, text), has in zip(filters, given, strict=True)
            for one in _unfit(tag, offset, name, text, has)
        ]
        now.nodes.append(Filled(value[1], filters))


def _unfit(tag: str, offset: int, name: str, argument: str, has_argument: bool) -> Iterator[Unusable]:
    if name not in FILTERS:
        yield Unusable(tag, offset, "filter", name)
        return
    takes = FILTERS[name][1]
    is_fit = {
        "none": not has_argument,
        "may": True,
        "text": has_argument,
        "number": argument.isascii() and argument.isdigit() and 0 < int(argument) <= 100,
    }[takes]
    if not is_fit:
        yield Unusable(tag, offset, "argument", name)


def _clauses(text: str) -> tuple[tuple[Clause, ...], ...]:
    """One of several, each of them wholly; empty where this is no condition. Texts in it hold no and, no or."""
    found = []
    for either in _apart(text, " or "):
        together = [_CLAUSE.fullmatch(one) for one in _apart(either, " and ")]
        if not all(together):
            return ()
        found.append(tuple(_clause(one) for one in together if one is not None))
    return tuple(found)


def _apart(text: str, word: str) -> list[str]:
    parts, inside, last, n = [], False, 0, 0
    while n < len(text):
        if text[n] == '"':
            inside = not inside
        elif not inside and text.startswith(word, n):
            parts.append(text[last:n])
            last = n = n + len(word)
            continue
        n += 1
    return [*parts, text[last:]]


def _clause(found: re.Match[str]) -> Clause:
    against = found[4] or ""
    is_number = bool(against) and not against.startswith('"')
    return Clause(found[2], found[3] or "", against.strip('"'), is_number, bool(found[1]))


def _named(inside: str) -> Iterator[str]:
    choice, value = _CHOICE.fullmatch(inside), _VALUE.fullmatch(inside)
    if choice is not None:
        yield from (clause.name for together in _clauses(choice[2]) for clause in together)
    elif value is not None and inside not in WORDS:
        yield value[1]


def too_long(template: str, longest: int) -> Unusable:
    """What is wrong with a template of more signs than `longest`."""
    return _placed(template, Unusable(template[:20], longest, "long"))


def _placed(template: str, one: Unusable) -> Unusable:
    before = template[: one.offset]
    column = len(before) - (before.rfind("\n") + 1) + 1
    return Unusable(one.what, one.offset, one.why, one.name, before.count("\n") + 1, column)

"""YAML 1.2 text to plain values, each with its line and column.

Only what a definition needs: mappings with text keys, lists, texts, whole and exact numbers, true, false, null. `on`,
`no` and `22:00` stay texts, 1.10 stays 1.10. Refuses duplicate keys, anchors, aliases, tags, more than 256 KB and more
than 20 levels: each hides from a reader what a file says.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from engine.errors import Problem

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
Path = tuple[str | int, ...]

_INT = re.compile(r"[-+]?[0-9]+")
_MOST_DIGITS = 18
"""Of a whole number: all of them fit the 64 bits of the databases. An exact one goes from 1e-40 to 1e40."""
_MOST_EXPONENT = 40
_UNKEPT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""PostgreSQL keeps no NUL, UTF-8 no half of a surrogate pair; an escape in double quotes could bring them in."""
_WIDE = re.compile(r"(?:^|[{,]|- )\s*[A-Za-z_]\w*(?P<colon>：)|(?P<comma>，)\s*[A-Za-z_]\w*:|: (?P<quote>[“”])")
_HALF = {"：": "a colon and a space", "，": "a comma", "“": '"', "”": '"'}
"""Signs of Chinese keyboards in the place of YAML's own: it takes them for text."""
_OTHER_INT = re.compile(r"0o([0-7]+)|0x([0-9a-fA-F]+)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS = {
    word: value
    for words, value in (
        (("", "~", "null", "Null", "NULL"), None),
        (("true", "True", "TRUE"), True),
        (("false", "False", "FALSE"), False),
    )
    for word in words
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value or key starts, from 1; for a text also where each of its signs stands in the file.

    `file` is empty in the file that is read itself; a place in a text that it takes over names that one.
    """

    line: int
    column: int
    start: int = 0
    end: int = 0
    style: str = ""
    file: str = ""

    def of_sign(self, source: str, offset: int) -> tuple[int, int]:
        """Line and column of the `offset`-th sign of the text that stands here."""
        at = _signs(source[self.start : self.end], self.style)
        index = self.start + (at[offset] if offset < len(at) else self._after(at))
        return source.count("\n", 0, index) + 1, index - source.rfind("\n", 0, index)

    def _after(self, at: list[int]) -> int:
        return at[-1] + 1 if at else (1 if self.style in ("'", '"') else 0)


@dataclass(slots=True)
class Document:
    """The values of a file, the places of values and keys by path, and what is wrong with it as YAML.

    `texts` are the other files that it takes values from, by name.
    """

    source: str
    value: Any = None
    places: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    def text_at(self, place: Place) -> str:
        """The text of the file that a place is in."""
        return self.texts[place.file] if place.file else self.source

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Of the value at `path` (or its key); of what encloses it where it is not there."""
        while path:
            first, second = (self.keys, self.places) if key else (self.places, self.keys)
            found = first.get(path) or second.get(path)
            if found:
                return found
            path, key = path[:-1], True
        return self.places.get((), Place(1, 1))


class TooLarge(ValueError):
    """A number with more digits than are kept."""


class _Unreadable(Exception):
    """The rest of the file cannot be read."""


def read(source: str, most: int = MAX_BYTES) -> Document:
    """Never raises for what a file says; problems come with the document. `most` is how many bytes it may have."""
    document = Document(source)
    if len(source.encode("utf-8", "replace")) > most:
        document.problems.append(_problem("E106", "the file is too large", f"{most // 1024} KB at most", 1, 1))
        return document
    try:
        _Reader(document).whole()
    except MarkedYAMLError as error:
        document.problems.append(_not_yaml(source, error))
    except YAMLError as error:
        at = getattr(error, "position", 0) or 0
        line, column = source.count("\n", 0, at) + 1, at - source.rfind("\n", 0, at)
        document.problems.append(_problem("E101", "a sign that YAML does not allow", "", line, column))
    except _Unreadable:
        pass
    return document


class _Reader:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.events: Iterator[Event] = _events(document.source)

    def whole(self) -> None:
        event = self.next_content()
        if event is None:
            self.problem("E108", "the file is empty", "start with apiVersion: countersign/v1", 1, 1)
            return
        self.document.value = self.value(event, ())
        extra = self.next_content()
        if extra is not None:
            self.problem("E108", "a file holds one definition", "put the second one in a file of its own", *_at(extra))

    def next_content(self) -> NodeEvent | None:
        for event in self.events:
            if isinstance(event, DocumentStartEvent) and event.version not in (None, (1, 2)):
                self.problem("E105", "YAML 1.2 only", "leave out the %YAML line", *_at(event))
            if isinstance(event, NodeEvent):
                return event
        return None

    def problem(self, code: str, message: str, hint: str, line: int, column: int) -> None:
        self.document.problems.append(_problem(code, message, hint, line, column))

    def value(self, event: NodeEvent, path: Path) -> Any:
        line, column = _at(event)
        self.document.places[path] = Place(line, column)
        if len(path) > MAX_DEPTH:
            self.problem("E107", "too deep", f"{MAX_DEPTH} levels at most", line, column)
            raise _Unreadable
        if isinstance(event, AliasEvent):
            self.problem("E104", f"the alias *{event.anchor} is not allowed", "write the value out", line, column)
            return None
        if event.anchor is not None:
            self.problem("E103", f"the anchor &{event.anchor} is not allowed", "leave it out", line, column)
        tag = getattr(event, "tag", None)
        if tag is not None and str(tag) not in ("None", "!"):
            self.problem("E105", f"the tag {tag} is not allowed", "leave it out", line, column)
        match event:
            case ScalarEvent():
                return self.scalar(event, path, line, column)
            case SequenceStartEvent():
                return self.sequence(path)
            case MappingStartEvent():
                return self.mapping(path)
            case _:
                raise AssertionError(f"no such event: {event}")

    def scalar(self, event: ScalarEvent, path: Path, line: int, column: int) -> Any:
        style = event.style or ""
        self.document.places[path] = Place(line, column, event.start_mark.index, event.end_mark.index, style)
        self.refuse_unkept(event.value, line, column)
        try:
            return event.value if style else plain(event.value)
        except TooLarge:
            hint = f"at most {_MOST_DIGITS} digits; a text of digits stands in quotes"
            self.problem("E112", f"the number {_cut(event.value)} is too large or too small", hint, line, column)
            return 10**_MOST_DIGITS - 1

    def refuse_unkept(self, text: str, line: int, column: int) -> None:
        if _UNKEPT.search(text):
            self.problem("E101", "the text holds a sign that cannot be kept", "leave the escape out", line, column)

    def sequence(self, path: Path) -> list[Any]:
        values: list[Any] = []
        for event in self.events:
            if isinstance(event, SequenceEndEvent):
                return values
            assert isinstance(event, NodeEvent)
            values.append(self.value(event, (*path, len(values))))
        raise _Unreadable

    def mapping(self, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for event in self.events:
            if isinstance(event, MappingEndEvent):
                return values
            assert isinstance(event, NodeEvent)
            line, column = _at(event)
            name = event.value if isinstance(event, ScalarEvent) else ""
            inner = (*path, name)
            if not isinstance(event, ScalarEvent):
                self.problem("E109", "a key is a text", "", line, column)
                self.value(event, inner)
            elif event.anchor is not None:
                self.problem("E103", f"the anchor &{event.anchor} is not allowed", "leave it out", line, column)
            self.refuse_unkept(name, line, column)
            if name in values:
                first = self.document.keys[inner]
                self.problem(
                    "E102", f"the key {name} stands twice", f"first on line {first.line}; keep one", line, column
                )
                inner = (*path, f"{name} again")
            else:
                self.document.keys[inner] = Place(line, column)
            following = next(self.events)
            assert isinstance(following, NodeEvent)
            value = self.value(following, inner)
            if isinstance(following, ScalarEvent) and not following.value and not following.style:
                self.document.places[inner] = Place(line, column)  # an empty value starts at whatever comes next
            if name not in values:
                values[name] = value
        raise _Unreadable


def _events(source: str) -> Iterator[Event]:
    """What YAML says of a text, up to where it stops being YAML: there its error is raised."""
    events, error = _parsed(source)
    yield from events
    if error:
        raise error.with_traceback(None)


@lru_cache(maxsize=32)
def _parsed(source: str) -> tuple[tuple[Event, ...], YAMLError | None]:
    """Reading the signs is three quarters of a check, and the same texts are checked again and again.

    What stands deeper than may be is not read: nobody asks for it.
    """
    events: list[Event] = []
    depth = 0
    try:
        for event in YAML(typ="safe", pure=True).parse(source):
            events.append(event)
            depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
            if depth > MAX_DEPTH + 1:
                break
    except YAMLError as error:
        return tuple(events), error
    return tuple(events), None


def plain(text: str) -> Any:
    """What an unquoted scalar means in YAML 1.2's core schema; numbers with a point are exact. Raises TooLarge."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return _whole(text, 10)
    if _FLOAT.fullmatch(text):
        return _exact(text)
    other = _OTHER_INT.fullmatch(text)
    if other:
        return _whole(other[1], 8) if other[1] else _whole(other[2], 16)
    return text


def reads_as_text(text: str) -> bool:
    """Whether an unquoted scalar means just itself."""
    try:
        return bool(plain(text) == text)
    except TooLarge:
        return False


def _whole(digits: str, base: int) -> int:
    # Python itself refuses to read more than 4300 digits
    if len(digits.lstrip("+-0")) > 4 * _MOST_DIGITS or abs(number := int(digits, base)) >= 10**_MOST_DIGITS:
        raise TooLarge(digits)
    return number


def _exact(text: str) -> Decimal:
    number = Decimal(text)
    if len(text) > 2 * _MOST_EXPONENT or abs(number.adjusted()) > _MOST_EXPONENT:
        raise TooLarge(text)
    return number


def _cut(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


def _at(event: Event) -> tuple[int, int]:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _problem(code: str, message: str, hint: str, line: int, column: int) -> Problem:
    return Problem(code, message, hint, line=line, column=column)


def _not_yaml(source: str, error: MarkedYAMLError) -> Problem:
    """What the parser says, in words where what was meant can be told."""
    mark = error.problem_mark or error.context_mark
    line, column = _culprit(source, error) or ((mark.line + 1, mark.column + 1) if mark else (1, 1))
    message = " ".join(str(error.problem or error.context or "this is not YAML").split())
    message, hint = f"this is not YAML: {message}", _yaml_hint(source, line)
    text = _line(source, line)
    if text.count('"') % 2 and text[column - 1 : column] == '"':
        message, hint = "the text that begins here is not closed", 'end it with "'
    elif mark is not None and source[mark.index - 1 : mark.index] == '"' and text.count('"') > 2:
        message, hint = "the text in double quotes ends before this", "write a text within it as 'text'"
    elif text[column - 1 : column] in ("{", "[") and "flow" in str(error.context):
        closing = "}" if text[column - 1] == "{" else "]"
        message, hint = f"the {text[column - 1]} here is not closed", f"close it with {closing}"
    elif wide := _wide(source, error):
        line, column, sign = wide
        message, hint = f"{sign} is no sign of YAML", f"write {_HALF[sign]}, as on an English keyboard"
    elif "simple key" in str(error.context) and error.context_mark is not None:
        line, column = error.context_mark.line + 1, error.context_mark.column + 1
        message, hint = "there is no colon behind this", "write key: value; what goes on a second line is indented"
    elif "found '<block mapping start>'" in message:
        message, hint = "this is indented otherwise than what it stands under", "indent alike what belongs together"
    return _problem("E101", message, hint, line, column)


def _wide(source: str, error: MarkedYAMLError) -> tuple[int, int, str] | None:
    """The sign of a Chinese keyboard that the parser stumbled over: on its line, or on one before that it reads on."""
    marks = [mark.line for mark in (error.context_mark, error.problem_mark) if mark is not None]
    for number in range(max(marks, default=0) + 1, max(min(marks, default=0) - 1, 0), -1):
        if found := _WIDE.search(_line(source, number)):
            at = found.start(found.lastgroup or 0)
            return number, at + 1, found[found.lastgroup or 0]
    return None


def _line(source: str, line: int) -> str:
    lines = source.splitlines()
    return lines[line - 1] if 0 < line <= len(lines) else ""


def _culprit(source: str, error: MarkedYAMLError) -> tuple[int, int] | None:
    """Where the mistake was made that the parser noticed later: a quote or bracket left open, a space left out."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return None
    lines = source.splitlines()[: mark.line + 1]
    for number in range(len(lines) - 1, -1, -1):
        if lines[number].count('"') % 2 and not lines[number].lstrip().startswith("#"):
            return number + 1, lines[number].rfind('"') + 1
    opened = error.context_mark
    if opened is not None and "flow" in str(error.context):
        text = lines[opened.line] if opened.line < len(lines) else ""
        if text.count("{") > text.count("}") or text.count("[") > text.count("]"):
            return opened.line + 1, opened.column + 1
    if "mapping values" in str(error.problem) and len(lines) > 1:
        glued = re.match(r"\s*(?:- )?[A-Za-z_]+:(?=[^\s])", lines[-2])
        if glued:
            return len(lines) - 1, glued.end()
    return None


def _yaml_hint(source: str, line: int) -> str:
    text = _line(source, line)
    if "\t" in text[: len(text) - len(text.lstrip())]:
        return "indent with spaces, not tabs"
    return "quote a text that holds ': ' or starts with a special sign" if ": " in text else ""


def _signs(raw: str, style: str) -> list[int]:
    """For each sign of a scalar's value its offset in the raw text; exact for one-line scalars and blocks."""
    if style in ("|", ">"):
        return _block_signs(raw)
    found: list[int] = []
    at, stop = (1, len(raw) - 1) if style else (0, len(raw))
    while at < stop:
        found.append(at)
        if style == '"' and raw[at] == "\\":
            at += {"x": 4, "u": 6, "U": 10}.get(raw[at + 1 : at + 2], 2)
        elif style == "'" and raw[at : at + 2] == "''":
            at += 2
        elif raw[at] in " \t\n" and "\n" in (space := raw[at:][: len(raw[at:]) - len(raw[at:].lstrip())]):
            at += len(space)  # a folded line end counts as one space
        else:
            at += 1
    return found


def _block_signs(raw: str) -> list[int]:
    header, _, body = raw.partition("\n")
    lines = body.split("\n")
    indent = min((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), default=0)
    found: list[int] = []
    at = len(header) + 1
    for line in lines:
        found += range(at + min(indent, len(line)), at + len(line) + 1)
        at += len(line) + 1
    return found

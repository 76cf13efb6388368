"""Whether a document has the shape of the language, and what can still be judged where it has not.

Pydantic finds what is wrong; here it gets a place and words. What is wrong is then left out and the rest validated
again, so that one misspelt key does not hide the nine other mistakes. Refuses to let a repaired definition out as if
it were right: `Shape.lost` says what is missing from it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails

from engine.definition.document import Document, Path
from engine.definition.model import Definition
from engine.definition.steps import VERBS
from engine.errors import Problem
from engine.expr.types import nearest

MAX_ROUNDS = 12
_FILLERS: dict[str, Any] = {
    "apiVersion": "countersign/v1",
    "kind": "CaseDefinition",
    "name": "unnamed",
    "version": 1,
    "title": {"en": "unnamed"},
    "proposal": {"fields": {"unnamed": {"type": "text"}}},
    "approval": {"route": [{"else": "unnamed"}], "chains": {"unnamed": []}},
}
_CODES = {
    "missing": "E110",
    "extra_forbidden": "E111",
    "verb": "E114",
    "guarantee": "E114",
    "occurrence": "E116",
    "union_tag_invalid": "E114",
    "union_tag_not_found": "E114",
    "duration": "E701",
    "hours": "E702",
    "who": "E601",
    "deed": "E115",
}
_WORDS = {
    "string_type": "a text is expected",
    "int_type": "a whole number is expected",
    "int_parsing": "a whole number is expected",
    "int_from_float": "a whole number is expected",
    "bool_type": "true or false is expected",
    "bool_parsing": "true or false is expected",
    "dict_type": "keys with values are expected",
    "model_type": "keys with values are expected",
    "model_attributes_type": "keys with values are expected",
    "tuple_type": "a list is expected",
    "list_type": "a list is expected",
    "decimal_type": "a number is expected",
    "decimal_parsing": "a number is expected",
    "decimal_max_digits": "at most {max_digits} digits",
    "decimal_max_places": "at most {decimal_places} digits behind the point",
    "decimal_whole_digits": "at most {whole_digits} digits before the point",
    "finite_number": "a number is expected",
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "less than {lt}",
    "too_short": "at least {min_length} expected, here are {actual_length}",
    "too_long": "at most {max_length} expected, here are {actual_length}",
    "string_too_short": "at least {min_length} signs",
    "string_too_long": "at most {max_length} signs",
    "string_pattern_mismatch": "this has the wrong form",
}


_NAME = re.compile(r"\^\[a-z(0-9)?\]\[a-z0-9([-._]+)\]\{(\d+),(\d+)\}\$")
_OF_THE_REST = ("too_short", "verb", "guarantee", "union_tag_not_found")
"""Errors that leaving something out can cause."""


@dataclass(slots=True)
class Shape:
    """The definition as far as it can be judged, the problems found, and the paths left out of it."""

    definition: Definition | None
    model: type[BaseModel] = Definition
    problems: list[Problem] = field(default_factory=list)
    lost: set[Path] = field(default_factory=set)
    rows: dict[Path, list[int]] = field(default_factory=dict)

    def in_file(self, path: Path) -> Path:
        """The path in the file, of a path in the definition: lists from which something was left out are shorter."""
        found: Path = ()
        for part in path:
            rows = self.rows.get(found)
            found = (*found, rows[part] if rows is not None and isinstance(part, int) else part)
        return found

    def was_lost(self, *path: str) -> bool:
        """Whether something at or above `path`, or directly in it, was left out."""
        return any(lost == path[: len(lost)] or lost[:-1] == path for lost in self.lost)


def shape_of(document: Document, model: type[BaseModel] = Definition) -> Shape:
    """Validate, leaving out what is wrong until the rest stands. Of another model than Definition only the problems."""
    shape = Shape(None, model)
    if not isinstance(document.value, dict):
        place = document.place(())
        message, hint = "keys with values are expected", f"known: {', '.join(model.model_fields)}"
        if model is Definition:
            message, hint = "a definition is keys with values", "start with apiVersion: countersign/v1"
        shape.problems.append(Problem("E112", message, hint, line=place.line, column=place.column))
        return shape
    for _ in range(MAX_ROUNDS):
        of_model = {info.alias or name for name, info in model.model_fields.items()}
        fillers = {name: filler for name, filler in _FILLERS.items() if (name,) in shape.lost and name in of_model}
        value = fillers | _without(document.value, (), shape)
        try:
            valid = model.model_validate(value)
            shape.definition = valid if isinstance(valid, Definition) else None
            return shape
        except ValidationError as error:
            before = len(shape.lost)
            shape.problems += _problems(error.errors(include_url=False), value, document, shape)
            if len(shape.lost) == before:
                return shape
    return shape


def _without(value: Any, path: Path, shape: Shape) -> Any:
    """A copy of `value` without what was lost."""
    if isinstance(value, dict):
        return {
            name: _without(inner, (*path, name), shape)
            for name, inner in value.items()
            if (*path, name) not in shape.lost
        }
    if isinstance(value, list):
        rows = [row for row in range(len(value)) if (*path, row) not in shape.lost]
        if len(rows) < len(value):
            shape.rows[path] = rows
        return [_without(value[row], (*path, row), shape) for row in rows]
    return value


def _problems(errors: list[ErrorDetails], value: Any, document: Document, shape: Shape) -> Iterator[Problem]:
    misspelt: set[tuple[Path, str]] = set()
    told: set[Path] = set()
    for error in sorted(errors, key=lambda error: error["type"] != "extra_forbidden"):
        loc = tuple(part for part in error["loc"] if part != "[key]")
        if error["type"] == "missing":
            path, name = shape.in_file(_mapping(_path(loc[:-1], value), value)), str(loc[-1])
            reported = (path, name) in misspelt or (*path, name) in shape.lost
            shape.lost.add(path or (name,))
            if reported:
                continue
            yield _problem(document, path, "E110", f"{name} is missing", _where(path), key=True)
        elif error["type"] == "extra_forbidden":
            path = shape.in_file(_path(loc, value))
            shape.lost.add(path)
            known = _known_keys(shape.model, loc[:-1])
            close = get_close_matches(str(loc[-1]), known, n=1, cutoff=0.6)
            misspelt.update((path[:-1], name) for name in close)
            hint = nearest(str(loc[-1]), tuple(known))
            yield _problem(document, path, "E111", f"unknown key {loc[-1]}", hint, key=True)
        else:
            path = shape.in_file(_path(loc, value))
            emptied = error["type"] in _OF_THE_REST and any(lost[: len(path)] == path for lost in shape.lost)
            shape.lost.add(path)
            if emptied or path in told:
                continue  # left empty by what is already told, or the next possibility of a union
            told.add(path)
            message, hint = _words(error)
            key = "[key]" in error["loc"]
            yield _problem(document, path, _CODES.get(error["type"], "E112"), message, hint, key=key)


def _problem(document: Document, path: Path, code: str, message: str, hint: str, *, key: bool = False) -> Problem:
    place = document.place(path, key=key)
    return Problem(
        code, message, hint, at=".".join(map(str, path)), line=place.line, column=place.column, file=place.file
    )


def _where(path: Path) -> str:
    return f"it belongs to {'.'.join(map(str, path))}" if path else "it stands at the top of the file"


def _words(error: ErrorDetails) -> tuple[str, str]:
    """Message and hint."""
    context = error.get("ctx", {})
    kind, given = error["type"], error["input"]
    if kind in ("literal_error", "enum"):
        expected = str(context["expected"]).replace(" or ", ", ").replace("'", "")
        return f"{_shown(given)} is not possible here", nearest(str(given), tuple(expected.split(", ")))
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        expected = str(context.get("expected_tags", "")).replace("'", "").replace("<Kind.", "")
        options = tuple(option.strip() for option in expected.split(",") if option.strip())
        tag = str(context.get("tag", ""))
        return f"there is no kind {tag or _shown(given)}", nearest(tag, options) or f"possible: {', '.join(options)}"
    if kind == "verb":
        keys = list(given) if isinstance(given, dict) else []
        close = next((f"did you mean {m[0]}?" for key in keys if (m := get_close_matches(key, VERBS, 1))), "")
        return error["msg"], close or f"possible: {', '.join(VERBS)}"
    if kind in _WORDS:
        hint = form_of(context["pattern"]) if "pattern" in context else _quote_hint(kind, given)
        return f"{_WORDS[kind].format(**context)}{_given(given)}", hint
    message = str(context.get("message", error["msg"]))
    message = message.replace("Input should", "this should").replace("Value error, ", "")
    shown = _given(given) if kind in ("duration", "hours", "share", "rate") else ""
    return message[:1].lower() + message[1:] + shown, str(context.get("hint", ""))


def form_of(pattern: str, say: Callable[[str], str] = str) -> str:
    """What a text of that pattern looks like, in words where it is the pattern of names."""
    if name := _NAME.fullmatch(pattern):
        least, most = int(name[3]) + 1, int(name[4]) + 1
        first = say("a letter or digit" if name[1] else "a letter")
        names = say("{} to {} small letters, digits or {}, first {}")
        return names.format(least, most, " ".join(name[2]), first)
    return say("like {}").format(pattern)


def _given(value: Any) -> str:
    return f", not {_shown(value)}" if isinstance(value, str | int | bool) or value is None else ""


def _shown(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case _:
            return str(value) if len(str(value)) <= 60 else f"{str(value)[:57]}..."


def _quote_hint(kind: str, value: Any) -> str:
    return f'write "{value}" in quotes' if kind == "string_type" and not isinstance(value, dict | list | None) else ""


def _path(loc: tuple[int | str, ...], value: Any) -> Path:
    """The path in the value, of a location that also names the tags of unions: the reading that gets furthest."""

    def furthest(start: int, inner: Any) -> tuple[int, Path]:
        best: tuple[int, Path] = (start if start else 0, ())
        for at in range(start, len(loc)):
            part = loc[at]
            if not isinstance(inner, dict | list) or (
                part not in inner if isinstance(inner, dict) else not _in(part, inner)
            ):
                continue
            end, rest = furthest(at + 1, inner[part])  # type: ignore[index]  # just tested
            best = max(best, (end, (part, *rest)), key=lambda found: (found[0], len(found[1])))
        return best

    return furthest(0, value)[1]


def _mapping(path: Path, value: Any) -> Path:
    """The path of the mapping that a key is missing from: a location may end in the tag of a union, which is a key."""
    inner = value
    for part in path:
        inner = inner[part]
    return path if isinstance(inner, dict) or not path else path[:-1]


def _in(part: int | str, values: list[Any]) -> bool:
    return isinstance(part, int) and part < len(values)


def _known_keys(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """The keys that may stand at a location, found by going down the types of the model."""
    models: list[Any] = [model]
    for part in loc:
        models = [below for model in models for below in _below(model, part)]
    return sorted(
        {
            info.alias or name
            for model in models
            if isinstance(model, type) and issubclass(model, BaseModel)
            for name, info in model.model_fields.items()
        }
    )


def _below(model: Any, part: int | str) -> list[Any]:
    if isinstance(model, type) and issubclass(model, BaseModel):
        if any(part in get_args(info.annotation) for info in model.model_fields.values()):
            return [model]  # the location names the kind of a discriminated union
        return [
            kind
            for name, info in model.model_fields.items()
            if part in (name, info.alias)
            for kind in _kinds(Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation)
        ]
    arguments = get_args(model)
    if get_origin(model) is dict:
        return _kinds(arguments[1])
    if get_origin(model) is tuple and isinstance(part, int):
        return _kinds(arguments[0])
    if get_origin(model) is Annotated and any(isinstance(tag, Tag) and tag.tag == part for tag in model.__metadata__):
        return _kinds(arguments[0])
    return []


def _kinds(annotation: Any) -> list[Any]:
    """The types a union or annotation stands for; tagged ones stay tagged, for the location names the tag."""
    if get_origin(annotation) is Annotated:
        if any(isinstance(tag, Tag) for tag in annotation.__metadata__):
            return [annotation]
        return _kinds(get_args(annotation)[0])
    if get_origin(annotation) is Literal or annotation is None:
        return []
    if get_origin(annotation) in (dict, tuple) or not get_args(annotation):
        return [annotation]
    return [kind for one in get_args(annotation) for kind in _kinds(one)]

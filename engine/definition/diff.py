"""What differs between two versions of a definition, in the words of the file.

Compared is what the two say, with every default filled in: comments, layout and a default that is written out are no
difference. Whatever may change who approves, or whether anybody does, is marked. Refuses to judge: it compares.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from engine.definition.model import Definition
from engine.definition.steps import VERBS, Include

Kind = Literal["added", "removed", "changed"]
Path = tuple[str, ...]

SECTIONS = ("head", "params", "proposal", "approval", "lifecycle", "audience", "delivery", "evaluation", "guarantees")
_SILENT = frozenset({"label", "help", "title", "description", "remind", "link", "notify", "say", "register"})
"""Keys of `approval:` and `lifecycle:` that change what people read, not who is asked."""
_USED = re.compile(r"\b(params|form)\.([a-z][a-z0-9_]*)")
_NUMBER = re.compile(r"-?[0-9]{4,}(\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `path` is where it stands in the file; `affects_approvers`: it may change who approves."""

    section: str
    path: str
    kind: Kind
    message: str
    old: Any
    new: Any
    affects_approvers: bool


def diff(old: Definition, new: Definition) -> tuple[Change, ...]:
    """Every difference, grouped by section in the order of a file; empty where both say the same."""
    before, after = _said(old), _said(new)
    deciding = _deciding(before) | _deciding(after)
    found = [
        _change(path, was, now, deciding) for path, was, now in _differences((), _by_name(before), _by_name(after))
    ]
    found += _route(before, after) + _reached(old, new)
    order = {name: place for place, name in enumerate(SECTIONS)}
    return tuple(sorted(found, key=lambda change: order.get(change.section, len(order))))


def _said(definition: Definition) -> dict[str, Any]:
    said: dict[str, Any] = definition.model_dump(mode="json", by_alias=True)
    return said | {"guarantees": {str(one): str(one) for one in definition.guarantees}}


def _deciding(said: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    """The params and fields that a rule of the approval or the lifecycle reads."""
    text = f"{said.get('approval')} {said.get('lifecycle')}"
    return frozenset((match[1], match[2]) for match in _USED.finditer(text))


_ABSENT: Any = object()
_ORDERED = (("proposal", "fields"), ("audience", "cells"))
"""Mappings whose order is seen: of the form, and of the cells, where the first that holds takes a customer."""


class _Listed(dict[str, Any]):
    """A list whose parts have names."""


def _differences(path: Path, old: Any, new: Any) -> Iterator[tuple[Path, Any, Any]]:
    """The deepest places where the two differ; what is there on one side alone comes whole."""
    if path == ("approval", "route"):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for name in (*old, *(name for name in new if name not in old)):
            yield from _differences((*path, name), old.get(name, _ABSENT), new.get(name, _ABSENT))
        shared = [name for name in old if name in new]
        is_ordered = path in _ORDERED or isinstance(old, _Listed)
        if is_ordered and shared != [name for name in new if name in old]:
            yield (*path, ":order"), list(old), list(new)
    elif old != new:
        yield path, old, new


def _by_name(value: Any) -> Any:
    """Lists of named things as mappings, so that a step is compared with the step of its name."""
    if isinstance(value, dict):
        return {name: _by_name(inner) for name, inner in value.items()}
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        names = [_name_of(one) for one in value]
        if all(names) and len(set(names)) == len(names):
            return _Listed((name, _by_name(one)) for name, one in zip(names, value, strict=True))
        return {f"{place}": _by_name(one) for place, one in enumerate(value, start=1)}
    return value


def _name_of(value: Mapping[str, Any]) -> str:
    return next((str(value[key]) for key in (*VERBS, "name") if isinstance(value.get(key), str)), "")


def _change(path: Path, old: Any, new: Any, deciding: frozenset[tuple[str, str]]) -> Change:
    kind: Kind = "changed"
    if old is _ABSENT or (old is None and new is not _ABSENT):
        kind = "added"
    elif new is _ABSENT or new is None:
        kind = "removed"
    section = path[0] if path[0] in SECTIONS or isinstance(old, dict) or isinstance(new, dict) else "head"
    was, now = (None if value is _ABSENT else value for value in (old, new))
    affects = _affects(path, was, now, deciding)
    return Change(section, ".".join(path), kind, _message(path, kind, was, now), was, now, affects)


def _affects(path: Path, old: Any, new: Any, deciding: frozenset[tuple[str, str]]) -> bool:
    match path:
        case ("params", name, *_):
            return ("params", name) in deciding
        case ("proposal", "fields", name, *rest):
            return ("form", name) in deciding and not _SILENT.intersection(rest)
        case ("proposal", "material" | "aspects", *_):
            return True  # which changes void an approval that was given
        case ("calendar",):
            return True  # when a task goes to somebody else
        case ("approval", "splitting", *_) | ("approval", "defaults", "bulk", *_):
            return False  # what approvers are told, and how many cases they decide in a row
        case ("approval" | "lifecycle", *rest):
            return not _SILENT.intersection(rest)
    return False


def _message(path: Path, kind: Kind, old: Any, new: Any) -> str:
    match path:
        case ("params", name):
            return _worded(f"param {name}", kind, old, new)
        case ("proposal", "fields", name):
            shown = f"{new['type']}" if kind == "added" and isinstance(new, dict) else ""
            return f"field {name} {kind}" + (f": {shown}" if shown else "")
        case ("proposal", "fields", ":order"):
            return _order("fields", new)
        case ("proposal", "fields", name, *rest):
            return _worded(f"field {name}: {'.'.join(rest)}", kind, old, new)
        case ("approval", "chains" | "blocks" as plural, name):
            return f"{plural[:-1]} {name} {kind}" + _steps_of(new if kind == "added" else old)
        case ("approval", "chains" | "blocks" as plural, name, *_, ":order"):
            return _order(f"{plural[:-1]} {name}", new)
        case ("approval", "chains", chain, step):
            return f"chain {chain}: step {step} {kind}" + _asks(new if kind == "added" else old)
        case ("approval", "chains", chain, step, *rest):
            return f"step {step} (chain {chain}): " + _of_step(rest, kind, old, new)
        case ("approval", "blocks", block, "parallel", step):
            return f"block {block}: step {step} {kind}" + _asks(new if kind == "added" else old)
        case ("approval", "blocks", block, "parallel", step, *rest):
            return f"step {step} (block {block}): " + _of_step(rest, kind, old, new)
        case ("approval", "blocks", block, *rest):
            return _worded(f"block {block}: {'.'.join(rest)}", kind, old, new)
        case ("approval", "defaults", *rest):
            return _worded(f"default {'.'.join(rest)}", kind, old, new)
        case ("guarantees", sentence):
            return f"guarantee {kind}: {sentence}"
        case (*_, ":order"):
            return _order(".".join(path[:-1]), new)
    if isinstance(old, list) and isinstance(new, list):
        return f"{'.'.join(path)}: {_of_list(old, new)}"
    if isinstance(old, dict) or isinstance(new, dict):
        return f"{'.'.join(path)} {kind}"
    return _worded(".".join(path), kind, old, new)


def _of_step(rest: list[str], kind: Kind, old: Any, new: Any) -> str:
    match rest:
        case ["who"]:
            return f"asks {_shown(new)} instead of {_shown(old)}"
        case ["when"] if kind == "added":
            return f"asked only when {new} (was: always)"
        case ["when"] if kind == "removed":
            return f"asked always (was: only when {old})"
        case ["when"]:
            return f"asked when {new} instead of when {old}"
        case ["approve" | "file" | "copy" as verb] if kind != "changed":
            return f"{verb} {kind}"  # the verb of the step itself is another one
    return _worded(".".join(rest), kind, old, new)


def _worded(what: str, kind: Kind, old: Any, new: Any) -> str:
    if kind == "changed":
        if isinstance(old, list) and isinstance(new, list):
            return f"{what}: {_of_list(old, new)}"
        return f"{what}: {_shown(old)} -> {_shown(new)}"
    value = new if kind == "added" else old
    return f"{what} {kind}" + (f": {_shown(value)}" if not isinstance(value, dict) else "")


def _of_list(old: list[Any], new: list[Any]) -> str:
    more = [_shown(one) for one in new if one not in old]
    less = [_shown(one) for one in old if one not in new]
    words = [f"with {', '.join(more)}"] * bool(more) + [f"without {', '.join(less)}"] * bool(less)
    return "; ".join(words) or f"in the order {', '.join(map(_shown, new))}"


def _order(what: str, names: list[str]) -> str:
    return f"{what}: in the order {', '.join(names)}"


def _steps_of(value: Any) -> str:
    names = list(value.get("parallel", value)) if isinstance(value, dict) else []
    return f": {', '.join(names)}" if names else ""


def _asks(step: Any) -> str:
    if not isinstance(step, dict):
        return ""
    words = f", asks {_shown(step['who'])}" if step.get("who") else ""
    return words + (f", when {step['when']}" if step.get("when") else "")


def _shown(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case dict() if set(value) == {"zh", "en"}:
            return " / ".join(text for text in (value["zh"], value["en"]) if text)
        case dict():
            return ", ".join(f"{name} {_shown(inner)}" for name, inner in value.items() if inner is not None)
        case list():
            return ", ".join(map(_shown, value)) or "nothing"
    text = str(value)
    return _grouped(text) if _NUMBER.fullmatch(text) else text


def _grouped(number: str) -> str:
    whole, _, rest = number.partition(".")
    return f"{int(whole):,}" + (f".{rest}" if rest else "")


def _route(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """The route table row by row: rows have no names, so equal rows are matched in their order."""
    before, after = (_rows(said) for said in (old, new))
    found = []

    def add(place: int, kind: Kind, message: str, was: Any, now: Any) -> None:
        found.append(Change("approval", f"approval.route.{place + 1}", kind, message, was, now, affects_approvers=True))

    for code, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if code == "equal":
            continue
        for place in range(max(b - a, d - c)):
            was = before[a + place] if a + place < b else None
            now = after[c + place] if c + place < d else None
            if was is not None and now is not None:
                add(c + place, "changed", f"route row {c + place + 1}: {_row(now)} instead of {_row(was)}", was, now)
            elif now is not None:
                add(c + place, "added", f"route row {c + place + 1} added: {_row(now)}", None, now)
            elif was is not None:
                add(a + place, "removed", f"route row {a + place + 1} removed: {_row(was)}", was, None)
    return found


def _rows(said: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = (said.get("approval") or {}).get("route") or []
    return [
        (str(row.get("when") or "else"), str(row.get("use") or row.get("else") or row.get("else_"))) for row in rows
    ]


def _row(row: tuple[str, str]) -> str:
    return f"else {row[1]}" if row[0] == "else" else f"when {row[0]} use {row[1]}"


def _reached(old: Definition, new: Definition) -> list[Change]:
    """Chains that are written as before, but include one that is not: who is asked on them changes as well."""
    found = []
    for name, steps in new.approval.chains.items():
        if name not in old.approval.chains or old.approval.chains[name] != steps:
            continue
        if not any(isinstance(step, Include) for step in steps):
            continue
        was, now = old.approval.steps(name), new.approval.steps(name)
        if was != now:
            through = ", ".join(step.include for step in steps if isinstance(step, Include))
            message = f"chain {name} changes with what it includes ({through})"
            path = f"approval.chains.{name}"
            names = ([step.name for step in was], [step.name for step in now])
            found.append(Change("approval", path, "changed", message, *names, affects_approvers=True))
    return found

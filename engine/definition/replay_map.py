"""How a log of another system speaks of a definition: its columns, and its events in the definition's words.

Refuses a map that names what the definition does not have, each at its line.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from engine.definition.document import Document, Path, read
from engine.definition.lifecycle import events_of
from engine.definition.model import Definition
from engine.definition.process_map import KEYS as OF_PROCESS
from engine.errors import InvalidFile, Problem
from engine.expr.types import nearest

COLUMNS = ("case", "event", "role", "time", "person", "office")


@dataclass(frozen=True, slots=True)
class Meaning:
    """An event of the definition and the role that does it; without a role, the log's own column says it."""

    event: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class LogMap:
    """`columns` holds the log's headings by what they mean; `roles` and `events` the log's words."""

    columns: Mapping[str, str]
    events: Mapping[str, Meaning]
    roles: Mapping[str, str] = field(default_factory=dict)


def read_map(text: str, definition: Definition, file: str = "") -> LogMap:
    """The map in `text`. Raises InvalidFile with every problem of it."""
    document = read(text)
    reader = _Reader(document, definition, file)
    found = reader.whole()
    problems = [*document.problems, *reader.problems]
    if found is None or problems:
        hint = "it has columns, events and perhaps roles"
        problems = [replace(problem, hint=hint) if problem.code == "E108" else problem for problem in problems]
        placed = sorted(problems, key=lambda problem: (problem.line, problem.column))
        raise InvalidFile([_in_file(problem, file) for problem in placed])
    return found


class _Reader:
    """One map while it is being read."""

    def __init__(self, document: Document, definition: Definition, file: str) -> None:
        self.document = document
        self.definition = definition
        self.file = file
        self.problems: list[Problem] = []
        section = definition.lifecycle
        self.roles = tuple(section.roles) if section else ()
        self.raised = _raised(definition)
        self.events = (*(section.events if section else ()), *self.raised)

    def whole(self) -> LogMap | None:
        value = self.document.value
        if value is None and self.document.problems:
            return None  # an empty file, or none of ours
        if not isinstance(value, dict):
            self.tell((), "R101", "a map is keys with values", "it has columns, events and perhaps roles")
            return None
        self.known((), value, ("columns", "events", "roles", *OF_PROCESS))
        columns = self.texts("columns", value)
        self.known(("columns",), columns, COLUMNS)
        for name in ("case", "event"):
            written = value.get("columns")
            if isinstance(written, dict) and name not in written:
                self.tell(("columns",), "R103", f"columns has no {name}", f"add {name}: the log's heading for it")
        roles = self.texts("roles", value) if "roles" in value else {}
        for name, role in roles.items():
            if role not in self.roles:
                self.tell(("roles", name), "R105", f"the definition has no role {role}", nearest(role, self.roles))
        return LogMap(columns, dict(self.meanings(value, has_roles="role" in columns)), roles)

    def meanings(self, value: Mapping[str, Any], *, has_roles: bool) -> Iterator[tuple[str, Meaning]]:
        written = value.get("events")
        if not isinstance(written, dict) or not written:
            self.tell(("events",), "R103", "events is missing", "write an event and role for each event of the log")
            return
        for name, meant in written.items():
            path: Path = ("events", name)
            if not isinstance(meant, dict) or not all(isinstance(one, str) for one in meant.values()):
                self.tell(path, "R101", f"{name} has no event and role", "write {event: approve, role: supervisor}")
                continue
            self.known(path, meant, ("event", "role"))
            event, role = meant.get("event", ""), meant.get("role", "")
            if event not in self.events:
                hint = nearest(event, self.events)
                self.tell((*path, "event"), "R104", f"the definition has no event {event}", hint)
            if role and role not in self.roles:
                self.tell((*path, "role"), "R105", f"the definition has no role {role}", nearest(role, self.roles))
            if not role and not has_roles and event in self.events and event not in self.raised:
                hint = f"possible: {', '.join(self.roles)}; or name the log's column for it"
                self.tell(path, "R106", f"nobody is said to do {event}: the role is missing", hint)
            yield name, Meaning(event, role)

    def texts(self, name: str, value: Mapping[str, Any]) -> dict[str, str]:
        """A section that has texts only."""
        found = value.get(name)
        if not isinstance(found, dict):
            self.tell((name,), "R103", f"{name} is missing", "")
            return {}
        for key, text in found.items():
            if not isinstance(text, str):
                self.tell((name, key), "R101", f"{key} is a text", "put it in quotes")
        return {key: text for key, text in found.items() if isinstance(text, str)}

    def known(self, path: Path, value: Mapping[str, Any], keys: tuple[str, ...]) -> None:
        for key in value:
            if key not in keys:
                hint = nearest(key, keys) or f"possible: {', '.join(keys)}"
                self.tell((*path, key), "R102", f"unknown key {key}", hint, key=True)

    def tell(self, path: Path, code: str, message: str, hint: str, *, key: bool = False) -> None:
        place = self.document.place(path, key=key)
        self.problems.append(
            Problem(code, message, hint, at=".".join(map(str, path)), line=place.line, column=place.column)
        )


def _raised(definition: Definition) -> tuple[str, ...]:
    """The events that no person does."""
    if definition.lifecycle is None:
        return ()
    states = [state for _, _, state, _ in definition.lifecycle.walk()]
    events = [event.event for state in states for event in events_of(state) if event.event and not event.role]
    return tuple(dict.fromkeys(events))


def _in_file(problem: Problem, file: str) -> Problem:
    return Problem(
        problem.code, problem.message, problem.hint, problem.at, problem.line, problem.column, file, problem.severity
    )

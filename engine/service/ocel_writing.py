"""Event logs in OCEL 2.0 (JSON): events beside the cases, tasks, people and offices that they are about.

The format lists objects and events apart, so events wait in a temporary file while cases are read; in memory are the
names of people, offices and cases alone.
"""

import json
from collections.abc import Iterable, Iterator
from tempfile import TemporaryFile
from typing import Any

from engine.service.logged import LoggedCase, LoggedEvent

AT_ONCE = 1 << 16
FIRST = "1970-01-01T00:00:00.000+00:00"  # of a value that holds from the beginning
OBJECTS = {
    "case": {"number": "string", "definition": "string", "version": "integer", "state": "string"},
    "task": {"step": "string"},
    "person": {},
    "office": {},
}
EVENT = {"via": "string", "role": "string", "step": "string", "states": "string"}


def written(cases: Iterable[LoggedCase]) -> Iterator[bytes]:
    """The log, piece by piece."""
    with TemporaryFile() as events:
        log = _Log()
        yield b'{"objectTypes":' + _json([_type(name, kinds) for name, kinds in OBJECTS.items()]) + b',"objects":['
        first = True
        for case in cases:
            for one in log.objects(case):
                yield (b"" if first else b",\n") + _json(one)
                first = False
            for event in case.events:
                events.write((b",\n" if events.tell() else b"") + _json(log.event(case, event)))
        yield b'],"events":['
        events.seek(0)
        while piece := events.read(AT_ONCE):
            yield piece
        yield b'],"eventTypes":' + _json([_type(name, EVENT) for name in sorted(log.activities)]) + b"}\n"


class _Log:
    """What was told so far, so that nothing is told twice."""

    def __init__(self) -> None:
        self.activities: set[str] = set()
        self.told: set[tuple[str, str]] = set()

    def objects(self, case: LoggedCase) -> Iterator[dict[str, Any]]:
        """The objects that this case is the first to need, itself among them."""
        at = case.events[0].stamp if case.events else FIRST
        values = {"number": case.number, "definition": case.definition, "version": case.version}
        attributes = [{"name": name, "time": at, "value": value} for name, value in values.items() if value]
        attributes.append({"name": "state", "time": case.events[-1].stamp if case.events else at, "value": case.state})
        related = [_related("office", case.office, "of"), _related("person", case.submitter, "submitted by")]
        if ("case", case.parent) in self.told:  # one that is not in the log cannot be pointed at
            related.append(_related("case", case.parent, "opened by"))
        yield from self.named("office", case.office)
        yield from self.named("person", case.submitter)
        self.told.add(("case", case.id))
        yield {"id": f"case:{case.id}", "type": "case", "attributes": attributes, "relationships": related}
        for event in case.events:
            yield from self.named("person", event.person)
            yield from self.named("person", event.on_behalf_of)
            yield from self.named("office", event.office)
            if event.task and ("task", event.task) not in self.told:
                step = {"name": "step", "time": FIRST, "value": event.step}
                owner = _related("case", case.id, "in")
                yield {"id": f"task:{event.task}", "type": "task", "attributes": [step], "relationships": [owner]}
                self.told.add(("task", event.task))
        self.told -= {("task", event.task) for event in case.events}

    def named(self, kind: str, name: str) -> Iterator[dict[str, Any]]:
        if name and (kind, name) not in self.told:
            self.told.add((kind, name))
            yield {"id": f"{kind}:{name}", "type": kind, "attributes": [], "relationships": []}

    def event(self, case: LoggedCase, event: LoggedEvent) -> dict[str, Any]:
        self.activities.add(event.activity)
        values = {"via": event.via, "role": event.role, "step": event.step, "states": event.moves}
        related = [
            _related("case", case.id, "of"),
            _related("task", event.task, "on"),
            _related("person", event.person, "by"),
            _related("person", event.on_behalf_of, "for"),
            _related("office", event.office, "at"),
        ]
        return {
            "id": case.instance(event),
            "type": event.activity,
            "time": event.stamp,
            "attributes": [{"name": name, "value": value} for name, value in values.items() if value],
            "relationships": [one for one in related if not one["objectId"].endswith(":")],
        }


def _related(kind: str, name: str, qualifier: str) -> dict[str, str]:
    return {"objectId": f"{kind}:{name}", "qualifier": qualifier}


def _type(name: str, kinds: dict[str, str]) -> dict[str, Any]:
    return {"name": name, "attributes": [{"name": key, "type": kind} for key, kind in kinds.items()]}


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

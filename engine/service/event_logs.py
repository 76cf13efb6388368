"""The histories of cases as an event log for process mining: XES, OCEL 2.0, or a CSV with the headings of XES.

Every case is one that the viewer may see, whole, and every entry of its history one event. An export of any length
holds the names of its cases and a hundred cases at a time, and comes in the same order each time. Refuses forms,
remarks and titles: nothing that people wrote goes out, and so no customer. People go by a pseudonym that only this
installation can make, the same in every export; by their accounts only for those who may read the audit (decision
0055).
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

import msgspec
from msgspec import Struct

from engine.errors import NotFound
from engine.service import ocel_writing, sealing, xes_writing
from engine.service.app import Countersign
from engine.service.authorizing import authorize
from engine.service.listing import wanted_of
from engine.service.logged import LoggedCase, LoggedEvent
from engine.service.views import Viewer
from engine.store import event_logs
from engine.store.event_logs import Head
from engine.store.history import Entry
from engine.store.listing import Wanted

Form = Literal["xes", "ocel", "csv"]
Persons = Literal["pseudonyms", "accounts"]
FILTERS = ("kind", "state", "office", "mine", "since", "until")
"""Of the list of cases; words are not looked for, because a title may be hidden from who exports."""
MEDIA = {"xes": "application/xml", "ocel": "application/json", "csv": "text/csv; charset=utf-8"}
NAMES = {"xes": "cases.xes", "ocel": "cases.jsonocel", "csv": "cases.csv"}
AT_ONCE = 100
SYSTEM = "system"
PSEUDONYMS = "people in event logs"
_WORD = re.compile(r"(?<!^)(?=[A-Z])")


def export(
    app: Countersign, viewer: Viewer, form: Form, filters: Mapping[str, str], *, persons: Persons = "pseudonyms"
) -> Iterator[bytes]:
    """The log, piece by piece. Raises Invalid for a filter that cannot be read before the first piece, and NotFound
    where accounts are asked for by who may not read the audit."""
    authorize(viewer, "cases.read")
    if persons == "accounts":
        authorize(viewer, "audit.read")
    if form not in MEDIA:
        raise NotFound()
    with app.db.read() as tx:
        wanted, _ = wanted_of(app, tx, viewer, {name: filters.get(name, "") for name in FILTERS})
    cases = _Reading(app, viewer, wanted, persons).cases()
    match form:
        case "xes":
            return xes_writing.written(cases)
        case "ocel":
            return ocel_writing.written(cases)
        case "csv":
            return _csv(cases)


class _Task(Struct, frozen=True):
    id: str = ""
    step: str = ""


class _Event(Struct, frozen=True):
    """What a log needs of an event of the history; everything else is passed over unread."""

    type: str
    configuration: tuple[str, ...] = ()
    task: _Task | None = None
    parent: dict[str, object] | None = None


class _Command(Struct, frozen=True):
    task: str = ""
    decision: str = ""
    event: str = ""
    role: str = ""
    operation: str = ""
    name: str = ""
    step: str = ""


class _Body(Struct, frozen=True):
    command: _Command
    events: tuple[_Event, ...]


_read = msgspec.json.Decoder(_Body).decode


@dataclass(frozen=True, slots=True)
class _Reading:
    """What is exported, by whom."""

    app: Countersign
    viewer: Viewer
    wanted: Wanted
    persons: Persons

    def cases(self) -> Iterator[LoggedCase]:
        """Every case that is wanted, each piece as it is when it is read."""
        person = self.person()
        with self.app.db.read() as tx:
            ids = event_logs.ids(tx, self.viewer.person, self.wanted)
        for begin in range(0, len(ids), AT_ONCE):
            with self.app.db.read() as tx:
                heads = event_logs.heads(tx, self.viewer.person, ids[begin : begin + AT_ONCE])
                entries = event_logs.entries(tx, [head.id for head in heads])
                stands_at = self.app.organisation(tx).stands_at
            for head in heads:
                yield _case(head, entries[head.id], person, stands_at)

    def person(self) -> Callable[[str], str]:
        """What a person is called."""
        settings = self.app.settings

        @cache
        def pseudonym(account: str) -> str:
            if account in ("", SYSTEM):
                return account
            return f"p-{sealing.keyed(settings, PSEUDONYMS, account)[0][:12]}"

        return pseudonym if self.persons == "pseudonyms" else str


def _case(
    head: Head, entries: list[Entry], person: Callable[[str], str], stands_at: Callable[[str, str], str]
) -> LoggedCase:
    steps: dict[str, str] = {}
    events = []
    parent = ""
    for entry in entries:
        body = _read(entry.body)
        for one in body.events:
            if one.task is not None:
                steps[one.task.id] = one.task.step
            if one.parent is not None:
                parent = str(one.parent.get("case", ""))
        command = body.command
        step = steps.get(command.task, "") or command.step
        who = entry.on_behalf_of or entry.actor
        events.append(
            LoggedEvent(
                seq=entry.seq,
                at=entry.at,
                activity=f"{_action(entry.kind, command)} {step}".rstrip(),
                kind=entry.kind,
                person=person(entry.actor),
                on_behalf_of=person(entry.on_behalf_of),
                office="" if who == SYSTEM else stands_at(who, head.office),
                role=command.role,
                step=step,
                task=command.task,
                via=entry.via,
                states=tuple("+".join(one.configuration) for one in body.events if one.type == "Moved"),
            )
        )
    return LoggedCase(
        id=head.id,
        number=head.number or "",
        definition=head.definition,
        version=head.version,
        office=head.office,
        submitter=person(head.submitter),
        state=head.state,
        parent=parent,
        events=tuple(events),
    )


def _action(kind: str, command: _Command) -> str:
    match kind:
        case "Decide":
            return command.decision
        case "Perform":
            return command.event
        case "Operate":
            return command.operation
        case "TimerFired":
            return f"timer {command.name.replace(':', ' ')}"
        case _:
            return _WORD.sub(" ", kind).lower()


HEADINGS = (
    "case:concept:name",
    "case:number",
    "case:definition",
    "case:version",
    "case:office",
    "concept:name",
    "concept:instance",
    "lifecycle:transition",
    "time:timestamp",
    "org:resource",
    "org:role",
    "org:group",
    "on_behalf_of",
    "step",
    "via",
    "states",
)


def _csv(cases: Iterator[LoggedCase]) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADINGS)
    for case in cases:
        own = (case.id, case.number, case.definition, case.version, case.office)
        for one in case.events:
            who = (one.person, one.role, one.office, one.on_behalf_of)
            writer.writerow(
                (*own, one.activity, case.instance(one), "complete", one.stamp, *who, one.step, one.via, one.moves)
            )
        if text.tell() > xes_writing.PIECE:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()

"""How a definition gets into force: its author saves a draft, a second person publishes it.

A published text never changes, and running cases stay pinned to theirs. Refuses a text with an error, a version that
was not raised, and a publisher who is the author: nobody changes alone who approves.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from engine.definition.check import check
from engine.definition.children import opening_states
from engine.definition.diff import Change, diff
from engine.definition.load import load
from engine.definition.model import Definition
from engine.definition.rules_staff import NobodyHere
from engine.definition.staffing import Staff
from engine.errors import InvalidDefinition, InvalidForm, NotFound, NotPossible, Problem
from engine.machine.case import ProcessRef
from engine.service.app import Countersign
from engine.service.published import PublishedTexts
from engine.service.views import Viewer
from engine.service.wording import rules_of
from engine.store import definitions, visibility
from engine.store.definitions import Stored
from engine.values import Digest

AUTHORS = ("definition_author", "administrator")
"""The roles that may save drafts, publish and migrate."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What came of a draft. `unchanged`: this text is published already, nothing was saved."""

    name: str
    version: int
    fingerprint: Digest
    author: str
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class Release:
    """What came of publishing. `changes` are those against the version before; none where it is the first. `vacant`:
    where nobody holds a role today, and who is asked instead."""

    name: str
    version: int
    fingerprint: Digest
    author: str
    published_by: str
    changes: tuple[Change, ...] = ()
    vacant: tuple[Problem, ...] = ()
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version in a list."""

    name: str
    version: int
    state: str
    author: str
    published_by: str
    fingerprint: str


def save_draft(
    app: Countersign, viewer: Viewer, source: str, *, file: str = "", writers: tuple[str, ...] = ()
) -> Saved:
    """Keep a draft of the viewer's; saved again, it is replaced, and its author is whoever saved it last.
    What it extends or imports is taken from the published ones, and kept with it. `writers` wrote it as well: none of
    them publishes it.

    Raises InvalidDefinition with every error, NotPossible where the version was not raised, and NotFound for who has
    none of the AUTHORS' roles.
    """
    _authorised(viewer)
    definition = load(source, file, PublishedTexts(app))
    name, version, fingerprint = definition.name, definition.version, definition.fingerprint
    with app.db.begin() as tx:
        known = definitions.find(tx, name, version)
        if known is not None and known.state != "draft" and known.fingerprint == fingerprint:
            return Saved(name, version, fingerprint, known.author, unchanged=True)
        definitions.refuse_unraised(name, version, definitions.versions(tx, name))
        same = known is not None and known.fingerprint == fingerprint
        before = writers_of(known) if same and known is not None else ()
        definitions.save(
            tx,
            name=name,
            version=version,
            fingerprint=fingerprint,
            source=definition.source,
            author=viewer.person,
            writers=",".join(dict.fromkeys((*before, *writers, viewer.person))),
        )
    return Saved(name, version, fingerprint, viewer.person)


def publish(app: Countersign, viewer: Viewer, name: str, version: int, *, fingerprint: str = "") -> Release:
    """Publish the draft of that version. Twice is once.

    `fingerprint`: of the text the viewer has read; NotPossible where the draft is another by now. NotPossible for the
    draft's own author and whoever else wrote it. InvalidDefinition where it asks for a role that nobody holds, or would
    ask nobody at all.
    NotFound where there is no such version, and for who has none of the AUTHORS' roles.
    """
    _authorised(viewer)
    with app.db.begin() as tx:
        stored = definitions.find(tx, name, version)
        if stored is None:
            raise NotFound()
        known = Digest(stored.fingerprint)
        what = f"publish {name} version {version}"
        if fingerprint and fingerprint != known:
            state = f"{stored.author} saved another text under that version"
            raise NotPossible(action=what, state=state, possible="look at that text, or save this one as the draft")
        if stored.state != "draft":
            by = stored.published_by or stored.author
            return Release(name, version, known, stored.author, by, unchanged=True)
        if viewer.person in writers_of(stored):
            state = f"{viewer.person} is its author"
            raise NotPossible(action=what, state=state, possible=f"another person with role {' or '.join(AUTHORS)}")
        staff, content = Staff(app.organisation(tx), app.now()), rules_of(app.settings)
        checked = check(stored.source, f"{name}@{version}", staff=staff, content=content)
        definition = checked.definition
        if definition is None:
            raise InvalidDefinition(checked.reasons)
        others = definitions.versions(tx, name)
        definitions.refuse_unraised(name, version, others)
        _opens(tx, definition)
        definitions.publish(
            tx,
            name=name,
            version=version,
            fingerprint=known,
            source=stored.source,
            author=stored.author,
            by=viewer.person,
            at=app.now(),
        )
    before = [one for one in others if one.state == "published"]
    changes = diff(load(before[-1].source), definition) if before else ()
    vacant = tuple(problem for problem in checked.problems if problem.code == NobodyHere.code)
    return Release(name, version, known, stored.author, viewer.person, changes, vacant)


@dataclass(frozen=True, slots=True)
class Coming:
    """What publishing a draft would do. `before`: the version it takes the place of, 0 where there is none; `changes`
    against it; `running`: the cases that the viewer sees at versions in force, which stay with theirs."""

    before: int
    changes: tuple[Change, ...]
    running: int


def coming(app: Countersign, viewer: Viewer, name: str, version: int) -> Coming:
    """What publishing that draft would do. NotFound where there is none, and for who has none of the AUTHORS' roles."""
    _authorised(viewer)
    with app.db.read() as tx:
        stored = definitions.find(tx, name, version)
        newest = definitions.newest(tx, name)
        before = definitions.find(tx, name, newest.version) if newest is not None else None
        seen = visibility.running_of(tx, viewer.person)
    if stored is None:
        raise NotFound()
    running = sum(count for (of, _), count in seen.items() if of == name)
    if before is None:
        return Coming(0, (), running)
    was, now = (app.definition(ProcessRef(one.name, one.version, one.fingerprint)) for one in (before, stored))
    return Coming(before.version, diff(was, now), running)


def writers_of(stored: Stored) -> tuple[str, ...]:
    """All who wrote the text of a version."""
    return tuple(dict.fromkeys((stored.author, *filter(None, stored.writers.split(",")))))


def retire(app: Countersign, viewer: Viewer, name: str, version: int, *, because: str) -> None:
    """Start no more cases with this version; its running cases go on. New cases take the newest version still in force.

    Twice is once. Invalid without a reason; NotPossible for a draft, and where it is the last version in force and
    another definition in force opens cases of it. NotFound where there is no such version, and for who has none of
    the AUTHORS' roles.
    """
    _authorised(viewer)
    if not because.strip():
        raise InvalidForm([Problem("remark_missing", "say why", "others read it", at="reason")])
    what = f"retire {name} version {version}"
    with app.db.begin() as tx:
        stored = definitions.find(tx, name, version)
        if stored is None:
            raise NotFound()
        if stored.state == "draft":
            raise NotPossible(action=what, state="it is a draft", possible="discard the draft")
        in_force = [one for one in definitions.versions(tx, name) if one.state == "published"]
        if [one.version for one in in_force] == [version] and (by := _opened_by(tx, name)):
            raise NotPossible(action=what, state=f"{by} opens cases of it", possible=f"publish {by} without it first")
        definitions.retire(tx, name, version, by=viewer.person, at=app.now(), because=because.strip())


def _opened_by(tx: Connection, name: str) -> str:
    """A definition in force that opens cases of `name`; empty where none does."""
    for row in definitions.all_newest(tx):
        found = _published(tx, row.name)
        if found is not None and any(state.open == name for state in opening_states(found) if row.name != name):
            return row.name
    return ""


def versions(app: Countersign, viewer: Viewer, name: str = "") -> tuple[VersionRow, ...]:
    """Every version of every definition (or of `name`), drafts as well. NotFound for who may not write any."""
    _authorised(viewer)
    return all_versions(app, name)


def all_versions(app: Countersign, name: str = "") -> tuple[VersionRow, ...]:
    """The same for commands at the operator's own terminal."""
    with app.db.read() as tx:
        rows = definitions.versions(tx, name)
    return tuple(
        VersionRow(row.name, row.version, row.state, row.author, row.published_by or "", row.fingerprint)
        for row in rows
    )


def text_of(app: Countersign, name: str, version: int) -> str:
    """The text of one version, for commands at the operator's own terminal. NotFound where there is none."""
    with app.db.read() as tx:
        stored = definitions.find(tx, name, version)
    if stored is None:
        raise NotFound()
    return stored.source


def read(app: Countersign, viewer: Viewer, name: str, version: int) -> str:
    """The text of one version, for those who may write definitions. NotFound otherwise."""
    _authorised(viewer)
    return text_of(app, name, version)


def compare(app: Countersign, viewer: Viewer, name: str, old: int, new: int) -> tuple[Change, ...]:
    """What differs between two versions. NotFound where one is missing, and for who may not write definitions."""
    return diff(load(read(app, viewer, name, old)), load(read(app, viewer, name, new)))


def _authorised(viewer: Viewer) -> None:
    if not viewer.has(*AUTHORS):
        raise NotFound()


def _opens(tx: Connection, definition: Definition) -> None:
    """The definitions whose cases it opens are published, have the fields that it passes and do not open it."""
    what = f"publish {definition.name} version {definition.version}"
    for state in opening_states(definition):
        if state.open == definition.name:
            continue
        opened = _published(tx, state.open)
        if opened is None:
            raise NotPossible(
                action=what, state=f"it opens {state.open}, which is not published", possible=f"publish {state.open}"
            )
        lacks = [name for name in state.pass_ if name not in opened.proposal.fields]
        if lacks:
            fields = ", ".join(opened.proposal.fields)
            raise NotPossible(
                action=what, state=f"it passes {lacks[0]}, which {state.open} does not have", possible=f"pass {fields}"
            )
        way = _way_back(tx, opened, definition.name, (definition.name,))
        if way:
            shown = " -> ".join((*way, definition.name))
            raise NotPossible(
                action=what, state=f"cases would open each other without an end: {shown}", possible="open another one"
            )


def _way_back(tx: Connection, opened: Definition, name: str, seen: tuple[str, ...]) -> tuple[str, ...]:
    """The definitions from `name` to one that opens it again; empty where none does."""
    for state in opening_states(opened):
        if state.open == name:
            return (*seen, opened.name)
        following = None if state.open in (*seen, opened.name) else _published(tx, state.open)
        if following is not None and (way := _way_back(tx, following, name, (*seen, opened.name))):
            return way
    return ()


def _published(tx: Connection, name: str) -> Definition | None:
    row = definitions.newest(tx, name)
    source = definitions.source(tx, row.fingerprint) if row else None
    return load(source, name, prove=False) if source is not None else None

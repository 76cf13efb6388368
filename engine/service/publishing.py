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
from engine.errors import InvalidDefinition, NotFound, NotPossible, Problem
from engine.service.app import Countersign
from engine.service.published import PublishedTexts
from engine.service.views import Viewer
from engine.store import definitions
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


def save_draft(app: Countersign, viewer: Viewer, source: str, *, file: str = "") -> Saved:
    """Keep a draft of the viewer's; saved again, it is replaced, and its author is whoever saved it last.
    What it extends or imports is taken from the published ones, and kept with it.

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
        definitions.save(
            tx, name=name, version=version, fingerprint=fingerprint, source=definition.source, author=viewer.person
        )
    return Saved(name, version, fingerprint, viewer.person)


def publish(app: Countersign, viewer: Viewer, name: str, version: int, *, fingerprint: str = "") -> Release:
    """Publish the draft of that version. Twice is once.

    `fingerprint`: of the text the viewer has read; NotPossible where the draft is another by now. NotPossible for the
    draft's own author. InvalidDefinition where it asks for a role that nobody holds, or would ask nobody at all.
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
        if stored.author == viewer.person:
            state = f"{viewer.person} is its author"
            raise NotPossible(action=what, state=state, possible=f"another person with role {' or '.join(AUTHORS)}")
        checked = check(stored.source, f"{name}@{version}", staff=Staff(app.organisation(tx), app.now()))
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

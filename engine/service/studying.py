"""A text of a definition looked at by its author: its problems, its picture, a proposal tried on it, its scenarios and
guarantees, what it changes.

The text is a stored version or one under work; the answers are the same. Refuses to change anything.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from engine.definition.cast import SUBMITTER, Cast
from engine.definition.check import Checked, check
from engine.definition.diagram import Picture, picture
from engine.definition.diagram_svg import Mark, svg
from engine.definition.diff import Change, diff
from engine.definition.document import read
from engine.definition.model import Definition
from engine.definition.rules_proved import SOLVER
from engine.definition.scenario_run import Report, run_scenarios
from engine.definition.simulate import Simulation, simulate
from engine.definition.staffing import Staff
from engine.definition.texts import SHIPPED
from engine.definition.wording import Wording
from engine.errors import InvalidDefinition, InvalidForm, NotFound, Problem
from engine.machine.case import ProcessRef
from engine.organisation import Organisation
from engine.service.app import Countersign
from engine.service.authorizing import authorize
from engine.service.definitions import PRODUCT
from engine.service.fields import field_views
from engine.service.published import PublishedTexts
from engine.service.publishing import writers_of
from engine.service.views import FieldView, Viewer
from engine.service.wording import rules_of
from engine.store import definitions, visibility
from engine.store.definitions import Stored
from engine.values import Bilingual, Language

PRODUCT_NAME = "Countersign"


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version and who answers for it; people are names. `may_publish`: whether the viewer may, being none of its
    writers; `others` are the versions there are besides, with their states."""

    name: str
    version: int
    state: str
    fingerprint: str
    source: str
    title: Bilingual
    writers: tuple[str, ...]
    published_by: str
    published_at: datetime | None
    retired_by: str
    retired_at: datetime | None
    retired_because: str
    may_publish: bool
    others: tuple[tuple[int, str], ...]

    @property
    def before(self) -> int:
        """The version to compare with: the newest below it in force, else the next below; 0 where there is none."""
        below = [(state == "published", version) for version, state in self.others if version < self.version]
        return max(below)[1] if below else 0


GuaranteeState = Literal["proved", "refuted", "undecided"]


@dataclass(frozen=True, slots=True)
class GuaranteeView:
    """The answer to a guarantee. Refuted: a case with the form `example`, on which `done` came to `came_to`."""

    sentence: str
    state: GuaranteeState
    line: int
    cases: int = 0
    example: str = ""
    done: tuple[str, ...] = ()
    came_to: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """What was entered, what is wrong with it, and what would become of it. People of `found` are named in `names`;
    `whom` says in words whom each step asks."""

    fields: tuple[FieldView, ...]
    problems: tuple[Problem, ...] = ()
    found: Simulation | None = None
    names: Mapping[str, str] | None = None
    whom: Mapping[str, str] | None = None
    invented: bool = True


@dataclass(frozen=True, slots=True)
class KindView:
    """A definition with its versions, newest first. `running`: by version the cases that the viewer sees and that have
    not ended."""

    name: str
    title: Bilingual
    versions: tuple[VersionView, ...]
    running: Mapping[int, int]


def listed(app: Countersign, viewer: Viewer) -> tuple[KindView, ...]:
    """Every definition, by name. NotFound for who may not read definitions."""
    authorize(viewer, "definitions.read")
    with app.db.read() as tx:
        stored = definitions.versions(tx)
        running = visibility.running_of(tx, viewer.person)
        organisation = app.organisation(tx)
    kinds = []
    for name in dict.fromkeys(one.name for one in stored):
        views = [_view(app, organisation, viewer, one, stored) for one in stored if one.name == name]
        views.reverse()
        counts = {version: count for (of, version), count in running.items() if of == name}
        title = next((one.title for one in views if one.state == "published"), views[0].title)
        kinds.append(KindView(name, title, tuple(views), counts))
    return tuple(kinds)


def examples() -> tuple[tuple[str, Bilingual], ...]:
    """The definitions that come with the product and that a text may begin with, each with its title."""
    found = []
    for name in SHIPPED.names():
        text = SHIPPED.find(name)
        value = read(text.source).value if text is not None else None
        if isinstance(value, dict) and value.get("kind") == "CaseDefinition" and isinstance(value.get("title"), dict):
            title = value["title"]
            found.append((name, Bilingual(zh=str(title.get("zh", "")), en=str(title.get("en", "")))))
    return tuple(found)


def version(app: Countersign, viewer: Viewer, name: str, number: int) -> VersionView:
    """One version. NotFound where there is none, and for who may not read definitions."""
    authorize(viewer, "definitions.read")
    with app.db.read() as tx:
        stored = definitions.find(tx, name, number)
        if stored is None:
            raise NotFound()
        every = definitions.versions(tx, name)
        return _view(app, app.organisation(tx), viewer, stored, every)


def checked(app: Countersign, viewer: Viewer, source: str, *, prove: bool, file: str = "") -> Checked:
    """Everything that is wrong with a text. With `prove` also what takes a proof, and the roles that nobody holds."""
    authorize(viewer, "definitions.read")
    staff = None
    if prove:
        with app.db.read() as tx:
            staff = Staff(app.organisation(tx), app.now())
    content = rules_of(app.settings)
    return check(source, file, PublishedTexts(app), prove=prove, staff=staff, content=content)


def drawn(
    app: Countersign, viewer: Viewer, source: str, language: Language, notes: Mapping[str, str] | None = None
) -> tuple[Picture, str]:
    """The picture of a text and its SVG, with a note at each step or state that has one. InvalidDefinition where the
    text has an error."""
    found = picture(_definition(app, viewer, source), language=language)
    return found, svg(found, {name: Mark("current", note) for name, note in (notes or {}).items()})


def played(app: Countersign, viewer: Viewer, source: str) -> Report:
    """The scenarios of a text, and what they cover. InvalidDefinition where the text has an error."""
    found = checked(app, viewer, source, prove=False)
    if found.definition is None:
        raise InvalidDefinition(found.reasons)
    return run_scenarios(found.definition, found.document)


def guaranteed(app: Countersign, viewer: Viewer, source: str) -> tuple[GuaranteeView, ...]:
    """The answer to each guarantee. InvalidDefinition where the text has an error."""
    # the solver takes a moment to load, and only this needs it
    from engine.definition.prove_guarantees import NotDecided, Proved, Prover, Refuted  # noqa: PLC0415  # slow to load

    found = checked(app, viewer, source, prove=False)
    definition = found.definition
    if definition is None:
        raise InvalidDefinition(found.reasons)
    views = []
    with SOLVER:
        answers = Prover(definition).answers if definition.guarantees else ()
    for n, (guarantee, answer) in enumerate(zip(definition.guarantees, answers, strict=True)):
        line = found.document.place(("guarantees", n)).line
        match answer:
            case Proved(cases=cases):
                view = GuaranteeView(str(guarantee), "proved", line, cases=cases)
            case Refuted():
                view = GuaranteeView(
                    str(guarantee), "refuted", line, example=answer.example, done=answer.done, came_to=answer.came_to
                )
            case NotDecided(reason=reason):
                view = GuaranteeView(str(guarantee), "undecided", line, reason=reason)
        views.append(view)
    return tuple(views)


def tried(
    app: Countersign,
    viewer: Viewer,
    source: str,
    given: Mapping[str, Any],
    *,
    office: str,
    at: datetime | None,
    play: bool,
) -> Tried:
    """A proposal with the values `given`, submitted by `office` (people are invented where it is empty) at `at`.

    With `play` False only the fields to fill in. What is wrong with the values comes as `problems`.
    """
    definition = _definition(app, viewer, source)
    fields = field_views(definition, dict(given), writable=True)
    if not play:
        return Tried(fields)
    with app.db.read() as tx:
        organisation, calendar = app.organisation(tx), app.calendar(tx)
    if office and office not in organisation.offices:
        return Tried(
            fields, (Problem("office.unknown", f"there is no office {office}", at="office", fields={"code": office}),)
        )
    submitters = organisation.resolve("role:submitter", office) if office else ()
    try:
        found = simulate(
            definition,
            {name: value for name, value in given.items() if value not in ("", [], None)},
            directory=organisation if office else Cast(),
            calendar=calendar,
            office=office or "county",
            submitter=next(iter(submitters), SUBMITTER),
            at=at or app.now(),
        )
    except InvalidForm as error:
        return Tried(fields, tuple(error.problems))
    people = {asked.person for step in found.steps for asked in step.people}
    names = {one: organisation.name(one) if office else one for one in people}
    filled = field_views(definition, dict(given), writable=True)
    said = Wording(definition, viewer.language)
    whom = {step.name: said.who(step.who) for step in found.steps}
    return Tried(filled, (), found, names, whom, invented=not office)


def changes(app: Countersign, viewer: Viewer, source: str, name: str, since: int) -> tuple[Change, ...]:
    """What a text changes against a stored version. NotFound where that is not there, InvalidDefinition where the text
    has an error."""
    authorize(viewer, "definitions.read")
    with app.db.read() as tx:
        stored = definitions.find(tx, name, since)
    if stored is None:
        raise NotFound()
    before = app.definition(ProcessRef(stored.name, stored.version, stored.fingerprint))
    return diff(before, _definition(app, viewer, source))


def _definition(app: Countersign, viewer: Viewer, source: str) -> Definition:
    found = checked(app, viewer, source, prove=False)
    if found.definition is None:
        raise InvalidDefinition(found.reasons)
    return found.definition


def _view(
    app: Countersign, organisation: Organisation, viewer: Viewer, stored: Stored, every: Iterable[Stored]
) -> VersionView:
    def named(person: str | None) -> str:
        return "" if not person else PRODUCT_NAME if person == PRODUCT else organisation.name(person)

    writers = writers_of(stored)
    return VersionView(
        name=stored.name,
        version=stored.version,
        state=stored.state,
        fingerprint=stored.fingerprint,
        source=stored.source,
        title=_title(app, stored),
        writers=tuple(map(named, writers)),
        published_by=named(stored.published_by),
        published_at=stored.published_at,
        retired_by=named(stored.retired_by),
        retired_at=stored.retired_at,
        retired_because=stored.retired_because,
        may_publish=stored.state == "draft" and viewer.person not in writers,
        others=tuple(
            (one.version, one.state)
            for one in every
            if (one.name, one.version) != (stored.name, stored.version) and one.name == stored.name
        ),
    )


def _title(app: Countersign, stored: Stored) -> Bilingual:
    try:
        return app.definition(ProcessRef(stored.name, stored.version, stored.fingerprint)).title
    except InvalidDefinition:  # an older Countersign took it
        return Bilingual(en=stored.name)

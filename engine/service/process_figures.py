"""How cases go through their approval: times, returns, deadlines, who is waited for, the ways that they take.

Counts and sums hold the cases that the viewer may see and no other. Times of a person with fewer than five decisions
are not told. Refuses to judge: what a number is of stands beside it, what it means is the reader's to say.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy import Connection

from engine.definition.diagram import picture
from engine.definition.diagram_svg import Mark, svg
from engine.errors import NotFound
from engine.evaluation.stays import Marks, Numbers, Took, counted, distinct, took
from engine.machine.case import ProcessRef
from engine.service import process_columns, showing
from engine.service.app import Countersign
from engine.service.authorizing import authorize
from engine.service.courses import NAME
from engine.service.process_columns import Coded, Columns
from engine.service.process_views import (
    Behind,
    Blocking,
    GroupFigures,
    PersonFigures,
    ProcessPage,
    ReasonFigures,
    StepFigures,
    WayFigures,
)
from engine.service.views import Viewer
from engine.store import courses, definitions, operation, visibility
from engine.store.courses import Wanted
from engine.values import Bilingual

FEW = 5
LISTED = 200
SHOWN = {"steps": 60, "groups": 40, "people": 40, "ways": 10, "reasons": 20}
LEVELS = 4

Refs = Mapping[str, ProcessRef]


def page(app: Countersign, viewer: Viewer, filters: Mapping[str, str]) -> ProcessPage:
    """The figures of the cases that `filters` name (`process_columns.NAMES`). Raises Invalid for a filter that cannot
    be read."""
    authorize(viewer, "cases.read")
    with app.db.read() as tx:
        wanted, office = process_columns.wanted(app, tx, filters)
        known = _known(tx)
        refs = _newest(known)
        of = process_columns.columns(app, tx, viewer, wanted)
        steps = _steps(app, tx, of, refs)
        organisation = app.organisation(tx)
        stays, now = of.stays, int(app.now().timestamp())
        people, few = _people(app, tx, of)
        ways, other_ways = _ways(app, tx, of, refs)
        everything = took(np.zeros(_count(of.ended > 0), dtype=np.int64), *_spans(of, of.ended > 0))
        return ProcessPage(
            as_of=next((row.at for row in operation.all_rounds(tx) if row.flow == NAME), None),
            behind=_count(~of.kept),
            cases=len(of.ids),
            decided=_count(of.ended > 0),
            files=_count(of.files),
            returned=_count(of.of_cases(stays.is_step & stays.returned)),
            again=_count(of.of_cases(stays.again)),
            overdue=_count(stays.is_step & stays.overdue(now)),
            late=_count(stays.is_step & stays.is_late),
            timed=_count(stays.is_step & ~stays.is_open & (stays.due > 0)),
            took=everything.get(0),
            steps=steps,
            offices=_groups(of, of.office, lambda code: showing.office_name(organisation, code)),
            versions=_groups(of, of.version, lambda name: _version_label(app, refs, name)),
            months=tuple(sorted(_groups(of, of.month, lambda name: Bilingual(en=name)), key=lambda one: one.key)),
            people=people,
            few=few,
            blocking=_blocking(app, tx, of, now),
            ways=ways,
            other_ways=other_ways,
            reasons=_reasons(app, tx, viewer, wanted, refs),
            office=office,
            definitions=tuple((name, app.definition(ref).title) for name, ref in refs.items()),
            known_versions=tuple(one.version for one in known if one.name == wanted.definition),
        )


def behind(
    app: Countersign, viewer: Viewer, filters: Mapping[str, str], *, part: str = "all", name: str = "", what: str = ""
) -> Behind:
    """The cases behind a figure: of the `part` (all, step, person, office, version, month, way) called `name`, all or
    `what` (open, overdue, late, decided, returned, again, filed); the 200 that were submitted last. NotFound for
    what is no figure."""
    authorize(viewer, "cases.read")
    with app.db.read() as tx:
        wanted, _ = process_columns.wanted(app, tx, filters)
        of = process_columns.columns(app, tx, viewer, wanted)
        places = np.flatnonzero(of.behind(part, name, what, int(app.now().timestamp())))
        newest = places[np.argsort(-of.submitted[places], kind="stable")][:LISTED]
        lines = visibility.among(tx, viewer.person, [of.ids[place] for place in newest.tolist()])
        lines = tuple(sorted(lines, key=lambda line: line.updated_at, reverse=True))
        return Behind(len(places), tuple(showing.case_row(app, tx, line, viewer.person) for line in lines))


def heat(app: Countersign, viewer: Viewer, filters: Mapping[str, str], note: Callable[[StepFigures, int], str]) -> str:
    """The chains of the definition as an SVG, each step coloured by the time that half of its decisions took, with
    `note` of its figures and its level (1 to 4, 0 without any). NotFound without a definition that cases of the
    viewer's go by. Shows titles and figures alone: conditions are for who may read definitions."""
    authorize(viewer, "cases.read")
    with app.db.read() as tx:
        wanted, _ = process_columns.wanted(app, tx, filters)
        of = process_columns.columns(app, tx, viewer, wanted)
        known = [one for one in _known(tx) if one.name == wanted.definition]
        chosen = next((one for one in known if f"{one.name}/{one.version}" in of.version.names), None)
        if chosen is None:
            raise NotFound()
        steps = {one.step: one for one in _steps(app, tx, of, _newest(known))}
    drawn = picture(app.definition(chosen), language=viewer.language)
    lanes = tuple(
        replace(
            lane,
            conditions=(),
            groups=tuple(
                replace(group, boxes=tuple(replace(box, lines=()) for box in group.boxes)) for group in lane.groups
            ),
        )
        for lane in drawn.lanes
    )
    slowest = max((one.took.half for one in steps.values() if one.took), default=0)
    marks = {}
    for name, one in steps.items():
        level = 1 + min(one.took.half * LEVELS // (slowest or 1), LEVELS - 1) if one.took else 0
        marks[name] = Mark(f"heat{level}" if level else "", note(one, level))
    return svg(replace(drawn, lanes=lanes, columns=(), ways=(), objections=()), marks)


def _known(tx: Connection) -> list[ProcessRef]:
    """Every version that is or was in force, the newest of a definition first."""
    known = [one for one in definitions.versions(tx) if one.state != "draft"]
    known.sort(key=lambda one: (one.name, -one.version))
    return [ProcessRef(one.name, one.version, one.fingerprint) for one in known]


def _newest(known: Sequence[ProcessRef]) -> dict[str, ProcessRef]:
    newest: dict[str, ProcessRef] = {}
    for one in known:
        newest.setdefault(one.name, one)
    return newest


def _count(marks: Marks) -> int:
    return int(marks.sum())


def _spans(of: Columns, where: Marks) -> tuple[Numbers, Numbers]:
    start, end = of.submitted[where], of.ended[where]
    return end - start, of.shifts.between(start, end)


def _label(app: Countersign, tx: Connection, refs: Refs, definition: str, step: str) -> Bilingual:
    ref = refs.get(definition)
    return app.process(ref, tx).label(step) if ref else Bilingual(zh=step, en=step)


def _version_label(app: Countersign, refs: Refs, name: str) -> Bilingual:
    definition, _, version = name.rpartition("/")
    title = app.definition(refs[definition]).title if definition in refs else Bilingual(zh=definition, en=definition)
    return Bilingual(zh=f"{title.zh or title.en} v{version}", en=f"{title.en or title.zh} v{version}")


def _steps(app: Countersign, tx: Connection, of: Columns, refs: Refs) -> tuple[StepFigures, ...]:
    """By definition and step, the slowest first."""
    stays, now = of.stays, int(app.now().timestamp())
    keys = of.keyed(of.definition.codes[stays.case], stays.step)
    times = stays.took(stays.is_step, keys)
    entered = counted(keys, stays.is_step)
    in_cases = distinct(keys, stays.case, stays.is_step)
    again = distinct(keys, stays.case, stays.again)
    returned, opened, overdue = (
        counted(keys, stays.is_step & marks) for marks in (stays.returned, stays.is_open, stays.overdue(now))
    )
    found = []
    for key, count in entered.items():
        definition, step = of.parted(key)
        found.append(
            StepFigures(
                definition=definition,
                title=app.definition(refs[definition]).title,
                step=step,
                label=_label(app, tx, refs, definition, step),
                entered=count,
                cases=in_cases[key],
                again=again.get(key, 0),
                returned=returned.get(key, 0),
                open=opened.get(key, 0),
                overdue=overdue.get(key, 0),
                took=times.get(key),
            )
        )
    found.sort(key=lambda one: (-(one.took.half if one.took else -1), one.definition, one.step))
    return tuple(found[: SHOWN["steps"]])


def _groups(of: Columns, by: Coded, label: Callable[[str], Bilingual]) -> tuple[GroupFigures, ...]:
    """The largest first."""
    ended = of.ended > 0
    times = took(by.codes[ended], *_spans(of, ended))
    everything = np.ones(len(of.ids), dtype=bool)
    returned = counted(by.codes, of.of_cases(of.stays.is_step & of.stays.returned))
    files = counted(by.codes, of.files)
    largest = sorted(counted(by.codes, everything).items(), key=lambda one: (-one[1], by.names[one[0]]))
    return tuple(
        GroupFigures(
            key=by.names[code],
            label=label(by.names[code]),
            cases=count,
            files=files.get(code, 0),
            returned=returned.get(code, 0),
            took=times.get(code),
        )
        for code, count in largest[: SHOWN["groups"]]
    )


def _people(app: Countersign, tx: Connection, of: Columns) -> tuple[tuple[PersonFigures, ...], int]:
    """Those with at least `FEW` decisions, the slowest first, and how many have fewer."""
    organisation = app.organisation(tx)
    times = of.stays.took(~of.stays.is_step, of.stays.person)
    enough = {key: one for key, one in times.items() if one.n >= FEW}
    slowest = sorted(enough.items(), key=lambda one: (-one[1].half, of.words[one[0]]))[: SHOWN["people"]]
    shown = tuple(
        PersonFigures(of.words[key], showing.person_name(organisation, of.words[key]), one) for key, one in slowest
    )
    return shown, len(times) - len(enough)


def _blocking(app: Countersign, tx: Connection, of: Columns, now: int) -> tuple[Blocking, ...]:
    """Who is asked now, those with the most first."""
    organisation, stays = app.organisation(tx), of.stays
    asked = ~stays.is_step & stays.is_open
    ages = took(stays.person[asked], *[np.maximum(now - stays.start[asked], 0)] * 2)
    overdue = counted(stays.person, asked & stays.overdue(now))
    found = []
    for key, one in sorted(ages.items(), key=lambda each: (-each[1].n, -each[1].half))[: SHOWN["people"]]:
        person = of.words[key]
        oldest = stays.start[asked & (stays.person == key)]
        held = organisation.held(person)
        office = showing.office_name(organisation, held[0].office) if held else Bilingual()
        name = showing.person_name(organisation, person)
        since = max(now - int(oldest.min()), 0)
        found.append(Blocking(person, name, office, one.n, overdue.get(key, 0), since, one.half))
    return tuple(found)


def _ways(app: Countersign, tx: Connection, of: Columns, refs: Refs) -> tuple[tuple[WayFigures, ...], int]:
    """The ways that most cases took, and how many others there are."""
    keys = of.keyed(of.definition.codes, of.way)
    ended = of.ended > 0
    times: dict[int, Took] = took(keys[ended], *_spans(of, ended))
    everything = np.ones(len(of.ids), dtype=bool)
    most = sorted(counted(keys, everything).items(), key=lambda one: (-one[1], one[0]))
    shown = []
    for key, count in most[: SHOWN["ways"]]:
        definition, way = of.parted(key)
        names = way.split("\n") if way else []
        labels = tuple(_label(app, tx, refs, definition, name) for name in names)
        shown.append(WayFigures(way.replace("\n", ">"), definition, labels, count, times.get(key)))
    return tuple(shown), max(len(most) - len(shown), 0)


def _reasons(app: Countersign, tx: Connection, viewer: Viewer, wanted: Wanted, refs: Refs) -> tuple[ReasonFigures, ...]:
    found: tuple[Any, ...] = courses.reasons(tx, viewer.person, wanted, SHOWN["reasons"])
    return tuple(
        ReasonFigures(
            one.definition,
            one.step,
            _label(app, tx, refs, one.definition, one.step),
            one.remark,
            one.automatic,
            one.count,
        )
        for one in found
    )

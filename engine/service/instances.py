"""The running cases of a version: how many rest at which step and for how long, which do not go on and why, and what
is done with several of them: tried again, put to another step, given to another person, moved to another version.

Each case is a command of its own in its history, with who and why; before that, the same command is tried on each
without writing. Refuses to touch what the viewer does not see, and everybody whom the machine refuses.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median
from typing import Literal

from sqlalchemy import Connection

from engine.errors import CountersignError, Invalid, InvalidForm, NotFound, Problem
from engine.machine import chains
from engine.machine.advance import advance
from engine.machine.case import Case, ProcessRef
from engine.machine.commands import AnyCommand, HandOver, Operate, SelectAgain
from engine.service import migrating, running, showing
from engine.service.app import Countersign
from engine.service.authorizing import authorize
from engine.service.cases import load_visible
from engine.service.operations import Door
from engine.service.showing import person_name
from engine.service.views import CaseRow, Viewer
from engine.store import cases, definitions, instances, outbox
from engine.values import Bilingual

LISTED = 200
MOST = 200
Deed = Literal["retry", "jump", "reassign", "migrate"]
Why = Literal["nobody", "selection", "effects"]


@dataclass(frozen=True, slots=True)
class Resting:
    """How many cases rest at a step (or in a state, where nobody is asked); the oldest, and the age half of them have
    at least."""

    step: str
    state: str
    label: Bilingual
    count: int
    oldest: timedelta
    half: timedelta


@dataclass(frozen=True, slots=True)
class Instance:
    """A running case. `stuck`: why it does not go on by itself, empty where it does."""

    row: CaseRow
    at: tuple[Bilingual, ...]
    stuck: tuple[Why, ...] = ()


@dataclass(frozen=True, slots=True)
class Instances:
    """The running cases of a version that the viewer sees: `total`, where they rest, and the first of them, those that
    do not go on before the others. `steps` are those of the chains, to choose from."""

    total: int
    resting: tuple[Resting, ...]
    cases: tuple[Instance, ...]
    stuck: int
    steps: tuple[tuple[str, Bilingual], ...]
    versions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, and why. `to` is the step of a jump, the account that tasks go to, or the version."""

    deed: Deed
    to: str
    reason: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What a plan means for a case, or meant: whom it asked before and would ask after; `left` says why it is left
    out."""

    case_id: str
    number: str
    title: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    left: CountersignError | None = None
    hindrances: tuple[str, ...] = ()
    done: bool = False

    @property
    def is_left(self) -> bool:
        """Whether nothing happens with it."""
        return self.left is not None or bool(self.hindrances)


def overview(app: Countersign, viewer: Viewer, name: str, version: int, step: str = "") -> Instances:
    """The running cases of a version; only those at `step`, where one is named. NotFound where there is no such
    version, and for who may not read definitions."""
    authorize(viewer, "definitions.read")
    with app.db.read() as tx:
        stored = definitions.find(tx, name, version)
        if stored is None:
            raise NotFound()
        process = app.process(ProcessRef(name, version, stored.fingerprint), tx)
        where = instances.standing(tx, viewer.person, name, version)
        stuck = _stuck(tx, viewer, name, version)
        lines = list(instances.lines(tx, viewer.person, name, version, step=step, limit=LISTED))
        known = {line.id for line in lines}
        lines.sort(key=lambda line: line.id not in stuck)
        at: dict[str, list[Bilingual]] = defaultdict(list)
        for one in where:
            if one.step and one.case_id in known:
                at[one.case_id].append(process.label(one.step))
        rows = tuple(
            Instance(showing.case_row(app, tx, line, viewer.person), tuple(at[line.id]), stuck.get(line.id, ()))
            for line in lines
        )
        definition = app.definition(process.ref)
        resting = tuple(_resting(where, app.now(), process.label, lambda of: showing.state_label(definition, of)))
        others = tuple(
            one.version for one in definitions.versions(tx, name) if one.state == "published" and one.version != version
        )
    chains = process.chains.values()
    steps = {part: process.label(part) for columns in chains for column in columns for part in _names(column)}
    total = len({one.case_id for one in where})
    return Instances(total, resting, rows, len(stuck), tuple(steps.items()), others)


def plan(
    app: Countersign, door: Door, of: tuple[str, int], plan: Plan, chosen: Sequence[str], *, dry_run: bool
) -> tuple[Effect, ...]:
    """What `plan` means for each of the chosen cases; without `dry_run` it is done, one transaction per case.

    The door's key again gives the first outcome of each. InvalidForm without a reason, without cases, or without what
    the deed needs. NotFound for who may not act on definitions' cases.
    """
    authorize(door.viewer, "operation.act" if plan.deed != "migrate" else "definitions.write")
    _check(plan, chosen)
    ids = tuple(dict.fromkeys(chosen))[:MOST]
    if plan.deed == "migrate":
        return _migrated(app, door.viewer, of[0], plan, ids, dry_run=dry_run)
    return tuple(_effect(app, door, plan, case_id, dry_run=dry_run) for case_id in ids)


def _check(plan: Plan, chosen: Sequence[str]) -> None:
    problems = []
    if not chosen:
        problems.append(Problem("instances.none", "choose cases first", at="case"))
    if not plan.reason.strip():
        problems.append(Problem("remark_missing", "say why", "others read it", at="reason"))
    if plan.deed != "retry" and not plan.to:
        problems.append(Problem("instances.to", "say where to", at="to"))
    if plan.deed == "migrate" and not plan.to.isdecimal():
        problems.append(Problem("instances.to", "say where to", at="to"))
    if problems:
        raise InvalidForm(problems)


def _effect(app: Countersign, door: Door, plan: Plan, case_id: str, *, dry_run: bool) -> Effect:
    with app.db.read() as tx:
        try:
            case = load_visible(app, tx, door.viewer, case_id)
        except NotFound as error:
            return Effect(case_id, "", "", left=error)
        row = Effect(case_id, case.number or "", str(case.form.get("title") or ""), before=_asked(app, tx, case))
        dead = instances.given_up(tx, door.viewer.person, case.process.name, case.process.version).get(case_id, ())
        commands = tuple(_commands(door.viewer, plan, case))
        try:
            after = case
            process = app.process(case.process, tx)
            for command in commands:
                after = advance(process, after, command, app.now()).case
        except CountersignError as error:
            return replace(row, left=error)
        if not commands and not (plan.deed == "retry" and dead):
            told = Problem("instances.nothing", "there is nothing of it to do here")
            return replace(row, left=Invalid([told]))
        row = replace(row, after=_asked(app, tx, after))
    if dry_run:
        return row
    try:
        for n, command in enumerate(commands):
            running.carry_out(app, case_id, command, key=f"{door.viewer.person}:{door.key}:{n}")
        if plan.deed == "retry":
            with app.db.begin() as tx:
                for key in dead:
                    outbox.revive(tx, key)
    except CountersignError as error:
        return replace(row, left=error)
    return replace(row, done=True)


def _commands(viewer: Viewer, plan: Plan, case: Case) -> Iterator[AnyCommand]:
    match plan.deed:
        case "jump":
            yield Operate(actor=viewer.person, operation="jump", reason=plan.reason.strip(), to=plan.to)
        case "reassign":
            waiting = (task.person for task in case.tasks if task.is_pending and task.signs)
            for person in dict.fromkeys(waiting):
                if person != plan.to:
                    reason = plan.reason.strip()
                    yield HandOver(actor=viewer.person, on_behalf_of=person, via="page", to=plan.to, remark=reason)
        case "retry":
            if case.facts.get("audience_failed"):
                yield SelectAgain(actor=viewer.person)
        case "migrate":
            return


def _migrated(
    app: Countersign, viewer: Viewer, name: str, plan: Plan, ids: tuple[str, ...], *, dry_run: bool
) -> tuple[Effect, ...]:
    with app.db.read() as tx:
        shown = {case_id: load_visible(app, tx, viewer, case_id) for case_id in ids}
        organisation = app.organisation(tx)
    moves = migrating.migrate(app, viewer, name, to=int(plan.to), only=ids, dry_run=dry_run)

    def names(people: Sequence[str]) -> tuple[str, ...]:
        return tuple(person_name(organisation, one) for one in people)

    return tuple(
        Effect(
            move.case_id,
            move.number,
            str(shown[move.case_id].form.get("title") or ""),
            before=names([person for step in move.steps for person in step.asks]),
            after=names([person for step in move.steps for person in step.will_ask]),
            hindrances=move.hindrances,
            done=move.moved,
        )
        for move in moves
    )


def _stuck(tx: Connection, viewer: Viewer, name: str, version: int) -> Mapping[str, tuple[Why, ...]]:
    found: dict[str, tuple[Why, ...]] = {}
    for case_id in instances.unasked(tx, viewer.person, name, version):
        found[case_id] = ("nobody",)
    for case_id in instances.in_state(tx, viewer.person, name, version, "targeting"):
        if cases.load(tx, case_id).facts.get("audience_failed"):
            found[case_id] = (*found.get(case_id, ()), "selection")
    for case_id in instances.given_up(tx, viewer.person, name, version):
        found[case_id] = (*found.get(case_id, ()), "effects")
    return found


def _resting(
    where: Sequence[instances.Standing],
    now: datetime,
    label: Callable[[str], Bilingual],
    state_label: Callable[[str], Bilingual],
) -> Iterator[Resting]:
    ages: dict[tuple[str, str], list[timedelta]] = defaultdict(list)
    for one in where:
        ages["" if one.step else one.state, one.step].append(now - one.since)
    for (state, step), spans in sorted(ages.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        half = timedelta(seconds=median(span.total_seconds() for span in spans))
        yield Resting(step, state, label(step) if step else state_label(state), len(spans), max(spans), half)


def _asked(app: Countersign, tx: Connection, case: Case) -> tuple[str, ...]:
    organisation = app.organisation(tx)
    people = (task.person for task in case.tasks if task.is_pending and task.signs)
    return tuple(person_name(organisation, person) for person in dict.fromkeys(people))


def _names(column: chains.Column) -> tuple[str, ...]:
    branches = column.branches if isinstance(column, chains.Countersign) else (column,)
    return tuple(placed.step.name for placed in branches)

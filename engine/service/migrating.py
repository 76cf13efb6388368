"""Moving running cases to another version of their definition, or back: what would happen first, then case by case.

A running case stays with its version unless somebody who may write definitions moves it by this. Each case moves in a
transaction of its own, as a command in its history; one that cannot move is left as it is, with the reasons. Refuses to
say of a form what the viewer does not see.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from engine.definition.model import Definition
from engine.errors import CountersignError, Invalid, NotFound, NotPossible, Problem
from engine.machine.advance import advance
from engine.machine.case import Case, ProcessRef
from engine.machine.commands import Migrate
from engine.machine.migrating import active_steps, ahead, asks_again, hindrances
from engine.machine.process import Process
from engine.service import publishing, running
from engine.service.app import Countersign
from engine.service.fields import hidden, seen_reason
from engine.service.views import Viewer
from engine.store import cases, definitions
from engine.store.cases import Locked
from engine.store.definitions import Stored
from engine.store.rows import Decided

STAGES = ("audience", "delivery", "evaluation")
_APPROVED = ("approved", "filed", "targeting", "ready", "delivering", "paused", "evaluating")


@dataclass(frozen=True, slots=True)
class Step:
    """An active step: whom it asks now and would ask after the move."""

    name: str
    asks: tuple[str, ...]
    will_ask: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """What the move means for one case. `hindrances`: why it stays; `moved` after it was done.

    `ahead` and `will_be_ahead` are the steps still to come; `route` and `would_take` the chain it is on, and the one
    that the same form would take if it were submitted under the other version.
    """

    case_id: str
    number: str
    state: str
    version: int
    to: int
    hindrances: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    ahead: tuple[str, ...] = ()
    will_be_ahead: tuple[str, ...] = ()
    route: str = ""
    would_take: str = ""
    moved: bool = False

    @property
    def changes(self) -> bool:
        """Whether anybody is asked otherwise than before."""
        return self.ahead != self.will_be_ahead or any(step.asks != step.will_ask for step in self.steps)


@dataclass(frozen=True, slots=True)
class _Examined:
    """A move and what it takes: the command, and the case after it."""

    move: Move
    command: Migrate
    decided: Decided | None = None


def migrate(
    app: Countersign,
    viewer: Viewer,
    name: str,
    *,
    to: int,
    since: int | None = None,
    only: tuple[str, ...] = (),
    dry_run: bool,
    heard: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[Move, ...]:
    """Move the running cases of `name` (those at version `since`; those in `only`, by id or number) to version `to`.

    With `dry_run` nothing changes. `heard` is told after each case how many are done, and of how many. NotFound for
    who may not write definitions; Invalid where there is no such published version, or no such running case.
    """
    if not viewer.has(*publishing.AUTHORS):
        raise NotFound()
    with app.db.read() as tx:
        target = _published(definitions.find(tx, name, to), name, to)
        found = definitions.running_cases(tx, name)
    strange = [one for one in only if not any(one in (row.id, row.number) for row in found)]
    if strange:
        told = [Problem("case", f"{name} has no running case {one}") for one in strange]
        raise Invalid(told)
    chosen = [
        row.id
        for row in found
        if (not only or row.id in only or row.number in only) and row.version != to and since in (None, row.version)
    ]
    moves: list[Move] = []
    for case_id in chosen:
        moves.append(_moved(app, viewer, case_id, target, dry_run=dry_run))
        heard(len(moves), len(chosen))
    return tuple(moves)


def _published(stored: Stored | None, name: str, version: int) -> ProcessRef:
    if stored is None or stored.state != "published":
        hint = "`countersign definitions list` shows the versions"
        raise Invalid([Problem("version", f"{name} version {version} is not published", hint)])
    return ProcessRef(stored.name, stored.version, stored.fingerprint)


def _moved(app: Countersign, viewer: Viewer, case_id: str, target: ProcessRef, *, dry_run: bool) -> Move:
    examined: list[_Examined] = []

    def decide(locked: Locked) -> Decided:
        found = _examine(app, viewer, locked.case, target, locked)
        examined[:] = [found]
        if found.decided is None:
            raise NotPossible(action="migrate", state="; ".join(found.move.hindrances), possible="stay")
        definitions.pin(locked.tx, case_id, target.version, target.fingerprint)
        return found.decided

    if dry_run:
        with app.db.read() as tx:
            return _examine(app, viewer, cases.load(tx, case_id), target, tx).move
    try:
        cases.transition(app.db, case_id, "", decide)
    except NotPossible:
        return examined[0].move
    return replace(examined[0].move, moved=True)


def _examine(app: Countersign, viewer: Viewer, case: Case, target: ProcessRef, seen: Locked | Connection) -> _Examined:
    old = app.process(case.process, seen)
    new = app.process(target, seen)
    before, after = app.definition(case.process), app.definition(target)
    unseen = hidden(app, seen.tx if isinstance(seen, Locked) else seen, viewer.person, case)
    of_form = _form_hindrances(after, case, unseen)
    hindered = (*hindrances(old, new, case), *of_form, *_stage_hindrances(before, after, case))
    again = () if hindered else asks_again(old, new, case)
    command = Migrate(actor=viewer.person, via="cli", to=target, again=again)
    move = Move(
        case_id=case.id,
        number=case.number or "",
        state=case.state,
        version=case.process.version,
        to=target.version,
        hindrances=hindered,
        ahead=ahead(old, case),
        route=case.route or "",
    )
    if hindered:
        return _Examined(move, command)
    try:
        outcome = advance(new, case, command, app.now())
    except CountersignError as error:
        about = {name for problem in error.problems for name in problem.about} if isinstance(error, Invalid) else ()
        return _Examined(replace(move, hindrances=(seen_reason(error.message, about, unseen),)), command)
    names = active_steps(old, case)
    steps = tuple(Step(name, _asked(case, name), _asked(outcome.case, name)) for name in names)
    move = replace(move, steps=steps, will_be_ahead=ahead(new, outcome.case), would_take=_route(new, case))
    organisation = app.organisation(seen)
    return _Examined(move, command, Decided(command, outcome, running.index_of(after, organisation, outcome.case)))


def _form_hindrances(definition: Definition, case: Case, unseen: Collection[str]) -> tuple[str, ...]:
    """What the form, as it was submitted, breaks in that version; a draft need not be whole. Of what is unseen only
    that there is something."""
    is_submitted = case.state not in ("draft", "returned")
    problems = definition.proposal.parse(case.form, whole=is_submitted).problems
    said = (seen_reason(f"{problem.at}: {problem.message}", problem.about, unseen) for problem in problems)
    return tuple(dict.fromkeys(f"the form is not valid there: {one}" for one in said))


def _stage_hindrances(old: Definition, new: Definition, case: Case) -> tuple[str, ...]:
    """A case past its approval is carried out as it was approved."""
    if case.state not in _APPROVED:
        return ()
    return tuple(
        f"it is {case.state}, and `{stage}:` is another there"
        for stage in STAGES
        if getattr(old, stage) != getattr(new, stage)
    )


def _route(process: Process, case: Case) -> str:
    if not case.round:
        return ""
    try:
        return process.choose(process.context(case.judged))[0]
    except CountersignError:
        return ""


def _asked(case: Case, step: str) -> tuple[str, ...]:
    open_now = ("open", "waiting")
    return tuple(task.person for task in case.tasks if task.step == step and task.state in open_now)

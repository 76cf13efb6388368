"""The chain of a case as it is drawn: every step and stage with where it stands, from the case alone.

Refuses to draw from anything but the case and its definition: what a page shows is what the machine would do.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from engine.machine.asking import Directory, asked, found
from engine.machine.case import Case, Task, entry_of
from engine.machine.chains import Column, Countersign, Placed, holds, state_of
from engine.machine.chart import Chart
from engine.machine.deadlines import Calendar, due_at, guessed
from engine.machine.declared import Lifecycle, Place
from engine.machine.drifting import RESELECT
from engine.machine.filing import Filing
from engine.machine.lapsing import lapsed
from engine.machine.lifecycle import Stages
from engine.machine.steps import Approval, Copy, last_decided
from engine.machine.tally import AnyOf
from engine.machine.wider import is_widening
from engine.values import NO_TEXT, Bilingual, Duration

StepState = Literal["done", "current", "ahead", "skipped", "rejected", "returned", "cancelled"]

STAGE_LABELS = {
    "audience": Bilingual(zh="目标客户", en="Target customers"),
    "delivery": Bilingual(zh="派送", en="Delivery"),
    "evaluation": Bilingual(zh="评估", en="Evaluation"),
    "closed": Bilingual(zh="结案", en="Close-out"),
}
_STATES_OF = {
    "audience": ("targeting",),
    "delivery": ("ready", "delivering", "paused"),
    "evaluation": ("evaluating",),
    "closed": ("closed",),
}
_TO_CLOSE = ("approved", "filed", "evaluating")  # where the case type has no stage for it: it only waits to be closed
_ENDED = ("rejected", "withdrawn", "cancelled", "voided", "expired")
_DRAWN = ("task", "wait", "cases", "compound", "parallel")
_VERBS: dict[type, str] = {Approval: "approve", Filing: "file", Copy: "copy"}


class ChainStep(Struct, frozen=True):
    """One step or stage as drawn. `need` of the seats must decide, `decided` have; `count` is what a stage counts, as
    far as the case knows it: how many waves there are, the delivery knows. `guessed`: the years in which `due_at` may
    still move."""

    id: str
    label: Bilingual
    verb: str
    state: StepState
    mode: str = ""
    need: int = 0
    decided: int = 0
    seats: tuple[Task, ...] = ()
    entered_at: datetime | None = None
    left_at: datetime | None = None
    due_at: datetime | None = None
    count: int | None = None
    guessed: tuple[int, ...] = ()


Columns = tuple[tuple[ChainStep, ...], ...]


def draw(case: Case, columns: Sequence[Column], stages: Stages, values: Mapping[str, Any]) -> Columns:
    """The chain of a running or ended case."""
    reached = max((place for place, column in enumerate(columns) if _is_reached(case, column)), default=-1)
    over = case.state not in ("draft", "approving", "returned", *_ENDED)
    drawn = tuple(
        tuple(
            _step(case, placed, passed=over or place < reached, taken=taken and holds(placed.when, values))
            for placed in _placed(column)
        )
        for place, column in enumerate(columns)
        for taken in (holds(column.when, values),)
    )
    return (*drawn, *_stages(case, stages))


def draw_places(case: Case, chart: Chart, lifecycle: Lifecycle) -> Columns:
    """The way of a case through states that its definition declares: where it was asked, where it is, what may follow.

    Side by side stand states that are active together, or that the case may go to next.
    """
    active = chart.names(chart.mask(case.configuration) & ~1)  # without the case itself: its ways are by hand
    trail = dict.fromkeys(task.step for task in case.tasks if task.verb == "work" and task.step not in active)
    now = [name for name in case.configuration if name in lifecycle.places]
    ways = (way for name in active for way in chart.states[chart.index[name]].transitions)  # type: ignore[union-attr]  # history is never active
    ahead = dict.fromkeys(
        target
        for way in ways
        for target in way.targets
        if target in lifecycle.places and target not in active and RESELECT not in way.events
    )
    columns: list[tuple[ChainStep, ...]] = [(_place(case, lifecycle.places[name], "done"),) for name in trail]
    over = all(lifecycle.places[name].kind == "final" for name in now)
    columns.append(tuple(_place(case, lifecycle.places[name], "done" if over else "current") for name in now))
    columns.append(tuple(_place(case, lifecycle.places[name], "ahead") for name in ahead if name not in trail))
    return tuple(column for column in columns if column)


def draw_among(case: Case, drawn: Columns, chart: Chart, own: Lifecycle) -> Columns:
    """A drawn chain with the states of its definition's own that the case goes through: those that it came to before
    its approval stand before the chain, the others between the chain and the stages."""
    chain = [column for column in drawn if column[0].verb in _VERBS.values()]
    steps = {step.id for column in chain for step in column}
    asked = [task for task in case.tasks if task.step in steps and task.round == case.round]
    first = min(map(entry_of, asked), default=None)
    placed = [
        tuple(step for step in column if own.places[step.id].kind in _DRAWN) for column in draw_places(case, chart, own)
    ]
    before = [column for column in placed if column and _is_before(column[0], case, own, first)]
    after = [column for column in placed if column and column not in before]
    return (*before, *chain, *after, *drawn[len(chain) :])


def _is_before(step: ChainStep, case: Case, own: Lifecycle, first: int | None) -> bool:
    """Whether the case comes to a declared state before its approval begins, with the history entry `first`."""
    if step.seats and first is not None:
        return min(map(entry_of, step.seats)) < first
    return case.state not in own.effective and first is None


def as_drawn(case: Case, own: Lifecycle) -> Case:
    """A case in a state of its definition's own as the stages are drawn: not approved yet, gone through, or broken
    off."""
    place = own.places.get(case.state)
    if place is None or case.state in (*_ENDED, "closed"):
        return case
    if place.kind == "final":
        return replace(case, state="closed" if case.facts.get("evaluated_last") else "withdrawn")
    is_own = place.kind in _DRAWN and case.state not in own.effective
    return replace(case, state="approving") if is_own else case


def _place(case: Case, place: Place, state: StepState) -> ChainStep:
    tasks = tuple(task for task in case.tasks if task.step == place.name)
    open_ = [task for task in tasks if task.state == "open"]
    latest = max((task.opened_at for task in tasks), default=None)
    seats = tuple(task for task in tasks if task.opened_at == latest)  # those of the last time it was here
    return ChainStep(
        id=place.name,
        label=place.label if place.label != NO_TEXT else Bilingual(en=place.name.replace("_", " ")),
        verb="work",
        state=state,
        mode="any" if len(seats) > 1 else "",
        need=min(1, len(seats)),
        decided=sum(task.state == "decided" for task in seats),
        seats=() if state == "ahead" else seats,
        entered_at=latest,
        left_at=None if open_ else max((task.decided_at for task in seats if task.decided_at), default=None),
        due_at=min((task.due_at for task in open_ if task.due_at), default=None),
    )


def foresee(
    case: Case,
    columns: Sequence[Column],
    stages: Stages,
    values: Mapping[str, Any],
    *,
    directory: Directory,
    calendar: Calendar,
) -> Columns:
    """The chain of a case that is not submitted yet, with the people who would be asked today.

    Those who would be asked at once have their deadline; the later ones depend on when it is their turn.
    """
    drawn: list[tuple[ChainStep, ...]] = []
    is_next = True
    for column in columns:
        taken = holds(column.when, values)
        steps = tuple(
            _foreseen(case, placed, directory, taken=taken and holds(placed.when, values)) for placed in _placed(column)
        )
        if is_next:
            pairs = zip(steps, _placed(column), strict=True)
            steps = tuple(
                _timed(step, placed.step.spans, calendar, case.created_at) if step.state != "skipped" else step
                for step, placed in pairs
            )
        is_next = is_next and all(step.state == "skipped" or step.verb == "copy" for step in steps)
        drawn.append(steps)
    return (*drawn, *_stages(case, stages))


def _timed(step: ChainStep, spans: tuple[Duration, ...], calendar: Calendar, now: datetime) -> ChainStep:
    """By when a step must be decided that is asked now, as its own tasks would say."""
    due = due_at(calendar, spans, now)
    return replace(step, due_at=due, guessed=guessed(calendar, spans, now, due) if due else ())


def _placed(column: Column) -> tuple[Placed, ...]:
    return column.branches if isinstance(column, Countersign) else (column,)


def _tasks(case: Case, step: str) -> tuple[Task, ...]:
    """The tasks of those who decide at a step, or of the readers of a copy."""
    tasks = tuple(task for task in case.tasks if task.step == step and task.round == case.round)
    return tuple(task for task in tasks if task.signs) or tasks


def _is_active(case: Case, step: str) -> bool:
    return state_of(case.route or "", step) in case.configuration


def _is_reached(case: Case, column: Column) -> bool:
    return any(_tasks(case, placed.step.name) or _is_active(case, placed.step.name) for placed in _placed(column))


def _step(case: Case, placed: Placed, *, passed: bool, taken: bool) -> ChainStep:
    step, tasks = placed.step, _tasks(case, placed.step.name)
    seats = tuple(task for task in tasks if task.reason != "escalated")
    active = _is_active(case, step.name)
    last = last_decided(tasks)
    left_at = None if active else max((task.decided_at for task in tasks if task.decided_at), default=None)
    return ChainStep(
        id=step.name,
        label=_label(placed),
        verb=_VERBS[type(step)],
        state=_state(case, placed, tasks, last, active=active, passed=passed, taken=taken),
        mode=step.mode,
        need=0 if isinstance(step, Copy) else step.needed(len(seats)),
        decided=sum(task.state == "decided" for task in seats),
        seats=seats,
        entered_at=min((task.opened_at for task in tasks), default=None),
        left_at=left_at,
        due_at=min((task.due_at for task in tasks if task.state == "open" and task.due_at), default=None),
    )


def _state(
    case: Case, placed: Placed, tasks: tuple[Task, ...], last: Task | None, *, active: bool, passed: bool, taken: bool
) -> StepState:
    if active:
        return "current"
    if not tasks:
        if passed or not taken:
            return "skipped"
        return "cancelled" if case.state in _ENDED else "ahead"
    if isinstance(placed.step, Copy):
        return "done"
    if isinstance(placed.step, Approval):
        verdict = placed.step.result(tasks) or lapsed(tasks)
        if verdict == "approve":
            return "done"
        if verdict is not None:
            return "returned" if verdict == "return" or case.state == "returned" else "rejected"
        return "cancelled"
    settled = last is not None or any(task.reason == "silence" for task in tasks)
    return "done" if settled else "cancelled"


def _foreseen(case: Case, placed: Placed, directory: Directory, *, taken: bool) -> ChainStep:
    step = placed.step
    people: tuple[str, ...] = ()
    if taken and isinstance(step, Copy):
        people = found(directory, step.ask, case)
    elif taken:
        alone = isinstance(step, Filing) or isinstance(step.tally, AnyOf)  # type: ignore[union-attr]
        people = asked(directory, step.ask, case, one_is_enough=alone)
    verb = _VERBS[type(step)]
    seats = tuple(
        Task("", step.name, verb, person, round=0, state="waiting", opened_at=case.created_at)  # type: ignore[arg-type]
        for person in people
    )
    return ChainStep(
        id=step.name,
        label=_label(placed),
        verb=verb,
        state="ahead" if taken else "skipped",
        mode=step.mode,
        need=0 if isinstance(step, Copy) else step.needed(len(seats)),
        seats=seats,
    )


def _label(placed: Placed) -> Bilingual:
    label = placed.step.label
    return label if label != NO_TEXT else Bilingual(en=placed.step.name.replace("_", " "))


def _stages(case: Case, stages: Stages) -> Columns:
    names = [
        *(["audience"] if stages.audience else []),
        *(["delivery"] if stages.delivery else []),
        *(["evaluation"] if stages.evaluation else []),
        "closed",
    ]
    current = next((place for place, name in enumerate(names) if case.state in _STATES_OF[name]), -1)
    if current < 0 and case.state in _TO_CLOSE:
        current = len(names) - 1
    if is_widening(case) and "delivery" in names:
        begun = names.index("delivery")  # it goes on where it was held, once the chain before it is through
        return tuple((_stage(case, name, place, begun - (place >= begun)),) for place, name in enumerate(names))
    return tuple((_stage(case, name, place, current),) for place, name in enumerate(names))


def _stage(case: Case, name: str, place: int, current: int) -> ChainStep:
    state: StepState = "ahead"
    if case.state in _ENDED:
        state = "cancelled"
    elif case.state == "closed" or place < current:
        state = "done"
    elif place == current:
        state = "current"
    return ChainStep(id=name, label=STAGE_LABELS[name], verb=name, state=state, count=_count(case, name))


def _count(case: Case, stage: str) -> int | None:
    facts = case.facts
    match stage:
        case "audience":
            return facts.get("target")
        case "evaluation":
            return len(facts["evaluations"]) if facts.get("evaluations") else None
        case _:
            return None

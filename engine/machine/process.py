"""A compiled definition, ready to run cases: chart, kinds of state, route table, and the world it asks about people
and days.

Compiled once per definition and bound once per organisation; neither ever changes afterwards. Refuses to run unbound.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Never

import msgspec
from msgspec import Struct

from engine.errors import Problem
from engine.machine import declared as declared_states
from engine.machine import operations
from engine.machine.asking import Ask, Directory
from engine.machine.case import Case, ProcessRef, Task, Timer
from engine.machine.chains import Column, Condition, Countersign, is_approved, is_decided, state_of
from engine.machine.chart import Chart
from engine.machine.deadlines import Calendar, guessed
from engine.machine.declared import Lifecycle
from engine.machine.drawing import ChainStep, as_drawn, draw, draw_among, draw_places, foresee
from engine.machine.filing import Filing
from engine.machine.lifecycle import Stages
from engine.machine.returns import targets
from engine.machine.signers import is_opinion
from engine.machine.standing import Resume, kept_at, standing, untouched, voided
from engine.machine.states import EFFECTIVE, SUSPENDED, Audience, Evaluation, Kind
from engine.machine.step import macrostep
from engine.machine.steps import AnyStep, Approval, Copy, decisions_on
from engine.machine.wider import WIDER, is_widening
from engine.values import Bilingual, Duration

__all__ = ["Calendar", "ChainStep", "Directory", "Preview", "Process", "Row"]


class Row(Struct, frozen=True):
    """A row of the route table: where `when` holds (always, for the last one) the case takes the chain `use`."""

    use: str
    when: Condition | None = None
    text: str = ""


class Preview(Struct, frozen=True):
    """Before submitting: the chain, why it is this one, and who would be asked."""

    route: str
    reasons: tuple[str, ...]
    columns: tuple[tuple[ChainStep, ...], ...]


class Unbound:
    """Stands where the organisation and the calendar come in; asking it is an error of ours."""

    def resolve(self, who: str, office: str, submitter: str = "") -> Never:
        """Refuse."""
        raise LookupError("this process is not bound to an organisation yet")

    def superior(self, person: str, office: str) -> Never:
        """Refuse."""
        raise LookupError("this process is not bound to an organisation yet")

    def heads_above(self, office: str) -> Never:
        """Refuse."""
        raise LookupError("this process is not bound to an organisation yet")

    def office_of(self, who: str, office: str, person: str) -> Never:
        """Refuse."""
        raise LookupError("this process is not bound to an organisation yet")

    def weight(self, person: str, who: str, office: str) -> Never:
        """Refuse."""
        raise LookupError("this process is not bound to an organisation yet")

    def is_active(self, person: str) -> Never:
        """Refuse."""
        raise LookupError("this process is not bound to an organisation yet")

    def accounts(self, person: str) -> Never:
        """Refuse."""
        raise LookupError("this process is not bound to an organisation yet")

    def stand_ins(self, person: str, *, at: datetime, definition: str, form: Mapping[str, Any]) -> Never:
        """Refuse."""
        raise LookupError("this process is not bound to an organisation yet")

    def due(self, start: datetime, duration: Duration) -> Never:
        """Refuse."""
        raise LookupError("this process is not bound to a calendar yet")

    def unpublished(self, start: datetime, end: datetime) -> Never:
        """Refuse."""
        raise LookupError("this process is not bound to a calendar yet")


def nothing_wrong(form: dict[str, Any]) -> tuple[Problem, ...]:
    """No form breaks a rule."""
    return ()


@dataclass(frozen=True)
class Process:
    """What `advance` runs a case by. `context` turns a form into the values of expressions, `wrong` says which of the
    form's own rules it breaks, `selected_by` on which fields the frozen list depends. `visible`: who sees a
    field, where not everybody does.

    `declared` is None where cases live the usual lifecycle. `may_shorten`: an approver's change of the form may leave
    steps out. `people` are the fields that name somebody, each with who may stand in it.
    """

    ref: ProcessRef
    chart: Chart
    kinds: Mapping[str, Kind]
    chains: Mapping[str, Sequence[Column]]
    route: tuple[Row, ...]
    stages: Stages
    material: tuple[str, ...]
    context: Callable[[dict[str, Any]], Mapping[str, Any]]
    directory: Directory = field(default_factory=Unbound)
    calendar: Calendar = field(default_factory=Unbound)
    declared: Lifecycle | None = None
    aspects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    resume: Resume = "restart"
    people: tuple[tuple[str, str], ...] = ()
    may_shorten: bool = False
    expires: Duration | None = None
    selected_by: frozenset[str] = frozenset()
    wrong: Callable[[dict[str, Any]], tuple[Problem, ...]] = nothing_wrong
    visible: Mapping[str, Ask] = field(default_factory=dict)

    def bound(self, directory: Directory, calendar: Calendar) -> "Process":
        """The same process in an organisation, with its calendar."""
        return replace(self, directory=directory, calendar=calendar)

    def choose(self, values: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
        """The chain of a form and why: the first row that holds, else the last.

        The reasons are the comparisons that decided: of the row that holds, or of all rows that did not. Raises
        ExpressionFailed for a row that cannot be worked out: passing it over could leave out an approver.
        """
        against: list[str] = []
        for row in self.route:
            if row.when is None:
                return row.use, tuple(against)
            reasons = tuple(str(reason) for reason in row.when.explain(values).reasons)
            if row.when.evaluate(values) is True:
                return row.use, reasons
            against.extend(reasons)
        raise ValueError(f"{self.ref.name} has a route table without else")

    def values(self, case: Case) -> Mapping[str, Any]:
        """What expressions may name, and guards."""
        values = self.context(case.judged)
        if is_widening(case):
            values = {**values, WIDER: True}
        return values if self.declared is None else {**values, declared_states.ROUTE: case.route}

    @property
    def looked_at(self) -> Mapping[str, tuple[str, ...]]:
        """The fields of each aspect; without aspects of its own a definition has one, the material fields."""
        return self.aspects or {"material": self.material}

    def aspects_of(self, case: Case, step: str) -> tuple[str, ...]:
        """The aspects that a step looks at."""
        kind = self.step(case, step)[1]
        own = kind.aspects if isinstance(kind, Approval) else ()
        return own or tuple(self.looked_at)

    def standing(self, case: Case, returner: str) -> tuple[str, ...]:
        """The approvals that stand when the case is resumed after `returner` sent it back."""
        return standing(self, case, returner) if case.route else ()

    def untouched(self, case: Case) -> tuple[str, ...]:
        """The decisions in force for what is still as it was, whatever the policy for returns says."""
        return untouched(self, case)

    def voided(self, case: Case) -> tuple[str, ...]:
        """The steps with a decision in force for something that has changed since."""
        return voided(self, case)

    def kept_at(self, case: Case, step: str) -> tuple[Task, ...]:
        """The standing decisions of a step that the case comes to."""
        return kept_at(self, case, step) if case.standing else ()

    def return_targets(self, case: Case, step: str) -> tuple[str, ...]:
        """Where an approver at `step` may send the case back to."""
        return targets(self, case, step)

    def objections(self, route: str) -> frozenset[str]:
        """The chains that an objection to a filing of `route`, or its conversion, leads to."""
        steps = (getattr(column, "step", None) for column in self.chains[route])
        filings = [step for step in steps if isinstance(step, Filing)]
        return frozenset({chain for step in filings for chain in (step.objection, step.conversion)} - {""})

    def is_decided(self, route: str, values: Mapping[str, Any]) -> bool:
        """Whether anybody would decide on the chain `route`: no case passes because all of its steps are left out."""
        return is_decided(self.chains[route], values)

    def is_approved(self, route: str, values: Mapping[str, Any]) -> bool:
        """Whether anybody would approve on the chain `route`; a filing may become an approval only there."""
        return is_approved(self.chains[route], values)

    def step(self, case: Case, name: str) -> tuple[str, AnyStep]:
        """A step of the case's chain and its state. A copy is found wherever it was sent from. LookupError."""
        for chain in (case.route, *self.chains):
            state = state_of(chain or "", name)
            kind = self.kinds.get(state)
            if isinstance(kind, Approval | Filing | Copy):
                return state, kind
        raise LookupError(f"{self.ref.name} has no step {name!r}")

    def find_step(self, case: Case, name: str) -> AnyStep | None:
        """As `step`; None for what is no step of a chain."""
        try:
            return self.step(case, name)[1]
        except LookupError:
            return None

    def spans(self, task: Task, route: str | None = None) -> tuple[Duration, ...]:
        """How long the person of a task has: the earliest end is their deadline. `route`: the chain of the case."""
        if not task.signs:
            return ()
        return self._spans(task.step, route)

    def guessed(self, step: str, since: datetime, due: datetime | None, route: str | None = None) -> tuple[int, ...]:
        """The years in which a deadline at a step may still move, because their working days are a guess."""
        return guessed(self.calendar, self._spans(step, route), since, due) if due else ()

    def guessed_of(self, timer: Timer) -> tuple[int, ...]:
        """The same of a timer."""
        return guessed(self.calendar, timer.spans, timer.since or timer.due_at, timer.due_at)

    def _spans(self, step: str, route: str | None) -> tuple[Duration, ...]:
        names = (step, *(state_of(chain or "", step) for chain in (route, *self.chains)))
        return next((self.kinds[name].spans for name in names if name in self.kinds), ())

    def column_before(self, case: Case, name: str) -> frozenset[str]:
        """The steps of the nearest column before that of `name` where somebody approved in this round."""
        approved = (task for task in case.tasks if task.round == case.round and task.decision == "approve")
        decided = {task.step for task in approved if not is_opinion(task, case.tasks)}
        before: frozenset[str] = frozenset()
        for column in self.chains.get(case.route or "", ()):
            placed = column.branches if isinstance(column, Countersign) else (column,)
            names = frozenset(one.step.name for one in placed)
            if name in names:
                break
            before = names if names & decided else before
        return before

    def possible(self, case: Case) -> tuple[str, ...]:
        """What people may do now: edit, submit, withdraw, start, pause, resume, close; decisions are with the tasks."""
        if case.state == SUSPENDED:
            return ("activate", "terminate")
        if self.declared is not None:
            return declared_states.possible(self, case)
        kind = self.kinds.get(case.state)
        actions = kind.actions(case) if kind is not None else ()
        return (*actions, "withdraw") if self.may(case, "withdraw") else actions

    @property
    def effective(self) -> tuple[str, ...]:
        """The states of the lifecycle that a case comes to by its approval alone."""
        return EFFECTIVE if self.declared is None else self.declared.effective

    def is_end(self, state: str) -> bool:
        """Whether nothing follows a state of the lifecycle."""
        return state != SUSPENDED and bool(self.chart.finals >> self.chart.index[state] & 1)

    def may(self, case: Case, event: str) -> bool:
        """Whether `event` would move the chart."""
        active = self.chart.mask(case.configuration)
        return bool(self.chart.candidates(active, event))

    def would_move(self, case: Case, event: str) -> bool:
        """Whether `event` would be taken now, its guards included."""
        chart = self.chart
        if not self.may(case, event):
            return False
        active = chart.mask(case.configuration)
        return macrostep(chart, active, case.remembered, event, lambda: self.values(case)) is not None

    def is_selecting(self, case: Case) -> bool:
        """Whether the case waits for its target customers."""
        return any(isinstance(self.kinds.get(name), Audience) for name in case.configuration)

    def active(self, case: Case) -> tuple[str, ...]:
        """All active states, inner ones before those around them."""
        return self.chart.names(self.chart.mask(case.configuration))[::-1]

    def state_of_timer(self, case: Case, timer: Timer) -> str:
        """The state that armed a timer."""
        if self.declared is not None:
            if timer.step in self.declared.places:
                return timer.step
            if not timer.step:
                return next(name for name in self.active(case) if isinstance(self.kinds.get(name), Evaluation))
        return self.step(case, timer.step)[0] if timer.step else case.state

    def decisions(self, case: Case, task: Task) -> tuple[str, ...]:
        """What can be decided on a task of a chain."""
        return decisions_on(self.step(case, task.step)[1], task)

    def operations(self, case: Case, task: Task) -> tuple[str, ...]:
        """What else its person may do with a task of a chain."""
        return operations.possible(self.step(case, task.step)[1], task, case)

    def label(self, step: str) -> Bilingual:
        """A step's label, or a countersign's; its name where the definition has none."""
        return self._labels.get(step) or Bilingual(en=step.replace("_", " "))

    def event_label(self, event: str) -> Bilingual:
        """The label of a declared event; its name where it has none."""
        known = self.declared.labels.get(event) if self.declared is not None else None
        return known if known is not None and (known.zh or known.en) else Bilingual(en=event.replace("_", " "))

    def chain(self, case: Case) -> tuple[tuple[ChainStep, ...], ...]:
        """The chain of the case as it is drawn from left to right, stages last; a column of several is a countersign.

        Before the first submission there is no chain yet, only the stages.
        """
        return tuple(tuple(self._with_guess(case, step) for step in column) for column in self._drawn(case))

    def _drawn(self, case: Case) -> tuple[tuple[ChainStep, ...], ...]:
        columns = self.chains[case.route] if case.route else ()
        if self.declared is not None and not columns:
            return draw_places(case, self.chart, self.declared)
        if self.declared is not None:
            drawn = draw(as_drawn(case, self.declared), columns, self.stages, self.context(case.judged))
            return draw_among(case, drawn, self.chart, self.declared)
        return draw(case, columns, self.stages, self.context(case.judged))

    def _with_guess(self, case: Case, step: ChainStep) -> ChainStep:
        years = self.guessed(step.id, step.entered_at or case.created_at, step.due_at, case.route)
        return msgspec.structs.replace(step, guessed=years) if years else step

    def preview(self, form: dict[str, Any], office: str, submitter: str, now: datetime) -> Preview:
        """The chain a form would take if it were submitted now, and who would be asked at each step."""
        values = self.context(form)
        route, reasons = self.choose(values) if self.route else ("", ())
        case = Case("", self.ref, office, submitter, created_at=now, updated_at=now, form=form)
        chain = self.chains[route] if route else ()
        columns = foresee(case, chain, self.stages, values, directory=self.directory, calendar=self.calendar)
        return Preview(route, reasons, columns)

    @cached_property
    def _labels(self) -> dict[str, Bilingual]:
        found: dict[str, Bilingual] = {}
        if self.declared is not None:
            found |= {name: place.label for name, place in self.declared.places.items()}
        for columns in self.chains.values():
            for column in columns:
                if isinstance(column, Countersign):
                    found[column.name] = column.label
                    found |= {placed.step.name: placed.step.label for placed in column.branches}
                else:
                    found[column.step.name] = column.step.label
        return {name: label for name, label in found.items() if label.zh or label.en}

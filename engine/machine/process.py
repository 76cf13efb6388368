"""A compiled definition, ready to run cases: chart, kinds of state, route table, and the world it asks about people
and days.

Compiled once per definition and bound once per organisation; neither ever changes afterwards. Refuses to run unbound.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Never

from msgspec import Struct

from engine.machine.asking import Directory
from engine.machine.case import Case, ProcessRef
from engine.machine.chains import Column, Condition, Countersign, is_decided, state_of
from engine.machine.chart import Chart
from engine.machine.deadlines import Calendar
from engine.machine.drawing import ChainStep, draw, foresee
from engine.machine.lifecycle import Stages
from engine.machine.states import Kind
from engine.machine.steps import AnyStep, Approval, Copy, Filing
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

    def weight(self, person: str, who: str, office: str) -> Never:
        """Refuse."""
        raise LookupError("this process is not bound to an organisation yet")

    def due(self, start: datetime, duration: Duration) -> Never:
        """Refuse."""
        raise LookupError("this process is not bound to a calendar yet")


@dataclass(frozen=True)
class Process:
    """What `advance` runs a case by. `context` turns a form into the values of expressions."""

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

    def is_decided(self, route: str, values: Mapping[str, Any]) -> bool:
        """Whether anybody would decide on the chain `route`: no case passes because all of its steps are left out."""
        return is_decided(self.chains[route], values)

    def step(self, case: Case, name: str) -> tuple[str, AnyStep]:
        """A step of the case's chain and its state. A copy is found wherever it was sent from. LookupError."""
        for chain in (case.route, *self.chains):
            state = state_of(chain or "", name)
            kind = self.kinds.get(state)
            if isinstance(kind, Approval | Filing | Copy):
                return state, kind
        raise LookupError(f"{self.ref.name} has no step {name!r}")

    def possible(self, case: Case) -> tuple[str, ...]:
        """What people may do now: edit, submit, withdraw, start, pause, resume, close; decisions are with the tasks."""
        kind = self.kinds.get(case.state)
        actions = kind.actions(case) if kind is not None else ()
        return (*actions, "withdraw") if self.may(case, "withdraw") else actions

    def may(self, case: Case, event: str) -> bool:
        """Whether `event` would move the chart."""
        active = self.chart.mask(case.configuration)
        return any(self.chart.leaving(number, event) for number in self.chart.numbers(active & self.chart.atomic))

    def decisions(self, case: Case, step: str) -> tuple[str, ...]:
        """What can be decided at a step."""
        return self.step(case, step)[1].decisions()

    def label(self, step: str) -> Bilingual:
        """A step's label, or a countersign's; its name where the definition has none."""
        return self._labels.get(step) or Bilingual(en=step.replace("_", " "))

    def chain(self, case: Case) -> tuple[tuple[ChainStep, ...], ...]:
        """The chain of the case as it is drawn from left to right, stages last; a column of several is a countersign.

        Before the first submission there is no chain yet, only the stages.
        """
        columns = self.chains[case.route] if case.route else ()
        return draw(case, columns, self.stages, self.context(case.form))

    def preview(self, form: dict[str, Any], office: str, submitter: str, now: datetime) -> Preview:
        """The chain a form would take if it were submitted now, and who would be asked at each step."""
        values = self.context(form)
        route, reasons = self.choose(values)
        case = Case("", self.ref, office, submitter, created_at=now, updated_at=now, form=form)
        columns = foresee(case, self.chains[route], self.stages, values, self.directory)
        return Preview(route, reasons, columns)

    @cached_property
    def _labels(self) -> dict[str, Bilingual]:
        found: dict[str, Bilingual] = {}
        for columns in self.chains.values():
            for column in columns:
                if isinstance(column, Countersign):
                    found[column.name] = column.label
                    found |= {placed.step.name: placed.step.label for placed in column.branches}
                else:
                    found[column.step.name] = column.step.label
        return {name: label for name, label in found.items() if label.zh or label.en}

"""A case run in memory on a clock of its own: what scenarios, simulations and counterexamples are played on.

It is the same machine that runs real cases; only the people, the clock and the outside are invented. Refuses nothing
itself: what the machine refuses comes through, and nothing is kept of it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from engine.definition.proposal import Proposal
from engine.errors import InvalidForm, NotPossible
from engine.machine.advance import advance, create
from engine.machine.case import Case, Decision, Task, Timer
from engine.machine.commands import AnyCommand, Create, Decide, Operate, Submit, TimerFired
from engine.machine.evolve import empty_case
from engine.machine.filing import Register, numbered
from engine.machine.outcome import AnyEffect, Outcome
from engine.machine.process import Process
from engine.values import Duration

MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""Nine in the morning of a Monday in China, in a week without a holiday."""

NEEDS_REMARK = ("reject", "return", "object")


class Trial:
    """One case of `submitter` in `office`, from its draft on. `outcomes` is its history, made by `commands`."""

    def __init__(
        self,
        process: Process,
        *,
        office: str = "county",
        submitter: str = "submitter",
        at: datetime = MONDAY,
        proposal: Proposal | None = None,
    ) -> None:
        self.process = process
        self.submitter = submitter
        self.proposal = proposal
        self.now = at
        self.case: Case = empty_case("trial", at)
        self.commands: list[AnyCommand] = []
        self.outcomes: list[Outcome] = []
        begin = Create(actor=submitter, office=office)
        self._keep(begin, create("trial", process.ref, begin, at, process))

    def do(self, command: AnyCommand) -> Outcome:
        """Carry a command out; raises what the machine refuses."""
        outcome = numbered(self.process, self.case, advance(self.process, self.case, command, self.now), self._draw)
        self._keep(command, outcome)
        return outcome

    def read_form(self, changes: Mapping[str, Any], *, whole: bool) -> dict[str, Any]:
        """The form with `changes` as a page would read them. InvalidForm, as there; needs the `proposal`."""
        if self.proposal is None:
            raise LookupError("this trial does not know the form")
        parsed = self.proposal.parse({**self.case.form, **changes}, whole=whole)
        if parsed.problems:
            raise InvalidForm(list(parsed.problems))
        return parsed.values

    def submit(self, form: dict[str, Any]) -> Outcome:
        """Submit the form as the submitter. Values are those of a case (JSON)."""
        number = f"{self.case.office}-{self.now.year}-00001"
        return self.do(Submit(actor=self.submitter, form=dict(form), number=number))

    def decide(self, task: Task, decision: Decision, *, remark: str = "") -> Outcome:
        """The person of the task decides; where a remark is due, one is given."""
        remark = remark or ("as tried" if decision in NEEDS_REMARK else "")
        return self.do(Decide(actor=task.person, task=task.id, decision=decision, remark=remark))

    def convert(self) -> Outcome:
        """The nearest head above the office makes a filing a case for approval. NotPossible where there is none."""
        heads = self.process.directory.heads_above(self.case.office)
        if not heads:
            raise NotPossible(action="convert", state="nobody is above the office", possible="propose lower down")
        return self.do(Operate(actor=heads[0], operation="convert", reason="as tried"))

    def wait(self, span: Duration) -> None:
        """Let time pass; what falls due meanwhile fires in its order, at its time."""
        end = self.process.calendar.due(self.now, span)
        while (due := self.next_timer()) and due.due_at <= end:
            self.wait_for_next()
        self.now = end

    def expected(self, otherwise: int) -> int:
        """How many target customers a selection finds where nothing drifts; `otherwise` where nothing says."""
        tolerance = self.process.stages.tolerance
        declared = self.case.judged.get(tolerance.field) if tolerance else None
        return declared if isinstance(declared, int) else otherwise

    def next_timer(self) -> Timer | None:
        """What falls due first; None where nothing is armed."""
        return min(self.case.timers, key=_due, default=None)

    def wait_for_next(self) -> None:
        """Let time pass until the next timer fires. LookupError where none is armed."""
        due = self.next_timer()
        if due is None:
            raise LookupError("nothing is waited for")
        self.now = max(self.now, due.due_at)
        self.do(TimerFired(actor="system", via="timer", key=due.key, name=due.name, step=due.step))

    def open_tasks(self, step: str = "") -> list[Task]:
        """Who is asked now (of `step`), copies aside."""
        return [
            task for task in self.case.tasks if task.state == "open" and task.verb != "copy" and step in ("", task.step)
        ]

    @property
    def effects(self) -> list[AnyEffect]:
        """Everything that was to be carried out so far, in order."""
        return [effect for outcome in self.outcomes for effect in outcome.effects]

    def _draw(self, register: Register, office: str) -> str:
        return register.number(office=office, year=self.now.year, seq=len(self.case.registered) + 1)

    def _keep(self, command: AnyCommand, outcome: Outcome) -> None:
        if outcome.events:
            self.case = outcome.case
            self.commands.append(command)
            self.outcomes.append(outcome)


def _due(timer: Timer) -> tuple[datetime, str]:
    return timer.due_at, timer.key

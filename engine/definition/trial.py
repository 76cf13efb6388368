"""A case run in memory on a clock of its own: what scenarios, simulations and counterexamples are played on.

It is the same machine that runs real cases; only the people, the clock and the outside are invented. Refuses nothing
itself: what the machine refuses comes through, and nothing is kept of it.
"""

from datetime import UTC, datetime
from typing import Any

from engine.machine.advance import advance, create
from engine.machine.case import Case, Decision, Task, Timer
from engine.machine.commands import AnyCommand, Create, Decide, Submit, TimerFired
from engine.machine.evolve import empty_case
from engine.machine.outcome import AnyEffect, Outcome
from engine.machine.process import Process
from engine.values import Duration

MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""Nine in the morning of a Monday in China, in a week without a holiday."""

NEEDS_REMARK = ("reject", "return", "object")


class Trial:
    """One case of `submitter` in `office`, from its draft on. `outcomes` is its history."""

    def __init__(
        self, process: Process, *, office: str = "county", submitter: str = "submitter", at: datetime = MONDAY
    ) -> None:
        self.process = process
        self.submitter = submitter
        self.now = at
        self.case: Case = empty_case("trial", at)
        self.outcomes: list[Outcome] = []
        self._keep(create("trial", process.ref, Create(actor=submitter, office=office), at))

    def do(self, command: AnyCommand) -> Outcome:
        """Carry a command out; raises what the machine refuses."""
        outcome = advance(self.process, self.case, command, self.now)
        self._keep(outcome)
        return outcome

    def submit(self, form: dict[str, Any]) -> Outcome:
        """Submit the form as the submitter. Values are those of a case (JSON)."""
        number = f"{self.case.office}-{self.now.year}-00001"
        return self.do(Submit(actor=self.submitter, form=dict(form), number=number))

    def decide(self, task: Task, decision: Decision, *, remark: str = "") -> Outcome:
        """The person of the task decides; where a remark is due, one is given."""
        remark = remark or ("as tried" if decision in NEEDS_REMARK else "")
        return self.do(Decide(actor=task.person, task=task.id, decision=decision, remark=remark))

    def wait(self, span: Duration) -> None:
        """Let time pass; what falls due meanwhile fires in its order, at its time."""
        end = self.process.calendar.due(self.now, span)
        while due := min((timer for timer in self.case.timers if timer.due_at <= end), key=_due, default=None):
            self.now = max(self.now, due.due_at)
            self.do(TimerFired(actor="system", via="timer", key=due.key, name=due.name, step=due.step))
        self.now = end

    def open_tasks(self, step: str = "") -> list[Task]:
        """Who is asked now (of `step`), copies aside."""
        return [
            task for task in self.case.tasks if task.state == "open" and task.verb != "copy" and step in ("", task.step)
        ]

    @property
    def effects(self) -> list[AnyEffect]:
        """Everything that was to be carried out so far, in order."""
        return [effect for outcome in self.outcomes for effect in outcome.effects]

    def _keep(self, outcome: Outcome) -> None:
        if outcome.events:
            self.case = outcome.case
            self.outcomes.append(outcome)


def _due(timer: Timer) -> tuple[datetime, str]:
    return timer.due_at, timer.key

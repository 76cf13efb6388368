"""What one command comes to, while it is being worked out: the events and effects so far, and the case they make.

The case here is always the fold of the events over the case before, because nothing else ever changes it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from engine.machine.aspects import digests
from engine.machine.case import Case, Decision, Task, Timer, Verb
from engine.machine.commands import AnyCommand
from engine.machine.evolve import evolve, next_entry
from engine.machine.outcome import (
    AnyEffect,
    AnyEvent,
    NotifyOutcome,
    Outcome,
    TaskClosed,
    TaskOpened,
    TimerArmed,
    TimerDisarmed,
)
from engine.values import Duration

if TYPE_CHECKING:
    from engine.machine.process import Process


class Journal:
    """One history entry in the making."""

    def __init__(self, process: "Process", case: Case, command: AnyCommand, now: datetime) -> None:
        self.process = process
        self.before = case
        self.case = next_entry(case, now)
        self.command = command
        self.now = now
        self.raised: list[tuple[str, tuple[str, str]]] = []
        # the step and the verdict that move the chart: why the others need not decide any more
        self.cause = ("", "")
        self._events: list[AnyEvent] = []
        self._effects: list[AnyEffect] = []
        self._opened = 0

    def outcome(self) -> Outcome:
        """The finished entry. Without an event nothing changed, not even the entry's number."""
        if not self._events:
            return Outcome(self.before, at=self.now)
        return Outcome(self.case, tuple(self._events), tuple(self._effects), self.now)

    def values(self) -> Mapping[str, Any]:
        """What expressions may name, from the form as approvals see it now."""
        return self.process.values(self.case)

    def record(self, event: AnyEvent) -> None:
        """Let `event` happen."""
        self._events.append(event)
        self.case = evolve(self.case, event)

    def ask(self, effect: AnyEffect) -> None:
        """Have `effect` carried out after the commit."""
        self._effects.append(effect)

    def tell_submitter(self, occasion: str, remark: str = "") -> None:
        """Have the submitter told what became of the case."""
        self.ask(NotifyOutcome(self.case.submitter, occasion, remark))

    def remark(self) -> str:
        """The words of who acts now; empty for commands without any."""
        return str(getattr(self.command, "remark", "") or getattr(self.command, "reason", ""))

    def seats(self, step: str) -> list[Task]:
        """The tasks of a step in this round, without those that only read along or answer."""
        number = self.case.round
        tasks = self.case.tasks
        return [task for task in tasks if task.step == step and task.round == number and task.signs]

    def open_task(self, step: str, verb: Verb, person: str, *, due_at: datetime | None, weight: int = 1) -> Task:
        """Ask a person."""
        task = self._task(step, verb, person, due_at=due_at, weight=weight)
        self.record(TaskOpened(task))
        return task

    def line_up(self, step: str, verb: Verb, person: str, *, weight: int = 1) -> Task:
        """Put a person in the line of a sequence: they are asked when it is their turn."""
        task = replace(self._task(step, verb, person, due_at=None, weight=weight), state="waiting")
        self.record(TaskOpened(task))
        return task

    def call_up(self, task: Task, *, due_at: datetime | None, since: datetime | None = None) -> Task:
        """It is the turn of somebody in the line. `since`: the time counted from, where it is not now."""
        task = replace(task, state="open", reason="", opened_at=self.now, due_at=due_at, counted_from=since)
        self.record(TaskOpened(task))
        return task

    def decide(self, task: Task, decision: Decision, *, remark: str = "", reason: str = "") -> Task:
        """A person has decided."""
        task = replace(
            task,
            state="decided",
            decision=decision,
            decided_by=self.command.actor if not reason else task.person,
            decided_at=self.now,
            remark=remark,
            reason=reason,
            back_to=getattr(self.command, "to", "").replace("submitter", "") if decision == "return" else "",
            saw=self.digests() if decision in ("approve", "acknowledge") else {},
        )
        self.record(TaskClosed(task))
        return task

    def digests(self) -> dict[str, str]:
        """The digest of each aspect of the form as it is now."""
        return digests(self.process.looked_at, self.case.judged)

    def carry(self, kept: Task) -> Task:
        """A decision of an earlier round stands: it is recorded again in this one, as its person gave it then."""
        task = replace(
            self._task(kept.step, kept.verb, kept.person, due_at=None, weight=kept.weight),
            state="decided",
            decision=kept.decision,
            decided_by=kept.decided_by,
            decided_at=self.now,
            remark=kept.remark,
            reason="carried",
            saw=kept.saw,
        )
        self.record(TaskClosed(task))
        return task

    def cancel(self, task: Task, reason: str) -> None:
        """A person need not decide any more."""
        self.record(
            TaskClosed(
                replace(task, state="cancelled", decided_by=self.command.actor, decided_at=self.now, reason=reason)
            )
        )

    def arm(self, name: str, after: Duration, *, step: str = "", since: datetime | None = None) -> None:
        """Have `name` fire `after` now, or after `since`."""
        start = since or self.now
        due = self.process.calendar.due(start, after)
        self.arm_again(Timer("", name, due, step, *((start, str(after)) if after.is_working else ())))

    def arm_again(self, timer: Timer) -> None:
        """Have a timer fire at its time, under a key of this entry."""
        named = f"{timer.step}/{timer.name}" if timer.step else timer.name
        self.record(TimerArmed(replace(timer, key=f"{self.case.id}:{self.case.seq}:{named}")))

    def disarm(self, timers: tuple[Timer, ...]) -> None:
        """Let none of them fire."""
        for timer in timers:
            self.record(TimerDisarmed(timer.key))

    def timers_of(self, step: str) -> tuple[Timer, ...]:
        """What is armed for a step."""
        return tuple(timer for timer in self.case.timers if timer.step == step)

    def _task(self, step: str, verb: Verb, person: str, *, due_at: datetime | None, weight: int) -> Task:
        """A new task. Who only read along or answered here, or was not asked any more, has one that it becomes: nobody
        has two at a step in a round."""
        self._opened += 1
        mine = [one for one in self.case.tasks if (one.step, one.round, one.person) == (step, self.case.round, person)]
        known = next((one.id for one in mine if not one.signs or one.state == "cancelled"), "")
        return Task(
            id=known or f"{self.case.id}-{self.case.seq}-{self._opened}",
            step=step,
            verb=verb,
            person=person,
            round=self.case.round,
            state="open",
            opened_at=self.now,
            due_at=due_at,
            weight=weight,
        )

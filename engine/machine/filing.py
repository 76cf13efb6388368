"""Filing (报备): an office is told, and may acknowledge or object; its silence counts as acknowledgement.

Refuses an objection that nobody would decide on.
"""

from engine.machine.asking import asked
from engine.machine.case import Decision, Task, Timer
from engine.machine.commands import Decide
from engine.machine.journal import Journal
from engine.machine.outcome import NotifyTask, Submitted
from engine.machine.step_kind import Step
from engine.values import Duration


class Filing(Step, frozen=True, kw_only=True):
    """File with an office (报备): acknowledged, or not objected to in time, it is effective.

    Silence for `ack` counts as acknowledgement; with an objection clause it may still be objected to for `window` after
    that. An objection makes it an approval on the chain `objection`.
    """

    ack: Duration
    window: Duration | None = None
    objection: str = ""

    @property
    def mode(self) -> str:
        """See Step."""
        return "any"

    def decisions(self) -> tuple[Decision, ...]:
        """See Step."""
        return ("acknowledge", "object") if self.objection else ("acknowledge",)

    def enter(self, journal: Journal, state: str) -> None:
        """See Kind."""
        process = journal.process
        kept = process.kept_at(journal.case, self.name)
        if kept:
            journal.carry(kept[0])
            journal.raised.append((f"{state}.effective", (self.name, "acknowledge")))
            return
        people = asked(process.directory, self.ask, journal.case, one_is_enough=True)
        if not people:
            self.unstaffed(journal)
            return
        due = process.calendar.due(journal.now, self.ack)
        for person in people:
            task = journal.open_task(self.name, "file", person, due_at=due)
            journal.ask(NotifyTask(person, task.id))
        journal.arm("silence", due, step=self.name)

    def decide(self, journal: Journal, task: Task, command: Decide, state: str) -> str:
        """See Step."""
        journal.decide(task, command.decision, remark=command.remark)
        if command.decision == "acknowledge":
            journal.cause = (self.name, "acknowledge")
            return f"{state}.effective"
        journal.cause = (self.name, "object")
        case = journal.case
        reason = f"{self.name}: objection"
        journal.record(Submitted(case.number or "", case.round + 1, self.objection, case.material, (reason,)))
        journal.tell_submitter("objected", command.remark)
        return f"{state}.object"

    def fire(self, journal: Journal, timer: Timer, state: str) -> str:
        """See Kind."""
        if timer.name == "staff":
            self.enter(journal, state)
            return ""
        if timer.name == "silence" and self.window is not None:
            journal.arm("objection", journal.process.calendar.due(timer.due_at, self.window), step=self.name)
            return ""
        journal.cause = (self.name, "silence")
        return f"{state}.effective"

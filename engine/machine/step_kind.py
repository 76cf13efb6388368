"""What the steps of an approval chain (环节) have in common: whom they ask, what can be decided, how they are left.

Refuses to pass by itself where nobody at all can be asked.
"""

from engine.machine import clocks
from engine.machine.asking import Ask
from engine.machine.case import Decision, Task
from engine.machine.commands import Decide, TimerFired
from engine.machine.journal import Journal
from engine.machine.rights import Fields
from engine.machine.states import Kind
from engine.values import NO_TEXT, Bilingual, Duration

STAFF_AGAIN = Duration(1, "h")


class Step(Kind, frozen=True, kw_only=True):
    """What approve, file and copy have in common. `fields`: what their people may do with the fields of the form."""

    name: str
    ask: Ask
    label: Bilingual = NO_TEXT
    fields: Fields = ()

    @property
    def mode(self) -> str:
        """How several people decide together; empty where they do not."""
        return ""

    def needed(self, seats: int) -> int:
        """How many of `seats` must decide."""
        return min(1, seats)

    def decisions(self) -> tuple[Decision, ...]:
        """What can be decided here."""
        raise NotImplementedError

    def decide(self, journal: Journal, task: Task, command: Decide, state: str) -> str:
        """Take the decision of a person on an open task; returns as `Kind.take`."""
        raise NotImplementedError

    def leave(self, journal: Journal, state: str) -> None:
        """See Kind."""
        journal.disarm(journal.timers_of(self.name))
        clocks.forget(journal, self.name)
        reason = _reason(journal.cause, self.name)
        for task in journal.case.tasks:  # of any round: an objection has begun the next one already
            if task.step == self.name and task.is_pending and task.verb != "copy":
                journal.cancel(task, reason)

    def unstaffed(self, journal: Journal) -> None:
        """Nobody at all can be asked: say so once, and look again every hour. It never passes by itself."""
        looks_again = isinstance(journal.command, TimerFired) and journal.command.name == "staff"
        if not looks_again:
            journal.tell_submitter("unstaffed")
        clocks.forget(journal, self.name)  # who stopped it is gone
        journal.arm("staff", STAFF_AGAIN, step=self.name)


REASONS = {
    "approve": "joined",
    "reject": "sibling_rejected",
    "return": "sibling_returned",
    "withdraw": "withdrawn",
    "terminate": "terminated",
    "void": "voided",
    "jump": "jumped",
    "take_back": "taken_back",
    "amended": "amended",
    "expire": "expired",
    "convert": "converted",
}


def _reason(cause: tuple[str, str], step: str) -> str:
    """Why the tasks of `step` are cancelled."""
    by, verdict = cause
    if verdict == "silence":
        return "silence"
    return "decided_by_other" if by == step else REASONS.get(verdict, "withdrawn")

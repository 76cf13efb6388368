"""The steps of an approval chain (环节) that are decided or read: approve and copy; `filing` has the third.

Entering a step asks people, leaving it tells the rest that they need not decide. Refuses a second decision, a decision
without a remark where one is due, and one on a form that changed since it was looked at (`advance` checks who).
"""

from collections.abc import Sequence
from typing import Literal

from engine.errors import AlreadyDecided, InvalidForm, Problem
from engine.machine import clocks
from engine.machine.asking import Ask, above, asked, fallback, found, quiet, weight_of
from engine.machine.case import Case, Decision, Task, Timer
from engine.machine.commands import Decide
from engine.machine.deadlines import NEVER, Timeout, allowed, due_at, following
from engine.machine.filing import Filing
from engine.machine.giving import give
from engine.machine.journal import Journal
from engine.machine.lapsing import LAPSED, lapse, passes
from engine.machine.outcome import NotifyOutcome, NotifyTask
from engine.machine.repeats import approved_before
from engine.machine.signers import AGAINST, REPLACED, ballots, due_now, everybody_with, is_opinion, standing, undecided
from engine.machine.states import Refusal
from engine.machine.step_kind import Step
from engine.machine.tally import AnyOf, InSequence, Tally, Verdict, Vote
from engine.values import Duration

Repeat = Literal["ask_again", "carry", "carry_adjacent"]
Operation = Literal["transfer", "delegate", "add_signer", "remove_signer", "append", "ask", "copy", "claim"]
ALLOWED: tuple[Operation, ...] = (
    "transfer",
    "delegate",
    "add_signer",
    "remove_signer",
    "append",
    "ask",
    "copy",
    "claim",
)
NEEDS_REMARK = ("reject", "return", "object")


class Approval(Step, frozen=True, kw_only=True):
    """Ask for approval (报批): approve, return or reject.

    `allow`: what its people may do besides. `claim`: they are a pool, and whoever claims the task first decides.
    """

    tally: Tally = AnyOf()
    timeout: Timeout = NEVER
    repeat: Repeat = "ask_again"
    allow: tuple[Operation, ...] = ALLOWED
    claim: bool = False
    return_to: tuple[str, ...] = ("submitter",)
    aspects: tuple[str, ...] = ()

    @property
    def mode(self) -> str:
        """See Step."""
        return self.tally.mode

    @property
    def spans(self) -> tuple[Duration, ...]:
        """See Kind."""
        return allowed(self.timeout)

    def needed(self, seats: int) -> int:
        """See Step."""
        return self.tally.needed(seats)

    def decisions(self) -> tuple[Decision, ...]:
        """See Step."""
        return ("approve", "return", "reject", "abstain") if isinstance(self.tally, Vote) else _APPROVAL

    def enter(self, journal: Journal, state: str) -> None:
        """See Kind."""
        process, case = journal.process, journal.case
        kept = process.kept_at(case, self.name)
        if self._passed(case, kept):
            for task in kept:
                journal.carry(task)
            journal.raised.append((f"{state}.approve", (self.name, "approve")))
            return
        settled = frozenset(task.person for task in kept)
        people = asked(process.directory, self.ask, case, one_is_enough=isinstance(self.tally, AnyOf), settled=settled)
        if not people:
            self.unstaffed(journal)
            return
        in_line = isinstance(self.tally, InSequence)
        carries = self.repeat != "ask_again"
        approved = approved_before(journal, self) if carries else frozenset[str]()
        is_quiet = quiet(process.directory, self.ask, case)
        carries = carries or bool(kept)
        approved |= settled
        for task in kept:
            if task.person not in people and task.person == case.editor:
                journal.carry(task)  # who changed the form is asked nothing more, and has decided
        due = due_at(process.calendar, self.spans, journal.now)
        for place, person in enumerate(people):
            weight = weight_of(process.directory, person, self.ask, case) if self._is_weighted else 1
            if carries or (in_line and place):
                task = journal.line_up(self.name, "approve", person, weight=weight)
                if person in approved:
                    journal.decide(task, "approve", reason="carried")
            else:
                task = journal.open_task(self.name, "approve", person, due_at=due, weight=weight)
                if not is_quiet:
                    journal.ask(NotifyTask(person, task.id))
        verdict = self.verdict(journal)
        if verdict:
            journal.raised.append((f"{state}.{verdict}", (self.name, verdict)))
        elif carries:
            self.call_up(journal)
        else:
            self.wind(journal)

    @property
    def _is_weighted(self) -> bool:
        return not isinstance(self.tally, Vote) or self.tally.is_weighted

    def _passed(self, case: Case, kept: Sequence[Task]) -> bool:
        """Whether the step was approved in the round that `kept` are of, and all who approved it still stand. Who was
        not asked any more had not decided."""
        if not kept:
            return False
        same = [task for task in case.tasks if (task.step, task.round) == (self.name, kept[0].round)]
        seats = [undecided(task) for task in same if task.signs and task.reason not in REPLACED]
        gave = [task for task in seats if task.decision == "approve" and not is_opinion(task, same)]
        return self.result(seats) == "approve" and all(task in kept for task in gave)

    def call_up(self, journal: Journal) -> None:
        """Ask those who are waiting: the next in a sequence, else everybody; the clock starts for those called."""
        waiting = [task for task in journal.seats(self.name) if task.state == "waiting" and not task.reason]
        due = due_at(journal.process.calendar, self.spans, journal.now)
        for task in waiting[:1] if isinstance(self.tally, InSequence) else waiting:
            journal.call_up(task, due_at=due)
            journal.ask(NotifyTask(task.person, task.id))
        self.wind(journal)

    def wind(self, journal: Journal, after: str = "") -> None:
        """Arm the rung of the timeout that follows `after`, counted from when those now asked were asked."""
        seats = journal.seats(self.name)
        escalated = len({task.decided_at for task in seats if task.reason == "escalated"})
        rung = following(self.timeout, escalated, after)
        counted = (task.counted_from or task.opened_at for task in seats if task.state == "open")
        asked_at = max(counted, default=journal.now)
        if rung is not None and not clocks.is_stopped(journal, self.name):
            journal.arm(rung.name, rung.after, step=self.name, since=asked_at)

    def decide(self, journal: Journal, task: Task, command: Decide, state: str) -> str:
        """See Step."""
        journal.decide(task, command.decision, remark=command.remark)
        return self.settled(journal, state)

    def settled(self, journal: Journal, state: str) -> str:
        """The event of the result, if there is one; otherwise those whose turn it is now are called."""
        verdict = self.verdict(journal)
        if verdict:
            journal.cause = (self.name, verdict)
            return f"{state}.{verdict}"
        self._close_refused(journal)
        self._call_due(journal)
        if not any(task.state == "open" for task in journal.seats(self.name)):
            journal.disarm(journal.timers_of(self.name))
            self.call_up(journal)
        return ""

    def _close_refused(self, journal: Journal) -> None:
        """Who signs with somebody need not any more once one of them has refused."""
        tasks = journal.seats(self.name)
        for seat in tasks:
            if not seat.of and standing(seat, tasks) in AGAINST:
                for task in (seat, *everybody_with(seat, tasks)):
                    if task.is_pending:
                        journal.cancel(task, "sibling_rejected")

    def _call_due(self, journal: Journal) -> None:
        """Ask those who waited for others and wait no longer."""
        tasks = journal.seats(self.name)
        due = due_at(journal.process.calendar, self.spans, journal.now)
        called = due_now(tasks)
        for task in called:
            journal.call_up(task, due_at=due)
            journal.ask(NotifyTask(task.person, task.id))
        if called:
            journal.disarm(journal.timers_of(self.name))
            self.wind(journal)

    def verdict(self, journal: Journal) -> Verdict | None:
        """The result of the step so far."""
        return self.result([task for task in journal.seats(self.name) if task.state != "cancelled"])

    def result(self, seats: Sequence[Task]) -> Verdict | None:
        """What the decisions of `seats` come to."""
        return self.tally.verdict(ballots(seats))

    def fire(self, journal: Journal, timer: Timer, state: str) -> str:
        """See Kind."""
        if timer.name in LAPSED and (timer.name != "approve" or passes(self.timeout, journal)):
            return lapse(journal, self.name, timer.name, state)
        if timer.name in ("escalate", "approve"):
            still_open = [task for task in journal.seats(self.name) if task.state == "open"]
            escalated = [self.escalate(journal, task) for task in still_open if self._is_late(journal, task)]
            if any(escalated):
                self.wind(journal)
            return self.settled(journal, state)
        for task in journal.seats(self.name):
            if task.state == "open":
                journal.ask(NotifyTask(task.person, task.id, "reminder"))
        self.wind(journal, after=timer.name)
        return ""

    def _is_late(self, journal: Journal, task: Task) -> bool:
        """Whether a task that was open is so still: with another's, its person may have been given it anew just now."""
        return any(seat.id == task.id and seat.opened_at == task.opened_at for seat in journal.seats(self.name))

    def escalate(self, journal: Journal, task: Task) -> bool:
        """The task goes to the one above, or to who is asked where nobody is; False where neither is new.

        A superior who has a seat at this step already decides once for both; see `give`.
        """
        case, directory = journal.case, journal.process.directory
        superior = self._above(journal, task)
        candidates = (superior,) if superior else fallback(directory, self.ask, case)
        known = {seat.person: seat for seat in journal.seats(self.name)}
        task = known[task.person]  # whom it signs with may have escalated a moment ago
        for person in candidates:
            seat = known.get(person)
            if seat is not None and (seat.state == "cancelled" or seat.id == task.id):
                continue
            due = due_at(journal.process.calendar, self.spans, journal.now)
            given = give(journal, task, person, seat, why="escalated", asked_by=task.asked_by, due_at=due)
            if seat is None or given.opened_at > seat.opened_at:
                journal.ask(NotifyTask(person, given.id, "escalation"))
            return True
        journal.ask(NotifyTask(task.person, task.id, "reminder"))
        return False

    def _above(self, journal: Journal, task: Task) -> str | None:
        case, directory = journal.case, journal.process.directory
        if self.timeout.to == "superior":
            return above(directory, task.person, case)
        found = asked(directory, Ask(self.timeout.to, otherwise=self.ask.otherwise), case, one_is_enough=True)
        return found[0] if found else None


class Copy(Step, frozen=True, kw_only=True):
    """Let people read along (抄送): nothing waits for them, and they may read at any time, even after the end."""

    def decisions(self) -> tuple[Decision, ...]:
        """See Step."""
        return ("read",)

    def enter(self, journal: Journal, state: str) -> None:
        """See Kind."""
        case = journal.case
        for person in found(journal.process.directory, self.ask, case):
            journal.open_task(self.name, "copy", person, due_at=None)
            journal.ask(NotifyOutcome(person, "copied"))

    def leave(self, journal: Journal, state: str) -> None:
        """See Kind. What was sent to be read stays to be read."""

    def decide(self, journal: Journal, task: Task, command: Decide, state: str) -> str:
        """See Step."""
        journal.decide(task, "read", remark=command.remark)
        return ""


AnyStep = Approval | Filing | Copy

_APPROVAL: tuple[Decision, ...] = ("approve", "return", "reject")


def decisions_on(step: AnyStep, task: Task) -> tuple[Decision, ...]:
    """What can be decided on a task of `step`."""
    match task.verb:
        case "copy":
            return ("read",)
        case "answer":
            return ()
        case _:
            return step.decisions()


def check_decision(step: AnyStep, task: Task, command: Decide, case: Case) -> None:
    """Whether this decision can be taken on this task now.

    Raises AlreadyDecided (who was first, what, when), Refusal, or InvalidForm where the remark is missing.
    """
    settled = settled_by(task, case)
    if settled is not None:
        raise AlreadyDecided(by=settled.decided_by, decision=settled.decision, at=settled.decided_at)
    if task.state != "open" or command.decision not in decisions_on(step, task):
        raise Refusal
    if command.decision in NEEDS_REMARK and not command.remark.strip():
        problem = Problem("remark_missing", f"say why you {command.decision}", "the others read it", at="remark")
        raise InvalidForm([problem])


def settled_by(task: Task, case: Case) -> Task | None:
    """The task whose decision settled this one: itself, or the one that cancelled it; None while it is open."""
    if task.state == "decided":
        return task
    if task.state != "cancelled" or task.decided_at is None:
        return None
    same = [other for other in case.tasks if other.state == "decided" and other.decided_at == task.decided_at]
    return next((other for other in same if other.decided_by == task.decided_by), None)


def last_decided(tasks: Sequence[Task]) -> Task | None:
    """The task that was decided last, or None."""
    decided = [task for task in tasks if task.state == "decided" and task.decided_at is not None]
    return max(decided, key=lambda task: (task.decided_at, task.id), default=None)

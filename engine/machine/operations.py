"""What the person of an open task may do with it besides deciding: pass it on, bring others in, ask, claim.

Each operation is a command with a guard, and says who, to whom and why in the history. Nobody comes to decide on a
case of their own by any of them, and nobody gets a second seat at a step: whoever had one cannot be brought in again.
Refuses what the step does not allow.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from engine.errors import InvalidForm, NotFound, NotPossible, OwnCase, Problem
from engine.machine import clocks
from engine.machine.asking import involved
from engine.machine.case import Case, Place, Question, Task
from engine.machine.commands import (
    AddSigners,
    Answer,
    Append,
    Ask,
    Claim,
    CopyTo,
    Delegate,
    OnTask,
    Release,
    RemoveSigner,
    Transfer,
)
from engine.machine.deadlines import due_at
from engine.machine.eligible import check_stand_in
from engine.machine.giving import give
from engine.machine.journal import Journal
from engine.machine.outcome import NotifyOutcome, NotifyQuestion, NotifyTask, Questioned, TaskOpened
from engine.machine.signers import everybody_with
from engine.machine.states import Refusal
from engine.machine.steps import AnyStep, Approval, Operation, settled_by
from engine.machine.tally import InSequence

REASONED = ("transfer", "delegate", "add_signer", "append", "remove_signer")
"""Operations that say why: the next person reads it."""


def name_of(command: OnTask) -> Operation:
    """The operation a command is, as definitions allow it."""
    match command:
        case Transfer():
            return "transfer"
        case Delegate():
            return "delegate"
        case AddSigners():
            return "add_signer"
        case Append():
            return "append"
        case RemoveSigner():
            return "remove_signer"
        case CopyTo():
            return "copy"
        case Claim() | Release():
            return "claim"
        case Ask():
            return "ask"
        case _:
            raise Refusal


def possible(step: AnyStep, task: Task, case: Case) -> tuple[Operation, ...]:
    """What the person of an open task may do with it now, besides deciding."""
    if not task.signs or not (task.state == "open" or task.reason in ("before", "delegated")):
        return ()
    if task.state == "waiting":  # for those whom its person brought in
        return ("remove_signer",) if any(_may_remove(task, other) for other in case.tasks) else ()
    found: list[Operation] = []
    for operation in step.allow if isinstance(step, Approval) else _OF_FILING:
        match operation:
            case "remove_signer":
                fits = any(_may_remove(task, other) for other in case.tasks)
            case "claim":
                fits = isinstance(step, Approval) and step.claim
            case "delegate":
                fits = task.place != "delegate"
            case _:
                fits = True
        if fits:
            found.append(operation)
    return tuple(found)


def operate(journal: Journal, command: OnTask) -> str:
    """Carry an operation out; returns the event that moves the chart, mostly none.

    Raises NotFound for a task that is not the actor's, AlreadyDecided, OwnCase, StandInOver, InvalidForm (no reason,
    unknown or unfit people) and Refusal.
    """
    case = journal.case
    task = next((task for task in case.tasks if task.id == command.task), None)
    if task is None or task.person not in (command.actor, command.on_behalf_of):
        raise NotFound()
    if task.verb == "work":
        raise Refusal  # whoever holds the role acts; a declared state's task is done by one of its events
    state, step = journal.process.step(case, task.step)
    operation = name_of(command)
    if settled_by(task, case) is not None or state not in case.configuration:
        raise NotPossible(action=operation, state=case.state, possible="look")
    if {command.actor, command.on_behalf_of} & involved(journal.process.directory, case):
        raise OwnCase()
    check_stand_in(journal.process.directory, case, command, task.person)
    if operation not in possible(step, task, case):
        others = (*(step.decisions() if task.state == "open" else ()), *possible(step, task, case))
        raise NotPossible(action=operation, state=case.state, possible=", ".join(others) or "nothing")
    if operation in REASONED and not command.remark.strip():
        raise InvalidForm([Problem("remark_missing", f"say why you {operation}", "the others read it", at="remark")])
    return _Operation(journal, step, state, task).carry_out(command)


def answer(journal: Journal, command: Answer) -> str:
    """Answer a question; with the last answer the step's clock goes on."""
    case = journal.case
    question = next((one for one in case.questions if one.id == command.question), None)
    if question is None or question.person not in (command.actor, command.on_behalf_of):
        raise NotFound()
    if question.answered_at is not None:
        raise NotPossible(action="answer", state="the question is answered", possible="read it")
    check_stand_in(journal.process.directory, case, command, question.person)
    if not command.text.strip():
        raise InvalidForm([Problem("answer_missing", "write an answer", at="text")])
    answered = replace(question, answer=command.text.strip(), answered_at=journal.now)
    journal.record(Questioned(answered))
    journal.ask(NotifyQuestion(question.asker, question.id, "answer"))
    asked_now = {task.id for task in journal.seats(question.step)}  # in this round; what is older stops no clock
    still_out = [one for one in journal.case.questions if one.answered_at is None and one.task in asked_now]
    for task in case.tasks:
        asked_here = task.step == question.step and task.person == question.person and task.verb == "answer"
        if asked_here and task.state == "open" and all(one.person != question.person for one in still_out):
            journal.decide(task, "done", remark=answered.answer)
    if not still_out:
        _go_on(journal, question.step)
    return ""


class _Operation:
    """One operation on one task."""

    def __init__(self, journal: Journal, step: AnyStep, state: str, task: Task) -> None:
        self.journal, self.step, self.state, self.task = journal, step, state, task

    def carry_out(self, command: OnTask) -> str:
        journal, task = self.journal, self.task
        match command:
            case Transfer():
                self._pass_on(command.to)
            case Delegate():
                self._fit((command.to,))
                journal.record(TaskOpened(replace(task, state="waiting", reason="delegated")))
                self._bring_in(command.to, of=task.id, place="delegate")
            case AddSigners():
                self._add(command.people, command.place)
            case Append():
                self._fit(command.people)
                for person in command.people:
                    self._bring_in(person, waits="" if self._in_line() else None)
            case RemoveSigner():
                return self._remove(command.seat)
            case CopyTo():
                self._copy(command.people)
            case Claim():
                self._claim()
            case Release():
                self._release()
            case Ask():
                self._ask(command)
            case _:
                raise Refusal
        return ""

    def _pass_on(self, person: str) -> None:
        """The seat is another's now; who signs with it signs with them."""
        journal, task = self.journal, self.task
        self._fit((person,))
        since, by = task.counted_from or task.opened_at, journal.command.actor
        fresh = give(
            journal, task, person, None, why="transferred", asked_by=by, due_at=task.due_at, counted_from=since
        )
        journal.ask(NotifyTask(person, fresh.id))

    def _add(self, people: Sequence[str], place: Place) -> None:
        task = self.task
        if place not in ("before", "after", "beside"):
            hint = "before, after or beside"
            raise InvalidForm([Problem("place", f"nobody signs {place or 'nowhere'}", hint, at="place")])
        self._fit(people)
        for person in people:
            self._bring_in(person, of=task.id, place=place, waits="after" if place == "after" else None)
        if place == "before":
            self.journal.record(TaskOpened(replace(task, state="waiting", reason="before")))

    def _remove(self, seat: str) -> str:
        journal = self.journal
        other = next((other for other in journal.seats(self.step.name) if other.id == seat), None)
        if other is None or not _may_remove(self.task, other):
            hint = "those whom you brought in and who have not decided"
            raise InvalidForm([Problem("signer", "this signer cannot be removed", hint, at="seat")])
        journal.cancel(other, "removed")
        for below in everybody_with(other, journal.seats(self.step.name)):
            if below.is_pending:
                journal.cancel(below, "removed")
        return self.step.settled(journal, self.state) if isinstance(self.step, Approval) else ""

    def _copy(self, people: Sequence[str]) -> None:
        self._known(people)
        already = {task.person for task in self.journal.case.tasks if self._is_here(task)}
        self._refuse_again([person for person in people if person in already])
        for person in people:
            self.journal.open_task(self.step.name, "copy", person, due_at=None)
            self.journal.ask(NotifyOutcome(person, "copied"))

    def _claim(self) -> None:
        journal, task = self.journal, self.task
        for other in journal.seats(self.step.name):
            if other.state == "open" and other.id != task.id:
                journal.record(TaskOpened(replace(other, state="waiting", reason="claimed")))

    def _release(self) -> None:
        journal = self.journal
        for other in journal.seats(self.step.name):
            if other.state == "waiting" and other.reason == "claimed":
                journal.record(TaskOpened(replace(other, state="open", reason="")))
                journal.ask(NotifyTask(other.person, other.id))

    def _ask(self, command: Ask) -> None:
        journal = self.journal
        if not command.text.strip():
            raise InvalidForm([Problem("question_missing", "write what you want to know", at="text")])
        self._known((command.person,))
        if command.person in (command.actor, command.on_behalf_of):
            raise InvalidForm([Problem("question_person", "nobody asks themselves", "name somebody else", at="person")])
        question = Question(
            id=f"{journal.case.id}-{journal.case.seq}-q",
            task=self.task.id,
            step=self.step.name,
            asker=self.task.person,
            person=command.person,
            text=command.text.strip(),
            asked_at=journal.now,
        )
        clocks.stop(journal, self.step.name)
        journal.record(Questioned(question))
        self._have_answered(command.person)
        journal.ask(NotifyQuestion(command.person, question.id))

    def _have_answered(self, person: str) -> None:
        """A task in the inbox of the one who is asked, unless they sign here and see it anyway."""
        journal = self.journal
        known = next((task for task in journal.case.tasks if self._is_here(task) and task.person == person), None)
        if known is None:
            journal.open_task(self.step.name, "answer", person, due_at=None)
        elif known.verb == "answer" and known.state != "open":
            journal.record(TaskOpened(replace(known, state="open", decision=None, decided_by=None, decided_at=None)))

    def _bring_in(self, person: str, *, of: str = "", place: Place = "", waits: str | None = None) -> None:
        """A task for `person`; `waits` is why it is not their turn, None where it is."""
        journal = self.journal
        due = None
        if waits is None and isinstance(self.step, Approval) and not clocks.is_stopped(journal, self.step.name):
            due = due_at(journal.process.calendar, self.step.spans, journal.now)
        fresh = journal.open_task(self.step.name, self.task.verb, person, due_at=due)
        state = "open" if waits is None else "waiting"
        fresh = replace(fresh, state=state, reason=waits or "", asked_by=self.task.person, of=of, place=place)
        journal.record(TaskOpened(fresh))
        if waits is None:
            journal.ask(NotifyTask(person, fresh.id))

    def _in_line(self) -> bool:
        return isinstance(self.step, Approval) and isinstance(self.step.tally, InSequence)

    def _fit(self, people: Sequence[str]) -> None:
        """Whether all of them may be asked to sign here."""
        self._known(people)
        case = self.journal.case
        directory, actor = self.journal.process.directory, self.journal.command.actor
        if set(people) & involved(directory, case):
            raise OwnCase()
        if actor != self.task.person and directory.accounts(actor).intersection(people):
            raise InvalidForm([Problem("people_self", "nobody passes on to themselves", "name another", at="people")])
        here = {task.person for task in case.tasks if self._is_here(task)}
        self._refuse_again([person for person in people if person in here])

    def _known(self, people: Sequence[str]) -> None:
        if not people or len(set(people)) < len(people):
            raise InvalidForm([Problem("people", "name each person once", "at least one", at="people")])
        unknown = [person for person in people if not self.journal.process.directory.is_active(person)]
        if unknown:
            message = f"nobody active is called {', '.join(unknown)}"
            raise InvalidForm([Problem("unknown_person", message, at="people", fields={"names": ", ".join(unknown)})])

    def _is_here(self, task: Task) -> bool:
        return task.step == self.step.name and task.round == self.journal.case.round

    def _refuse_again(self, people: Sequence[str]) -> None:
        if people:
            message = f"{', '.join(people)} was asked at this step already"
            fields = {"names": ", ".join(people)}
            raise InvalidForm([Problem("asked_already", message, "name somebody else", at="people", fields=fields)])


def _go_on(journal: Journal, name: str) -> None:
    """The clock of a step goes on; who was asked while it stood still is reminded as well."""
    state, step = journal.process.step(journal.case, name)
    was_stopped = any(one.step == name for one in journal.case.stopped)
    clocks.start(journal, name)
    is_active = state in journal.case.configuration
    if was_stopped and is_active and isinstance(step, Approval) and not journal.timers_of(name):
        step.wind(journal)


def _may_remove(task: Task, other: Task) -> bool:
    is_added = other.asked_by == task.person and other.step == task.step and other.round == task.round
    return is_added and other.id != task.id and other.is_pending and other.signs


_OF_FILING: tuple[Operation, ...] = ("transfer", "copy", "ask")

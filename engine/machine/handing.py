"""A person leaves and another takes over what waits for them in a case (离职转办): seats, whose turn it is or not yet,
and questions.

Who has a seat at the step already, also by another account, decides once for both. Refuses to give anybody a case of
their own. What is done by role (a declared state) is not handed over: it follows the role.
"""

from msgspec.structs import replace

from engine.errors import InvalidForm, NotPossible, OwnCase, Problem
from engine.machine.asking import involved
from engine.machine.case import Question, Task
from engine.machine.commands import HandOver
from engine.machine.giving import give
from engine.machine.journal import Journal
from engine.machine.outcome import NotifyQuestion, NotifyTask, Questioned
from engine.machine.signers import is_counted
from engine.machine.steps import Approval

GIVEN = "transferred"


def hand_over(journal: Journal, command: HandOver) -> None:
    """Give everything of `on_behalf_of` that waits in the case to `to`. Who may say so is asked by the caller.

    Raises InvalidForm (no reason, nobody of that name), OwnCase, and NotPossible where nothing can be handed over.
    """
    case, directory = journal.case, journal.process.directory
    _check(journal, command)
    tasks = [task for task in case.tasks if task.person == command.on_behalf_of and _is_given(journal, task)]
    questions = [one for one in case.questions if one.person == command.on_behalf_of and one.answered_at is None]
    if not tasks and not questions:
        raise NotPossible(action="hand over", state=case.state, possible="give the role to another person")
    if tasks and command.to in involved(directory, case):
        raise OwnCase()
    for task in tasks:
        _give(journal, task, command.to)
    for question in questions:
        _give_question(journal, question, command.to)
    for step in dict.fromkeys(task.step for task in tasks):
        _settle(journal, step)


def _check(journal: Journal, command: HandOver) -> None:
    if not command.remark.strip():
        raise InvalidForm([Problem("remark_missing", "say why you hand over", "the others read it", at="remark")])
    if command.to == command.on_behalf_of:
        raise InvalidForm([Problem("people", "name another person", "who takes over", at="to")])
    if not journal.process.directory.is_active(command.to):
        told = Problem("unknown_person", f"nobody active is called {command.to}", at="to", fields={"names": command.to})
        raise InvalidForm([told])


def _is_given(journal: Journal, task: Task) -> bool:
    is_here = task.round == journal.case.round and task.is_pending
    return is_here and task.verb in ("approve", "file")


def _give(journal: Journal, task: Task, to: str) -> None:
    seats = journal.seats(task.step)
    accounts = journal.process.directory.accounts(to)
    others = [seat for seat in seats if seat.id != task.id]
    deciding = [seat for seat in others if seat.state != "cancelled" and is_counted(seat, seats)]
    own = next((seat for seat in deciding if seat.person in accounts), None)
    own = own or next((seat for seat in others if seat.person == to), None)
    since = task.counted_from or task.opened_at
    given = give(journal, task, to, own, why=GIVEN, asked_by=task.person, due_at=task.due_at, counted_from=since)
    if given.state == "open":
        journal.ask(NotifyTask(to, given.id))


def _give_question(journal: Journal, question: Question, to: str) -> None:
    """Another person is asked. Who put the question has nobody else to ask: it stays."""
    if question.asker == to:
        return
    journal.record(Questioned(replace(question, person=to)))
    here = [task for task in journal.case.tasks if (task.step, task.round) == (question.step, journal.case.round)]
    for task in here:
        if task.verb == "answer" and task.person == question.person and task.is_pending:
            journal.cancel(task, GIVEN)
    if not any(task.person == to for task in here):
        journal.open_task(question.step, "answer", to, due_at=None)
    journal.ask(NotifyQuestion(to, question.id))


def _settle(journal: Journal, name: str) -> None:
    """Where two seats became one, the step may be decided, or it is the next one's turn."""
    state, step = journal.process.step(journal.case, name)
    if isinstance(step, Approval):
        event = step.settled(journal, state)
        if event:
            journal.raised.append((event, journal.cause))

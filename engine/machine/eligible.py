"""Who may decide on a task, or do anything else with it: its person, or who stands in for them now; never one whose
own case it is.

Asked under the case's lock, so a stand-in that is over decides nothing any more. Refuses one human being two votes at
a step where several decide.
"""

from engine.errors import OwnCase, StandInOver, StandInTwice
from engine.machine.asking import Directory, involved, stand_ins
from engine.machine.case import Case, Task
from engine.machine.commands import Command
from engine.machine.journal import Journal


def check_stand_in(directory: Directory, case: Case, command: Command, person: str) -> None:
    """Whether who acts is `person`, or stands in for them now on this case. Raises StandInOver."""
    if command.actor != person and command.actor not in stand_ins(directory, person, case):
        raise StandInOver(person=person)


def check_person(journal: Journal, task: Task, command: Command) -> None:
    """Raises OwnCase, StandInOver or StandInTwice."""
    directory, case = journal.process.directory, journal.case
    if involved(directory, case) & {command.actor, task.person}:
        raise OwnCase()
    if command.actor == task.person:
        return
    check_stand_in(directory, case, command, task.person)
    accounts = directory.accounts(command.actor)
    others = [seat for seat in journal.seats(task.step) if seat.id != task.id and seat.state != "cancelled"]
    if (
        len(others) > 0
        and journal.process.step(case, task.step)[1].mode not in ("any", "")
        and any(seat.person in accounts or seat.decided_by in accounts for seat in others)
    ):
        raise StandInTwice(person=task.person)

"""The organisation changed while a step waits: who no longer qualifies is not asked any more, who does now is.

What was decided stays. Who came by another way (escalated to, brought in by somebody) is asked no strategy and stays
while their account is open. Asking twice changes nothing. Refuses to let a step pass because its people left: where
nobody is left to ask, the policy for an empty role is followed.
"""

from msgspec.structs import replace

from engine.machine.asking import asked, is_unheld, weight_of
from engine.machine.case import Task, Timer, Verb, entry_of
from engine.machine.deadlines import due_at
from engine.machine.declared import Work
from engine.machine.filing import Filing
from engine.machine.journal import Journal
from engine.machine.outcome import Noted, NotifyTask, TaskOpened
from engine.machine.signers import due_now, everybody_with, seats_of
from engine.machine.steps import Approval
from engine.machine.tally import AnyOf, InSequence

LOST_ROLE, LEFT, STAFF = "lost_role", "left", "staff"
RESOLVED = "resolved"


def resolve_again(journal: Journal) -> None:
    """Compare every waiting step with whom its strategies find now; record the difference."""
    for state in journal.before.configuration:
        match journal.process.kinds.get(state):
            case Approval() | Filing() as step:
                if not _looks_again(journal, step.name):
                    _compare(journal, step, state)
                elif _could_ask(journal, step):
                    look_again(journal, step, state)
            case Work() as work:
                _compare_work(journal, work, state)


def look_again(journal: Journal, step: Approval | Filing, state: str) -> None:
    """A step that had found nobody looks for people now. Whoever was asked there before has their seat still."""
    journal.disarm(_staff_timers(journal, step.name))
    if not journal.seats(step.name):
        step.enter(journal, state)
    elif not _compare(journal, step, state):
        step.unstaffed(journal)


def _looks_again(journal: Journal, step: str) -> bool:
    return bool(_staff_timers(journal, step))


def _staff_timers(journal: Journal, step: str) -> tuple[Timer, ...]:
    return tuple(timer for timer in journal.timers_of(step) if timer.name == STAFF)


def _could_ask(journal: Journal, step: Approval | Filing) -> bool:
    return any(_difference(journal, step)) if journal.seats(step.name) else bool(_people(journal, step))


def _people(journal: Journal, step: Approval | Filing) -> tuple[str, ...]:
    one = isinstance(step, Filing) or isinstance(step.tally, AnyOf)
    settled = frozenset(seat.person for seat in journal.seats(step.name) if seat.decision == "approve")
    return asked(journal.process.directory, step.ask, journal.case, one_is_enough=one, settled=settled)


def _difference(journal: Journal, step: Approval | Filing) -> tuple[list[Task], list[str], list[Task]]:
    """Whose seats are given up, who is asked for the first time, and who has their seat again.

    A human being with two accounts has one seat.
    """
    directory, people, seats = journal.process.directory, _people(journal, step), journal.seats(step.name)
    resolved = _resolved(journal, seats)
    gone = [seat for seat in seats if seat.is_pending and _is_gone(journal, seat, people, resolved)]
    staying = [seat for seat in seats if seat not in gone and seat.reason not in (LOST_ROLE, LEFT)]
    taken = frozenset[str]().union(*(directory.accounts(seat.person) for seat in staying))
    if is_unheld(directory, step.ask, journal.case) and any(seat.state != "cancelled" for seat in staying):
        return gone, [], []  # whoever the task was passed on to has it still: nobody needs to come in their place
    known = {seat.person for seat in seats}
    fresh = [person for person in people if person not in known | taken]
    left = [seat for seat in seats if seat.reason in (LOST_ROLE, LEFT)]
    back = [seat for seat in left if seat.person in people and seat.person not in taken]
    return gone, fresh, back


def _compare(journal: Journal, step: Approval | Filing, state: str) -> bool:
    """Record the difference; False where there is none."""
    directory, case = journal.process.directory, journal.case
    gone, fresh, back = _difference(journal, step)
    if not gone and not fresh and not back:
        return False
    for seat in gone:
        _give_up(journal, seat)
        for other in everybody_with(seat, journal.seats(step.name)):
            if other.is_pending:
                journal.cancel(other, "removed")  # what they say would count for nobody
    for seat in back:
        waiting = replace(seat, state="waiting", decided_by=None, decided_at=None, reason="", due_at=None)
        journal.record(TaskOpened(waiting))
    verb: Verb = "file" if isinstance(step, Filing) else "approve"
    for person in fresh:
        journal.line_up(step.name, verb, person, weight=weight_of(directory, person, step.ask, case))
    if fresh:
        known = case.facts.get(RESOLVED, [])
        journal.record(Noted({RESOLVED: [*known, case.seq]}))
    _ask(journal, step, state)
    return True


def _compare_work(journal: Journal, work: Work, state: str) -> None:
    """The same for a declared state, where whoever holds a role may act."""
    people = work.people(journal)
    # of any round: a form in another region may have been submitted meanwhile
    pending = [task for task in journal.case.tasks if task.step == state and task.is_pending]
    gone = [task for task in pending if task.person not in people]
    fresh = [person for person in people if person not in {task.person for task in pending}]
    for task in gone:
        _give_up(journal, task)
    if fresh or (gone and not people):
        journal.disarm(_staff_timers(journal, state))
        work.ask(journal, state, fresh)


def _give_up(journal: Journal, seat: Task) -> None:
    journal.cancel(seat, LOST_ROLE if journal.process.directory.is_active(seat.person) else LEFT)


def _is_gone(journal: Journal, seat: Task, people: tuple[str, ...], resolved: frozenset[int]) -> bool:
    if not journal.process.directory.is_active(seat.person):
        return True
    accounts = journal.process.directory.accounts(seat.person)
    return not accounts.intersection(people) and not seat.asked_by and entry_of(seat) in resolved


def _resolved(journal: Journal, seats: list[Task]) -> frozenset[int]:
    """The entries whose seats were found by strategies: the one that entered the step, and those written here."""
    first = {min(map(entry_of, seats))} if seats else set()
    return frozenset(first | set(journal.case.facts.get(RESOLVED, [])))


def _ask(journal: Journal, step: Approval | Filing, state: str) -> None:
    """Those who are new are asked, in a sequence where it is their turn; nobody left follows the empty policy."""
    seats = journal.seats(step.name)
    if not seats_of(seats):
        journal.disarm(journal.timers_of(step.name))
        step.unstaffed(journal)
        return
    if isinstance(step, Approval) and (verdict := step.verdict(journal)):
        journal.raised.append((f"{state}.{verdict}", (step.name, verdict)))
        return
    nobody_was_asked = not any(seat.state == "open" for seat in seats)
    called = due_now(seats)
    line = [seat for seat in seats if seat.state == "waiting" and not seat.reason]
    if isinstance(step, Approval) and isinstance(step.tally, InSequence):
        line = line[:1] if nobody_was_asked and not called else []
    due = due_at(journal.process.calendar, step.spans, journal.now)
    for seat in (*called, *line):
        journal.call_up(seat, due_at=due)
        journal.ask(NotifyTask(seat.person, seat.id))
    if isinstance(step, Approval) and nobody_was_asked:
        journal.disarm(journal.timers_of(step.name))
        step.wind(journal)

"""The organisation changed while a step waits: who no longer qualifies is not asked any more, who does now is.

What was decided stays. Who came by another way (escalated to, brought in by somebody) is asked no strategy and stays
while their account is open. Asking twice changes nothing. Refuses to let a step pass because its people left: where
nobody is left to ask, the policy for an empty role is followed.
"""

from msgspec.structs import replace

from engine.machine.asking import asked, weight_of
from engine.machine.case import Task, Verb, entry_of
from engine.machine.deadlines import due_at
from engine.machine.filing import Filing
from engine.machine.journal import Journal
from engine.machine.outcome import Noted, NotifyTask, TaskOpened
from engine.machine.steps import Approval
from engine.machine.tally import AnyOf, InSequence

LOST_ROLE, LEFT = "lost_role", "left"
RESOLVED = "resolved"


def resolve_again(journal: Journal) -> None:
    """Compare every waiting step with whom its strategies find now; record the difference."""
    for state in journal.before.configuration:
        kind = journal.process.kinds.get(state)
        # a step that found nobody looks again by itself
        if isinstance(kind, Approval | Filing) and not _looks_again(journal, kind.name):
            _compare(journal, kind, state)


def _looks_again(journal: Journal, step: str) -> bool:
    return any(timer.name == "staff" for timer in journal.timers_of(step))


def _compare(journal: Journal, step: Approval | Filing, state: str) -> None:
    directory, case = journal.process.directory, journal.case
    one = isinstance(step, Filing) or isinstance(step.tally, AnyOf)
    people = asked(directory, step.ask, case, one_is_enough=one)
    seats = journal.seats(step.name)
    resolved = _resolved(journal, seats)
    gone = [seat for seat in seats if seat.state in ("open", "waiting") and _is_gone(journal, seat, people, resolved)]
    replaced = {seat.person for seat in seats if seat.reason == "escalated"}
    fresh = [person for person in people if person not in {seat.person for seat in seats} | replaced]
    back = [seat for seat in seats if seat.reason in (LOST_ROLE, LEFT) and seat.person in people]
    if not gone and not fresh and not back:
        return
    for seat in gone:
        journal.cancel(seat, LOST_ROLE if directory.is_active(seat.person) else LEFT)
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


def _is_gone(journal: Journal, seat: Task, people: tuple[str, ...], resolved: frozenset[int]) -> bool:
    if not journal.process.directory.is_active(seat.person):
        return True
    return seat.person not in people and entry_of(seat) in resolved


def _resolved(journal: Journal, seats: list[Task]) -> frozenset[int]:
    """The entries whose seats were found by strategies: the one that entered the step, and those written here."""
    first = {min(map(entry_of, seats))} if seats else set()
    return frozenset(first | set(journal.case.facts.get(RESOLVED, [])))


def _ask(journal: Journal, step: Approval | Filing, state: str) -> None:
    """Those who are new are asked, in a sequence where it is their turn; nobody left follows the empty policy."""
    calendar = journal.process.calendar
    seats = journal.seats(step.name)
    standing = [seat for seat in seats if seat.state in ("open", "waiting", "decided")]
    if not standing:
        journal.disarm(journal.timers_of(step.name))
        step.unstaffed(journal)
        return
    if isinstance(step, Approval) and (verdict := step.verdict(journal)):
        journal.raised.append((f"{state}.{verdict}", (step.name, verdict)))
        return
    waiting = [seat for seat in seats if seat.state == "waiting"]
    is_line = isinstance(step, Approval) and isinstance(step.tally, InSequence)
    if is_line and any(seat.state == "open" for seat in seats):
        return
    due = (
        due_at(calendar, step.timeout, journal.now)
        if isinstance(step, Approval)
        else calendar.due(journal.now, step.ack)
    )
    nobody_was_asked = not any(seat.state == "open" for seat in seats)
    for seat in waiting[:1] if is_line else waiting:
        journal.call_up(seat, due_at=due)
        journal.ask(NotifyTask(seat.person, seat.id))
    if isinstance(step, Approval) and nobody_was_asked:
        journal.disarm(journal.timers_of(step.name))
        step.wind(journal)

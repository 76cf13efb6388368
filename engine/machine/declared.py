"""States that a definition declares itself: who may do what in them, and what happens when nobody does.

A declared event is done by a holder of its role (`perform`); one without a role comes from a timer or from the engine.
A task state asks the holders of its events' roles. Refuses everybody else, and says what is possible for them.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from engine.errors import AlreadyDecided, ChangedMeanwhile, InvalidForm, NotFound, NotPossible, OwnCase, Problem
from engine.machine import expiring
from engine.machine.asking import Ask, fallback, found, involved
from engine.machine.case import Case, Task, Timer
from engine.machine.commands import AnyCommand, Perform, Submit, TimerFired
from engine.machine.deadlines import due_at
from engine.machine.eligible import check_stand_in
from engine.machine.journal import Journal
from engine.machine.outcome import NotifyTask
from engine.machine.states import EFFECTIVE, SUSPENDED, Form, Kind, Refusal
from engine.machine.step_kind import REASONS, STAFF_AGAIN
from engine.machine.steps import settled_by
from engine.values import NO_TEXT, Bilingual, Duration

if TYPE_CHECKING:
    from engine.machine.process import Process

JUMP = "jump"
"""The event `jump.STATE` puts a case into a state by hand."""
ROUTE = ":route"
"""Under this name, which no expression can say, guards see the chain of the case."""
SUBMITTER = "submitter"
PROCESS_ADMIN = "role:process_admin"


def word(event: str, role: str = "") -> str:
    """What the chart calls `event` when a holder of `role` does it; without a role the event itself."""
    return f"{event}:{role}" if role else event


class Role(Struct, frozen=True):
    """Who may do something, under the name that events call it by."""

    name: str
    who: str
    label: Bilingual = NO_TEXT


class Way(Struct, frozen=True):
    """An event of a state that people do, and the roles that may."""

    event: str
    roles: tuple[str, ...]
    label: Bilingual = NO_TEXT
    needs_reason: bool = False


class Limit(Struct, frozen=True):
    """After `after` in the state, `event` happens by itself."""

    after: Duration
    event: str


class Place(Struct, frozen=True):
    """A declared state. `may_end`: a case that rests here for good has ended well, though it may still go on."""

    name: str
    kind: str
    label: Bilingual = NO_TEXT
    ways: tuple[Way, ...] = ()
    limits: tuple[Limit, ...] = ()
    may_end: bool = False

    @property
    def events(self) -> tuple[str, ...]:
        """What people do in it."""
        return tuple(way.event for way in self.ways)


class Lifecycle(Struct, frozen=True):
    """All declared states, events' labels and roles, by name.

    `effective`: the outermost states that a case comes to by its approval alone. `by_hand`: those that an
    administrator may put it into. `wakes`: the forms in which a case that had ended begins again, before and after it
    was first submitted.
    """

    places: Mapping[str, Place]
    roles: Mapping[str, Role]
    labels: Mapping[str, Bilingual]
    effective: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()
    wakes: tuple[str, ...] = ()


class DeclaredForm(Form, frozen=True):
    """The submitter writes; `word` is what the chart calls their submitting."""

    word: str = "submit"

    def take(self, journal: Journal, command: AnyCommand, state: str) -> str:
        """See Kind."""
        event = super().take(journal, command, state)
        return event.replace("submit", self.word, 1) if isinstance(command, Submit) else event


class Told(Kind, frozen=True):
    """The case passes through; the submitter is told what became of it."""

    occasion: str

    def enter(self, journal: Journal, state: str) -> None:
        """See Kind."""
        if self.occasion in EFFECTIVE:
            expiring.over(journal)
        journal.tell_submitter(self.occasion, journal.remark())


class Waiting(Kind, frozen=True, kw_only=True):
    """Nobody is asked; time moves the case on, or somebody who may. `occasion`: what the submitter is told."""

    place: Place
    occasion: str = ""

    @property
    def spans(self) -> tuple[Duration, ...]:
        """See Kind."""
        return tuple(limit.after for limit in self.place.limits)

    def enter(self, journal: Journal, state: str) -> None:
        """See Kind."""
        if self.occasion:
            journal.tell_submitter(self.occasion, journal.remark())
        for limit in self.place.limits:
            journal.arm(f"after:{limit.event}", limit.after, step=state)

    def leave(self, journal: Journal, state: str) -> None:
        """See Kind."""
        journal.disarm(journal.timers_of(state))

    def fire(self, journal: Journal, timer: Timer, state: str) -> str:
        """See Kind. An event whose guard does not hold changes nothing."""
        event = timer.name.partition(":")[2]
        journal.cause = (state, "silence")
        return event if journal.process.would_move(journal.case, event) else ""


class Work(Waiting, frozen=True, kw_only=True):
    """Ask the holders of the roles of its events: whoever comes first moves the case on."""

    roles: tuple[Role, ...]

    def enter(self, journal: Journal, state: str) -> None:
        """See Kind."""
        super().enter(journal, state)
        self.ask(journal, state, self.people(journal))

    def people(self, journal: Journal) -> tuple[str, ...]:
        """Everybody who may act now."""
        found = (person for role in self.roles for person in holders(journal.process, journal.case, role.name))
        return tuple(dict.fromkeys(found))

    def ask(self, journal: Journal, state: str, people: Sequence[str]) -> None:
        """Open a task for each of these; nobody at all is told once, and looked for again every hour."""
        if not people:
            if not isinstance(journal.command, TimerFired):
                journal.tell_submitter("unstaffed")
            journal.arm("staff", STAFF_AGAIN, step=state)
            return
        due = due_at(journal.process.calendar, self.spans, journal.now)
        for person in people:
            task = _asked_again(journal, state, person, due) or journal.open_task(state, "work", person, due_at=due)
            journal.ask(NotifyTask(person, task.id))

    def leave(self, journal: Journal, state: str) -> None:
        """See Kind. The task of who acted is done, the others need not act any more."""
        super().leave(journal, state)
        command, (by, verdict) = journal.command, journal.cause
        for task in journal.case.tasks:
            if task.step != state or task.state not in ("open", "waiting"):
                continue
            if isinstance(command, Perform) and by == state and task.person in (command.actor, command.on_behalf_of):
                journal.decide(task, "done", remark=command.remark)
            else:
                other = "decided_by_other" if by == state else REASONS.get(verdict, "joined")
                journal.cancel(task, "silence" if verdict == "silence" else other)

    def fire(self, journal: Journal, timer: Timer, state: str) -> str:
        """See Kind."""
        if timer.name == "staff":
            self.ask(journal, state, self.people(journal))
            return ""
        return super().fire(journal, timer, state)


def _asked_again(journal: Journal, state: str, person: str, due: datetime | None) -> Task | None:
    """The task of somebody who was asked here before in this round, open once more: a person has one task per round at
    a state, and the history keeps what they did with it before."""
    before = next((task for task in journal.seats(state) if task.person == person), None)
    if before is None:
        return None
    fresh = replace(before, decision=None, decided_by=None, decided_at=None, remark="", reason="")
    return journal.call_up(fresh, due_at=due)


def holders(process: "Process", case: Case, role: str) -> tuple[str, ...]:
    """Who may act as `role` on the case, each once: its holders without the submitter.

    Where nobody is left, the process administrators may."""
    who = _lifecycle(process).roles[role].who
    ask = Ask(who, otherwise=PROCESS_ADMIN, fields=process.people)
    people = found(process.directory, ask, case)
    if who == SUBMITTER:
        return people
    own = involved(process.directory, case)
    return tuple(one for one in people if one not in own) or fallback(process.directory, ask, case)


def events_for(process: "Process", case: Case, person: str) -> tuple[Way, ...]:
    """What `person` may do with the case now, each event once, innermost states first; roles are those they act as."""
    found: dict[str, Way] = {}
    for _, way in _open_ways(process, case):
        roles = tuple(
            role
            for role in way.roles
            if process.would_move(case, word(way.event, role)) and person in holders(process, case, role)
        )
        if roles and way.event not in found:
            found[way.event] = Way(way.event, roles, way.label, way.needs_reason)
    return tuple(found.values())


def possible(process: "Process", case: Case) -> tuple[str, ...]:
    """Everything that people may do now, whoever they are."""
    active = process.active(case)
    actions = [action for name in active if name in process.kinds for action in process.kinds[name].actions(case)]
    events = [
        way.event
        for _, way in _open_ways(process, case)
        if any(process.would_move(case, word(way.event, role)) for role in way.roles)
    ]
    withdraws = ["withdraw"] if process.may(case, "withdraw") else []
    return tuple(dict.fromkeys((*actions, *events, *withdraws)))


def perform(journal: Journal, command: Perform) -> str:
    """Carry out a declared event; returns the chart's word for it.

    Raises NotPossible for who may not, AlreadyDecided where the task was settled by another, OwnCase, InvalidForm
    where a reason is missing.
    """
    process, case = journal.process, journal.case
    if process.declared is None:
        raise Refusal
    if command.task:
        _check_task(case, command)
    if command.seen_seq is not None and command.seen_seq < case.form_seq:
        raise ChangedMeanwhile()
    me = command.on_behalf_of or command.actor
    for state, way in _open_ways(process, case):
        for role in way.roles:
            if way.event != command.event or command.role not in ("", role):
                continue
            if not process.would_move(case, word(way.event, role)):
                continue
            if me not in holders(process, case, role):
                continue
            _check_person(process, case, command, role)
            if way.needs_reason and not command.remark.strip():
                problem = Problem("remark_missing", f"say why you {way.event}", "the others read it", at="remark")
                raise InvalidForm([problem])
            journal.cause = (state, "perform")
            return word(way.event, role)
    _refuse(process, case, command, me)
    raise Refusal


def _refuse(process: "Process", case: Case, command: Perform, me: str) -> None:
    """Say why nothing of what was asked is open to `me`."""
    roles = {role for _, way in _open_ways(process, case) if way.event == command.event for role in way.roles}
    own = me in involved(process.directory, case)
    lifecycle = _lifecycle(process)
    directory = process.directory
    if own and any(me in directory.resolve(lifecycle.roles[role].who, case.office, case.submitter) for role in roles):
        raise OwnCase()
    mine = ", ".join(way.event for way in events_for(process, case, me)) or "nothing"
    raise NotPossible(action=command.event, state=case.state, possible=mine)


def _check_person(process: "Process", case: Case, command: Perform, role: str) -> None:
    """Who acts for another must not be the one whose case it is."""
    if _lifecycle(process).roles[role].who != SUBMITTER and command.actor in involved(process.directory, case):
        raise OwnCase()
    check_stand_in(process.directory, case, command, command.on_behalf_of or command.actor)


def _check_task(case: Case, command: Perform) -> None:
    task = next((task for task in case.tasks if task.id == command.task), None)
    if task is None or task.person not in (command.actor, command.on_behalf_of):
        raise NotFound()
    settled = settled_by(task, case)
    if settled is not None:
        raise AlreadyDecided(by=settled.decided_by, decision=settled.decision, at=settled.decided_at)
    if task.state != "open":
        raise Refusal


def _open_ways(process: "Process", case: Case) -> Iterable[tuple[str, Way]]:
    """The events of the active states, innermost states first; a form's `submit` is a command of its own."""
    lifecycle = _lifecycle(process)
    if case.state == SUSPENDED:
        return
    for name in process.active(case):
        place = lifecycle.places.get(name)
        if place is not None:
            yield from ((name, way) for way in place.ways if (place.kind, way.event) != ("form", "submit"))


def _lifecycle(process: "Process") -> Lifecycle:
    if process.declared is None:
        raise LookupError(f"{process.ref.name} declares no lifecycle")
    return process.declared

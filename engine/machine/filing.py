"""Filing (报备): an office is told, and may acknowledge or object; its silence counts as acknowledgement.

Refuses an objection that nobody would decide on.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from engine.machine.asking import asked, office_asked
from engine.machine.case import Case, Decision, Registration, Task, Timer
from engine.machine.commands import Decide
from engine.machine.deadlines import due_at
from engine.machine.evolve import fold
from engine.machine.journal import Journal
from engine.machine.outcome import AnyEvent, NotifyTask, Outcome, Registered, Submitted
from engine.machine.states import nobody_decides
from engine.machine.step_kind import Step
from engine.values import Duration

if TYPE_CHECKING:
    from engine.machine.process import Process


class Register(Protocol):
    """How a register (备案簿) numbers its filings; `engine.definition.numbers.NumberPattern` is one."""

    def number(self, *, office: str, year: int, seq: int) -> str:
        """The `seq`-th number of an office in a year."""
        ...

    def counted(self, *, office: str, year: int) -> tuple[str, int]:
        """The scope and year within which numbers are counted together."""
        ...


class Filing(Step, frozen=True, kw_only=True):
    """File with an office (报备): acknowledged, or not objected to in time, it is effective.

    Silence for `ack` counts as acknowledgement; with an objection clause it may still be objected to for `window` after
    that. An objection makes it an approval on the chain `objection`. What took effect stands in the `register`.
    A superior's word makes it an approval on the chain `conversion`.
    """

    ack: Duration
    register: Register
    window: Duration | None = None
    objection: str = ""
    conversion: str = ""

    @property
    def mode(self) -> str:
        """See Step."""
        return "any"

    @property
    def spans(self) -> tuple[Duration, ...]:
        """See Kind."""
        return (self.ack,)

    def decisions(self) -> tuple[Decision, ...]:
        """See Step."""
        return ("acknowledge", "object") if self.objection else ("acknowledge",)

    def enter(self, journal: Journal, state: str) -> None:
        """See Kind."""
        process = journal.process
        kept = process.kept_at(journal.case, self.name)
        if kept:
            journal.carry(kept[0])
            known = _registration(journal.case, self.name)
            if known is not None:
                journal.record(Registered(replace(known, round=journal.case.round)))
            journal.raised.append((f"{state}.effective", (self.name, "acknowledge")))
            return
        people = asked(process.directory, self.ask, journal.case, one_is_enough=True)
        if not people:
            self.unstaffed(journal)
            return
        due = due_at(process.calendar, self.spans, journal.now)
        for person in people:
            task = journal.open_task(self.name, "file", person, due_at=due)
            journal.ask(NotifyTask(person, task.id))
        journal.arm("silence", self.ack, step=self.name)

    def decide(self, journal: Journal, task: Task, command: Decide, state: str) -> str:
        """See Step."""
        if command.decision == "object" and not journal.process.is_approved(self.objection, journal.values()):
            raise nobody_decides(self.objection)
        journal.decide(task, command.decision, remark=command.remark)
        if command.decision == "acknowledge":
            return self._take_effect(journal, "acknowledge", task.person, state)
        journal.cause = (self.name, "object")
        case = journal.case
        reason = f"{self.name}: objection"
        journal.record(Submitted(case.number or "", case.round + 1, self.objection, case.material, (reason,)))
        journal.tell_submitter("objected", command.remark)
        return f"{state}.object"

    def fire(self, journal: Journal, timer: Timer, state: str) -> str:
        """See Kind."""
        if timer.name == "silence" and self.window is not None:
            journal.arm("objection", self.window, step=self.name, since=timer.due_at)
            return ""
        first = next((seat.person for seat in journal.seats(self.name)), "")
        return self._take_effect(journal, "silence", first, state)

    def _take_effect(self, journal: Journal, verdict: str, person: str, state: str) -> str:
        """It stands in the register from now on. A case that is filed again keeps the number it has there."""
        case = journal.case
        office = office_asked(journal.process.directory, person, self.ask, case)
        known = _registration(case, self.name)
        number = known.number if known is not None and known.office == office else ""
        journal.record(Registered(Registration(self.name, office, number, case.round)))
        journal.cause = (self.name, verdict)
        return f"{state}.effective"


def registrations(events: Iterable[AnyEvent]) -> tuple[Registration, ...]:
    """The filings that took effect by these events."""
    return tuple(event.registration for event in events if isinstance(event, Registered))


Draw = Callable[[Register, str], str]
"""The next number of a register at an office."""


def numbered(process: "Process", case: Case, outcome: Outcome, draw: Draw) -> Outcome:
    """What came of a command on `case`, with the register number of the filing that took effect by it, if one did.

    Apart from `advance`, so that a command that is refused or changes nothing takes no number.
    """
    if not any(map(_wants_number, outcome.events)):
        return outcome
    events = tuple(_with_number(process, outcome.case, event, draw) for event in outcome.events)
    return replace(outcome, events=events, case=fold(case, events, outcome.case.updated_at))


def _wants_number(event: AnyEvent) -> bool:
    return isinstance(event, Registered) and not event.registration.number


def _with_number(process: "Process", case: Case, event: AnyEvent, draw: Draw) -> AnyEvent:
    if not isinstance(event, Registered) or event.registration.number:
        return event
    step = process.step(case, event.registration.step)[1]
    assert isinstance(step, Filing), "only filings take effect by registration"
    number = draw(step.register, event.registration.office)
    return Registered(replace(event.registration, number=number))


def _registration(case: Case, step: str) -> Registration | None:
    return next((one for one in case.registered if one.step == step), None)

"""Why a case is where it is, whom it waits for since when, and what happens next: the one explanation.

Page, REST and command line show this and nothing else. What would follow is not told from the definition, it is tried:
the machine is given each decision, and each deadline at its time, and what becomes of the case is shown. Nothing is
stored. Refuses to decide who may see a case: the caller has asked that already.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from engine.errors import CountersignError, NotFound
from engine.machine.advance import advance
from engine.machine.asking import found, found_by, stand_ins, strategies
from engine.machine.case import Case, Task
from engine.machine.commands import AnyCommand, Decide, Perform, TimerFired
from engine.machine.converting import may_convert
from engine.machine.declared import PROCESS_ADMIN, events_for
from engine.machine.interventions import may_wake
from engine.machine.outcome import Outcome, TaskOpened
from engine.machine.process import Process
from engine.machine.states import SUSPENDED
from engine.machine.steps import decisions_on
from engine.machine.urging import may_urge
from engine.machine.wider import is_widening
from engine.organisation import Organisation, Workdays
from engine.organisation.who import FromField, Holders, Submitter, Superior, parse
from engine.organisation.workdays import caution
from engine.service import access, showing, stepping_up, telling
from engine.service.app import Countersign
from engine.service.chain_views import Chain, Deadline, Following, Node, SeatReason, Waiting, WaitingPerson
from engine.service.drifting import drift_view
from engine.service.fields import hidden, seen_reasons
from engine.service.optouts import takes_answers
from engine.service.stage_views import StaleView
from engine.service.staleness import stale_view
from engine.service.views import CaseRow, DriftView, Viewer
from engine.store import cases, history, visibility
from engine.store.history import Entry
from engine.values import NO_TEXT, Bilingual

AHEAD = 12  # so many deadlines are tried in a row
PASSED_ON = ("escalated", "transferred")
TRIED = "-"  # a remark, where one is required


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a case is where it is: its chain and the comparisons that chose it, and what it waits for."""

    case: CaseRow
    round: int
    route: str
    reasons: tuple[str, ...]
    waiting: Waiting
    drift: DriftView | None = None
    stale: StaleView | None = None


def explain(app: Countersign, viewer: Viewer, case: str) -> Explanation:
    """The explanation of a case, named by its id or its number. NotFound where the viewer may not see it."""
    with app.db.read() as tx:
        line = visibility.named(tx, viewer.person, case)
        if line is None:
            raise NotFound()
        stepping_up.refuse_code(app, viewer, line.process)
        case_now, entries = cases.load(tx, line.id), history.load(tx, line.id)
        process, unseen = app.process(case_now.process, tx), hidden(app, tx, viewer.person, case_now)
        chain = showing.chain_view(app.organisation(tx), process.chain(case_now))
        explained = Explanation(
            case=showing.case_row(app, tx, line, viewer.person),
            round=case_now.round,
            route=case_now.route or "",
            reasons=seen_reasons(telling.reasons_of(entries), unseen),
            waiting=waiting(app, tx, viewer, case_now, chain=chain, entries=entries),
            drift=drift_view(app.definition(case_now.process), process, case_now.drift, unseen),
            stale=stale_view(app, tx, case_now, unseen),
        )
    access.note(app, viewer, case_now)
    return explained


def waiting(
    app: Countersign, tx: Connection, viewer: Viewer, case: Case, *, chain: Chain, entries: Sequence[Entry]
) -> Waiting:
    """Whom a case waits for, since when and why, and what would follow. `chain` and `entries` are the case's own."""
    process = app.process(case.process, tx)
    blocking = current(chain)
    reason, by = telling.reason_of(app.organisation(tx), entries, case)
    looking = _Looking(app, process, app.organisation(tx), case)
    people, deadlines = tuple(looking.people(app.calendar(tx))), tuple(looking.deadlines())
    return Waiting(
        state=case.state,
        for_nodes=blocking,
        since=min((node.entered_at for node in blocking if node.entered_at), default=None),
        until=min((node.due_at for node in blocking if node.due_at), default=None),
        then=_following(chain),
        possible=_possible(process, case, viewer, app.now()),
        reason=reason,
        reason_by=by,
        people=people,
        deadlines=deadlines,
        follows=tuple(looking.follows()),
        caution=caution(looking.guessed),
    )


class _Looking:
    """One case, looked at now."""

    def __init__(self, app: Countersign, process: Process, organisation: Organisation, case: Case) -> None:
        self.process, self.organisation, self.case = process, organisation, case
        self.definition = app.definition(case.process)
        self.now, self.zone = app.now(), app.settings.zone
        self.open = tuple(task for task in case.tasks if task.state == "open" and task.verb != "copy")
        self.guessed: set[int] = set()
        """The years in which a deadline told so far may still move."""

    def people(self, calendar: Workdays) -> Iterator[WaitingPerson]:
        """Everybody who is asked now."""
        today = self.now.astimezone(self.zone).date()
        for task in self.open:
            name = self.organisation.name
            yield WaitingPerson(
                person=task.person,
                name=name(task.person),
                step=self.process.label(task.step),
                why=self._why(task),
                since=task.opened_at,
                working_days=calendar.between(task.opened_at.astimezone(self.zone).date(), today),
                until=task.due_at,
                stopped=any(one.step == task.step for one in self.case.stopped),
                stand_ins=tuple(map(name, stand_ins(self.organisation, task.person, self.case))),
                caution=self._caution(self.process.guessed(task.step, task.opened_at, task.due_at, self.case.route)),
            )

    def deadlines(self) -> Iterator[Deadline]:
        """What time alone does next, one after the other, until it moves the case."""
        case = self.case
        for _ in range(AHEAD):
            timer = min(case.timers, key=lambda timer: (timer.due_at, timer.key), default=None)
            if timer is None:
                return
            command = TimerFired(actor="system", via="timer", key=timer.key, name=timer.name, step=timer.step)
            outcome = self._tried(case, command, max(timer.due_at, self.now))
            if outcome is None or not outcome.events:
                return
            is_moved = outcome.case.configuration != case.configuration
            opened = [event.task.person for event in outcome.events if isinstance(event, TaskOpened)]
            what = telling.fired(timer.name.partition(":")[0], outcome.events)
            yield Deadline(
                at=timer.due_at,
                what=what,
                step=self.process.label(timer.step) if timer.step else NO_TEXT,
                people=tuple(self.organisation.name(person) for person in dict.fromkeys(opened)),
                state=outcome.case.state if is_moved else "",
                state_label=showing.state_label(self.definition, outcome.case.state) if is_moved else NO_TEXT,
                caution=self._caution(self.process.guessed_of(timer)),
            )
            if is_moved or what == "unstaffed":
                return
            case = outcome.case

    def _caution(self, years: tuple[int, ...]) -> Bilingual:
        self.guessed.update(years)
        return caution(years)

    def follows(self) -> Iterator[Following]:
        """What each decision at a waiting step would lead to, taken by the first who may take it."""
        tried: set[tuple[str, ...]] = set()
        seen: set[tuple[str, str, str]] = set()
        for task in self.open:
            for command, event in self._ways(task):
                what = command.decision if isinstance(command, Decide) else command.event
                way = (task.step, what, command.role if isinstance(command, Perform) else "")
                outcome = self._tried(self.case, command, self.now) if way not in tried else None
                if outcome is None:
                    continue
                tried.add(way)  # of hundreds who sign at a step, one is enough to see what follows
                if (task.step, what, outcome.case.state) in seen:
                    continue
                seen.add((task.step, what, outcome.case.state))
                chain = showing.chain_view(self.organisation, self.process.chain(outcome.case))
                yield Following(
                    step=self.process.label(task.step),
                    decision=command.decision if isinstance(command, Decide) else "",
                    event=event,
                    state=outcome.case.state,
                    state_label=showing.state_label(self.definition, outcome.case.state),
                    nodes=tuple(map(untimed, current(chain))),
                )

    def _ways(self, task: Task) -> Iterator[tuple[Decide | Perform, Bilingual]]:
        if task.verb == "work":
            for way in events_for(self.process, self.case, task.person):
                role = way.roles[0]
                perform = Perform(actor=task.person, task=task.id, event=way.event, role=role, remark=TRIED)
                yield perform, self.process.event_label(way.event)
            return
        for decision in decisions_on(self.process.step(self.case, task.step)[1], task):
            yield Decide(actor=task.person, task=task.id, decision=decision, remark=TRIED), NO_TEXT

    def _tried(self, case: Case, command: AnyCommand, at: datetime) -> Outcome | None:
        try:
            return advance(self.process, case, command, at)
        except CountersignError:
            return None  # it is refused now, so nothing would follow

    def _why(self, task: Task) -> SeatReason:
        """Why this person is asked."""
        case, name = self.case, self.organisation.name
        if task.verb == "answer":
            asker = next((one.asker for one in case.questions if one.person == task.person and not one.answered_at), "")
            return SeatReason("question", by=name(asker))
        for other in case.tasks:
            if other.reason in PASSED_ON and (other.step, other.decided_at) == (task.step, task.opened_at):
                return SeatReason(other.reason, by=name(other.person))
        if task.asked_by:
            return SeatReason(task.place or "appended", by=name(task.asked_by))
        if task.verb == "work":
            return self._why_work(task.person)
        ask = self.process.step(case, task.step)[1].ask
        who = found_by(self.organisation, ask, case, task.person)
        if not who:
            is_theirs = case.editor in ("", case.submitter) or case.submitter in found(self.organisation, ask, case)
            return SeatReason(
                "instead" if is_theirs else "second", by=name(case.submitter if is_theirs else case.editor)
            )
        code = "fallback" if who == ask.otherwise and who not in strategies(ask, case) else "role"
        return self._found(task.person, who, code)

    def _why_work(self, person: str) -> SeatReason:
        """Why a person is asked in a state that the definition declares: the first role that is theirs."""
        known = self.process.declared.roles if self.process.declared else {}
        roles = (role for way in events_for(self.process, self.case, person) for role in way.roles)
        for who in (known[role].who for role in roles):
            if person in self.organisation.resolve(who, self.case.office, self.case.submitter):
                return self._found(person, who, "role")
        return self._found(person, PROCESS_ADMIN, "fallback")

    def _found(self, person: str, who: str, code: str) -> SeatReason:
        """Found by `who`."""
        match parse(who):
            case Holders(role=role):
                return SeatReason(code, role=role, office=self._office(person, role))
            case Superior():
                return SeatReason("superior", by=self.organisation.name(self.case.submitter))
            case Submitter():
                return SeatReason("submitter")
            case FromField(name=field):
                return SeatReason("field", field=self.definition.proposal.fields[field].label)

    def _office(self, person: str, role: str) -> Bilingual:
        """The office nearest to the case where the person holds the role."""
        held = {grant.office for grant in self.organisation.grants if (grant.person, grant.role) == (person, role)}
        line = [office for office in self.organisation.line(self.case.office) if office in held]
        found = next(iter((*line, *sorted(held))), "")
        return showing.office_name(self.organisation, found) if found else NO_TEXT


def current(chain: Chain) -> tuple[Node, ...]:
    """The steps that a case waits at, without those who only read along."""
    nodes = [node for column in chain.columns for node in column]
    return tuple(node for node in nodes if node.state == "current" and node.verb != "copy")


def untimed(node: Node) -> Node:
    """A step that would be waited at, with those who would still have to decide: when, nobody knows."""
    seats = tuple(seat for seat in node.seats if seat.state == "open")
    return replace(node, seats=seats, entered_at=None, due_at=None)


def _following(chain: Chain) -> tuple[Node, ...]:
    """The first column ahead of the last current one that is not left out."""
    columns = chain.columns
    places = [place for place, column in enumerate(columns) if any(node.state == "current" for node in column)]
    if not places:
        return ()
    for column in columns[places[-1] + 1 :]:
        ahead = tuple(node for node in column if node.state == "ahead" and node.verb != "copy")
        if ahead:
            return ahead
    return ()


def _possible(process: Process, case: Case, viewer: Viewer, now: datetime) -> tuple[str, ...]:
    if viewer.person != case.submitter:
        return ("convert",) if may_convert(process, case, viewer.person) else ()
    others = {
        "import": takes_answers(case),
        "recall": process.may(case, "recall") and process.may(case, "withdraw") and not is_widening(case),
        "urge": case.state != SUSPENDED and may_urge(process.calendar, case, now),
        "void": (case.state in process.effective or is_widening(case)) and not process.is_end(case.state),
        "wake": case.state == "withdrawn" and may_wake(process),
    }
    return (*process.possible(case), *(name for name, may in others.items() if may))

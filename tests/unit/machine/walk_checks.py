"""What holds of every case whatever was tried on it, by any definition: the checks that all walks share."""

from collections import Counter
from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import HealthCheck, Phase, settings
from msgspec.structs import replace

from engine.errors import CountersignError, NotPossible
from engine.machine.case import Case, Task, Timer
from engine.machine.commands import AnyCommand, TimerFired
from engine.machine.outcome import NotifyTask, Outcome
from engine.machine.process import Process
from engine.machine.step_kind import Step
from tests.support import FULL
from tests.unit.machine.trial import Trial


def walks(quick: int, steps: int, full: int, longest: int) -> settings:
    """How many walks of how many steps, at every commit and in full."""
    return settings(
        max_examples=full if FULL else quick,
        stateful_step_count=longest if FULL else steps,
        phases=list(Phase) if FULL else [Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes
        derandomize=not FULL,  # the same walks at every commit, others with FULL_TESTS=1
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )


class Watch:
    """A case, and what is remembered of its way. `barred`: whose own case it is."""

    def __init__(self, trial: Trial, *, barred: tuple[str, ...] = ()) -> None:
        self.trial = trial
        self.barred = barred
        self.keys: set[str] = set()
        self.decided: dict[str, Task] = {}

    def attempt(self, command: AnyCommand) -> Outcome | None:
        """Carry it out, and hold the case against everything that must be true of it; None where it is refused: that
        changes nothing, and says what is possible."""
        trial = self.trial
        before, written = trial.case, msgspec.json.encode(trial.case)
        trial.now += timedelta(minutes=1)
        try:
            outcome = trial.do(command)
        except CountersignError as refused:
            assert trial.case is before
            assert msgspec.json.encode(before) == written
            assert not isinstance(refused, NotPossible) or refused.fields["possible"]
            return None
        self.keys |= {timer.key for timer in trial.case.timers}
        self.each_is_there_once()
        self.only_active_states_wait()
        self.questions_stop_the_clock()
        self.everybody_is_told(before, outcome)
        self.what_is_decided_stays(before)
        trial.drawn()
        return outcome

    def next_due(self, end: Any) -> TimerFired | None:
        """What falls due first until `end`; the clock goes there."""
        trial = self.trial
        due = min((one for one in trial.case.timers if one.due_at <= end), key=_due, default=None)
        if due is None:
            return None
        trial.now = max(trial.now, due.due_at)
        return TimerFired(actor="system", via="timer", key=due.key, name=due.name, step=due.step)

    def late_ticks_change_nothing(self) -> None:
        """A timer that is not armed any more fires all the same."""
        for key in sorted(self.keys - {timer.key for timer in self.trial.case.timers})[:3]:
            outcome = self.trial.do(TimerFired(actor="system", via="timer", key=key, name="escalate", step="finance"))
            assert not outcome.events

    def history_rebuilds_it(self) -> None:
        """The history alone rebuilds the case, byte for byte, and it survives being written down."""
        trial = self.trial
        written = msgspec.json.encode(trial.case)
        assert msgspec.json.encode(trial.replayed()) == written
        assert msgspec.json.decode(written, type=Case) == trial.case
        assert len(trial.entries) == trial.case.seq

    def each_is_there_once(self) -> None:
        """Of a compound state one child is active, of a parallel one all; nobody has two tasks at a step in a round."""
        case, chart = self.trial.case, self.trial.process.chart
        active = chart.mask(case.configuration)
        for number in chart.numbers(active):
            children = [child for child in chart.children[number] if active >> child & 1]
            expected = len(chart.children[number]) if chart.parallels >> number & 1 else 1
            assert len(children) == (0 if chart.atomic >> number & 1 else expected), chart.names(active)
        seats = [(task.round, task.step, task.person) for task in case.tasks]
        assert len(seats) == len(set(seats))
        assert len({task.id for task in case.tasks}) == len(case.tasks)
        assert len({timer.key for timer in case.timers}) == len(case.timers)
        armed = [(timer.step, timer.name) for timer in case.timers]
        assert len(armed) == len(set(armed))

    def only_active_states_wait(self) -> None:
        """Tasks and timers are of states that are active, in this round; a suspended case waits for nothing."""
        case, active = self.trial.case, active_names(self.trial.process, self.trial.case)
        waiting = [task for task in case.tasks if task.is_pending and task.signs]
        assert all(task.step in active for task in waiting)
        steps = step_names(self.trial.process, case)
        assert all(task.round == case.round for task in waiting if task.step in steps)
        assert not {task.person for task in waiting if task.step in steps and task.state == "open"} & set(self.barred)
        assert {timer.step for timer in case.timers if timer.step} <= active
        of_steps = [timer.step for timer in case.timers if timer.step in steps]
        assert len(of_steps) == len(set(of_steps))
        assert case.state != "suspended" or not case.timers

    def questions_stop_the_clock(self) -> None:
        """An open question is in an inbox, and nothing else stops a step's clock."""
        case, steps = self.trial.case, step_names(self.trial.process, self.trial.case)
        stopped = {one.step for one in case.stopped}
        assert stopped <= steps
        assert stopped <= {one.step for one in case.questions if one.answered_at is None}
        assert not stopped & {timer.step for timer in case.timers}
        this_round = {task.id for task in case.tasks if task.round == case.round}
        for one in case.questions:
            here = [task for task in case.tasks if (task.person, task.step) == (one.person, one.step)]
            assert (
                one.answered_at
                or one.step not in steps
                or one.task not in this_round
                or any(task.state == "open" or task.verb != "answer" for task in here)
            )

    def everybody_is_told(self, before: Case, outcome: Outcome) -> None:
        """Whoever is asked is told so, once."""
        was_open = {task.id for task in before.tasks if task.state == "open"}
        notices = [one for one in outcome.effects if isinstance(one, NotifyTask) and one.occasion != "reminder"]
        told = Counter(one.task for one in notices)
        asked = [task for task in outcome.case.tasks if task.state == "open" and task.signs]
        assert set(told) == {one for one in told if told[one] == 1}
        assert {task.id for task in asked if task.id not in was_open} <= set(told)

    def what_is_decided_stays(self, before: Case) -> None:
        """Nobody decides on a case of their own. Only who had given an opinion, or acts in a state that is come to
        again, is asked once more."""
        case = self.trial.case
        for task in before.tasks:
            if task.state == "decided" and task_of(case, task.id).state == "open":
                assert task.place or not task.signs or task.verb == "work"
                self.decided.pop(task.id, None)
        for task in case.tasks:
            if task.state == "decided" and task.signs:
                kept = replace(task, of="", place="", weight=1)  # whose signer it is follows the seat to another person
                assert self.decided.setdefault(task.id, kept) == kept
                assert task.verb == "work" or task.decided_by not in self.barred


def active_names(process: Process, case: Case) -> set[str]:
    """All active states, steps by their own names."""
    return {name.rpartition("/")[2] for name in process.active(case)}


def step_names(process: Process, case: Case) -> set[str]:
    """The active steps of a chain."""
    active = [name for name in case.configuration if isinstance(process.kinds.get(name), Step)]
    return {name.rpartition("/")[2] for name in active}


def task_of(case: Case, task: str) -> Task:
    return next(one for one in case.tasks if one.id == task)


def _due(timer: Timer) -> tuple[Any, str]:
    return timer.due_at, timer.key

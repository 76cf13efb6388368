"""A case played on by itself: everybody who is asked agrees, stages succeed, time passes.

Refuses to go on for ever: a case that does not come to where it should is told where it stays.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from engine.definition.deeds import (
    Closes,
    Decides,
    Deed,
    Delivers,
    Evaluates,
    Freezes,
    Performs,
    SelectsAgain,
    Starts,
    Unreadable,
    Words,
)
from engine.definition.trial import Trial
from engine.errors import CountersignError, NotPossible, Problem
from engine.machine.case import Decision, Task
from engine.machine.declared import events_for
from engine.machine.outcome import NotifyOutcome

MOST_MOVES = 500
LONGEST = timedelta(days=4 * 366)
_AGREES: tuple[Decision, ...] = ("approve", "acknowledge")


@dataclass(frozen=True, slots=True)
class Agrees(Deed):
    """Everybody agrees until a step asks: `agree until province_gm`."""

    verbs = ("agree",)
    form = "agree until STEP"

    step: str = ""

    @classmethod
    def read(cls, words: Words) -> Self:
        """See Deed."""
        if len(words.rest) != 2 or words.rest[0] != "until":
            raise Unreadable("until which step does everybody agree?", f"write {cls.form}")
        return cls(words.rest[1])

    def play(self, trial: Trial) -> None:
        """See Deed. NotPossible where the case never comes to that step."""
        stopped = play_on(trial, lambda: bool(trial.open_tasks(self.step)))
        if stopped:
            raise NotPossible(action=f"agree until {self.step}", state=trial.case.state, possible=stopped)


def play_on(trial: Trial, is_there: Callable[[], bool]) -> str:
    """Let everybody agree and time pass until `is_there`; empty, or why the case does not come there."""
    end = trial.now + LONGEST
    for _ in range(MOST_MOVES):
        if is_there():
            return ""
        deed = next(_moves(trial), None)
        try:
            if deed is not None:
                deed.play(trial)
            elif trial.next_timer() is None or trial.now > end:
                break
            else:
                trial.wait_for_next()
        except CountersignError as error:
            return f"it stops in {trial.case.state}: {said(error)}"
    return f"it stays {trial.case.state}"


def has_come_to(trial: Trial, state: str) -> bool:
    """Whether the case is or was in a state. One that is passed at once counts where the submitter is told of it."""
    if state in (trial.case.state, *(outcome.case.state for outcome in trial.outcomes)):
        return True
    told = {effect.occasion for effect in trial.effects if isinstance(effect, NotifyOutcome)}
    return state in told and any(known.id == state for known in trial.process.chart.states)


def _moves(trial: Trial) -> Iterator[Deed]:
    """What somebody who agrees to everything would do now."""
    case, possible = trial.case, trial.process.possible(trial.case)
    for task in trial.open_tasks():
        if task.verb == "work":
            yield from acting(trial, task)
            continue
        seats = [seat for seat in case.tasks if seat.step == task.step and seat.round == case.round]
        decision = next((one for one in _AGREES if one in trial.process.decisions(case, task)), None)
        if decision is not None and task in seats:
            yield Decides(task.step, seats.index(task) + 1, decision)
    match case.state:
        case "targeting":
            yield SelectsAgain() if case.facts.get("audience_failed") else Freezes(trial.expected(950), 50)
        case "delivering":
            yield Delivers()
    if "start" in possible:
        yield Starts()
    if "close" in possible:
        yield Closes()
    if any(timer.name.startswith("evaluate:") for timer in case.timers):
        yield Evaluates()


def acting(trial: Trial, task: Task) -> Iterator[Performs]:
    """What the person of a declared state's task would do: the first event that the file lets them."""
    place = trial.process.declared.places[task.step] if trial.process.declared else None
    ways = events_for(trial.process, trial.case, task.person) if place else ()
    yield from (Performs(way.roles[0], way.event) for way in ways if place and way.event in place.events)


def said(error: CountersignError) -> str:
    """What was refused and why, with every problem of a form."""
    problems: Sequence[Problem] = getattr(error, "problems", ())
    return "; ".join(str(problem) for problem in problems) or error.message

"""Plays the scenarios of a definition on the machine that runs real cases, with invented people and an invented clock.

Refuses to stop at the first failure: every scenario is played, and each says at its line what was expected and what
came instead.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from engine.definition.agreeing import has_come_to, play_on, said
from engine.definition.cast import Cast
from engine.definition.compile import compile_process
from engine.definition.coverage import Coverage, coverage
from engine.definition.deeds import Deed, Edits, Submits
from engine.definition.document import Document, Path
from engine.definition.filling import filled
from engine.definition.model import Definition
from engine.definition.scenarios import Scenario, Staff
from engine.definition.sentences import verb_of
from engine.definition.trial import MONDAY, Trial
from engine.errors import CountersignError, Problem
from engine.machine.outcome import Created, FormSaved, Moved, NotifyOutcome, Outcome, Submitted, TaskClosed, TaskOpened
from engine.machine.process import Process
from engine.organisation import Workdays

ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one scenario. `filled` is what was filled into the form; no problems: it passed."""

    name: str
    line: int
    problems: tuple[Problem, ...]
    filled: dict[str, Any]
    trial: Trial

    @property
    def passed(self) -> bool:
        """Whether everything came out as it says."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class Report:
    """The results of all scenarios of a definition, and what they covered."""

    results: tuple[Result, ...]
    coverage: Coverage

    @property
    def passed(self) -> bool:
        """Whether all passed."""
        return all(result.passed for result in self.results)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What did not come out, in the order of the file."""
        return tuple(problem for result in self.results for problem in result.problems)


def run_scenarios(definition: Definition, document: Document, file: str = "") -> Report:
    """Play all scenarios of a checked definition; `document` is what it was read from, for the lines."""
    process = compile_process(definition)
    calendar = Workdays(ZONE)
    results = tuple(
        _Run(definition, process, calendar, scenario, ("tests", n), document, file).result()
        for n, scenario in enumerate(definition.tests)
    )
    return Report(results, coverage(process, (result.trial for result in results)))


@dataclass(slots=True)
class _Run:
    """One scenario while it is played."""

    definition: Definition
    process: Process
    calendar: Workdays
    scenario: Scenario
    path: Path
    document: Document
    file: str
    problems: list[Problem] = field(default_factory=list)
    filled: dict[str, Any] = field(default_factory=dict)
    refused: str = ""

    def result(self) -> Result:
        scenario = self.scenario
        bound = self.process.bound(_cast(scenario), self.calendar)
        trial = Trial(bound, office=scenario.office, proposal=self.definition.proposal)
        self.filled = filled(self.definition.proposal, scenario.given, MONDAY.date())
        if self.play(trial):
            self.judge(trial)
        name = scenario.name or ", ".join(scenario.do) or f"scenario {int(self.path[-1]) + 1}"
        return Result(name, self.document.place(self.path).line, tuple(self.problems), self.filled, trial)

    def play(self, trial: Trial) -> bool:
        """Do the deeds; False where one was refused that should not be."""
        deeds: list[tuple[Path, str, Deed]] = [
            (("do", n), verb_of(sentence), deed)
            for n, (sentence, deed) in enumerate(zip(self.scenario.do, self.scenario.deeds, strict=True))
        ]
        given = tuple({**self.filled, **self.scenario.given}.items())
        match deeds[:1]:
            case [(path, verb, Submits() | Edits() as first)]:
                deeds[0] = path, verb, replace(first, values=(*given, *first.values))
            case _:
                deeds.insert(0, (("given",), "submit", Submits(given)))
        for n, (path, verb, deed) in enumerate(deeds):
            try:
                deed.play(trial)
            except CountersignError as error:
                self.refused = verb
                if n == len(deeds) - 1 and self.scenario.expect.refused == verb:
                    return True
                self.fail(path, f"{verb} is refused: {said(error)}", trial)
                return False
        return True

    def judge(self, trial: Trial) -> None:
        """Compare what came with what was expected; `ends` last, for it plays on."""
        scenario, expect, case = self.scenario, self.scenario.expect, trial.case
        if expect.refused and not self.refused:
            self.fail(("expect", "refused"), f"{expect.refused} should be refused, and was done", trial)
        if scenario.route and case.route != scenario.route:
            self.fail(("route",), f"expected the chain {scenario.route}, it takes {case.route or 'none'}", trial)
        for path, state in (("at",), scenario.at), (("expect", "state"), expect.state):
            if state and state != case.state:
                self.fail(path, f"expected to be at {state}, it is {case.state}", trial)
        if expect.asked is not None:
            self.judge_asked(expect.asked, trial)
        for step in expect.all_escalated:
            if not any(task.step == step and task.reason == "escalated" for task in case.tasks):
                self.fail(("expect", "escalated"), f"expected {step} to be escalated, it was not", trial)
        told = {effect.occasion for effect in trial.effects if isinstance(effect, NotifyOutcome)}
        for occasion in expect.all_told:
            if occasion not in told:
                words = ", ".join(sorted(told)) or "nothing"
                self.fail(("expect", "told"), f"expected the submitter to be told {occasion}, told was {words}", trial)
        if scenario.ends and not self.problems:
            stopped = play_on(trial, lambda: has_come_to(trial, scenario.ends or ""))
            if stopped:
                self.fail(("ends",), f"expected to end {scenario.ends}, {stopped}", trial)

    def judge_asked(self, expected: Sequence[str], trial: Trial) -> None:
        open_ = trial.open_tasks()
        strangers = [task for task in open_ if task.step not in expected and task.person not in expected]
        missing = [one for one in expected if not any(one in (task.step, task.person) for task in open_)]
        if strangers or missing:
            wanted = ", ".join(expected) or "nobody"
            self.fail(("expect", "asked"), f"expected {wanted} to be asked", trial)

    def fail(self, path: Path, message: str, trial: Trial) -> None:
        place = self.document.place((*self.path, *path))
        what = f"it is {trial.case.state}; {_asked(trial)}; last: {_last(trial.outcomes)}"
        at = ".".join(map(str, (*self.path, *path)))
        self.problems.append(
            Problem("E901", message, what, at=at, line=place.line, column=place.column, file=place.file or self.file)
        )


def _cast(scenario: Scenario) -> Cast:
    sizes = {who: len(n.weights) if isinstance(n, Staff) else n for who, n in scenario.people.items()}
    cast = Cast(sizes=sizes, level=scenario.office)
    weights = {
        person: weight
        for who, staff in scenario.people.items()
        if isinstance(staff, Staff)
        for person, weight in zip(cast.resolve(who, "", "submitter"), staff.weights, strict=False)
    }
    return Cast(sizes=sizes, level=scenario.office, weights=weights)


def _asked(trial: Trial) -> str:
    tasks = trial.open_tasks()
    return f"asked: {', '.join(f'{task.step} ({task.person})' for task in tasks)}" if tasks else "nobody is asked"


def _last(outcomes: Sequence[Outcome]) -> str:
    """The last history entry in words."""
    outcome = outcomes[-1]
    words = [word for event in outcome.events for word in _words(event)]
    return f"{', '.join(words[:6])} on {_when(outcome.at)}"


def _words(event: object) -> Iterator[str]:
    match event:
        case TaskClosed(task=task) if task.decision:
            yield f"{task.person} {task.decision} at {task.step}"
        case TaskClosed(task=task):
            yield f"{task.person} need not decide ({task.reason})"
        case TaskOpened(task=task):
            yield f"{task.person} asked at {task.step}"
        case Submitted():
            yield f"submitted on {event.route}"
        case Moved():
            yield f"now {event.state}"
        case FormSaved():
            yield "form saved"
        case Created():
            yield "draft opened"
        case _:
            return


def _when(at: datetime | None) -> str:
    return f"{at.astimezone(ZONE):%Y-%m-%d %H:%M}" if at else ""

"""What would become of a proposal: its chain and why, who would be asked, by when, and which steps are left out.

Played on the machine that runs real cases: everybody agrees at once, so each deadline is counted from the moment of
the simulation. Refuses to guess a field that a rule of the approval reads; other required
fields are filled in and told.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.definition.agreeing import acting
from engine.definition.compile import compile_process
from engine.definition.filling import filled
from engine.definition.model import Definition
from engine.definition.trial import Trial
from engine.errors import InvalidForm, Problem
from engine.machine.case import Decision, Task
from engine.machine.chains import Countersign, Placed, holds
from engine.machine.deadlines import Calendar, guessed, ladder
from engine.machine.drawing import ChainStep
from engine.machine.process import Directory, Process
from engine.machine.steps import Approval
from engine.values import Bilingual

MOST_DECISIONS = 200
_AGREES: tuple[Decision, ...] = ("approve", "acknowledge")
_FIELD = re.compile(r"\bform\.([a-z][a-z0-9_]*)")


@dataclass(frozen=True, slots=True)
class TriedRow:
    """A row of the route table, as far as it was tried. `text` is empty for `else`."""

    number: int
    text: str
    use: str
    holds: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """One person who is asked, since when and by when (None: no deadline)."""

    person: str
    at: datetime
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class SimulatedStep:
    """A step of the chain. `taken` False: left out, because its `when` (or its countersign's) does not hold.

    `timers`: what would happen while nobody decides, each with its time; `unpublished` as in Simulation.
    """

    name: str
    label: Bilingual
    verb: str
    countersign: str
    who: str
    mode: str
    taken: bool
    when: str = ""
    reasons: tuple[str, ...] = ()
    people: tuple[Asked, ...] = ()
    timers: tuple[tuple[str, datetime], ...] = ()
    unpublished: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Simulation:
    """The whole answer. `state` is where the case comes to when all agree; `stuck`: the step where nobody can be asked.

    `stages` follow the approval. `filled` names the required fields that were made up. `unpublished`: the years
    in which a deadline may still move, because their working days are a guess.
    """

    form: dict[str, Any]
    filled: tuple[str, ...]
    rows: tuple[TriedRow, ...]
    route: str
    steps: tuple[SimulatedStep, ...]
    state: str
    stuck: str = ""
    stages: tuple[str, ...] = ()
    unpublished: tuple[int, ...] = ()


def simulate(
    definition: Definition,
    given: Mapping[str, Any],
    *,
    directory: Directory,
    calendar: Calendar,
    office: str,
    submitter: str,
    at: datetime,
) -> Simulation:
    """Submit `given` (as entered) at `at` and let everybody agree. InvalidForm names every wrong field."""
    process = compile_process(definition).bound(directory, calendar)
    if not process.route:
        told = Problem(
            "simulate",
            f"{definition.name} has no approval: there is no route to simulate",
            "write its paths as scenarios under `tests:` and run `countersign definitions test`",
        )
        raise InvalidForm([told])
    values, made_up = _form(definition, given, at)
    seen = definition.context(values)
    rows = _rows(process, seen)
    trial = Trial(process, office=office, submitter=submitter, at=at, proposal=definition.proposal)
    trial.submit(values)
    timers = _play(trial)
    route = rows[-1].use
    chain = {step.id: step for column in process.chain(trial.case) for step in column}
    steps = [
        _step(placed, sign, trial, chain=chain, values=seen, timers=timers)
        for column in process.chains[route]
        for sign in (column if isinstance(column, Countersign) else None,)
        for placed in (column.branches if isinstance(column, Countersign) else (column,))
    ]
    stuck = next((timer.step for timer in trial.case.timers if timer.name == "staff"), "")
    stages = [name for name in ("audience", "delivery", "evaluation") if getattr(definition, name) is not None]
    return Simulation(
        form=values,
        filled=made_up,
        rows=rows,
        route=route,
        steps=tuple(steps),
        state=trial.case.state,
        stuck=stuck,
        stages=tuple(stages),
        unpublished=tuple(sorted({year for step in steps for year in step.unpublished})),
    )


def _form(definition: Definition, given: Mapping[str, Any], at: datetime) -> tuple[dict[str, Any], tuple[str, ...]]:
    proposal = definition.proposal
    read = set(_FIELD.findall(str(definition.approval.model_dump(mode="json"))))
    made_up = {name: v for name, v in filled(proposal, given, at.date()).items() if name not in read}
    parsed = proposal.parse({**made_up, **given}, whole=True)
    if parsed.problems:
        raise InvalidForm(parsed.problems)
    return parsed.values, tuple(made_up)


def _rows(process: Process, values: Mapping[str, Any]) -> tuple[TriedRow, ...]:
    """Every row down to the one that holds; that one is last."""
    rows = []
    for number, row in enumerate(process.route, start=1):
        if row.when is None:
            rows.append(TriedRow(number, "", row.use, holds=True))
            break
        taken = row.when.evaluate(values) is True
        reasons = tuple(str(reason) for reason in row.when.explain(values).reasons)
        rows.append(TriedRow(number, row.text, row.use, taken, reasons))
        if taken:
            break
    return tuple(rows)


def _play(trial: Trial) -> dict[str, tuple[tuple[str, datetime], ...]]:
    """Let everybody agree who is asked; what was armed for each step while it waited."""
    timers: dict[str, tuple[tuple[str, datetime], ...]] = {}
    for _ in range(MOST_DECISIONS):
        for name in {timer.step for timer in trial.case.timers if timer.step}:
            armed = ((timer.name, timer.due_at) for timer in trial.case.timers if timer.step == name)
            timers.setdefault(name, tuple(sorted(armed, key=lambda one: one[1])))
        task = next(iter(trial.open_tasks()), None)
        if task is not None and task.verb == "work" and trial.case.state not in trial.process.effective:
            next(acting(trial, task)).play(trial)
            continue
        decision = _agreement(trial, task) if task is not None else None
        if task is None or decision is None:
            break
        trial.decide(task, decision)
    return timers


def _agreement(trial: Trial, task: Task) -> Decision | None:
    if task.verb == "work":
        return None  # after the approval: what is simulated is over
    return next((one for one in _AGREES if one in trial.process.decisions(trial.case, task)), None)


def _step(
    placed: Placed,
    sign: Countersign | None,
    trial: Trial,
    *,
    chain: Mapping[str, ChainStep],
    values: Mapping[str, Any],
    timers: Mapping[str, tuple[tuple[str, datetime], ...]],
) -> SimulatedStep:
    step = placed.step
    conditions = [condition for condition in (sign.when if sign else None, placed.when) if condition is not None]
    tasks = [task for task in trial.case.tasks if task.step == step.name]
    due, calendar = dict(timers.get(step.name, ())), trial.process.calendar
    if isinstance(step, Approval) and tasks:  # armed is only the next rung
        since, rungs = tasks[0].opened_at, ladder(step.timeout, 0)
        due |= {rung.name: calendar.due(since, rung.after) for rung in rungs}
    last = max((*due.values(), *(task.due_at for task in tasks if task.due_at)), default=None)
    return SimulatedStep(
        name=step.name,
        label=trial.process.label(step.name),
        verb=chain[step.name].verb,
        countersign=sign.name if sign else "",
        who=step.ask.who,
        mode=step.mode if isinstance(step, Approval) else "",
        taken=all(holds(condition, values) for condition in conditions),
        when=" and ".join(str(getattr(condition, "text", "")) for condition in conditions),
        reasons=tuple(str(reason) for condition in conditions for reason in condition.explain(values).reasons),
        people=tuple(Asked(task.person, task.opened_at, task.due_at) for task in tasks),
        timers=tuple(sorted(due.items(), key=lambda one: one[1])),
        unpublished=guessed(calendar, step.spans, tasks[0].opened_at, last) if tasks and last else (),
    )

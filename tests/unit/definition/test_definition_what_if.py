"""A history told again on another version: what people did at the times they did it, and that version's deadlines."""

from dataclasses import dataclass
from datetime import datetime

from engine.definition.cast import Cast
from engine.definition.compile import compile_process
from engine.definition.load import load
from engine.definition.model import Definition
from engine.definition.trial import Trial
from engine.definition.what_if import Refused, Retraced, retrace
from engine.machine.commands import AnyCommand
from engine.machine.outcome import AnyEvent
from engine.machine.process import Process
from engine.organisation.workdays import Workdays
from engine.settings import Settings
from engine.values import Duration

FORM = {"title": "小案", "budget": "500.00"}


@dataclass(frozen=True)
class Entry:
    case_id: str
    seq: int
    at: datetime
    command: AnyCommand
    events: tuple[AnyEvent, ...]


def bound(definition: Definition) -> Process:
    return compile_process(definition).bound(Cast(), Workdays(Settings().zone))


def entries(trial: Trial) -> list[Entry]:
    told = zip(trial.commands, trial.outcomes, strict=True)
    return [
        Entry("trial", seq, outcome.at or trial.now, command, outcome.events)
        for seq, (command, outcome) in enumerate(told, 1)
    ]


def lived(small: str, days: int) -> Trial:
    """A case whose head approves after some working days."""
    trial = Trial(bound(load(small)))
    trial.submit(FORM)
    trial.wait(Duration(days, "wd"))
    trial.decide(trial.open_tasks("head")[0], "approve")
    return trial


def told(small: str, trial: Trial, *replacements: str) -> Retraced:
    for old, new in zip(replacements[::2], replacements[1::2], strict=True):
        assert small.count(old) == 1, old
        small = small.replace(old, new)
    definition = load(small)
    return retrace(definition, bound(definition), entries(trial))


def test_under_its_own_version_a_case_goes_as_it_went(small: str) -> None:
    trial = lived(small, 2)
    again = told(small, trial)
    assert (again.route, again.state, again.unused, again.refused) == ("long", "approving", (), None)
    assert again.asked == tuple((task.step, task.person) for task in trial.case.tasks)
    assert again.waiting == tuple((task.step, task.person) for task in trial.open_tasks())


def test_who_was_late_for_the_new_deadline_would_not_have_decided(small: str) -> None:
    again = told(small, lived(small, 2), "remind: [1wd], at: 3wd", "remind: [], at: 1wd")
    assert again.unused == (("head", "head@county"),)
    assert again.waiting == (("head", "head@city"),)


def test_a_deadline_that_is_not_reached_any_more_does_not_fall_due(small: str) -> None:
    late = Trial(bound(load(small)))
    late.submit(FORM)
    late.wait(Duration(4, "wd"))
    assert [task.person for task in late.open_tasks()] == ["head@city"]
    patient = told(small, late, "at: 3wd", "at: 30wd")
    assert patient.waiting == (("head", "head@county"),)


def test_what_would_be_refused_is_told_once_with_the_reason(small: str) -> None:
    strict = told(small, lived(small, 1), 'min: "0"', 'min: "1000"')
    assert isinstance(strict.refused, Refused)
    assert (strict.state, strict.refused.seq, strict.refused.command) == ("draft", 2, "Submit")
    assert strict.refused.why


def test_a_chain_that_leaves_a_step_out_does_without_its_decision(small: str) -> None:
    without = told(small, lived(small, 1), 'limit: "100.00"', 'limit: "1000.00"')
    assert (without.route, without.unused) == ("short", (("head", "head@county"),))
    assert without.waiting == (("register", without.asked[0][1]),)

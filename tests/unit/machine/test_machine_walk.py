"""Random walks through whole cases: whatever people and timers do, a case stays sound and its history rebuilds it."""

from datetime import timedelta

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine.errors import AlreadyDecided, CountersignError
from engine.machine.case import Case
from engine.machine.commands import (
    AudienceFrozen,
    Close,
    DeliveryFinished,
    Evaluated,
    PauseDelivery,
    ResumeDelivery,
    StartDelivery,
)
from tests.unit.machine.trial import LARGE, MIDDLE, SMALL, Trial

DECISIONS = st.sampled_from(["approve", "approve", "approve", "approve", "acknowledge", "object", "return", "reject"])
FROZEN = AudienceFrozen(actor="system", snapshot="s", digest="d", target=900, control=100)
STARTED = StartDelivery(actor="clerk", recipients=900)
DELIVERED = DeliveryFinished(actor="system", sums={"delivered": 900})


def evaluated(label: str) -> Evaluated:
    return Evaluated(actor="system", label=label, digest="e", verdict="works", last=label == "30d")


STAGES = st.sampled_from(
    [
        FROZEN,
        STARTED,
        PauseDelivery(actor="clerk"),
        ResumeDelivery(actor="clerk"),
        DELIVERED,
        evaluated("7d"),
        evaluated("30d"),
        Close(actor="clerk"),
    ]
)


class AnyCase(RuleBasedStateMachine):
    """Everything that can be tried on a case, in any order."""

    @initialize()
    def begin(self) -> None:
        self.trial = Trial()
        self.decided: dict[str, object] = {}

    @rule(form=st.sampled_from([SMALL, MIDDLE, LARGE]))
    def submit(self, form: dict[str, int]) -> None:
        self.attempt(lambda: self.trial.submit(form))

    @rule(times=st.integers(1, 6))
    def go_on(self, times: int) -> None:
        """What brings the case forward, so that walks reach its late stages too."""
        for _ in range(times):
            self.attempt(self.forward)

    def forward(self) -> None:
        trial = self.trial
        match trial.case.state:
            case "draft" | "returned":
                trial.submit(LARGE)
            case "approving":
                task = next(task for task in trial.open_tasks() if task.verb != "copy")
                trial.decide(task.person, "approve" if task.verb == "approve" else "acknowledge", step=task.step)
            case "targeting":
                trial.do(FROZEN)
            case "ready":
                trial.do(STARTED)
            case "delivering":
                trial.do(DELIVERED)
            case "paused":
                trial.do(ResumeDelivery(actor="clerk"))
            case "evaluating" if trial.process.possible(trial.case):
                trial.do(Close(actor="clerk"))
            case "evaluating":
                label = "30d" if "7d" in trial.case.facts.get("evaluations", {}) else "7d"
                trial.do(evaluated(label))
            case _:
                pass

    @rule(place=st.integers(0, 20), decision=DECISIONS)
    @precondition(lambda self: self.trial.open_tasks())
    def decide(self, place: int, decision: str) -> None:
        tasks = self.trial.open_tasks()
        task = tasks[place % len(tasks)]
        decision = "read" if task.verb == "copy" else decision
        self.attempt(lambda: self.trial.decide(task.person, decision, step=task.step))  # type: ignore[arg-type]

    @rule(place=st.integers(0, 20))
    @precondition(lambda self: any(task.state == "decided" for task in self.trial.case.tasks))
    def click_again(self, place: int) -> None:
        decided = [task for task in self.trial.case.tasks if task.state == "decided"]
        task = decided[place % len(decided)]
        before = self.trial.case
        try:
            self.trial.decide(task.person, "approve", step=task.step)
        except AlreadyDecided:
            assert self.trial.case is before
        except CountersignError:
            pass

    @rule(days=st.integers(1, 9))
    def wait(self, days: int) -> None:
        self.trial.wait(f"{days}d")

    @rule(command=STAGES)
    def report(self, command: object) -> None:
        self.attempt(lambda: self.trial.do(command))  # type: ignore[arg-type]

    @rule()
    def withdraw(self) -> None:
        if self.trial.now > self.trial.days(30):
            self.attempt(self.trial.withdraw)

    def attempt(self, act: object) -> None:
        """Do it; a refusal must leave the case as it was."""
        before, entries = self.trial.case, len(self.trial.entries)
        try:
            act()  # type: ignore[operator]
        except CountersignError:
            assert self.trial.case is before
            assert len(self.trial.entries) == entries
        self.trial.now += timedelta(minutes=1)

    @invariant()
    def history_rebuilds_the_case(self) -> None:
        assert self.trial.replayed() == self.trial.case
        assert len(self.trial.entries) == self.trial.case.seq

    @invariant()
    def the_case_survives_being_written_down(self) -> None:
        assert msgspec.json.decode(msgspec.json.encode(self.trial.case), type=Case) == self.trial.case

    @invariant()
    def only_active_steps_wait_for_people(self) -> None:
        case = self.trial.case
        active = {name.rpartition("/")[2] for name in case.configuration}
        for task in case.tasks:
            if task.state in ("open", "waiting") and task.verb != "copy":
                assert task.step in active
                assert task.round == case.round
        if case.state != "approving":
            assert not self.trial.asked()
        else:
            assert self.trial.asked()
            assert all(state.startswith(f"{case.route}/") for state in case.configuration)

    @invariant()
    def seats_and_timers_are_unique(self) -> None:
        case = self.trial.case
        seats = [(task.round, task.step, task.person) for task in case.tasks]
        assert len(seats) == len(set(seats))
        assert len({task.id for task in case.tasks}) == len(case.tasks)
        timers = [(timer.step, timer.name) for timer in case.timers]
        assert len(timers) == len(set(timers))
        steps = {task.step for task in self.trial.open_tasks()}
        assert all(timer.step in steps for timer in case.timers if timer.step)

    @invariant()
    def what_was_decided_stays_decided(self) -> None:
        for task in self.trial.case.tasks:
            if task.state == "decided":
                assert self.decided.setdefault(task.id, task) == task
                assert task.decided_by != self.trial.case.submitter

    @invariant()
    def it_can_always_be_drawn(self) -> None:
        drawn = self.trial.drawn().values()
        current = [step for step in drawn if step.state == "current"]
        assert current or self.trial.case.state in ("draft", "returned", "rejected", "withdrawn", "closed")


AnyCase.TestCase.settings = settings(max_examples=200, stateful_step_count=30, suppress_health_check=list(HealthCheck))
TestAnyCase = AnyCase.TestCase

"""Random walks through whole cases: whatever people and timers do, a case stays sound, its history rebuilds it, and it
asks and goes on as a small model says that knows nothing of the machine."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from msgspec.structs import replace

from engine.machine.case import Case, Place, Task
from engine.machine.commands import (
    AddSigners,
    Answer,
    AnyCommand,
    Append,
    Ask,
    AudienceFailed,
    AudienceFrozen,
    Claim,
    Close,
    CopyTo,
    Decide,
    Delegate,
    DeliveryFinished,
    Edit,
    Evaluated,
    Operate,
    PauseDelivery,
    Perform,
    Release,
    RemoveSigner,
    Reorganise,
    ResumeDelivery,
    SelectAgain,
    StartDelivery,
    Submit,
    Transfer,
    Withdraw,
)
from tests.unit.machine.trial import LARGE, Trial
from tests.unit.machine.walk_checks import Watch, step_names, walks
from tests.unit.machine.walk_follow import Follower
from tests.unit.machine.walk_world import BARRED, FORMS, OFFICES, OUTSIDE, WORLDS, World, process

FROZEN = AudienceFrozen(actor="system", snapshot="s", digest="d", target=900, control=100)
STARTED = StartDelivery(actor="clerk", recipients=900)
DELIVERED = DeliveryFinished(actor="system", sums={"delivered": 900})
ENDS = ("rejected", "withdrawn", "cancelled", "voided", "closed")
WAITS = ("targeting", "delivering", "evaluating")
"""Something else goes on meanwhile: the selection, the waves, the evaluation."""
SUPERIORS = ("city_head", "city_head", "province_head")
OTHERS = (*OUTSIDE, *OUTSIDE, *SUPERIORS, "fin_b", "net_b", "clerk", "clerk2", "deputy", "nobody")
PICK = st.sampled_from(range(21))  # not integers: those depend on what else the process has imported


def evaluated(label: str) -> Evaluated:
    return Evaluated(actor="system", label=label, digest="e", verdict="works", last=label == "30d")


STAGES: list[AnyCommand] = [
    FROZEN,
    AudienceFailed(actor="system", reason="no room"),
    SelectAgain(actor="clerk"),
    STARTED,
    PauseDelivery(actor="clerk"),
    ResumeDelivery(actor="clerk"),
    DELIVERED,
    evaluated("7d"),
    evaluated("30d"),
    Close(actor="clerk"),
    Perform(actor="clerk", event="publish"),
    Answer(actor="ann", question="none", text="no"),
]
DECISIONS = st.sampled_from(["approve"] * 5 + ["abstain", "return", "return", "reject"])
ACTORS = st.sampled_from([""] * 12 + ["stand_in", "fin_b", "clerk", "deputy", "ann"])
BRING_IN = (Transfer, Delegate, AddSigners, AddSigners, Append, RemoveSigner, RemoveSigner)
ON_TASK = (*BRING_IN, CopyTo, Ask, Claim, Release)
PLACES = st.sampled_from(["before", "after", "beside"])
OPERATIONS = st.sampled_from(["terminate", "void", "suspend", "suspend", "activate", "wake", "take_back"])


class AnyCase(RuleBasedStateMachine):
    """Everything that can be tried on a case, in any order."""

    @initialize(world=WORLDS, form=st.sampled_from(FORMS))
    def begin(self, world: World, form: dict[str, int]) -> None:
        self.world = world
        self.trial = Trial(process(world))
        self.watch = Watch(self.trial, barred=BARRED)
        self.model = Follower(world)
        self.submit(form)

    # what people, timers and stages do

    def submit(self, form: dict[str, int]) -> None:
        self.attempt(Submit(actor="clerk", form=dict(form), number="c1-2026-00001"))

    @rule(form=st.sampled_from(FORMS), actor=st.sampled_from(["clerk"] * 4 + ["fin_b"]), kind=st.sampled_from("sewa"))
    def write(self, form: dict[str, int], actor: str, kind: str) -> None:
        """The submitter edits, submits or withdraws; now and then somebody else tries."""
        if kind == "s":
            self.submit(form)
        elif kind == "e":
            self.attempt(Edit(actor=actor, form=dict(form)))
        elif kind == "a" or self.trial.now > self.trial.days(30):
            self.attempt(Withdraw(actor=actor, reason="not now", again=kind == "a"))

    @rule(times=st.sampled_from(range(1, 9)))
    def go_on(self, times: int) -> None:
        """What brings the case forward, so that walks reach its late stages too."""
        for _ in range(times):
            command = self.forward()
            if command is not None:
                self.attempt(command)

    def forward(self) -> AnyCommand | None:
        trial = self.trial
        match trial.case.state:
            case "draft" | "returned":
                return Submit(actor="clerk", form=trial.case.form or dict(LARGE), number="c1-2026-00001")
            case "approving" if tasks := [task for task in trial.open_tasks() if task.signs]:
                verb = "approve" if tasks[0].verb == "approve" else "acknowledge"
                return Decide(actor=tasks[0].person, task=tasks[0].id, decision=verb)  # type: ignore[arg-type]  # of Decision
            case "targeting":
                return FROZEN
            case "ready":
                return STARTED
            case "delivering":
                return DELIVERED
            case "paused":
                return ResumeDelivery(actor="clerk")
            case "suspended":
                return Operate(actor="admin", operation="activate")
            case "evaluating" if not trial.process.possible(trial.case):
                return evaluated("30d" if "7d" in trial.case.facts.get("evaluations", {}) else "7d")
            case _:
                return None

    @rule(place=PICK, decision=DECISIONS, to=PICK, actor=ACTORS)
    def decide(self, place: int, decision: str, to: int, actor: str) -> None:
        task = self.pick(place)
        if task is None:
            return
        if task.verb == "copy":
            decision = "read"
        elif task.verb == "file":
            decision = {"approve": "acknowledge", "reject": "object"}.get(decision, decision)
        targets = self.trial.process.return_targets(self.trial.case, task.step)
        where = targets[to % len(targets)] if targets and decision == "return" else "submitter"
        command = Decide(actor=task.person, task=task.id, decision=decision, remark="because", to=where)  # type: ignore[arg-type]  # of Decision
        if actor:
            command = replace(command, actor=actor, on_behalf_of=task.person)
        may = self.model.may(self.trial.case, task, command)
        is_done = self.attempt(command)
        assert may is None or is_done == may

    @rule(place=PICK, kind=st.sampled_from(BRING_IN), who=PICK, where=PLACES, n=PICK)
    def bring_in(self, place: int, kind: type[Any], who: int, where: Place, n: int) -> None:
        self.handle(place, kind, who, where, n)

    @rule(place=PICK, kind=st.sampled_from(ON_TASK), who=PICK, where=PLACES, n=PICK)
    def handle(self, place: int, kind: type[Any], who: int, where: Place, n: int) -> None:
        """The person of a task does something with it besides deciding."""
        task = self.pick(place, signing=True)
        if task is None:
            return
        people = (OTHERS * 2)[who % len(OTHERS) :]
        said: dict[str, Any] = {"actor": task.person, "task": task.id, "remark": "because"}
        if kind in (Transfer, Delegate):
            said["to"] = people[0]
        elif kind is Ask:
            said |= {"person": people[0], "text": "why?"}
        elif kind is RemoveSigner:
            brought = [one for one in self.trial.case.tasks if one.asked_by == task.person]
            said["seat"] = brought[n % len(brought)].id if brought else task.id
        elif kind in (AddSigners, Append, CopyTo):
            said["people"] = tuple(people[: 1 + n % 2])
            said |= {"place": where} if kind is AddSigners else {}
        self.attempt(kind(**said))

    @rule(place=PICK)
    def answer(self, place: int) -> None:
        out = [one for one in self.trial.case.questions if one.answered_at is None]
        if out:
            question = out[place % len(out)]
            self.attempt(Answer(actor=question.person, question=question.id, text="so"))

    @rule(place=PICK)
    def click_again(self, place: int) -> None:
        decided = [task for task in self.trial.case.tasks if task.state == "decided"]
        if decided:
            task = decided[-1 - place % len(decided)]
            assert not self.attempt(Decide(actor=task.person, task=task.id, decision="approve", remark="again"))
        self.watch.late_ticks_change_nothing()

    @rule(days=st.sampled_from([1, 1, 2, 3, 9]))
    def wait(self, days: int) -> None:
        """Let time pass; what falls due meanwhile fires in its order, at its time."""
        end = self.trial.now + timedelta(days=days)
        for _ in range(1000):
            due = self.watch.next_due(end)
            if due is None:
                break
            self.attempt(due)
        else:
            raise AssertionError("timers never come to rest")
        self.trial.now = max(self.trial.now, end)

    @rule(operation=OPERATIONS, actor=st.sampled_from(["admin", "admin", "clerk", "fin_a"]))
    def operate(self, operation: str, actor: str) -> None:
        if operation == "take_back" and (decided := [one for one in self.trial.case.tasks if one.decided_at]):
            actor = max(decided, key=lambda one: (one.decided_at, one.id)).person
        if operation not in ("terminate", "void") or self.trial.now > self.trial.days(30):
            self.attempt(Operate(actor=actor, operation=operation, reason="because"))

    @rule(to=st.sampled_from(["finance", "both", "network", "vp", "province", "register", "seen"]))
    def jump(self, to: str) -> None:
        self.attempt(Operate(actor="admin", operation="jump", reason="because", to=to))

    @rule(office=st.sampled_from(list(OFFICES)))
    def reorganise(self, office: str) -> None:
        """People come and go, and the case is told."""
        self.trial.process = process(self.world, office)
        self.model.move(office)
        self.attempt(Reorganise(actor="system", via="timer"))

    @rule(command=st.sampled_from(STAGES))
    def report(self, command: AnyCommand) -> None:
        self.attempt(command)

    # what must hold

    def pick(self, place: int, *, signing: bool = False) -> Task | None:
        """Mostly a task that is open; now and then one that waits."""
        tasks = [one for one in self.trial.case.tasks if one.is_pending and (one.signs or not signing)]
        tasks.sort(key=lambda one: one.state != "open")
        return tasks[place % len(tasks)] if tasks else None

    def attempt(self, command: AnyCommand) -> bool:
        """Carry it out, and hold the case against everything that must be true of it; False where it is refused."""
        before = self.trial.case
        outcome = self.watch.attempt(command)
        if outcome is None:
            return False
        assert before.state not in ENDS or not outcome.events or is_for_an_end(command)
        self.model.follow(command, before, outcome)
        self.it_is_where_the_model_says(self.trial.case)
        self.somebody_is_asked(self.trial.case)
        return True

    def somebody_is_asked(self, case: Case) -> None:
        """Each active step waits for somebody who may act, or looks for people again."""
        asked = {task.step for task in case.tasks if task.signs and task.state == "open"}
        steps = step_names(self.trial.process, case)
        if case.state == "suspended":
            return
        assert steps == asked | {timer.step for timer in case.timers if timer.name == "staff"}
        going_on = steps or case.timers or self.trial.process.possible(case)
        assert going_on or case.state in (*ENDS, *WAITS)
        armed = {timer.step for timer in case.timers}
        self.the_clock_runs(steps - armed - {one.step for one in case.stopped})

    def it_is_where_the_model_says(self, case: Case) -> None:
        expected = self.model.approval
        if expected is None:
            return
        if expected.state == "approving":
            assert case.state in ("approving", "suspended")
            asked: dict[str, set[str]] = {name: set() for name in expected.boards}
            for task in case.tasks:
                if task.state == "open" and task.signs:
                    asked.setdefault(task.step, set()).add(task.person)
            due = {name: board.asked() for name, board in expected.boards.items()}
            assert asked == due
        elif expected.state == "approved":
            assert case.state not in ("draft", "approving", "returned", "rejected")
        else:
            assert case.state in (expected.state, "suspended")

    def the_clock_runs(self, unarmed: set[str]) -> None:
        """A step that ends by itself has a timer at all times; one that escalates, until it has done so twice or
        nobody is above."""
        case = self.trial.case
        if case.state != "approving":
            return
        passes = self.world.lapse == "approve" and case.form["budget"] <= 100_000
        for step in unarmed:
            seats = [one for one in case.tasks if (one.step, one.round) == (step, case.round)]
            escalated = {one.decided_at for one in seats if one.reason == "escalated"}
            assert step not in ("province", "register")
            assert self.world.lapse in ("escalate", "approve")
            assert not passes
            assert len(escalated) == 2 or (case.round, step) in self.model.spent

    def teardown(self) -> None:
        if hasattr(self, "watch"):
            self.watch.history_rebuilds_it()


def is_for_an_end(command: AnyCommand) -> bool:
    """What a case that has ended still takes: who was sent a copy reads it, a question is answered, it is woken."""
    return isinstance(command, Decide | Answer) or (isinstance(command, Operate) and command.operation == "wake")


AnyCase.TestCase.settings = walks(quick=200, steps=30, full=10_000, longest=50)
TestAnyCase = AnyCase.TestCase

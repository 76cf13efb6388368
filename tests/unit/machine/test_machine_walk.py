"""Random walks through whole cases: whatever people and timers do, a case stays sound, its history rebuilds it, and it
asks and goes on as a small model says that knows nothing of the machine."""

from collections import Counter
from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from msgspec.structs import replace

from engine.errors import CountersignError, NotPossible
from engine.machine.case import Case, Place, Task, Timer
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
    OnTask,
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
    TimerFired,
    Transfer,
    Withdraw,
)
from engine.machine.outcome import NotifyTask, Outcome, Turned
from engine.machine.step_kind import Step
from tests.support import FULL
from tests.unit.machine.trial import LARGE, Trial
from tests.unit.machine.walk_model import Approval, Board, Signer
from tests.unit.machine.walk_world import (
    BARRED,
    FORMS,
    OFFICES,
    OUTSIDE,
    REPRESENTED,
    WORLDS,
    World,
    expected_approval,
    people_of,
    process,
    superiors_of,
)

FROZEN = AudienceFrozen(actor="system", snapshot="s", digest="d", target=900, control=100)
STARTED = StartDelivery(actor="clerk", recipients=900)
DELIVERED = DeliveryFinished(actor="system", sums={"delivered": 900})
ENDS = ("rejected", "withdrawn", "cancelled", "voided", "closed")
WAITS = ("targeting", "delivering", "evaluating")
"""Something else goes on meanwhile: the selection, the waves, the evaluation."""
OTHERS = (*OUTSIDE, *OUTSIDE, *OUTSIDE, "fin_b", "net_b", "city_head", "clerk", "clerk2", "deputy", "nobody")
GONE = ("transferred", "escalated", "removed", "lost_role", "left")
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
        self.world, self.office = world, "first"
        self.trial = Trial(process(world))
        self.expected: Approval | None = None
        self.returner, self.seen = "", {}
        self.decided: dict[str, Task] = {}
        self.keys: set[str] = set()
        self.spent: set[tuple[int, str]] = set()
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
        may = self.may(task, command)
        is_done = self.attempt(command)
        assert may is None or is_done == may

    def may(self, task: Task, command: Decide) -> bool | None:
        """Whether the model lets this decision be taken; None where it does not know."""
        expected, case = self.expected, self.trial.case
        if task.verb == "copy" or command.actor in REPRESENTED.get(task.person, ()):
            return None
        if expected is None or case.state != "approving" or command.actor != task.person:
            return False
        board = expected.boards[task.step]
        allowed = ["approve", "return", "reject"]
        if task.verb == "file":
            allowed = ["acknowledge", "object"] if task.step == "register" else ["acknowledge"]
        elif board.mode == "vote":
            allowed.append("abstain")
        return command.decision in allowed and task.person in board.asked()

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
        self.fire_what_is_over()

    @rule(days=st.sampled_from([1, 1, 2, 3, 9]))
    def wait(self, days: int) -> None:
        """Let time pass; what falls due meanwhile fires in its order, at its time."""
        trial = self.trial
        end = trial.now + timedelta(days=days)
        for _ in range(1000):
            due = min((one for one in trial.case.timers if one.due_at <= end), key=_due, default=None)
            if due is None:
                break
            trial.now = max(trial.now, due.due_at)
            self.attempt(TimerFired(actor="system", via="timer", key=due.key, name=due.name, step=due.step))
        else:
            raise AssertionError("timers never come to rest")
        trial.now = max(trial.now, end)

    def fire_what_is_over(self) -> None:
        """A tick that comes late changes nothing."""
        for key in sorted(self.keys - {timer.key for timer in self.trial.case.timers})[:3]:
            outcome = self.trial.do(TimerFired(actor="system", via="timer", key=key, name="escalate", step="finance"))
            assert not outcome.events

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
        self.office = office
        self.trial.process = process(self.world, office)
        if self.expected is not None:
            self.expected.people, self.expected.weights = people_of(self.world, office)
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
        trial = self.trial
        before, written = trial.case, msgspec.json.encode(trial.case)
        trial.now += timedelta(minutes=1)
        try:
            outcome = trial.do(command)
        except CountersignError as refused:
            assert trial.case is before
            assert msgspec.json.encode(before) == written
            assert not isinstance(refused, NotPossible) or refused.fields["possible"]
            return False
        self.keys |= {timer.key for timer in trial.case.timers}
        assert before.state not in ENDS or not outcome.events or is_for_an_end(command)
        self.follow(command, before, outcome)
        self.check(command, before, outcome)
        return True

    def follow(self, command: AnyCommand, before: Case, outcome: Outcome) -> None:
        """Have the model do the same."""
        expected, case = self.expected, outcome.case
        if isinstance(command, Submit):
            self.submitted(before, case.form)
            return
        if expected is None or not outcome.events:
            return
        state = before.facts["suspended"]["state"] if before.state == "suspended" else before.state
        if isinstance(command, Operate | Withdraw):
            self.intervened(command, before, outcome)
        elif state == "approving" and isinstance(command, Decide | TimerFired):
            self.decided_or_lapsed(command, before, outcome)
        elif state == "approving" and isinstance(command, OnTask):
            task = task_of(before, command.task)
            board = expected.boards[task.step]
            handle(board, task.person, command, before)
            self.settle(task.step, board.verdict(), before, outcome)
        elif isinstance(command, Reorganise) and state == "approving":
            self.adopt(case)

    def submitted(self, before: Case, form: dict[str, Any]) -> None:
        """A round from the beginning of the chain; what was approved for the same form may stand."""
        fresh = expected_approval(self.world, form, self.office)
        old = self.expected
        if old is not None and old.columns == fresh.columns and self.seen == form:
            fresh.kept = old.standing(self.world.resume, self.returner)
        self.expected, self.returner, self.seen = fresh, "", dict(form)
        fresh.onward()

    def settle(self, step: str, verdict: str, before: Case, outcome: Outcome) -> None:
        expected = self.expected
        assert expected is not None
        if not verdict:
            return
        turned = [event for event in outcome.events if isinstance(event, Turned)]
        to, kept = "", {}
        if verdict == "return":
            named = {one.back_to for one in expected.boards[step].counted() if one.decision == "return"}
            assert bool(turned) == bool(named and "submitter" not in named), (named, turned)
            if turned:
                to = turned[0].to
                assert expected.column_of(to) <= expected.place
                assert "previous" in named or to in named
                kept = expected.standing(self.world.resume, step, to)
        expected.settle(step, verdict, to=to, kept=kept)
        if expected.state == "returned":
            self.returner = step

    def decided_or_lapsed(self, command: Decide | TimerFired, before: Case, outcome: Outcome) -> None:
        expected = self.expected
        assert expected is not None
        if isinstance(command, TimerFired) and command.name == "staff":
            self.adopt(outcome.case)
        elif isinstance(command, TimerFired):
            board = expected.boards[command.step]
            verdict = command.name if command.name in ("return", "reject", "approve") else ""
            if command.name == "approve" and before.form["budget"] > 100_000:
                verdict = "escalate"
            if command.name == "escalate" or verdict == "escalate":
                asked = [one for one in before.tasks if one.step == command.step and one.state == "open" and one.signs]
                late = [task.person for task in asked if task.round == before.round]
                board.escalate({person: superiors_of(person, self.office) for person in late})
                verdict = board.verdict()
                if outcome.case.tasks == before.tasks:
                    self.spent.add((before.round, command.step))
            is_silence = command.name == "objection" or (command.name == "silence" and command.step == "province")
            self.settle(command.step, "silence" if is_silence else verdict, before, outcome)
        elif (task := task_of(before, command.task)).verb != "copy":
            self.decide_expected(expected, task, command, before, outcome)

    def decide_expected(self, expected: Approval, task: Task, command: Decide, before: Case, outcome: Outcome) -> None:
        board = expected.boards[task.step]
        board.decide(task.person, command.decision, command.to)
        if command.decision == "approve" and board.find(task.person) in board.counted():
            expected.said.append((expected.place, task.person))
        if command.decision == "object":
            self.expected = expected_approval(self.world, before.form, self.office, "main")
            self.expected.onward()
            return
        self.settle(task.step, board.verdict(), before, outcome)

    def intervened(self, command: Operate | Withdraw, before: Case, outcome: Outcome) -> None:
        expected, state = self.expected, outcome.case.state
        assert expected is not None
        turned = [event for event in outcome.events if isinstance(event, Turned)]
        if isinstance(command, Operate) and command.operation == "activate":
            self.adopt(outcome.case)
        elif turned:
            by = turned[0].by_step
            expected.state = "approving"
            expected.turn(turned[0].to, expected.standing(self.world.resume, by, turned[0].to))
        elif state not in ("suspended", "approving"):
            expected.state = state

    def adopt(self, case: Case) -> None:
        """Others are asked, because the organisation changed: whom, is read off the case."""
        expected = self.expected
        assert expected is not None
        for name in expected.boards:  # somebody's leaving may have settled it
            expected.latest[name] = as_board(expected, case, name)
        expected.boards.clear()
        if case.state != "approving":
            expected.state = case.state if case.state in ("returned", "rejected") else "approved"
        active = [name.rpartition("/")[2] for name in case.configuration]
        for name in active:
            if case.state == "approving" and ":" not in name:
                expected.place = expected.column_of(name)
                expected.boards[name] = expected.latest[name] = as_board(expected, case, name)
        expected.approved = {name.removesuffix(":done") for name in active if name.endswith(":done")}

    def check(self, command: AnyCommand, before: Case, outcome: Outcome) -> None:
        case, process = self.trial.case, self.trial.process
        active = {name.rpartition("/")[2] for name in case.configuration}
        pending = [task for task in case.tasks if task.is_pending and task.verb != "copy"]
        self.it_is_where_the_model_says(case)
        # only active steps wait, and each waits for somebody who may act or looks for people again
        asked = [task for task in pending if task.signs and task.state == "open"]
        assert all(task.step in active and task.round == case.round for task in pending if task.signs)
        staffed = {task.step for task in asked} | {timer.step for timer in case.timers if timer.name == "staff"}
        steps = {one.rpartition("/")[2] for one in case.configuration if isinstance(process.kinds.get(one), Step)}
        if case.state == "suspended":
            assert not case.timers
        else:
            assert steps == staffed
            assert case.state in ENDS or steps or case.timers or process.possible(case) or case.state in WAITS
        assert not {task.person for task in asked} & set(BARRED)
        # seats, tasks and timers are there once, and timers only where somebody is asked
        seats = [(task.round, task.step, task.person) for task in case.tasks]
        assert len(seats) == len(set(seats))
        assert len({task.id for task in case.tasks}) == len(case.tasks)
        assert len({timer.key for timer in case.timers}) == len(case.timers)
        armed = [timer.step for timer in case.timers if timer.step]
        assert len(armed) == len(set(armed))
        stopped = {one.step for one in case.stopped}
        assert set(armed) | stopped <= steps
        assert not set(armed) & stopped
        this_round = {task.id for task in case.tasks if task.round == case.round}
        for one in case.questions:
            here = [task for task in case.tasks if (task.person, task.step) == (one.person, one.step)]
            assert (
                one.answered_at
                or one.step not in steps
                or one.task not in this_round
                or any(task.state == "open" or task.verb != "answer" for task in here)
            )
        waiting_for_answers = {one.step for one in case.questions if one.answered_at is None}
        assert stopped <= waiting_for_answers
        self.the_clock_runs(steps - stopped, set(armed))
        # everybody who is asked is told so once; nobody decides on a case of their own; what is decided stays
        was_open = {task.id for task in before.tasks if task.state == "open"}
        told = Counter(
            one.task for one in outcome.effects if isinstance(one, NotifyTask) and one.occasion != "reminder"
        )
        fresh = {task.id for task in asked if task.id not in was_open}
        assert set(told) == {one for one in told if told[one] == 1}
        assert fresh <= set(told)
        for task in before.tasks:
            if task.state == "decided" and task_of(case, task.id).state == "open":
                assert task.place or not task.signs  # who had given an opinion is asked to decide
                self.decided.pop(task.id, None)
        for task in case.tasks:
            if task.state == "decided" and task.signs:
                kept = replace(task, of="")  # whose signer it is follows the seat to its next person
                assert self.decided.setdefault(task.id, kept) == kept
                assert task.decided_by not in BARRED
        self.trial.drawn()

    def it_is_where_the_model_says(self, case: Case) -> None:
        expected = self.expected
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

    def the_clock_runs(self, steps: set[str], armed: set[str]) -> None:
        """A step that ends by itself has a timer at all times; one that escalates, until it has done so twice or
        nobody is above."""
        case = self.trial.case
        if case.state != "approving":
            return
        passes = self.world.lapse == "approve" and case.form["budget"] <= 100_000
        for step in steps - armed:
            seats = [one for one in case.tasks if (one.step, one.round) == (step, case.round)]
            escalated = {one.decided_at for one in seats if one.reason == "escalated"}
            assert step not in ("province", "register")
            assert self.world.lapse in ("escalate", "approve")
            assert not passes
            assert len(escalated) == 2 or (case.round, step) in self.spent

    def teardown(self) -> None:
        """The history alone rebuilds the case, byte for byte, and it survives being written down."""
        if hasattr(self, "trial"):
            trial = self.trial
            written = msgspec.json.encode(trial.case)
            assert msgspec.json.encode(trial.replayed()) == written
            assert msgspec.json.decode(written, type=Case) == trial.case
            assert len(trial.entries) == trial.case.seq


def task_of(case: Case, task: str) -> Task:
    return next(one for one in case.tasks if one.id == task)


def handle(board: Board, person: str, command: OnTask, case: Case) -> None:
    """What an operation means to the model."""
    match command:
        case Transfer():
            board.replace(person, command.to, brought_by=person)
        case Delegate():
            board.bring(person, (command.to,), "delegate")
        case AddSigners():
            board.bring(person, command.people, command.place)
        case Append():
            board.bring(person, command.people, "")
        case RemoveSigner():
            board.remove(task_of(case, command.seat).person)
        case Claim():
            board.claim(person)
        case Release():
            board.release()
        case _:
            pass


def as_board(expected: Approval, case: Case, step: str) -> Board:
    """The people of a step as the case has them."""
    mode = next(one.mode for column in expected.columns for one in column.steps if one.name == step)
    tasks = [one for one in case.tasks if (one.step, one.round) == (step, case.round) and one.signs]
    # in a line, whoever had their turn first: they may wait now for those whom they brought in
    tasks.sort(key=lambda one: one.state == "waiting" and not one.reason)
    signers = {one.id: Signer(one.person, one.weight, place=one.place, brought_by=one.asked_by) for one in tasks}
    times = sorted((one.decided_at, one.id) for one in tasks if one.state == "decided" and one.decided_at)
    for one in tasks:
        signer = signers[one.id]
        signer.beside = signers.get(one.of)
        signer.gone = one.state == "cancelled" and one.reason in GONE
        signer.aside = one.state == "waiting" and one.reason == "claimed"
        signer.back_to = one.back_to or "submitter"
        if one.state == "decided" and one.decision and one.decided_at:
            signer.decision, signer.at = one.decision, times.index((one.decided_at, one.id)) + 1
    return Board("any" if mode == "file" else mode, list(signers.values()), len(tasks))


def is_for_an_end(command: AnyCommand) -> bool:
    """What a case that has ended still takes: who was sent a copy reads it, a question is answered, it is woken."""
    return isinstance(command, Decide | Answer) or (isinstance(command, Operate) and command.operation == "wake")


def _due(timer: Timer) -> tuple[Any, str]:
    return timer.due_at, timer.key


AnyCase.TestCase.settings = settings(
    max_examples=10_000 if FULL else 200,
    stateful_step_count=50 if FULL else 30,
    phases=list(Phase) if FULL else [Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes
    derandomize=not FULL,  # the same walks at every commit, others with FULL_TESTS=1
    suppress_health_check=list(HealthCheck),
    deadline=None,
)
TestAnyCase = AnyCase.TestCase

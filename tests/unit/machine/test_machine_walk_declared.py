"""Random walks over a lifecycle that a definition declares in every kind of state: the case stays sound, its history
rebuilds it, and it is where a small model says, which knows the definition by heart and nothing of charts."""

from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from engine.machine.case import Case
from engine.machine.commands import AnyCommand, Decide, Edit, Operate, Perform, Reorganise, Submit, Withdraw
from tests.unit.machine.trial import Trial
from tests.unit.machine.walk_checks import Watch, task_of, walks
from tests.unit.machine.walk_fair import BARRED, people_of, process

PICK = st.sampled_from(range(13))
GUESTS = st.sampled_from([50, 200, 900])
WAYS: dict[str, dict[str, tuple[str, ...]]] = {
    "booking": {"book": ("hall",), "note": ("hall", "boss")},
    "cooking": {"cook": ("cook",)},
    "tasting": {"taste": ("boss", "cook"), "spoil": ("boss",)},
    "held": {"resume": ("boss",), "part": ("boss",)},
}
"""What the people of a state may do, and by which role."""
LIMITS = {"booking": ("late", 2), "tasting": ("cold", 1), "held": ("forget", 9), "open": ("close_down", 3)}
HOLDS = ("preparing", "approving", "open")
FORMS = ("draft", "returned", "menu")
ENDS = ("over", "given_up", "withdrawn", "cancelled", "voided")
EVENTS = st.sampled_from(["book", "book", "note", "cook", "cook", "taste", "taste", "spoil", "hold", "resume", "part"])
ACTORS = st.sampled_from(["", "", "", "", "clerk", "clerk2", "hall_a", "boss_b", "admin"])
OPERATIONS = st.sampled_from(["suspend", "suspend", "activate", "terminate", "void", "wake", "take_back"])
JUMPS = st.sampled_from(
    ["booking", "tasting", "held", "open", "menu", "returned", "approving", "head", "money", "over"]
)


class Fair:
    """Where the case of a fair is: outermost, and in the two regions of its preparation."""

    def __init__(self, now: datetime) -> None:
        self.state, self.guests = "draft", 0
        self.hall, self.food = "booking", "cooking"
        self.left: tuple[str, ...] = ()
        self.due: dict[str, datetime] = {}
        self.rests: dict[str, timedelta] | None = None
        self.now = now

    @property
    def places(self) -> set[str]:
        """The innermost active states."""
        return {self.hall, self.food} if self.state == "preparing" else {self.state}

    @property
    def is_written(self) -> bool:
        """Whether a form is being filled in."""
        return self.rests is None and bool(self.places & set(FORMS))

    def possible(self, event: str) -> tuple[str, ...]:
        """The roles that may do `event` now."""
        if self.rests is not None:
            return ()
        if event == "hold" and self.state in HOLDS:
            return ("boss",)
        if event == "taste" and self.guests <= 100:
            return ()
        return next((WAYS[one][event] for one in self.places if event in WAYS.get(one, {})), ())

    def happens(self, event: str) -> None:
        """People or time have done it."""
        match event:
            case "submit" if self.state == "preparing":
                self.food = "cooking"
            case "submit" if self.state == "returned":
                self.state = "approving"
            case "submit":
                self._prepare("booking", "cooking")
            case "book" | "late":
                self.hall = "booked"
            case "cook":
                self.food = "tasting"
            case "spoil":
                self.food = "menu"
            case "cold" if self.guests > 100:
                self.food = "cooking"
            case "taste" | "cold":
                self.food = "ready"
            case "resume" | "part":
                self._come_back(deep=event == "resume")
            case "note":
                pass
            case "hold" | "withdraw" | "forget" | "close_down" | "terminate" | "void" as leaving:
                ends = {"hold": "held", "withdraw": "withdrawn", "forget": "given_up", "close_down": "over"}
                ends |= {"terminate": "cancelled", "void": "voided"}
                self._leave(ends[leaving])
            case _:
                raise AssertionError(event)
        if self.state == "preparing" and {self.hall, self.food} == {"booked", "ready"}:
            self._choose()
        self._wind()

    def _prepare(self, hall: str, food: str) -> None:
        self.state, self.hall, self.food = "preparing", hall, food

    def _choose(self) -> None:
        self.left = ("choice",)
        self.state = "approving" if self.guests > 100 else "open"

    def _come_back(self, *, deep: bool) -> None:
        if self.left == ("choice",):
            self._choose()
        elif self.left and deep:
            self._prepare(*self.left)
        else:
            self._prepare("booking", "cooking")

    def _leave(self, to: str) -> None:
        if self.state == "preparing":
            self.left = (self.hall, self.food)
        self.state = to

    def _wind(self) -> None:
        """What is waited for anew is due after its span."""
        for place in self.due.keys() - self.places:
            del self.due[place]
        for place in self.places & LIMITS.keys() - self.due.keys():
            self.due[place] = self.now + timedelta(days=LIMITS[place][1])

    def adopt(self, case: Case) -> None:
        """Somebody put it where it is by hand, or the chain came to a result: that is read off the case."""
        inner = set(case.configuration)
        self.rests = None
        if inner & {"booking", "booked"}:
            (self.hall,) = inner & {"booking", "booked"}
            (self.food,) = inner - {self.hall}
        self.state = case.state
        self.left = tuple(case.remembered.get("as_before", self.left))
        self.due = {timer.step: timer.due_at for timer in case.timers if timer.name.startswith("after:")}


class AnyFair(RuleBasedStateMachine):
    """Everything that can be tried on the case of a fair, in any order."""

    @initialize(guests=GUESTS)
    def begin(self, guests: int) -> None:
        self.office = "first"
        self.trial = Trial(process())
        self.watch = Watch(self.trial, barred=BARRED)
        self.model = Fair(self.trial.now)
        self.submit(guests, "clerk")

    @rule(guests=GUESTS, actor=st.sampled_from(["clerk"] * 5 + ["boss_a"]), kind=st.sampled_from("sseewa"))
    def write(self, guests: int, actor: str, kind: str) -> None:
        """The submitter edits, submits or withdraws; now and then somebody else tries."""
        if kind == "s":
            self.submit(guests, actor)
        elif kind == "e":
            done = self.attempt(Edit(actor=actor, form={"guests": guests}))
            assert done == (actor == "clerk" and self.model.is_written)
            self.model.guests = guests if done else self.model.guests
        elif kind == "a" or self.trial.now > self.trial.days(9):
            self.attempt(Withdraw(actor=actor, reason="not now", again=kind == "a"), "withdraw")

    def submit(self, guests: int, actor: str) -> None:
        may, was = actor == "clerk" and self.model.is_written, self.model.guests
        self.model.guests = guests
        done = self.attempt(Submit(actor=actor, form={"guests": guests}, number="c1-1"), "submit")
        assert done == may
        self.model.guests = guests if done else was

    @rule(event=EVENTS, actor=ACTORS, place=PICK)
    def act(self, event: str, actor: str, place: int) -> None:
        """Mostly what is possible, and somebody who may; now and then something or somebody else."""
        possible = [
            one
            for one in (*WAYS["tasting"], *WAYS["booking"], "cook", *WAYS["held"], "hold")
            if self.model.possible(one)
        ]
        if possible and place % 4:
            event = possible[place % len(possible)]
        roles = self.model.possible(event)
        able = sorted(people_of(roles, self.office))
        actor = actor or (able[place % len(able)] if able else "nobody")
        behalf = "boss_a" if actor in ("boss_b", "clerk") and place % 2 else ""
        done = self.attempt(Perform(actor=actor, on_behalf_of=behalf, event=event, remark="because"), event)
        stands_in = actor == "boss_b" and self.office == "first" and "boss_a" in able
        assert done == (stands_in if behalf else actor in able)

    @rule(times=st.sampled_from(range(1, 6)), first=PICK)
    def go_on(self, times: int, first: int) -> None:
        """What brings the case forward, so that walks come to its end too."""
        for n in range(times):
            tasks = [task for task in self.trial.open_tasks() if task.signs]
            if self.model.rests is not None:
                self.operate("activate", "admin")
            elif self.model.is_written:
                self.submit(self.model.guests or 200, "clerk")
            elif self.model.state == "approving" and tasks:
                self.attempt(Decide(actor=tasks[0].person, task=tasks[0].id, decision="approve"))
            else:
                self.act(("book", "cook", "taste", "resume", "cook", "spoil")[(first + n) % 6], "", 0)

    @rule(place=PICK, decision=st.sampled_from(["approve", "approve", "return", "reject"]), to=PICK)
    def decide(self, place: int, decision: str, to: int) -> None:
        tasks = [task for task in self.trial.case.tasks if task.is_pending and task.verb == "approve"]
        if tasks:
            task = tasks[place % len(tasks)]
            targets = self.trial.process.return_targets(self.trial.case, task.step)
            where = targets[to % len(targets)] if decision == "return" else "submitter"
            command = Decide(actor=task.person, task=task.id, decision=decision, remark="because", to=where)  # type: ignore[arg-type]  # of Decision
            assert self.attempt(command) == (task.state == "open" and self.model.rests is None)

    @rule(place=PICK)
    def click_again(self, place: int) -> None:
        """On a task that is over nothing can be done any more."""
        over = [task for task in self.trial.case.tasks if not task.is_pending]
        if over:
            task = over[place % len(over)]
            ways = [event for events in WAYS.values() for event in events]
            event = ways[place % len(ways)]
            assert not self.attempt(Perform(actor=task.person, event=event, task=task.id, remark="again"))
        self.watch.late_ticks_change_nothing()

    @rule(days=st.sampled_from([1, 1, 1, 2]))
    def wait(self, days: int) -> None:
        """Let time pass; what falls due meanwhile fires in its order, at its time."""
        end = self.trial.now + timedelta(days=days)
        for _ in range(1000):
            due = self.watch.next_due(end)
            if due is None:
                break
            event = due.name.partition(":")[2] if due.name.startswith("after:") else ""
            self.attempt(due, event)
        else:
            raise AssertionError("timers never come to rest")
        self.trial.now = max(self.trial.now, end)

    @rule(operation=OPERATIONS, actor=st.sampled_from(["admin", "admin", "clerk", "hall_a"]))
    def operate(self, operation: str, actor: str) -> None:
        if self.model.rests is not None and operation != "terminate":
            operation, actor = "activate", "admin"
        elif operation == "take_back":
            acted = [task for task in self.trial.case.tasks if task.decision == "done"]
            actor = max(acted, key=lambda one: (one.decided_at, one.id)).person if acted else actor
        if operation in ("terminate", "void") and self.trial.now < self.trial.days(9):
            return
        model, rests = self.model, self.model.rests
        if self.attempt(Operate(actor=actor, operation=operation, reason="because")):
            match operation:
                case "suspend":
                    model.rests = {place: due - self.trial.now for place, due in model.due.items()}
                case "activate":
                    assert rests is not None
                    model.rests = None
                    model.due = {place: self.trial.now + left for place, left in rests.items()}
                    self.read_off_where_people_decide()
                case _:
                    model.adopt(self.trial.case)
        self.it_is_where_the_model_says()

    @rule(to=JUMPS)
    def jump(self, to: str) -> None:
        if self.attempt(Operate(actor="admin", operation="jump", reason="because", to=to)):
            self.model.adopt(self.trial.case)
        self.it_is_where_the_model_says()

    @rule(office=st.sampled_from(["first", "left", "first", "left", "deserted"]))
    def reorganise(self, office: str) -> None:
        """People come and go, and the case is told."""
        self.office = office
        self.trial.process = process(office)
        self.attempt(Reorganise(actor="system", via="timer"))

    # what must hold

    def attempt(self, command: AnyCommand, event: str = "") -> bool:
        """Carry it out; False where it is refused. `event`: what that means to the model."""
        before = self.trial.case
        outcome = self.watch.attempt(command)
        if outcome is None:
            return False
        self.model.now = self.trial.now
        if event:
            assert before.state not in ENDS
            self.model.happens(event)
        if isinstance(command, Operate):
            return True
        if not event and outcome.events:
            self.read_off_where_people_decide()
        self.it_is_where_the_model_says()
        return True

    def read_off_where_people_decide(self) -> None:
        """What a chain comes to is the subject of other walks."""
        if self.model.state == "approving" and self.model.rests is None:
            assert self.trial.case.state in ("approving", "open", "returned", "given_up")
            self.model.adopt(self.trial.case)

    def it_is_where_the_model_says(self) -> None:
        case, model = self.trial.case, self.model
        assert (case.state == "suspended") == (model.rests is not None)
        if model.rests is None:
            assert case.state == model.state
        if model.state != "approving":
            assert set(case.configuration) == model.places
        if model.rests is not None:
            return
        timers = {timer.step: timer.due_at for timer in case.timers if timer.name.startswith("after:")}
        assert timers == model.due
        for place in model.places & WAYS.keys():
            roles = tuple(role for of_event in WAYS[place].values() for role in of_event)
            asked = {task.person for task in case.tasks if (task.step, task.state) == (place, "open")}
            assert asked == people_of(roles, self.office)
            looks = any((timer.step, timer.name) == (place, "staff") for timer in case.timers)
            assert looks == (not asked)

    def teardown(self) -> None:
        if hasattr(self, "watch"):
            self.watch.history_rebuilds_it()
            assert all(task_of(self.trial.case, one) for one in self.watch.decided)


AnyFair.TestCase.settings = walks(quick=150, steps=30, full=3_000, longest=50)
TestAnyFair = AnyFair.TestCase

"""Runs a case in memory, one command after the other, and holds every outcome against the fold of its events."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.definition.extends_lifecycle import usual_of
from engine.definition.lifecycle_compile import compile_lifecycle
from engine.definition.steps import REGISTER
from engine.expr import Scope, compile_expression
from engine.expr.types import BOOL, INT, Record
from engine.machine.advance import advance, create
from engine.machine.asking import Ask
from engine.machine.case import Case, Decision, ProcessRef, Task
from engine.machine.chains import Column, Condition, Countersign, Placed
from engine.machine.commands import (
    AnyCommand,
    AudienceFrozen,
    Create,
    Decide,
    DeliveryFinished,
    Edit,
    StartDelivery,
    Submit,
    TimerFired,
    Withdraw,
)
from engine.machine.deadlines import Timeout
from engine.machine.drawing import ChainStep
from engine.machine.evolve import empty_case, fold
from engine.machine.filing import Filing
from engine.machine.lifecycle import Stages
from engine.machine.outcome import AnyEffect, AnyEvent, NotifyOutcome, NotifyQuestion, NotifyTask, Outcome
from engine.machine.process import Process, Row
from engine.machine.replay import replay
from engine.machine.states import Evaluation
from engine.machine.steps import Approval, Copy
from engine.machine.tally import AllOf, AnyOf, InSequence, Tally
from engine.values import Duration
from tests.fakes.organisation import EverydayCalendar, FakeDirectory

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
REF = ProcessRef("telecom-marketing-case", 1, "f" * 64)
SCOPE = Scope({"form": Record({"budget": INT, "reach": INT, "title": INT}, "form", frozenset({"title"}))})
TIMEOUT = Timeout(remind=(Duration.parse("1wd"), Duration.parse("2wd")), at=Duration.parse("3wd"), limit=2)
SMALL = {"budget": 4_000, "reach": 900}
MIDDLE = {"budget": 80_000, "reach": 9_000}
LARGE = {"budget": 400_000, "reach": 90_000}

PEOPLE = FakeDirectory(
    holders={
        "head@county": ("county_head",),
        "head@city": ("city_head",),
        "role:finance@city": ("fin_a", "fin_b", "fin_c"),
        "role:network@city": ("net_a", "net_b"),
        "role:service@city": ("srv_a", "srv_b"),
        "role:vp_market@city": ("city_vp",),
        "role:marketing@city": ("mkt_city",),
        "role:marketing@province": ("mkt_prov_a", "mkt_prov_b"),
        "role:process_admin": ("admin",),
    },
    superiors={
        "clerk": "county_head",
        "county_head": "city_head",
        "city_head": "province_head",
        "city_vp": "city_head",
        **dict.fromkeys(("fin_a", "fin_b", "fin_c", "net_a", "net_b", "srv_a", "srv_b"), "city_head"),
    },
)


def rule(text: str) -> Condition:
    return compile_expression(text, SCOPE, gives=BOOL)


def approve(name: str, who: str, tally: Tally | None = None, **more: Any) -> Placed:
    when, on_reject = more.pop("when", None), more.pop("on_reject", "reject")
    own, otherwise = more.pop("own", "next_level_up"), more.pop("otherwise", "role:process_admin")
    ask = Ask(who, own=own, otherwise=otherwise)
    step = Approval(name=name, ask=ask, tally=tally or AnyOf(), **{"timeout": TIMEOUT, **more})
    return Placed(step, rule(when) if when else None, on_reject)


def file(name: str, who: str, *, window: str = "", objection: str = "", conversion: str = "") -> Placed:
    return Placed(
        Filing(
            name=name,
            ask=Ask(who),
            ack=Duration.parse("5wd"),
            register=REGISTER,
            window=Duration.parse(window) if window else None,
            objection=objection,
            conversion=conversion,
        )
    )


def copy(name: str, who: str) -> Placed:
    return Placed(Copy(name=name, ask=Ask(who)))


COUNTERSIGN = Countersign(
    "city_countersign",
    (
        approve("city_finance", "role:finance@city"),
        approve("city_network", "role:network@city", AllOf(), when="form.reach > 50000"),
        approve("city_service", "role:service@city", InSequence()),
    ),
)
CHAINS: dict[str, tuple[Column, ...]] = {
    "file_city": (file("city_register", "role:marketing@city", window="2wd", objection="to_city"),),
    "to_city": (
        approve("county_head", "head@county"),
        COUNTERSIGN,
        approve("city_vp", "role:vp_market@city"),
        file("province_register", "role:marketing@province"),
        copy("finance_copy", "role:finance@city"),
    ),
}
ROUTE = (
    Row("to_city", rule("form.budget > 50000")),
    Row("file_city", rule("form.budget <= 5000 && form.reach <= 2000")),
    Row("to_city"),
)
STAGES = Stages(
    audience=True,
    delivery=True,
    evaluation=Evaluation(at=(Duration.parse("7d"), Duration.parse("30d"))),
    widens={"budget": "raise"},
)


def process(
    chains: dict[str, tuple[Column, ...]] | None = None,
    *,
    route: tuple[Row, ...] | None = None,
    stages: Stages = STAGES,
    people: FakeDirectory = PEOPLE,
    expires: str = "",
) -> Process:
    chains = chains or CHAINS
    chart, kinds, _ = compile_lifecycle(
        usual_of(stages), chains, stages, rule, lambda _: (None, (), None), expires=bool(expires)
    )
    rows = route or (ROUTE if chains is CHAINS else (Row(next(iter(chains))),))
    unbound = Process(
        ref=REF,
        chart=chart,
        kinds=kinds,
        chains=chains,
        route=rows,
        stages=stages,
        material=("budget", "reach"),
        expires=Duration.parse(expires) if expires else None,
        context=lambda form: {"form": form},
    )
    return unbound.bound(people, EverydayCalendar())


@dataclass(frozen=True)
class Kept:
    """A history entry as the store would keep it."""

    case_id: str
    seq: int
    at: datetime
    events: tuple[AnyEvent, ...]


class Trial:
    """A case of `clerk` in county c1, from its draft on; or one that another opened: `born` is its id and command."""

    def __init__(self, running: Process | None = None, *, born: tuple[str, Create] | None = None) -> None:
        self.process = running or process()
        self.now = MONDAY
        self.effects: list[AnyEffect] = []
        self.entries: list[Kept] = []
        name, begin = born or ("case1", Create(actor="clerk", office="c1"))
        outcome = create(name, self.process.ref, begin, self.now, self.process)
        self.case = empty_case(name, self.now)
        self.keep(outcome)

    def do(self, command: AnyCommand) -> Outcome:
        """Carry a command out; nothing is kept where it is refused."""
        outcome = advance(self.process, self.case, command, self.now)
        self.keep(outcome)
        return outcome

    def submit(self, form: dict[str, Any] = MIDDLE, *, actor: str = "clerk") -> Outcome:
        return self.do(Submit(actor=actor, form=dict(form), number="c1-2026-00001"))

    def edit(self, form: dict[str, Any]) -> Outcome:
        return self.do(Edit(actor="clerk", form=form))

    def decide(
        self, person: str, decision: Decision, *, remark: str = "", step: str = "", seen: int | None = None
    ) -> Outcome:
        """`person` decides on their newest task (of `step`, where they have several)."""
        mine = [task for task in self.case.tasks if task.person == person and step in ("", task.step)]
        remark = remark or ("because" if decision in ("reject", "return", "object") else "")
        return self.do(Decide(actor=person, task=mine[-1].id, decision=decision, remark=remark, seen_seq=seen))

    def approve(self, *people: str) -> None:
        for person in people:
            self.decide(person, "approve")

    def withdraw(self) -> Outcome:
        return self.do(Withdraw(actor="clerk", reason="not now"))

    def wait(self, span: str) -> None:
        """Let time pass; what falls due meanwhile fires in its order, at its time."""
        end = EverydayCalendar().due(self.now, Duration.parse(span))
        while due := min((timer for timer in self.case.timers if timer.due_at <= end), key=_due, default=None):
            self.now = max(self.now, due.due_at)
            self.fire(due.key)
        self.now = end

    def fire(self, key: str) -> Outcome:
        timer = next((timer for timer in self.case.timers if timer.key == key), None)
        name, step = (timer.name, timer.step) if timer else ("gone", "")
        return self.do(TimerFired(actor="system", via="timer", key=key, name=name, step=step))

    def to_ready(self) -> None:
        """Through the approval, with the audience frozen."""
        self.submit()
        self.approve("county_head", "fin_a", "srv_a", "srv_b", "city_vp")
        self.decide("mkt_prov_a", "acknowledge")
        self.do(AudienceFrozen(actor="system", snapshot="case1-1", digest="d", target=900, control=100))

    def to_evaluating(self) -> None:
        self.to_ready()
        self.do(StartDelivery(actor="clerk", recipients=900))
        self.do(DeliveryFinished(actor="system", sums={"delivered": 890, "failed": 10}))

    def open_tasks(self, step: str = "") -> list[Task]:
        return [task for task in self.case.tasks if task.state == "open" and step in ("", task.step)]

    def asked(self, step: str = "") -> set[str]:
        """Who is asked now."""
        return {task.person for task in self.open_tasks(step) if task.verb != "copy"}

    def told(self, person: str) -> list[str]:
        """What a person was told, in order."""
        notices = [effect for effect in self.effects if isinstance(effect, NotifyTask | NotifyQuestion | NotifyOutcome)]
        return [notice.occasion for notice in notices if notice.person == person]

    def timers(self) -> set[tuple[str, str]]:
        return {(timer.step, timer.name) for timer in self.case.timers}

    def drawn(self) -> dict[str, ChainStep]:
        """The steps and stages as drawn, by name."""
        return {step.id: step for column in self.process.chain(self.case) for step in column}

    def days(self, number: float) -> datetime:
        return MONDAY + timedelta(days=number)

    def replayed(self) -> Case:
        return replay(self.entries)

    def keep(self, outcome: Outcome) -> None:
        if not outcome.events:
            assert outcome.case == self.case
            assert not outcome.effects
            return
        assert outcome.case == fold(self.case, outcome.events, self.now)
        self.case = outcome.case
        self.effects.extend(outcome.effects)
        self.entries.append(Kept(self.case.id, self.case.seq, self.now, outcome.events))


def _due(timer: Any) -> tuple[datetime, str]:
    return timer.due_at, timer.key

"""From the `lifecycle:` section to a chart and the kinds of its states.

The approval chains and stages stand where the section wants them; the usual lifecycle is a section like any other.
Takes a section that `check` has passed, and refuses nothing.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from engine.definition import lifecycle as written
from engine.definition.lifecycle import (
    ENDED_BY_HAND,
    OF_THE_DELIVERY,
    OUTCOMES,
    RAISED,
    STAGES,
    WHOLE,
    AnyState,
    Event,
    events_of,
)
from engine.definition.reach import Reach
from engine.errors import ExpressionFailed
from engine.machine import chart as charts
from engine.machine import drifting, wider
from engine.machine.chains import Chains, Condition, Kinds, chain, conversions, rerouted
from engine.machine.chart import Chart, Situation, Transition
from engine.machine.children import CANCEL, Formula, Join, Opening, Opens, event_of
from engine.machine.declared import (
    JUMP,
    ROUTE,
    DeclaredForm,
    Lifecycle,
    Limit,
    Place,
    Role,
    Told,
    Waiting,
    Way,
    Work,
    word,
)
from engine.machine.drifting import Tolerance
from engine.machine.expiring import EXPIRE, EXPIRED
from engine.machine.lifecycle import Stages
from engine.machine.states import Approving, Audience, Delivery, Effective, Ended, Evaluation, Ready
from engine.values import NO_TEXT

READY, PAUSED = OF_THE_DELIVERY
RETURNED = "returned"
CANCELLED, VOIDED = ENDED_BY_HAND
EFFECTIVE = ("approved", "filed")
EXPIRING = (written.Form, written.Approval, written.Task, written.Wait, written.Cases, written.Audience)
"""Where a case that is not approved yet expires: it waits for somebody, and nothing has been sent."""
BY_HAND = ("form", "task", "wait", "cases", "compound", "parallel")
"""Where an administrator may put a case. The stages begin with what comes before them: the rest is done there."""

Formulas = Callable[[written.Cases], tuple[Formula | None, tuple[tuple[str, Formula], ...], Formula | None]]
"""Of a state that opens cases: for each of what, what is passed, and when it is done where a rule says so."""


class Taken(Struct, frozen=True):
    """A declared condition holds, and enough of the states are active. What cannot be worked out does not hold:
    nothing happens by doubt. `route`: the chain that the case was submitted on, where it goes on to that."""

    condition: Condition | None
    states: tuple[str, ...] = ()
    needed: int = 0
    route: str = ""

    def __call__(self, situation: Situation) -> bool:
        """See `Guard`."""
        if sum(situation.inside(state) for state in self.states) < self.needed:
            return False
        if self.route and situation.values.get(ROUTE) != self.route:
            return False
        try:
            if self.condition is None:
                return True
            return self.condition.evaluate(situation.values) is True
        except ExpressionFailed:
            return False


def compile_lifecycle(
    section: written.Lifecycle,
    chains: Chains,
    stages: Stages,
    rule: Callable[[str], Condition],
    formulas: Formulas,
    *,
    expires: bool = False,
) -> tuple[Chart, Kinds, Lifecycle]:
    """The compiled chart, the kind of each state that has one, and what is declared of each state.

    `expires`: the approval has a time limit.
    """
    return _Compiler(section, chains, stages, rule, formulas, expires=expires).result()


def drifted(tolerance: Tolerance | None, chains: Chains) -> tuple[Transition, ...]:
    """The ways out of the selection where the list is not what was declared: any chain, or back to the submitter."""
    if tolerance is None or not tolerance.reapproves or not chains:
        return ()
    back = Transition(("returned",), (drifting.RETURNED,))
    return (*(Transition((name,), (drifting.event_of(name),)) for name in chains), back)


class _Compiler:
    """One section while it is being compiled."""

    def __init__(
        self,
        section: written.Lifecycle,
        chains: Chains,
        stages: Stages,
        rule: Callable[[str], Condition],
        formulas: Formulas,
        *,
        expires: bool,
    ) -> None:
        self.section = section
        self.expires = expires
        self.limited = Reach(section).undecided if expires else frozenset[str]()
        self.chains = chains
        self.stages = stages
        self.rule = rule
        self.formulas = formulas
        self.kinds: Kinds = {}
        outermost = {state.kind for state in section.states.values()}
        self.widens = bool(stages.widens) and {"approval", "delivery"} <= outermost
        self.names = {name for _, name, _, _ in section.walk()}
        self.roles = {name: Role(name, role.who, role.label) for name, role in section.roles.items()}
        self.places = {name: self.place(name, state) for _, name, state, _ in section.walk()}

    def result(self) -> tuple[Chart, Kinds, Lifecycle]:
        section = self.section
        states = [one for name, state in section.states.items() for one in self.states(name, state)]
        initial = (self.target(section.initial),) if section.initial else ()
        known = (CANCELLED, VOIDED, *((EXPIRED,) if self.expires else ()))
        ends = tuple(charts.Final(id=name) for name in known if name not in self.names)
        for name in known:
            self.kinds.setdefault(name, Ended(name))
        by_hand = tuple(name for name, state in section.states.items() if state.kind in BY_HAND)
        anywhere = (
            Transition((CANCELLED,), (CANCEL, "terminate")),
            Transition((VOIDED,), ("void",)),
            *(Transition((name,), (f"{JUMP}.{name}",)) for name in by_hand),
            *conversions(self.kinds),
        )
        root = charts.Compound(
            id=WHOLE, children=(*states, *self.outcomes(), *ends), initial=initial, transitions=anywhere
        )
        labels = {name: event.label for name, event in section.events.items()}
        return (
            Chart(root),
            self.kinds,
            Lifecycle(self.places, self.roles, labels, self.effective(), by_hand, self.wakes()),
        )

    def wakes(self) -> tuple[str, ...]:
        """The form where a case begins, and the one it is returned to, if there is one."""
        forms = [name for name, state in self.section.states.items() if isinstance(state, written.Form)]
        first = self.section.initial if self.section.initial in forms else next(iter(forms), None)
        return () if first is None else (first, RETURNED if RETURNED in forms else first)

    def effective(self) -> tuple[str, ...]:
        """The outermost states that only the approval leads to: without it, a case does not come there."""
        reached, without = self.reached(()), self.reached(EFFECTIVE)
        found = [name for name in self.section.states if name in reached - without]
        return (*found, READY, PAUSED) if STAGES["delivery"] in found else tuple(found)

    def reached(self, leaving_out: Sequence[str]) -> set[str]:
        """The outermost states that a case may come to where the chains never end in `leaving_out`."""
        outermost: dict[str, str] = {}
        follow: dict[str, set[str]] = {}
        for _, name, _, around in self.section.walk():
            outermost[name] = outermost.get(around, name)
        for _, name, state, _ in self.section.walk():
            taken = [e for e in events_of(state) if state.kind != "approval" or e.event not in leaving_out]
            onward = {outermost[target] for event in taken for target in event.to}
            follow.setdefault(outermost[name], set()).update(onward)
        open_ = [outermost[self.section.initial or next(iter(self.section.states))]]
        found = set(open_)
        while open_:
            fresh = follow[open_.pop()] - found
            found |= fresh
            open_ += fresh
        return found

    def place(self, name: str, state: AnyState) -> Place:
        ways: dict[str, Way] = {}
        for event in events_of(state):
            if event.event is not None and event.role:
                known = self.section.events.get(event.event, written.EventName())
                before = ways[event.event].roles if event.event in ways else ()
                roles = tuple(dict.fromkeys((*before, *event.role)))
                ways[event.event] = Way(event.event, roles, known.label, known.reason == "required")
        limits = tuple(Limit(limit.after, limit.event) for limit in getattr(state, "timeouts", ()))
        label = NO_TEXT if isinstance(state, written.History) else state.label
        return Place(name, state.kind, label, tuple(ways.values()), limits, getattr(state, "may_end", False))

    def states(self, name: str, state: AnyState) -> Sequence[charts.AnyState]:
        """The states of the chart that a declared one stands for: one, but three for the delivery."""
        ways = tuple(way for event in events_of(state) for way in self.ways(name, state, event))
        place = self.places[name]
        told = name if name in (*OUTCOMES, CANCELLED, VOIDED, EXPIRED) else ""
        if name in self.limited and isinstance(state, EXPIRING):
            ways += (Transition((EXPIRED,), (EXPIRE,)),)
        match state:
            case written.Form():
                submits = next((e for e in state.events if e.event == "submit"), None)
                by = submits.role[0] if submits and submits.role else ""
                self.kinds[name] = DeclaredForm(told, word("submit", by))
            case written.Approval():
                self.kinds[name] = Approving()
                inside = tuple(
                    chain(chosen, columns, self.kinds, widens=self.widens) for chosen, columns in self.chains.items()
                )
                back = (Transition((PAUSED,), (wider.TAKEN_BACK,)),) if self.widens else ()
                return [charts.Compound(id=name, transitions=(*ways, *back, *rerouted(self.chains)), children=inside)]
            case written.Effective():
                rests = any(event.event == "close" for event in state.events)
                self.kinds[name] = Effective(told, last=rests)
            case written.Audience():
                self.kinds[name] = Audience(self.stages.tolerance)
                ways += drifted(self.stages.tolerance, self.chains)
            case written.Delivery():
                return self.delivery(name, ways)
            case written.Evaluation():
                self.kinds[name] = self.stages.evaluation or Evaluation()
            case written.Task():
                roles = dict.fromkeys(role for way in place.ways for role in way.roles)
                self.kinds[name] = Work(place=place, occasion=told, roles=tuple(self.roles[role] for role in roles))
            case written.Wait():
                self.kinds[name] = Waiting(place=place, occasion=told)
            case written.Cases():
                self.kinds[name] = self.opens(place, state, told)
            case written.Final():
                self.kinds[name] = Ended(told)
                return [charts.Final(id=name)]
            case written.Compound():
                children = [one for inner, below in state.states.items() for one in self.states(inner, below)]
                initial = (self.target(state.initial),) if state.initial else ()
                return [charts.Compound(id=name, transitions=ways, children=tuple(children), initial=initial)]
            case written.Parallel():
                children = [one for inner, below in state.states.items() for one in self.states(inner, below)]
                return [charts.Parallel(id=name, transitions=ways, children=tuple(children))]
            case written.History():
                return [charts.History(id=name, default=(self.target(state.default),), deep=state.deep)]
        return [charts.Atomic(id=name, transitions=ways)]

    def opens(self, place: Place, state: written.Cases, told: str) -> Opens:
        """A state that opens cases, with its formulas; each sees the element it is opened for as `each`."""
        each, passes, rule = self.formulas(state)
        needed = state.join.n if isinstance(state.join, written.Count) else {"all": None, "any": 1}[state.join]
        return Opens(
            place=place,
            occasion=told,
            opening=Opening(state.open, each, passes, state.counts, state.depth or 0),
            join=Join(needed, rule),
            adders=state.add,
            stay=state.rest == "continue",
        )

    def delivery(self, name: str, ways: tuple[Transition, ...]) -> Sequence[charts.AnyState]:
        selecting = next((one for one, place in self.places.items() if place.kind == "audience"), None)
        back = (Transition((selecting,), (drifting.RESELECT,)),) if self.stages.reselects and selecting else ()
        self.kinds |= {
            READY: Ready(reselects=bool(back)),
            name: Delivery(),
            PAUSED: Delivery(paused=True, widens=self.widens),
        }
        self.places |= {READY: self.renamed(name, READY), PAUSED: self.renamed(name, PAUSED)}
        before = tuple(way for way in ways if way.events != RAISED["delivery"])
        chosen = self.chains if self.widens else ()
        asked = tuple(Transition((one,), (wider.event_of(one),)) for one in chosen)
        sent = tuple(way for way in ways if way.events != ("withdraw",))
        return [
            charts.Atomic(id=READY, transitions=(Transition((name,), ("start",)), *back, *before)),
            charts.Atomic(id=name, transitions=(Transition((PAUSED,), ("pause",)), *sent)),
            charts.Atomic(id=PAUSED, transitions=(Transition((name,), ("resume",)), *asked, *sent)),
        ]

    def renamed(self, name: str, to: str) -> Place:
        place = self.places[name]
        return Place(to, place.kind, NO_TEXT, place.ways, place.limits)

    def outcomes(self) -> list[charts.AnyState]:
        """How the chains end, led on to where the approval state's events go."""
        found: list[charts.AnyState] = []
        for _, name, state, _ in self.section.walk():
            if isinstance(state, written.Approval):
                for outcome in OUTCOMES:
                    ways = [e for e in state.events if e.event == outcome]
                    if not ways or outcome in self.names:
                        continue
                    self.kinds[outcome] = Told(outcome)
                    onward = tuple(self.transition(name, event, ()) for event in ways)
                    found.append(charts.Atomic(id=outcome, transitions=onward))
        return found

    def ways(self, name: str, state: AnyState, event: Event) -> list[Transition]:
        """The transitions of one written event; none for how the chains end, which `outcomes` leads on."""
        if isinstance(state, written.Approval) and event.event in OUTCOMES:
            return []
        words = self.words(name, state, event)
        if not self.leads_to(event, "approval"):
            return [self.transition(name, event, words)]
        if isinstance(state, written.Form) and event.event == "submit":
            return [
                Transition((chosen,), tuple(f"{one}.{chosen}" for one in words), self.guard(event))
                for chosen in self.chains
            ]
        return [Transition((chosen,), words, self.guard(event, chosen)) for chosen in self.chains]

    def words(self, name: str, state: AnyState, event: Event) -> tuple[str, ...]:
        """What the chart calls the event; nothing where it has no name."""
        if event.event is None:
            return ()
        if event.role:
            return tuple(word(event.event, role) for role in event.role)
        if event.event == "done" and isinstance(state, written.Compound | written.Parallel):
            return (f"done.state.{name}",)
        if isinstance(state, written.Cases) and event.event in RAISED["cases"]:
            return (event_of(name, event.event),)
        return (event.event,)

    def transition(self, name: str, event: Event, words: tuple[str, ...]) -> Transition:
        targets = tuple(self.target(target) for target in event.to)
        return Transition(targets, words, self.guard(event), event.internal)

    def leads_to(self, event: Event, kind: str) -> bool:
        """Whether the event leads into a state of that kind."""
        return any(self.places[target].kind == kind for target in event.to)

    def guard(self, event: Event, route: str = "") -> Taken | None:
        if not event.when and event.while_ is None and not route:
            return None
        states = event.while_.of if isinstance(event.while_, written.AtLeast) else event.while_ or ()
        needed = event.while_.n if isinstance(event.while_, written.AtLeast) else len(states)
        return Taken(self.rule(event.when) if event.when else None, tuple(states), needed, route)

    def target(self, name: str) -> str:
        """Who goes to the delivery first comes to its beginning, where the submitter starts it."""
        state = self.section.states.get(name)
        return READY if isinstance(state, written.Delivery) else name

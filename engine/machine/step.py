"""SCXML's semantics: which transitions an event enables, and what one step and a whole run to rest change.

Pure: a set of active states and what history remembers go in, the next ones come out. Refuses to run longer than
`LONGEST` microsteps: a chart whose eventless transitions never rest is an error of its author.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from engine.machine.chart import EVENTLESS, Chart, Compound, Edge, Final, History, Microstep, Taken

LONGEST = 1000

Remembered = dict[str, tuple[str, ...]]
Values = Callable[[], Mapping[str, Any]]


class Movement(Struct, frozen=True):
    """Where the chart rests after an event: all active states as a set, and how it came there."""

    active: int
    remembered: Remembered
    microsteps: tuple[Microstep, ...] = ()
    finished: bool = False


class Standing:
    """What guards see: the active states, the event, and the values of expressions, computed when first asked for."""

    __slots__ = ("_chart", "_source", "_values", "active", "event")

    def __init__(self, chart: Chart, active: int, values: Values) -> None:
        self._chart = chart
        self._source = values
        self._values: Mapping[str, Any] | None = None
        self.active = active
        self.event = EVENTLESS

    def inside(self, state: str) -> bool:
        """Whether `state` is active."""
        return bool(self.active >> self._chart.index[state] & 1)

    @property
    def values(self) -> Mapping[str, Any]:
        """What expressions may name."""
        if self._values is None:
            self._values = self._source()
        return self._values


def start(chart: Chart, values: Values) -> Movement:
    """Enter the chart for the first time and run to rest."""
    run = _Run(chart, 0, {}, values)
    run.enter(run.entry_of_root())
    run.to_rest()
    return run.movement()


def macrostep(chart: Chart, active: int, remembered: Remembered, event: str, values: Values) -> Movement | None:
    """Take `event` and run to rest; None when no transition is enabled and nothing changes."""
    run = _Run(chart, active, remembered, values)
    if not run.take(event):
        return None
    run.to_rest()
    return run.movement()


class _Run:
    """One macrostep while it is going on."""

    def __init__(self, chart: Chart, active: int, remembered: Remembered, values: Values) -> None:
        self.chart = chart
        self.standing = Standing(chart, active, values)
        self.remembered = remembered
        self.raised: deque[str] = deque()
        self.microsteps: list[Microstep] = []
        self.finished = False

    def movement(self) -> Movement:
        return Movement(self.standing.active, self.remembered, tuple(self.microsteps), self.finished)

    def to_rest(self) -> None:
        """Eventless transitions first, then the events raised meanwhile, until neither is left."""
        for _ in range(LONGEST):
            if self.finished:
                return
            if self.take(EVENTLESS):
                continue
            if not self.raised:
                return
            self.take(self.raised.popleft())
        raise RecursionError(f"the chart does not come to rest; last in {self.chart.names(self.standing.active)}")

    def take(self, event: str) -> bool:
        """One microstep of the transitions that `event` enables; False where it enables none."""
        self.standing.event = event
        edges = self.enabled(event)
        if edges:
            self.microstep(edges)
        return bool(edges)

    def enabled(self, event: str) -> list[Edge]:
        """The innermost enabled transition of each active atomic state, without those that others preempt."""
        found: list[Edge] = []
        for edges in self.chart.candidates(self.standing.active, event):
            for edge in edges:
                if edge.guard is None or edge.guard(self.standing):
                    if edge not in found:
                        found.append(edge)
                    break
        return found if len(found) < 2 else self.without_conflicts(found)

    def without_conflicts(self, edges: list[Edge]) -> list[Edge]:
        """Of two transitions that leave a common state, the one further inside wins, else the one that comes first."""
        kept: list[tuple[Edge, int]] = []
        for edge in edges:
            leaves = self.exits(edge)
            rivals = [rival for rival, theirs in kept if theirs & leaves]
            inside = self.chart.inside
            if all(inside[rival.source] >> edge.source & 1 for rival in rivals):
                kept = [pair for pair in kept if pair[0] not in rivals]
                kept.append((edge, leaves))
        return [edge for edge, _ in kept]

    def exits(self, edge: Edge) -> int:
        """The states that `edge` leaves."""
        if not edge.targets:
            return 0
        domain = edge.domain
        if domain is None:
            domain = self.chart.domain(edge, self.effective(edge.targets))
        return self.standing.active & self.chart.inside[domain]

    def microstep(self, edges: list[Edge]) -> None:
        """Leave and enter what `edges` say; without history the same edges always mean the same, so it is kept."""
        if self.chart.history:
            self.move(edges)
            return
        before = self.standing.active
        key = (before, *(edge.number for edge in edges))
        taken = self.chart.taken.get(key)
        if taken is None:
            pending, self.raised = self.raised, deque()
            self.move(edges)
            taken = Taken(self.microsteps.pop(), self.standing.active, tuple(self.raised), self.finished)
            self.raised = pending
            self.chart.keep(key, taken)
        self.microsteps.append(taken.microstep)
        self.standing.active, self.finished = taken.active, taken.finished
        self.raised.extend(taken.raised)

    def move(self, edges: list[Edge]) -> None:
        chart = self.chart
        exits = 0
        for edge in edges:
            exits |= self.exits(edge)
        left = tuple(chart.numbers(exits))[::-1]
        if chart.history:
            self.remember(left)
        entry = _Entry(self)
        for edge in edges:
            if edge.targets:
                entry.transition(edge)
        self.standing.active &= ~exits
        for state in left:
            self.raised.extend(chart.states[state].leaving)  # type: ignore[union-attr]  # history is never active
        for edge in edges:
            self.raised.extend(edge.raises)
        self.enter(entry.mask, left)

    def enter(self, mask: int, left: tuple[int, ...] = ()) -> None:
        """Enter the states of `mask`, outermost first, raising the done events that follow."""
        chart = self.chart
        entered = tuple(chart.numbers(mask))
        self.standing.active |= mask
        self.microsteps.append(Microstep(left, entered))
        for number in entered:
            state = chart.states[number]
            self.raised.extend(state.entering)  # type: ignore[union-attr]  # history is never entered
            if isinstance(state, Final):
                self.done(number)

    def done(self, final: int) -> None:
        chart = self.chart
        parent = chart.parent[final]
        if parent == 0:
            self.finished = True
            return
        self.raised.append(f"done.state.{chart.states[parent].id}")
        around = chart.parent[parent]
        if chart.parallels >> around & 1 and all(self.is_done(child) for child in chart.children[around]):
            self.raised.append(f"done.state.{chart.states[around].id}")

    def is_done(self, state: int) -> bool:
        """Whether a compound state is in a final child, or a parallel one in all of its children."""
        chart = self.chart
        if chart.compounds >> state & 1:
            return any((self.standing.active & chart.finals) >> child & 1 for child in chart.children[state])
        return bool(chart.parallels >> state & 1) and all(self.is_done(child) for child in chart.children[state])

    def remember(self, left: tuple[int, ...]) -> None:
        """Note for the histories of the states being left what was active in them."""
        chart, fresh = self.chart, dict(self.remembered)
        for state in left:
            for number in chart.history.get(state, ()):
                history = chart.states[number]
                assert isinstance(history, History)
                within = chart.inside[state] & chart.atomic if history.deep else _mask(chart.children[state])
                fresh[history.id] = chart.names(self.standing.active & within)
        self.remembered = fresh

    def effective(self, targets: tuple[int, ...]) -> tuple[int, ...]:
        """Targets with history states replaced by what they stand for."""
        found: list[int] = []
        for target in targets:
            state = self.chart.states[target]
            if isinstance(state, History):
                names = self.remembered.get(state.id, state.default)
                found.extend(self.effective(tuple(self.chart.index[name] for name in names)))
            else:
                found.append(target)
        return tuple(found)

    def entry_of_root(self) -> int:
        entry = _Entry(self)
        entry.descend(0)
        return entry.mask


class _Entry:
    """The set of states to enter, while it is being found."""

    def __init__(self, run: _Run) -> None:
        self.run = run
        self.chart = run.chart
        self.mask = 0

    def transition(self, edge: Edge) -> None:
        for target in edge.targets:
            self.descend(target)
        targets = edge.targets
        domain = edge.domain
        if domain is None:
            targets = self.run.effective(targets)
            domain = self.chart.domain(edge, targets)
        for target in targets:
            self.climb(target, domain)

    def descend(self, number: int) -> None:
        """Enter a state and, where it has states inside, those it starts with."""
        chart = self.chart
        state = chart.states[number]
        if isinstance(state, History):
            inside = self.run.effective((number,))
            self.descend_to(inside, chart.parent[number])
            return
        self.mask |= 1 << number
        if isinstance(state, Compound):
            first = tuple(chart.index[name] for name in state.initial) or chart.children[number][:1]
            self.descend_to(first, number)
        elif chart.parallels >> number & 1:
            self.complete(number)

    def descend_to(self, targets: tuple[int, ...], within: int) -> None:
        for target in targets:
            self.descend(target)
        for target in self.run.effective(targets):
            self.climb(target, within)

    def climb(self, number: int, within: int) -> None:
        """Enter the states between `number` and `within`, and all regions of the parallel ones among them."""
        for above in self.chart.ancestors[number]:
            if above == within:
                return
            self.mask |= 1 << above
            if self.chart.parallels >> above & 1:
                self.complete(above)

    def complete(self, parallel: int) -> None:
        for child in self.chart.children[parallel]:
            if not self.mask & (self.chart.inside[child] | 1 << child):
                self.descend(child)


def _mask(numbers: tuple[int, ...]) -> int:
    mask = 0
    for number in numbers:
        mask |= 1 << number
    return mask

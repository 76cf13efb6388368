"""Charts: states within states and the transitions between them, as frozen values after SCXML's model.

A chart is declared as a tree (`Atomic`, `Compound`, `Parallel`, `Final`, `History`) and compiled once into sets of
states as bit masks, in document order; `step` moves over them. Refuses unknown targets, states of the same name and
compound states without children. Knows nothing of cases.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any, Protocol, assert_never

from msgspec import Struct
from msgspec.structs import replace

EVENTLESS = ""
ANY_EVENT = "*"
KEPT = 4096
"""How much a chart remembers of what it was asked; a parallel state may have very many configurations."""


class Situation(Protocol):
    """What a guard may look at."""

    event: str

    def inside(self, state: str) -> bool:
        """Whether `state` is active."""
        ...

    @property
    def values(self) -> Mapping[str, Any]:
        """What expressions may name."""
        ...


Guard = Callable[[Situation], bool]


class Transition(Struct, frozen=True):
    """From the state it stands in to `targets`, on any of `events`; without events as soon as its guard holds.

    An event `a` also matches `a.b`; `*` matches all. `internal`: a target inside the source does not leave the source.
    """

    targets: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    guard: Guard | None = None
    internal: bool = False
    raises: tuple[str, ...] = ()

    def on(self, event: str) -> bool:
        """Whether `event` is one of its events."""
        if event == EVENTLESS or not self.events:
            return event == EVENTLESS and not self.events
        return any(_matches(descriptor, event) for descriptor in self.events)


class Declared(Struct, frozen=True, kw_only=True):
    """What every declared state has. `entering` and `leaving` are events raised on the way in and out."""

    id: str
    transitions: tuple[Transition, ...] = ()
    entering: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()


class Atomic(Declared, frozen=True):
    """A state without states inside."""


class Final(Declared, frozen=True):
    """Its parent is done when it is entered."""


class History(Struct, frozen=True, kw_only=True):
    """Stands for what its parent was in when it was last left, or for `default` where it never was.

    Shallow: the child; deep: everything inside.
    """

    id: str
    default: tuple[str, ...]
    deep: bool = False


class Compound(Declared, frozen=True):
    """Exactly one child is active. `initial` may name descendants; empty means the first child."""

    children: tuple["AnyState", ...]
    initial: tuple[str, ...] = ()


class Parallel(Declared, frozen=True):
    """All children are active at once; it is done when all of them are."""

    children: tuple["AnyState", ...]


AnyState = Atomic | Final | History | Compound | Parallel


class Edge(Struct, frozen=True):
    """A transition as compiled, by its number in the chart. `domain` is the state whose inside is left, or None where
    history decides it."""

    number: int
    source: int
    targets: tuple[int, ...]
    guard: Guard | None
    internal: bool
    raises: tuple[str, ...]
    domain: int | None


class Microstep(Struct, frozen=True):
    """The states left (innermost first) and entered (outermost first) together."""

    left: tuple[int, ...]
    entered: tuple[int, ...]


class Taken(Struct, frozen=True):
    """A microstep of a chart without history: everything that follows from the active states and the transitions."""

    microstep: Microstep
    active: int
    raised: tuple[str, ...]
    finished: bool


class Chart:
    """A compiled chart; never changes. States are numbered in document order, and a set of them is an int of bits."""

    def __init__(self, root: Compound) -> None:
        self.states: list[AnyState] = []
        self.parent: list[int] = []
        self.index: dict[str, int] = {}
        self._number(root, -1)
        size = len(self.states)
        self.children: list[tuple[int, ...]] = [()] * size
        self.ancestors: list[tuple[int, ...]] = [()] * size
        self.inside: list[int] = [0] * size
        self.atomic = self.parallels = self.compounds = self.finals = 0
        for number, state in enumerate(self.states):
            self._relate(number, state)
        self.history: dict[int, tuple[int, ...]] = {
            number: histories
            for number in range(size)
            if (histories := tuple(child for child in self._declared(number) if self._is_history(child)))
        }
        self.closure: dict[str, int] = {state.id: self._with_ancestors(i) for i, state in enumerate(self.states)}
        self._count = count()
        self._edges = [self._compiled(number) for number in range(size)]
        self._on: dict[tuple[int, str], tuple[Edge, ...]] = {}
        self._candidates: dict[tuple[int, str], tuple[tuple[Edge, ...], ...]] = {}
        self.taken: dict[tuple[int, ...], Taken] = {}  # by the active states and the numbers of the transitions

    def leaving(self, state: int, event: str) -> tuple[Edge, ...]:
        """The transitions on `event` out of `state` and its ancestors, in the order of their priority."""
        found = self._on.get((state, event))
        if found is None:
            found = tuple(
                edge
                for number in (state, *self.ancestors[state])
                for transition, edge in self._edges[number]
                if transition.on(event)
            )
            self._on[state, event] = found
        return found

    def candidates(self, active: int, event: str) -> tuple[tuple[Edge, ...], ...]:
        """What `leaving` gives for each active atomic state that has any, in document order."""
        key = (active, event)
        found = self._candidates.get(key)
        if found is None:
            each = (self.leaving(state, event) for state in self.numbers(active & self.atomic))
            found = tuple(edges for edges in each if edges)
            if len(self._candidates) >= KEPT:
                self._candidates.clear()
            self._candidates[key] = found
        return found

    def keep(self, key: tuple[int, ...], taken: Taken) -> None:
        """Remember what `step` found out."""
        if len(self.taken) >= KEPT:
            self.taken.clear()
        self.taken[key] = taken

    def numbers(self, mask: int) -> Iterator[int]:
        """The states of a set, in document order."""
        while mask:
            low = mask & -mask
            yield low.bit_length() - 1
            mask ^= low

    def names(self, mask: int) -> tuple[str, ...]:
        """The names of a set's states, in document order."""
        return tuple(self.states[number].id for number in self.numbers(mask))

    def mask(self, configuration: tuple[str, ...]) -> int:
        """All active states, given the active atomic ones."""
        mask = 0
        for name in configuration:
            mask |= self.closure[name]
        return mask

    def top(self, mask: int) -> str:
        """The name of the outermost state around the first of a set, below the root."""
        number = next(self.numbers(mask))
        ancestors = self.ancestors[number]
        return self.states[ancestors[-2] if len(ancestors) > 1 else number].id

    def common_ancestor(self, numbers: tuple[int, ...]) -> int:
        """The innermost compound state (or the root) around all of them."""
        return next(
            above
            for above in self.ancestors[numbers[0]]
            if self.compounds >> above & 1 and all(self.inside[above] >> number & 1 for number in numbers)
        )

    def domain(self, edge: Edge, targets: tuple[int, ...]) -> int:
        """The state whose inside the transition leaves when it goes to `targets`."""
        if not targets:
            return edge.source
        inside = self.inside[edge.source]
        if edge.internal and self.compounds >> edge.source & 1 and all(inside >> target & 1 for target in targets):
            return edge.source
        if edge.source == 0:
            return 0
        return self.common_ancestor((edge.source, *targets))

    def _number(self, state: AnyState, parent: int) -> None:
        if state.id in self.index:
            raise ValueError(f"two states are called {state.id!r}")
        number = self.index[state.id] = len(self.states)
        self.states.append(state)
        self.parent.append(parent)
        if isinstance(state, Compound | Parallel):
            if not state.children:
                raise ValueError(f"{state.id!r} has no states inside")
            for child in state.children:
                self._number(child, number)

    def _relate(self, number: int, state: AnyState) -> None:
        above, ancestors = self.parent[number], []
        while above >= 0:
            ancestors.append(above)
            self.inside[above] |= 1 << number
            above = self.parent[above]
        self.ancestors[number] = tuple(ancestors)
        match state:
            case Compound():
                self.compounds |= 1 << number
            case Parallel():
                self.parallels |= 1 << number
            case Final():
                self.finals |= 1 << number
                self.atomic |= 1 << number
            case Atomic():
                self.atomic |= 1 << number
            case History():
                pass  # stands for other states, is never active itself
            case _:
                assert_never(state)
        self.children[number] = tuple(child for child in self._declared(number) if not self._is_history(child))

    def _declared(self, number: int) -> tuple[int, ...]:
        state = self.states[number]
        if not isinstance(state, Compound | Parallel):
            return ()
        return tuple(self.index[child.id] for child in state.children)

    def _is_history(self, number: int) -> bool:
        return isinstance(self.states[number], History)

    def _with_ancestors(self, number: int) -> int:
        mask = 1 << number
        for above in self.ancestors[number]:
            mask |= 1 << above
        return mask

    def _targets(self, names: tuple[str, ...], where: str) -> tuple[int, ...]:
        for name in names:
            if name not in self.index:
                raise ValueError(f"{where!r} goes to {name!r}, which is no state")
        return tuple(self.index[name] for name in names)

    def _compiled(self, number: int) -> tuple[tuple[Transition, Edge], ...]:
        state = self.states[number]
        if isinstance(state, History):
            self._targets(state.default, state.id)
            return ()
        if isinstance(state, Compound):
            self._targets(state.initial, state.id)
        return tuple((transition, self._edge(number, state.id, transition)) for transition in state.transitions)

    def _edge(self, source: int, name: str, transition: Transition) -> Edge:
        targets = self._targets(transition.targets, name)
        found = (transition.guard, transition.internal, transition.raises)
        edge = Edge(next(self._count), source, targets, *found, None)
        if any(self._is_history(target) for target in targets):
            return edge
        return replace(edge, domain=self.domain(edge, targets))


def _matches(descriptor: str, event: str) -> bool:
    descriptor = descriptor.removesuffix(".*").removesuffix(".")
    return descriptor in (ANY_EVENT, event) or event.startswith(descriptor + ".")

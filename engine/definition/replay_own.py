"""An event log of our own cases replayed on their definition: whether its chart has every move that they made.

Each event says where its case stood afterwards, so no map is needed, nor the values that decided which way was taken:
a move is accepted where some event, by some outcome of the conditions, leads from where the case stood to where it is
said to have come. Refuses logs that do not say so. Works for every definition, with states of its own or without.
"""

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

from msgspec.structs import replace

from engine.definition.compile import compile_process
from engine.definition.model import Definition
from engine.definition.replay import Judged, is_end
from engine.machine.chart import ANY_EVENT, AnyState, Chart, Compound, History, Parallel, Transition
from engine.machine.declared import JUMP
from engine.machine.process import Process
from engine.machine.step import Movement, Remembered, macrostep, start

BETWEEN = ">"
INSIDE = "+"


class _Conditions:
    """The chart with conditions that hold when they are chosen to."""

    def __init__(self, chart: Chart) -> None:
        self.chosen: frozenset[int] = frozenset()
        self._count = count()
        root = self._freed(chart.states[0])
        assert isinstance(root, Compound)
        self.chart = Chart(root)
        every = range(next(self._count))
        self.outcomes = (frozenset[int](), *(frozenset((one,)) for one in every), frozenset(every))
        """None of them, each alone, all."""

    def _freed(self, state: AnyState) -> AnyState:
        if isinstance(state, History):
            return state
        freed: Any = replace(state, transitions=tuple(self._open(one) for one in state.transitions))
        if isinstance(freed, Compound | Parallel):
            freed = replace(freed, children=tuple(self._freed(child) for child in freed.children))
        return freed  # type: ignore[no-any-return]  # a state of the same kind

    def _open(self, transition: Transition) -> Transition:
        if transition.guard is None:
            return transition
        number = next(self._count)
        return replace(transition, guard=lambda _: number in self.chosen)


class _Standing:
    """One case of the log."""

    __slots__ = ("active", "count", "event", "index", "remembered")

    def __init__(self) -> None:
        self.active = 0
        self.remembered: Remembered = {}
        self.count = 0
        self.index: int | None = None
        self.event = ""


class OwnReplay:
    """All cases of a log that our own export wrote, on one definition's chart."""

    def __init__(self, definition: Definition) -> None:
        self.process: Process = compile_process(definition)
        self._conditions = _Conditions(self.process.chart)
        self.chart = self._conditions.chart
        self.events = 0
        self._cases: dict[str, _Standing] = {}
        self._found: dict[tuple[int, tuple[tuple[str, tuple[str, ...]], ...], int, bool], Movement | None] = {}

    def take(self, case: str, name: str, moves: str) -> None:
        """One event: `name` is what it is called, `moves` where the case came to, as the export writes it."""
        standing = self._cases.get(case)
        if standing is None:
            standing = self._cases[case] = _Standing()
        self.events += 1
        if standing.index is None and not self._follow(standing, moves, by_hand=name == JUMP):
            standing.index, standing.event = standing.count, name
        standing.count += 1

    def judged(self) -> Iterator[Judged]:
        """The cases in the order of their first events."""
        for case, standing in self._cases.items():
            names = self.chart.names(standing.active & self.chart.atomic)
            state = INSIDE.join(names)
            if standing.index is not None:
                yield Judged(case, "refuse", state, standing.index, standing.event)
            else:
                yield Judged(case, "accept" if self._is_end(names) else "open", state)

    def _is_end(self, names: Iterable[str]) -> bool:
        if self.process.declared is not None:
            return is_end(self.process.declared, names)
        return all(self.chart.finals >> self.chart.index[name] & 1 for name in names)

    def _follow(self, standing: _Standing, moves: str, *, by_hand: bool) -> bool:
        """Whether the chart goes all these ways; the case stands as far as it does. Only what was done `by_hand` may
        lead to a state of an administrator's choice."""
        for text in moves.split(BETWEEN) if moves else ():
            names = tuple(text.split(INSIDE))
            if any(name not in self.chart.index for name in names):
                return False
            moved = self._moved(standing, self.chart.mask(names), by_hand)
            if moved is None:
                return False
            standing.active, standing.remembered = moved.active, moved.remembered
        return bool(standing.active)  # a case begins with a move

    def _moved(self, standing: _Standing, to: int, by_hand: bool) -> Movement | None:
        key = (standing.active, tuple(sorted(standing.remembered.items())), to, by_hand)
        if key not in self._found:
            self._found[key] = next(self._ways(standing, to, by_hand), None)
        return self._found[key]

    def _ways(self, standing: _Standing, to: int, by_hand: bool) -> Iterator[Movement]:
        words = tuple(word for word in self._words(standing.active) if by_hand or not word.startswith(f"{JUMP}."))
        for chosen in self._conditions.outcomes:
            self._conditions.chosen = chosen
            if not standing.active:
                yield from (one for one in (start(self.chart, dict),) if one.active == to)
                continue
            for word in words:
                moved = macrostep(self.chart, standing.active, standing.remembered, word, dict)
                if moved is not None and moved.active == to:
                    yield moved

    def _words(self, active: int) -> Iterator[str]:
        """The events that lead on from here."""
        for number in self.chart.numbers(active):
            state = self.chart.states[number]
            if isinstance(state, History):
                continue
            for transition in state.transitions:
                yield from (one.removesuffix(".*") if one != ANY_EVENT else "any" for one in transition.events)

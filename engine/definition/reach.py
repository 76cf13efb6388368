"""Which states of a declared lifecycle can be reached, which can end, and which go round by themselves.

An over-estimate: guards count as possible, so what is told here is true whatever the form says.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from engine.definition.lifecycle import (
    ENDED_BY_HAND,
    STAGES,
    AnyState,
    Approval,
    Compound,
    Effective,
    Event,
    Final,
    Form,
    History,
    Lifecycle,
    Parallel,
    Task,
    Wait,
    events_of,
)
from engine.machine.states import EFFECTIVE

OWN = ("task", "wait", "cases", "compound", "parallel")


class Reach:
    """Of a section whose names are all right."""

    def __init__(self, section: Lifecycle) -> None:
        self.states: dict[str, AnyState] = {}
        self.around: dict[str, str] = {}
        for _, name, state, around in section.walk():
            self.states[name] = state
            self.around[name] = around
        self.first = section.initial or next(iter(section.states))

    @cached_property
    def reached(self) -> frozenset[str]:
        """Every state that a case may come to."""
        ended = (name for name in ENDED_BY_HAND if name in self.states)
        return self._come_to([self.first, *ended], lambda state, event: True)

    @cached_property
    def unsubmitted(self) -> frozenset[str]:
        """Every state that a case may come to without having been submitted."""
        return self._come_to([self.first], lambda state, event: not isinstance(state, Form) or event.event != "submit")

    @cached_property
    def undecided(self) -> frozenset[str]:
        """Every state that a case may come to before it is in effect: what it waits for there may still be refused."""

        def stays_open(state: AnyState, event: Event) -> bool:
            return not isinstance(state, Effective) and not (isinstance(state, Approval) and event.event in EFFECTIVE)

        return self._come_to([self.first], stays_open)

    @cached_property
    def own_before_delivery(self) -> frozenset[str]:
        """The states of the definition's own, in which people act or time passes, that may lead to the delivery."""
        own = [name for name, state in self.states.items() if state.kind in OWN]
        return frozenset(name for name in own if STAGES["delivery"] in self._come_to([name], lambda state, event: True))

    def _come_to(self, first: Sequence[str], taken: Callable[[AnyState, Event], bool]) -> frozenset[str]:
        found: set[str] = set()
        open_ = list(first)
        while open_:
            name = open_.pop()
            for entered in self.entering(name):
                if entered not in found:
                    found.add(entered)
                    state = self.states[entered]
                    open_ += [target for event in events_of(state) if taken(state, event) for target in event.to]
        return frozenset(found)

    @cached_property
    def stuck(self) -> frozenset[str]:
        """The states from which the end of the case cannot be reached."""
        ends = {name for name, state in self.states.items() if self.is_end(name, state)}
        before = -1
        while len(ends) > before:
            before = len(ends)
            for name in self.states:
                if name not in ends and any(target in ends for target in self.following(name)):
                    ends.add(name)
        return frozenset(self.states) - ends

    def is_end(self, name: str, state: AnyState) -> bool:
        """Whether a case may rest here for good. A final state inside another ends that one alone."""
        if isinstance(state, Final):
            return not self.around[name]
        return isinstance(state, Form | Task | Wait) and state.may_end

    def following(self, name: str) -> Iterator[str]:
        """Where a case in `name` may be next: by its own events, those of the states around it, or of those inside."""
        state = self.states[name]
        for event in events_of(state):
            yield from event.to
        if isinstance(state, Compound | Parallel):
            yield from state.states
        elif isinstance(state, History):
            yield state.default
            yield from self.siblings(name)
        around = self.around[name]
        while around:
            for event in events_of(self.states[around]):
                yield from event.to
            if isinstance(self.states[around], Parallel):
                yield from self.siblings(name)
            name, around = around, self.around[around]

    def siblings(self, name: str) -> Iterator[str]:
        """The states beside it."""
        around = self.states.get(self.around[name])
        if isinstance(around, Compound | Parallel):
            yield from (one for one in around.states if one != name)

    def entering(self, name: str) -> Iterator[str]:
        """What becomes active on entering `name`: itself, those around it, and those it starts with."""
        state = self.states[name]
        if isinstance(state, History):
            yield name
            yield from self.entering(state.default)
            return
        yield from self.inside(name)
        below, around = name, self.around[name]
        while around:
            yield around
            enclosing = self.states[around]
            if isinstance(enclosing, Parallel):
                for region in enclosing.states:
                    if region != below:
                        yield from self.inside(region)
            below, around = around, self.around[around]

    def inside(self, name: str) -> Iterator[str]:
        """`name` and the states it starts with."""
        state = self.states[name]
        yield name
        if isinstance(state, Compound):
            yield from self.entering(state.initial) if state.initial else self.inside(next(iter(state.states)))
        elif isinstance(state, Parallel):
            for region in state.states:
                yield from self.inside(region)

    def can_be_done(self, name: str, state: AnyState) -> bool:
        """Whether a final state directly inside it is reached, or all its regions can be done."""
        if isinstance(state, Compound):
            return any(isinstance(one, Final) and inner in self.reached for inner, one in state.states.items())
        if isinstance(state, Parallel):
            return all(self.can_be_done(inner, one) for inner, one in state.states.items())
        return False

    def loops(self) -> Iterator[tuple[str, ...]]:
        """Rings of states that time and conditions alone go round; each once, from its first state in the file."""
        order = {name: place for place, name in enumerate(self.states)}
        ways = {name: tuple(self.unattended(name)) for name in self.states}
        told: set[frozenset[str]] = set()
        for start in self.states:
            ring = _ring(start, ways)
            if ring and frozenset(ring) not in told and order[start] == min(order[name] for name in ring):
                told.add(frozenset(ring))
                yield ring

    def unattended(self, name: str) -> Iterator[str]:
        """Where a case goes from `name` with nobody doing anything: the leaf states it comes to rest in."""
        state = self.states[name]
        if isinstance(state, Approval | Form):
            return
        for event in events_of(state):
            if event.to and self.by_itself(state, event):
                for target in event.to:
                    yield from self.entering(target)

    def by_itself(self, state: AnyState, event: Event) -> bool:
        """Whether the event needs nobody: none at all, or a timer's."""
        if event.role:
            return False
        return event.event is None or any(limit.event == event.event for limit in getattr(state, "timeouts", ()))


def _ring(start: str, ways: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """A way from `start` back to it; empty where there is none."""
    trails: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while trails:
        trail = trails.pop(0)
        for following in ways[trail[-1]]:
            if following == start:
                return trail
            if following not in seen:
                seen.add(following)
                trails.append((*trail, following))
    return ()

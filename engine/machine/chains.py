"""The approval chains as states: a step is a state, a countersign a parallel state whose regions are left together.

A column of a chain is a step or a countersign. Refuses two steps of one name in a chain.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol

from msgspec import Struct

from engine.errors import ExpressionFailed
from engine.machine.chart import AnyState as ChartState
from engine.machine.chart import Atomic, Compound, Final, Parallel, Situation, Transition
from engine.machine.filing import Filing
from engine.machine.states import DELIVERING, PAUSED, Kind
from engine.machine.steps import AnyStep, Approval, Copy
from engine.machine.wider import WIDER
from engine.values import NO_TEXT, Bilingual

Kinds = dict[str, Kind]

Ending = Literal["reject", "return_submitter"]
_ENDING: dict[str, str] = {"reject": "rejected", "return_submitter": "returned"}


class Condition(Protocol):
    """A compiled rule; `engine.expr.Expression` is one."""

    def evaluate(self, values: Mapping[str, Any]) -> Any:
        """Its value; ExpressionFailed where it cannot be worked out."""
        ...

    def explain(self, values: Mapping[str, Any]) -> Any:
        """Why: an object with `reasons`."""
        ...


class Placed(Struct, frozen=True):
    """A step at its place in a chain. It is left out where `when` does not hold."""

    step: AnyStep
    when: Condition | None = None
    on_reject: Ending = "reject"


class Countersign(Struct, frozen=True):
    """Several steps asked at once (会签); `join` is how many must approve, None means all that are asked."""

    name: str
    branches: tuple[Placed, ...]
    when: Condition | None = None
    join: int | None = None
    on_reject: Ending = "return_submitter"
    label: Bilingual = NO_TEXT


Column = Placed | Countersign
Chains = Mapping[str, Sequence[Column]]


def only_files(columns: Sequence[Column]) -> bool:
    """Whether nobody approves on a chain: the case becomes effective by filing (报备)."""
    return all(isinstance(column, Placed) and not isinstance(column.step, Approval) for column in columns)


def is_decided(columns: Sequence[Column], values: Mapping[str, Any]) -> bool:
    """Whether anybody decides on a case with these values: some step that approves or files is not left out."""
    return any(not isinstance(step, Copy) for step in _asked(columns, values))


def is_approved(columns: Sequence[Column], values: Mapping[str, Any]) -> bool:
    """Whether anybody approves a case with these values: some step that approves is not left out."""
    return any(isinstance(step, Approval) for step in _asked(columns, values))


def _asked(columns: Sequence[Column], values: Mapping[str, Any]) -> Iterator[AnyStep]:
    for column in columns:
        if holds(column.when, values):
            placed = column.branches if isinstance(column, Countersign) else (column,)
            yield from (one.step for one in placed if holds(one.when, values))


def state_of(chain: str, step: str) -> str:
    """The state of a step in a chain."""
    return f"{chain}/{step}"


def chain(name: str, columns: Sequence[Column], kinds: Kinds, *, widens: bool = False) -> ChartState:
    """`widens`: it also decides on what is asked for while a delivery is paused, and leads back to that then."""
    done = f"{name}/:done"
    names = [_name(column) for column in columns]
    twice = {each for each in names if names.count(each) > 1}
    if twice:
        raise ValueError(f"{name!r} has more than one step called {', '.join(sorted(twice))}")
    states: list[ChartState] = []
    for place, column in enumerate(columns):
        onward = _first(name, columns[place + 1]) if place + 1 < len(columns) else done
        states.extend(_column(name, column, onward, kinds, widens=widens))
    granted = (Transition((DELIVERING,), (f"done.state.{name}",), guard=Widening()),) if widens else ()
    effective = "filed" if only_files(columns) else "approved"
    return Compound(
        id=name,
        children=(*states, Final(id=done)),
        transitions=(
            *granted,
            Transition((effective,), (f"done.state.{name}",)),
            *(Transition((step,), (f"goto.{step}",)) for step in _to_go_to(name, columns)),
        ),
    )


def rerouted(chains: Chains) -> tuple[Transition, ...]:
    """The ways of a case under way to the start of each chain: a change of its form has voided approvals."""
    return tuple(Transition((name,), (f"reroute.{name}",), internal=True) for name in chains)


def _to_go_to(name: str, columns: Sequence[Column]) -> list[str]:
    """The states that a case may be sent to: every step that is decided, and every countersign as a whole."""
    found = []
    for column in columns:
        if isinstance(column, Countersign):
            found.append(state_of(name, column.name))
            found += [state_of(name, placed.step.name) for placed in column.branches]
        elif not isinstance(column.step, Copy):
            found.append(state_of(name, column.step.name))
    return found


def _name(column: Column) -> str:
    return column.name if isinstance(column, Countersign) else column.step.name


def _first(chain: str, column: Column) -> str:
    """Where a column begins: with its condition, if it has one."""
    state = state_of(chain, _name(column))
    return f"{state}:when" if column.when is not None else state


def _column(chain: str, column: Column, onward: str, kinds: Kinds, *, widens: bool) -> list[ChartState]:
    state = state_of(chain, _name(column))
    choice = _choice(state, column.when, onward)
    if isinstance(column, Countersign):
        return [*choice, _countersign(chain, column, onward, kinds, widens=widens)]
    kinds[state] = column.step
    return [*choice, Atomic(id=state, transitions=_ways_out(state, column, onward, widens=widens))]


def _choice(state: str, when: Condition | None, otherwise: str) -> list[ChartState]:
    if when is None:
        return []
    ways = (Transition((state,), guard=Holds(when)), Transition((otherwise,)))
    return [Atomic(id=f"{state}:when", transitions=ways)]


def _ways_out(state: str, placed: Placed, onward: str, *, widens: bool) -> tuple[Transition, ...]:
    match placed.step:
        case Approval():
            return (
                Transition((onward,), (f"{state}.approve",)),
                *_refusals(state, widens=widens),
                Transition(("returned",), (f"{state}.return",)),
                Transition((_ENDING[placed.on_reject],), (f"{state}.reject",)),
            )
        case Filing(objection=chain, conversion=other):
            objected = (Transition((chain,), (f"{state}.object",)),) if chain else ()
            is_own = state == state_of(other, placed.step.name)  # a chain that it stands on already converts nothing
            converted = (Transition((other,), (f"{state}.convert",)),) if other and not is_own else ()
            return (Transition((onward,), (f"{state}.effective",)), *objected, *converted)
        case Copy():
            return (Transition((onward,)),)


def _refusals(state: str, *, widens: bool) -> tuple[Transition, ...]:
    """Who does not grant more leaves the delivery paused; what was approved before is not returned or rejected."""
    return (Transition((PAUSED,), (f"{state}.return", f"{state}.reject"), guard=Widening()),) if widens else ()


def _countersign(chain: str, sign: Countersign, onward: str, kinds: Kinds, *, widens: bool) -> ChartState:
    state = state_of(chain, sign.name)
    regions, approved = [], []
    ways: list[Transition] = []
    for placed in sign.branches:
        step = state_of(chain, placed.step.name)
        kinds[step] = placed.step
        done, skipped = f"{step}:done", f"{step}:skipped"
        approved.append(done)
        inside = (
            *_choice(step, placed.when, skipped),
            Atomic(id=step, transitions=(Transition((done,), (f"{step}.approve",)),)),
            Final(id=done),
            Final(id=skipped),
        )
        regions.append(Compound(id=f"{step}:branch", children=inside))
        ways += _refusals(step, widens=widens)
        ways.append(Transition(("returned",), (f"{step}.return",)))
        ways.append(Transition((_ENDING[sign.on_reject],), (f"{step}.reject",)))
    if sign.join is not None:
        events = tuple(f"done.state.{region.id}" for region in regions)
        ways.append(Transition((onward,), events, guard=Joined(tuple(approved), sign.join)))
    ways.append(Transition((onward,), (f"done.state.{state}",)))
    return Parallel(id=state, children=tuple(regions), transitions=tuple(ways))


def conversions(kinds: Kinds) -> tuple[Transition, ...]:
    """How filings that took effect become cases for approval; `converting` says which may."""
    chains = {kind.conversion for kind in kinds.values() if isinstance(kind, Filing) and kind.conversion}
    return tuple(Transition((name,), (f"convert.{name}",)) for name in sorted(chains))


class Holds(Struct, frozen=True):
    """The condition holds, or cannot be worked out: in doubt a step is not left out."""

    condition: Condition

    def __call__(self, situation: Situation) -> bool:
        """See `Guard`."""
        return holds(self.condition, situation.values)


class Widening(Struct, frozen=True):
    """More is asked for than was approved, and this decides on it."""

    def __call__(self, situation: Situation) -> bool:
        """See `Guard`."""
        return bool(situation.values.get(WIDER))


class Joined(Struct, frozen=True):
    """At least `needed` of the branches have approved."""

    branches: tuple[str, ...]
    needed: int

    def __call__(self, situation: Situation) -> bool:
        """See `Guard`."""
        return sum(situation.inside(branch) for branch in self.branches) >= self.needed


def holds(condition: Condition | None, values: Mapping[str, Any]) -> bool:
    """Whether a step is taken: without a condition, where it holds, and where it cannot be worked out."""
    try:
        return condition is None or condition.evaluate(values) is not False
    except ExpressionFailed:
        return True

"""States that open cases of another definition and wait for them (子案): parent and child cases.

The parent keeps a record of each child, and the child tells every change of its state. Opening, cancelling, holding and
telling are effects, so either case may be locked, or the machine may stop, at any time between. Refuses more than
MAX_CHILDREN at once and more than MAX_DEPTH cases one above the other: the state then fails, and its definition says
what follows.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal, Protocol

from msgspec import Struct
from msgspec.structs import replace

from engine.errors import ExpressionFailed, InvalidForm, NotPossible, Problem
from engine.machine.case import Case, Child, ChildOutcome, Parent
from engine.machine.commands import AddChild, Cancel, ChildMoved
from engine.machine.declared import Waiting, holders
from engine.machine.journal import Journal
from engine.machine.outcome import CancelChild, ChildChanged, HoldChild, OpenChild, TellParent
from engine.machine.states import SUSPENDED, Effective, Kind, Refusal, end_sending

if TYPE_CHECKING:
    from engine.machine.process import Process

MAX_CHILDREN = 100
MAX_DEPTH = 10
FAILED = ("rejected", "withdrawn", "cancelled", "voided", "expired", "terminated")
"""The ends of a case that are no success, where the definition does not say which are."""

CANCEL = "cancel"
CANCELLED = "cancelled"


class Formula(Protocol):
    """A compiled expression of any type."""

    def evaluate(self, values: Mapping[str, Any]) -> Any:
        """Its value; ExpressionFailed where it cannot be worked out."""
        ...


class Opening(Struct, frozen=True):
    """Which cases a state opens. `each` gives a list (one case for each element) or a number; None means one case.

    `passes` are fields of the child's form with what is written into them; `counts` the child's states that are a
    success (empty: every end but FAILED). `deepest` bounds how often a definition may open itself.
    """

    definition: str
    each: Formula | None = None
    passes: tuple[tuple[str, Formula], ...] = ()
    counts: tuple[str, ...] = ()
    deepest: int = 0


class Join(Struct, frozen=True):
    """When the state is done: all children are, `needed` of them, or `rule` over `children` holds."""

    needed: int | None = None
    rule: Formula | None = None

    def verdict(self, children: tuple[Child, ...], values: Mapping[str, Any]) -> Literal["", "done", "failed"]:
        """Whether it is met, or can be met no more. An empty answer: it has to be waited for."""
        sums = sums_of(children)
        if self.rule is not None:
            if _holds(self.rule, {**values, "children": sums}):
                return "done"
            return "" if sums["open"] else "failed"
        needed = sums["total"] if self.needed is None else self.needed
        if sums["done"] >= needed:
            return "done"
        return "failed" if sums["done"] + sums["open"] < needed else ""


class Opens(Waiting, frozen=True, kw_only=True):
    """Opens cases on the way in; goes on when enough of them are done. `stay`: what is not needed any more runs on."""

    opening: Opening
    join: Join
    adders: tuple[str, ...] = ()
    stay: bool = False

    def actions(self, case: Case) -> tuple[str, ...]:
        """See Kind."""
        return ("add_case",) if self.adders else ()

    def enter(self, journal: Journal, state: str) -> None:
        """See Kind."""
        super().enter(journal, state)
        elements = _elements(self.opening.each, journal.values())
        if elements is None or len(elements) > MAX_CHILDREN or self.too_deep(journal):
            if journal.process.would_move(journal.case, event_of(state, "failed")):
                journal.raised.append((event_of(state, "failed"), (state, "failed")))
            return
        for element in elements:
            self.plan(journal, state, element)
        verdict = self.verdict(journal, state)
        if verdict:
            journal.raised.append((event_of(state, verdict), (state, verdict)))

    def leave(self, journal: Journal, state: str) -> None:
        """See Kind. Who is not needed any more is cancelled, or runs on where the definition says so."""
        super().leave(journal, state)
        by, verdict = journal.cause
        met = (by, verdict) == (state, "done")
        for child in waited_for(journal.case, state):
            if child.outcome or (self.stay and met):
                journal.record(ChildChanged(replace(child, left=True)))
                continue
            journal.record(ChildChanged(replace(child, left=True, outcome="cancelled")))
            journal.ask(CancelChild(child.id, "joined" if met else verdict or "left"))

    def plan(self, journal: Journal, state: str, element: Any) -> None:
        """Have one case opened."""
        case, opening = journal.case, self.opening
        identity = sha256(f"{case.id}:{case.seq}:{state}:{len(case.children)}".encode()).hexdigest()[:24]
        parent = Parent(case.id, state, self.depth(case) + 1, self.nesting(journal))
        journal.record(ChildChanged(Child(identity, state, opening.definition, kept(element))))
        values = {**journal.values(), "each": element}
        form = {name: value for name, rule in opening.passes if (value := _worked_out(rule, values)) is not None}
        journal.ask(OpenChild(identity, opening.definition, form, parent))

    def depth(self, case: Case) -> int:
        """How many cases stand above this one."""
        return case.parent.depth if case.parent else 0

    def nesting(self, journal: Journal) -> int:
        """How often the definition opened itself down to the child."""
        if journal.case.process.name != self.opening.definition:
            return 0
        return (journal.case.parent.nested if journal.case.parent else 0) + 1

    def too_deep(self, journal: Journal) -> bool:
        """Whether a child would stand too far below the first case."""
        own = self.opening.deepest and self.nesting(journal) > self.opening.deepest
        return bool(own) or self.depth(journal.case) >= MAX_DEPTH

    def verdict(self, journal: Journal, state: str) -> Literal["", "done", "failed"]:
        """See Join. Nothing where the definition does not say where that leads."""
        found = self.join.verdict(waited_for(journal.case, state), journal.values())
        return found if found and journal.process.would_move(journal.case, event_of(state, found)) else ""

    def outcome(self, state: str, *, ended: bool) -> ChildOutcome:
        """What a child has come to when it tells that it is in `state`."""
        if self.opening.counts:
            return "done" if state in self.opening.counts else ("failed" if ended else "")
        if not ended:
            return ""
        return "failed" if state in FAILED else "done"


def event_of(state: str, verdict: str) -> str:
    """What the chart calls the end of a state's wait."""
    return f"children.{state}.{verdict}"


def waited_for(case: Case, place: str) -> tuple[Child, ...]:
    """The cases that a state opened since it was entered."""
    return tuple(child for child in case.children if child.place == place and not child.left)


def sums_of(children: tuple[Child, ...]) -> dict[str, int]:
    """What expressions see as `children`."""
    count = {name: sum(child.outcome == name for child in children) for name in ("done", "failed", "cancelled")}
    return {"total": len(children), **count, "open": sum(not child.outcome for child in children)}


def heard(journal: Journal, command: ChildMoved) -> str:
    """A child has moved. It is recorded also where nobody waits any more; returns the event that goes on."""
    child = next((one for one in journal.case.children if one.id == command.child), None)
    if child is None:
        raise Refusal
    if command.seq <= child.seq:
        return ""
    kind = journal.process.kinds.get(child.place)
    known = isinstance(kind, Opens) and not child.outcome
    outcome = kind.outcome(command.state, ended=command.ended) if isinstance(kind, Opens) and known else child.outcome
    number = command.number or child.number
    told = replace(child, state=command.state, number=number, seq=command.seq, outcome=outcome)
    journal.record(ChildChanged(told))
    if not isinstance(kind, Opens) or child.left or child.place not in journal.case.configuration:
        return ""
    if journal.case.state == SUSPENDED:
        return ""  # what it comes to is seen when the case goes on
    verdict = kind.verdict(journal, child.place)
    journal.cause = (child.place, verdict)
    return event_of(child.place, verdict) if verdict else ""


def hold_all(journal: Journal) -> None:
    """The case stands still, or goes on: so do the cases of the states that wait, and none that runs on without it."""
    for child in journal.case.children:
        if not child.left:
            journal.ask(HoldChild(child.id))


def go_on(journal: Journal) -> None:
    """The case stood still: what its children came to meanwhile moves it now."""
    for name in journal.case.configuration:
        kind = journal.process.kinds.get(name)
        if isinstance(kind, Opens) and (verdict := kind.verdict(journal, name)):
            journal.raised.append((event_of(name, verdict), (name, verdict)))


def add(journal: Journal, command: AddChild) -> str:
    """Open one more case. NotPossible for who may not, and where no state takes one; InvalidForm without an element."""
    for name in journal.process.active(journal.case):
        kind = journal.process.kinds.get(name)
        if not isinstance(kind, Opens) or command.place not in ("", name) or not kind.adders:
            continue
        if not any(command.actor in holders(journal.process, journal.case, role) for role in kind.adders):
            raise NotPossible(action="open another case", state=journal.case.state, possible="nothing")
        if kind.too_deep(journal) or len(waited_for(journal.case, name)) >= MAX_CHILDREN:
            raise Refusal
        kind.plan(journal, name, _added(kind, journal, name, command.element))
        return ""
    raise Refusal


def is_past(journal: Journal, event: str) -> bool:
    """Whether `event` ends the wait of a state that was left meanwhile: another region was quicker."""
    word, _, rest = event.partition(".")
    return word == "children" and rest.rpartition(".")[0] not in journal.case.configuration


def cancel(journal: Journal, command: Cancel) -> str:
    """The parent does not wait any more; a case that has ended stays as it is."""
    if has_ended(journal.process, journal.case):
        return ""
    end_sending(journal)
    journal.cause = ("", "cancelled")
    return CANCEL


def has_ended(process: "Process", case: Case) -> bool:
    """Whether nothing more will happen: a final state, or approved with no stage to follow."""
    kind: Kind | None = process.kinds.get(case.state)
    if isinstance(kind, Effective) and kind.last:
        return True
    return process.is_end(case.state)


def tell(journal: Journal) -> None:
    """Have the parent told, where this entry changed the state."""
    case = journal.case
    if case.parent is None or (
        journal.before.seq and (case.state, case.number) == (journal.before.state, journal.before.number)
    ):
        return
    ended = has_ended(journal.process, case)
    journal.ask(TellParent(case.parent.case, case.state, case.seq, ended, case.number or ""))


def kept(value: Any) -> Any:
    """A value of an expression as a form keeps it (JSON)."""
    match value:
        case Decimal():
            return format(value, "f")
        case date():
            return value.isoformat()
        case {"from": since, "to": until} if len(value) == 2:
            return [kept(since), kept(until)]
        case list() | tuple() | set() | frozenset():
            return [kept(one) for one in value]
        case dict():
            return {str(name): kept(one) for name, one in value.items()}
        case _:
            return value


def _elements(each: Formula | None, values: Mapping[str, Any]) -> list[Any] | None:
    """What cases are opened for; None where that cannot be worked out."""
    if each is None:
        return [None]
    try:
        found = each.evaluate(values)
    except ExpressionFailed:
        return None
    return list(range(1, found + 1)) if isinstance(found, int) else list(found)


def _added(kind: Opens, journal: Journal, state: str, element: Any) -> Any:
    """What the added case is for: the next number, or what the command says."""
    if kind.opening.each is None:
        return None
    known = [child.element for child in journal.case.children if child.place == state]
    try:
        counted = isinstance(kind.opening.each.evaluate(journal.values()), int)
    except ExpressionFailed:
        counted = False
    if counted:
        return max((one for one in known if isinstance(one, int)), default=0) + 1
    if element in (None, ""):
        raise InvalidForm([Problem("element_missing", "say what the case is opened for", at="element")])
    return element


def _worked_out(rule: Formula, values: Mapping[str, Any]) -> Any:
    """A field that cannot be filled stays empty: the child's submitter fills it in."""
    try:
        return kept(rule.evaluate(values))
    except ExpressionFailed:
        return None


def _holds(rule: Formula, values: Mapping[str, Any]) -> bool:
    try:
        return rule.evaluate(values) is True
    except ExpressionFailed:
        return False

"""Everything a chart can do with a case of one kind of form: its states and the events between them.

The forms of a definition fall into few regions, within which every condition answers the same; the solver finds them,
each with a form. Per region the compiled chart is walked by every event it declares, so that whatever people, clocks
and stages do is among it. Refuses to walk for long: `Undecided` past `LIMIT` places.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from engine.definition.compile import OfForm, compile_process
from engine.definition.model import Definition
from engine.definition.prove_forms import Form, Forms, Undecided
from engine.definition.prove_lifecycle import SILENCE, conditions_of, forms_of, named, submitting
from engine.definition.prove_route import RouteTable
from engine.definition.prove_terms import Formula, Untranslatable, both, either, negated, not_false
from engine.definition.prove_terms import holds as surely
from engine.errors import ExpressionFailed
from engine.machine import chains as chart_chains
from engine.machine.chains import Condition, Countersign
from engine.machine.declared import ROUTE
from engine.machine.filing import Filing
from engine.machine.process import Process
from engine.machine.step import macrostep, start
from engine.machine.steps import Copy

LIMIT = 4_000
"""Places of one region. The shipped definitions have at most 30."""
REGIONS = 64
"""Regions of one row of the route table."""

_ELSEWHERE = ("done.", "drift.", "reroute.", "reselect", "widen.", "unwiden")
"""Events of the chart itself, of a round on the real count, of a form that changes, which is not decided, of a list
that is selected anew, which leads back to where the case has been, and of more being asked for while the delivery is
paused: the chain of the larger form is walked from its own beginning, and who looked at what changed decides again."""

Mark = str
"""What happened, in order: `!event` for an event, `>state` for a state entered."""


@dataclass(frozen=True)
class Move:
    """An event out of a place, and what it did."""

    event: str
    to: int
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Region:
    """All forms for which the conditions of the process answer as for `form`: `bits` those of the chain, `ways` those
    of the lifecycle, `passing` the limits up to which a step passes when nobody answers."""

    chain: str
    formula: Formula
    bits: Mapping[str, bool]
    form: Form
    ways: Mapping[str, bool] = field(default_factory=dict)
    passing: Mapping[str, bool] = field(default_factory=dict)


@dataclass
class Walk:
    """The places a case can be in during one round: `moves[n]` leave place `n`, place 0 is where a case begins.

    `begins` are the forms in which a round may begin, by their place.
    """

    region: Region
    configurations: list[tuple[str, ...]] = field(default_factory=list)
    moves: list[list[Move]] = field(default_factory=list)
    finished: set[int] = field(default_factory=set)
    begins: dict[int, str] = field(default_factory=dict)


class World:
    """What a definition can do, as far as it was asked about."""

    def __init__(self, definition: Definition, table: RouteTable) -> None:
        self.definition = definition
        self.table = table
        self.forms: Forms = table.forms
        self.process: Process = compile_process(definition)
        self._walks: dict[int, Walk] = {}

    @cached_property
    def regions(self) -> tuple[Region, ...]:
        """All regions of the forms that can be submitted. Raises Undecided and Untranslatable."""
        forms_of(self.process)
        return tuple(self._regions())

    def walk(self, number: int) -> Walk:
        """Everything that can happen to a case of a region in one round."""
        if number not in self._walks:
            self._walks[number] = self._walked(self.regions[number])
        return self._walks[number]

    def conditions(self, chain: str) -> dict[str, Condition]:
        """The conditions of the steps of a chain and of those that its filings may lead to, by their text."""
        found: dict[str, Condition] = {}
        for name in self._onward(chain) if chain else ():
            for column in self.process.chains[name]:
                for placed in (column, *(column.branches if isinstance(column, Countersign) else ())):
                    if placed.when is not None:
                        found[getattr(placed.when, "text", "")] = placed.when
        return found

    def limits(self, chain: str) -> dict[str, OfForm]:
        """The limits of the steps on those chains that pass by themselves, by their text."""
        found = {}
        for state, limit in self._limits.items():
            if state.partition("/")[0] in self._onward(chain):
                found[limit.rule.text] = limit
        return found if chain else {}

    def refused(self) -> Formula:
        """What holds of a whole form that cannot be submitted: a row cannot be worked out, or nobody would decide."""
        failing = [
            both(self.table.to_row(n), self.forms.meaning(row.when).fails)
            for n, row in enumerate(self.table.rows)
            if hasattr(row, "when")
        ]
        unheard = [both(self.table.taking(n), negated(self._decided(row.use))) for n, row in enumerate(self.table.rows)]
        return either(*failing, *unheard)

    def answers_as(self, region: Region, form: Form) -> bool:
        """Whether the engine itself sees the form in the region."""
        values = self.process.context(form)
        if self.process.route and self.process.choose(values)[0] != region.chain:
            return False
        known = self.conditions(region.chain)
        chain = all(chart_chains.holds(known[text], values) is bit for text, bit in region.bits.items())
        limits = self.limits(region.chain)
        passing = all(limits[text].is_within(form) is bit for text, bit in region.passing.items())
        return chain and passing and all(self._surely(text, values) is bit for text, bit in region.ways.items())

    def _surely(self, text: str, values: Mapping[str, Any]) -> bool:
        """Whether a condition of the lifecycle lets its event happen."""
        try:
            return self._ways[text].evaluate(values) is True
        except ExpressionFailed:
            return False

    @cached_property
    def _ways(self) -> dict[str, Condition]:
        return conditions_of(self.process)

    @cached_property
    def _limits(self) -> dict[str, OfForm]:
        """For the state of each step that passes when nobody answers, up to which form."""
        timeouts = {state: getattr(kind, "timeout", None) for state, kind in self.process.kinds.items()}
        return {
            state: timeout.passes
            for state, timeout in timeouts.items()
            if timeout is not None and timeout.do == "approve" and timeout.at is not None and timeout.passes is not None
        }

    def _onward(self, chain: str) -> set[str]:
        found, open_ = set(), {chain}
        while open_:
            name = open_.pop()
            if name not in found:
                found.add(name)
                for column in self.process.chains[name]:
                    step = getattr(column, "step", None)
                    if isinstance(step, Filing):
                        open_ |= {step.objection, step.conversion} - {""}
        return found

    def _decided(self, chain: str) -> Formula:
        """What holds of a form on whose case somebody decides."""
        return either(*(both(*map(self._kept, around)) for around in _deciding(self.process.chains[chain])))

    def _kept(self, condition: Condition | None) -> Formula:
        return True if condition is None else not_false(self.forms.meaning(getattr(condition, "text", "")))

    def _regions(self) -> Iterator[Region]:
        if not self.table.rows:
            yield from self._regions_of("", True)
        for n, row in enumerate(self.table.rows):
            yield from self._regions_of(row.use, both(self.table.taking(n), self._decided(row.use)))

    def _regions_of(self, chain: str, taking: Formula) -> Iterator[Region]:
        texts, ways, limits = tuple(self.conditions(chain)), tuple(self._ways), tuple(self.limits(chain))
        bits = [not_false(self.forms.meaning(text)) for text in texts]
        bits += [surely(self.forms.meaning(text)) for text in (*ways, *limits)]
        with self.forms.assuming(taking):
            combinations = list(self.forms.models(bits, REGIONS))
        for combination in combinations:
            decided = [bit if value else negated(bit) for bit, value in zip(bits, combination, strict=True)]
            formula = both(taking, *decided)
            form = self.forms.find(formula)
            assert form is not None, "the solver just said that there is one"
            answers = iter(combination)
            of_chain, of_ways, passing = ({text: next(answers) for text in part} for part in (texts, ways, limits))
            region = Region(chain, formula, of_chain, form, of_ways, passing)
            if not self.answers_as(region, form):
                raise Undecided("the engine reads a condition otherwise than the solver")
            yield region

    def _walked(self, region: Region) -> Walk:
        chart, forms = self.process.chart, forms_of(self.process)
        values = {**self.process.context(region.form), ROUTE: region.chain or None}
        walk = Walk(region)
        numbers: dict[tuple[int, tuple[tuple[str, tuple[str, ...]], ...]], int] = {}
        open_: list[tuple[int, int, dict[str, tuple[str, ...]]]] = []

        def place(active: int, remembered: dict[str, tuple[str, ...]]) -> int:
            key = (active, tuple(sorted(remembered.items())))
            if key not in numbers:
                if len(numbers) == LIMIT:
                    raise Undecided(f"a case can be in more than {LIMIT} places")
                number = numbers[key] = len(numbers)
                atomic = active & chart.atomic
                walk.configurations.append(chart.names(atomic))
                walk.moves.append([])
                form = next((name for name in chart.names(atomic) if name in forms), "")
                if form:
                    walk.begins[number] = form
                if form and remembered:
                    raise Undecided("a case comes back to a form, and may go on by a history state")
                if any(chart.parent[one] == 0 for one in chart.numbers(active & chart.finals)):
                    walk.finished.add(number)
                open_.append((number, active, remembered))
            return numbers[key]

        first = start(chart, lambda: values)
        place(chart.mask(chart.names(first.active & chart.atomic)), first.remembered)
        for form in forms:
            place(chart.mask((form,)), {})
        while open_:
            number, active, remembered = open_.pop()
            events = dict.fromkeys(submitting(event, region.chain) for event in self._events(active))
            for event in filter(None, events):
                moved = macrostep(chart, active, remembered, event, lambda: values)
                if moved is None:
                    continue
                entered = (f">{chart.states[one].id}" for step in moved.microsteps for one in step.entered)
                to, marks = place(moved.active, moved.remembered), tuple(entered)
                walk.moves[number] += [Move(one, to, (f"!{one}", *marks)) for one in self._brought_about(event, region)]
        return walk

    def _brought_about(self, event: str, region: Region) -> Iterator[str]:
        """In which ways the event comes about: an approval also by silence, which is nobody's decision."""
        yield named(event)
        state, _, verdict = event.rpartition(".")
        limit = self._limits.get(state)
        if verdict == "approve" and limit is not None and region.passing[limit.rule.text]:
            yield f"{state}.{SILENCE}"

    def _events(self, active: int) -> list[str]:
        """Every event that some active state declares, those that the chart raises itself aside. What is declared for
        the case as a whole is done by hand, or by its parent; where a superior converts what took effect, it goes on
        where its open filing goes on, and that is walked.

        An audience that drifts begins a round on the real count, which is that of a form that can be submitted: it is
        walked from its own beginning.
        """
        chart = self.process.chart
        found: dict[str, None] = {}
        for number in chart.numbers(active & ~1):
            for transition in getattr(chart.states[number], "transitions", ()):
                found |= dict.fromkeys(event for event in transition.events if not event.startswith(_ELSEWHERE))
        return [event for event in found if not event.startswith("goto.") or self._is_back(active, event)]

    def _is_back(self, active: int, event: str) -> bool:
        """Whether a case goes back by the event, as on a return: forward is what an administrator does by hand."""
        places = self._places
        furthest = max((places.get(name, -1) for name in self.process.chart.names(active)), default=-1)
        return places.get(event.removeprefix("goto."), furthest + 1) <= furthest

    @cached_property
    def _places(self) -> dict[str, int]:
        """For the state of each step, the place of its column in its chain."""
        found: dict[str, int] = {}
        for chain, columns in self.process.chains.items():
            for place, column in enumerate(columns):
                if isinstance(column, Countersign):
                    found[chart_chains.state_of(chain, column.name)] = place
                    found |= {chart_chains.state_of(chain, one.step.name): place for one in column.branches}
                else:
                    found[chart_chains.state_of(chain, column.step.name)] = place
        return found


def _deciding(columns: Sequence[chart_chains.Column]) -> Iterator[tuple[Condition | None, ...]]:
    """For each step that decides or files, the conditions that must all hold for it."""
    for column in columns:
        if isinstance(column, Countersign):
            yield from ((column.when, branch.when) for branch in column.branches)
        elif not isinstance(column.step, Copy):
            yield (column.when,)


__all__ = ["Move", "Region", "Undecided", "Untranslatable", "Walk", "World"]

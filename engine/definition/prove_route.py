"""What can be proved of a route table and of the conditions of steps, each answer with a form that shows it.

Rows that no case comes to, rows that pass a case on to fewer people than a later row would, conditions of steps that
never or always hold. Refuses to judge what was not decided: such a row has a reason instead of an answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from engine.definition.approval import Approval, Row
from engine.definition.model import Definition
from engine.definition.prove_forms import Form, Forms, Undecided, shown
from engine.definition.prove_terms import Formula, Untranslatable, both, either, holds, negated, not_false
from engine.definition.steps import Approve, Copy, Countersign, File, PlainStep


@dataclass(frozen=True)
class RowProof:
    """One row: a form that takes it, or none; the rows above that take all of its cases; or why nothing is sure."""

    form: Form | None = None
    fits: Form | None = None
    covered_by: tuple[int, ...] = ()
    undecided: str = ""


@dataclass(frozen=True)
class Overlap:
    """Two rows that both fit `form`; the first decides. `left_out` is whom only the second would ask."""

    first: int
    second: int
    form: Form
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class ConditionProof:
    """The condition of a step, over all cases that come to it: a form that fits it and one that does not."""

    step: str
    text: str
    kept: Form | None
    skipped: Form | None


class RouteTable:
    """The route table of a definition that has no other mistake."""

    def __init__(self, definition: Definition) -> None:
        self.forms = Forms(definition)
        self.approval: Approval = definition.approval
        self.rows = self.approval.route

    @cached_property
    def proofs(self) -> tuple[RowProof, ...]:
        """One for each row."""
        return tuple(self._row(n) for n in range(len(self.rows)))

    @cached_property
    def gap(self) -> Form | None:
        """A form that fits no row with a condition; None where there is none or it is not decided."""
        try:
            return self.forms.find(self.to_row(len(self.rows)))
        except (Untranslatable, Undecided):
            return None

    @cached_property
    def overlaps(self) -> tuple[Overlap, ...]:
        """Rows of different chains that fit the same form, each pair once. Rows not decided are left out."""
        return tuple(self._overlaps())

    @cached_property
    def conditions(self) -> tuple[ConditionProof, ...]:
        """The conditions of steps; those that are not decided are left out."""
        return tuple(self._conditions())

    def to_row(self, n: int) -> Formula:
        """What holds of a form that row `n` is asked about: no row above held or failed."""
        above = [self.forms.meaning(row.when) for row in self.rows[:n] if isinstance(row, Row)]
        return both(*(negated(not_false(term)) for term in above))

    def taking(self, n: int) -> Formula:
        """What holds of a form that takes row `n`."""
        row = self.rows[n]
        fits = holds(self.forms.meaning(row.when)) if isinstance(row, Row) else True
        return both(self.to_row(n), fits)

    def entering(self, chain: str) -> Formula:
        """What holds of a form whose case can come to `chain`: by the table, by objections to filings or superiors."""
        entered, reached = {chain}, True
        while reached:
            before = {
                name
                for name in self.approval.chains
                for step in self.approval.steps(name)
                if isinstance(step, File) and entered.intersection(self.onward(step))
            }
            reached = not before <= entered
            entered |= before
        return either(*(self.taking(n) for n, row in enumerate(self.rows) if row.use in entered))

    def onward(self, step: File) -> tuple[str, ...]:
        """The chains on which a filing may become a case for approval."""
        objection = (step.objection.then,) if step.objection else ()
        return tuple(dict.fromkeys((*objection, *filter(None, (self.approval.conversion(step),)))))

    def unheard(self, step: File, then: str) -> Form | None:
        """A form that can be filed by `step`, and that nobody would approve on the chain `then`.

        None where there is none or it is not decided.
        """
        filed = [name for name in self.approval.chains if step.name in _names(self.approval, name)]
        try:
            heard = either(*(both(*map(self._kept, conditions)) for conditions in _approving(self.approval, then)))
            return self.forms.find(either(*map(self.entering, filed)), self._kept(step.when), negated(heard))
        except (Untranslatable, Undecided):
            return None

    def asking(self, chain: str) -> tuple[str, ...]:
        """The conditions under which a chain asks for approval."""
        found = (text for conditions in _approving(self.approval, chain) for text in conditions if text)
        return tuple(dict.fromkeys(found))

    def _kept(self, condition: str | None) -> Formula:
        return not_false(self.forms.meaning(condition)) if condition else True

    def example(self, form: Form, *texts: str) -> str:
        """A form in one line: the fields that the route table or `texts` ask about."""
        asked = (*texts, *(row.when for row in self.rows if isinstance(row, Row)))
        paths = (path for text in asked for path in self.forms.fields_of(text))
        return shown(form, frozenset(paths))

    def _row(self, n: int) -> RowProof:
        row = self.rows[n]
        try:
            fits = holds(self.forms.meaning(row.when)) if isinstance(row, Row) else True
            form = self.forms.find(self.taking(n))
            if form is not None:
                return RowProof(form)
            example = self.forms.find(fits)
            return RowProof(None, example, self._cover(n, fits) if example is not None else ())
        except (Untranslatable, Undecided) as error:
            return RowProof(undecided=str(error))

    def _cover(self, n: int, fits: Formula) -> tuple[int, ...]:
        """The rows above that together leave nothing to row `n`, without those that are not needed for it."""
        above = {
            m: negated(not_false(self.forms.meaning(row.when)))
            for m, row in enumerate(self.rows[:n])
            if isinstance(row, Row)
        }
        for m in tuple(above):
            rest = [formula for other, formula in above.items() if other != m]
            if not self.forms.is_possible(fits, *rest):
                del above[m]
        return tuple(above)

    def _overlaps(self) -> Iterator[Overlap]:
        for n, row in enumerate(self.rows):
            for m in range(n + 1, len(self.rows)):
                other = self.rows[m]
                if not isinstance(row, Row) or not isinstance(other, Row) or row.use == other.use:
                    continue
                try:
                    form = self.forms.find(self.taking(n), holds(self.forms.meaning(other.when)))
                except (Untranslatable, Undecided):
                    continue
                if form is not None:
                    asked = _asked(self.approval, row.use)
                    left_out = tuple(name for name in _asked(self.approval, other.use) if name not in asked)
                    yield Overlap(n, m, form, left_out)

    def _conditions(self) -> Iterator[ConditionProof]:
        seen: dict[tuple[str, str], ConditionProof] = {}
        lost: set[tuple[str, str]] = set()
        for chain in self.approval.chains:
            for name, text, around in _conditional(self.approval.steps(chain)):
                try:
                    proof = self._condition(chain, name, text, around)
                except (Untranslatable, Undecided):
                    lost.add((name, text))
                    continue
                before = seen.get((name, text), proof)
                both_chains = ConditionProof(name, text, before.kept or proof.kept, before.skipped or proof.skipped)
                seen[name, text] = both_chains
        for key, proof in seen.items():
            if key not in lost and (proof.kept or proof.skipped):
                yield proof

    def _condition(self, chain: str, name: str, text: str, around: str | None) -> ConditionProof:
        entering = self.entering(chain)
        asked = not_false(self.forms.meaning(text))
        outer = not_false(self.forms.meaning(around)) if around else True
        kept = self.forms.find(entering, outer, asked)
        return ConditionProof(name, text, kept, self.forms.find(entering, outer, negated(asked)))


def _names(approval: Approval, chain: str) -> frozenset[str]:
    return frozenset(step.name for step in approval.steps(chain))


def _approving(approval: Approval, chain: str) -> Iterator[tuple[str | None, ...]]:
    """For each step of a chain that approves, the conditions that must all hold for it."""
    for step in approval.steps(chain):
        match step:
            case Approve():
                yield (step.when,)
            case Countersign():
                yield from ((step.when, branch.when) for branch in step.branches)
            case File() | Copy():
                pass


def _asked(approval: Approval, chain: str) -> tuple[str, ...]:
    """The steps of a chain that approve."""
    names: list[str] = []
    for step in approval.steps(chain):
        match step:
            case Approve():
                names.append(step.name)
            case Countersign():
                names += [branch.name for branch in step.branches]
            case File() | Copy():
                pass
    return tuple(names)


def _conditional(steps: tuple[PlainStep, ...]) -> Iterator[tuple[str, str, str | None]]:
    """Each condition with the name of its step and, in a countersign, the condition around it."""
    for step in steps:
        if step.when is not None:
            yield step.name, step.when, None
        if isinstance(step, Countersign):
            yield from ((branch.name, branch.when, step.when) for branch in step.branches if branch.when is not None)

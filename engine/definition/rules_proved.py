"""What only a proof over all forms can tell: rows that no case comes to, conditions that say nothing.

Asked only where nothing else is wrong with the form and the approval. The solver is loaded when it is first needed, and
asked by one thread at a time. What is not decided is no problem here: `countersign definitions prove` lists it.
What was found is kept: the same definition is checked again and again while it is written, read and published.
"""

import hashlib
from collections.abc import Iterator
from threading import Lock
from typing import TYPE_CHECKING

from engine.definition.approval import Row
from engine.definition.findings import Finding, LintRule, Subject
from engine.definition.guarantees import Then
from engine.definition.rules_soundness import becoming
from engine.definition.steps import Include
from engine.expr.types import nearest

if TYPE_CHECKING:
    from engine.definition.prove_forms import Form
    from engine.definition.prove_guarantees import Answer

SOLVER = Lock()
"""The solver's terms live in one place that two threads must not touch at once."""
_MOST_KEPT = 64
_kept: dict[bytes, tuple[tuple[LintRule, Finding], ...]] = {}
"""By the values of the text, which a proof stands on alone. Touched by who has the solver."""


def proved(subject: Subject) -> tuple[tuple[LintRule, Finding], ...]:
    """What the rules of PROVED find. What the solver gave up on is not kept: with more time it may answer otherwise.

    The values are told apart as Python writes them: 1.5 is not "1.5", as it is in the digest of a definition.
    """
    values = hashlib.sha256(repr(subject.document.value).encode("utf-8", "surrogatepass")).digest()
    with SOLVER:
        if (known := _kept.pop(values, None)) is None:
            known = tuple((rule, finding) for rule in PROVED for finding in rule.find(subject))
            if subject.table.forms.gave_up:
                return known
        _kept[values] = known  # the one asked for last stands last
        if len(_kept) > _MOST_KEPT:
            del _kept[next(iter(_kept))]
        return known


class RowNeverTaken(LintRule):
    """no case comes to this row: {why}"""

    code = "E405"

    def find(self, subject: Subject) -> Iterator[Finding]:
        table = subject.table
        for n, (row, proof) in enumerate(zip(table.rows, table.proofs, strict=True)):
            if not isinstance(row, Row) or proof.form is not None or proof.undecided:
                continue
            path = ("approval", "route", n, "when")
            if proof.fits is None:
                yield Finding(path, {"why": "no form fits it"}, "correct the condition, or delete the row")
                continue
            rows = " and ".join(str(m + 1) for m in proof.covered_by)
            plural, takes = ("s", "take") if len(proof.covered_by) > 1 else ("", "takes")
            why = f"row{plural} {rows} above {takes} every case that fits it, as {_shown(subject, row, proof.fits)}"
            yield Finding(path, {"why": why}, "put the narrower row first, or delete it")


class WeakerRowFirst(LintRule):
    """a case that also fits row {later} takes {use} here, where {left_out} would not be asked: {example}"""

    code = "W804"
    severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        table = subject.table
        for overlap in table.overlaps:
            row, other = table.rows[overlap.first], table.rows[overlap.second]
            if overlap.left_out and isinstance(row, Row) and table.proofs[overlap.second].form is not None:
                fields = {
                    "later": overlap.second + 1,
                    "use": row.use,
                    "left_out": ", ".join(overlap.left_out),
                    "example": _shown(subject, row, overlap.form),
                }
                hint = f"put the row for {other.use} first, or narrow this one"
                yield Finding(("approval", "route", overlap.first, "when"), fields, hint)


class NeverAsked(LintRule):
    """no case that comes here fits the condition: {step} is never asked, as for {example}"""

    code = "E507"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for path, step, text in _conditions(subject):
            for proof in subject.table.conditions:
                if (proof.step, proof.text) == (step, text) and proof.kept is None and proof.skipped is not None:
                    fields = {"step": step, "example": _example(subject, text, proof.skipped)}
                    yield Finding((*path, "when"), fields, "correct the condition, or delete the step")


class AlwaysAsked(LintRule):
    """every case that comes here fits the condition, as {example}: it leaves nobody out"""

    code = "W805"
    severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for path, step, text in _conditions(subject):
            for proof in subject.table.conditions:
                if (proof.step, proof.text) == (step, text) and proof.skipped is None and proof.kept is not None:
                    yield Finding((*path, "when"), {"example": _example(subject, text, proof.kept)}, "leave it out")


class NobodyWouldApprove(LintRule):
    """{what} makes the case one for approval, but nobody would approve {example} on the chain {name}"""

    code = "E511"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for at, step, what, then in becoming(subject):
            form = subject.table.unheard(step, then)
            if form is not None:
                example = subject.table.example(form, *subject.table.asking(then))
                fields = {"what": what, "name": then, "example": example}
                yield Finding(at, fields, "let one step that approves stand without a condition")


def _conditions(subject: Subject) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    for path, step in subject.steps:
        if not isinstance(step, Include) and step.when is not None:
            yield path, step.name, step.when


def _shown(subject: Subject, row: Row, form: "Form") -> str:
    return _example(subject, row.when, form)


def _example(subject: Subject, text: str, form: "Form") -> str:
    """A form in the fields that matter: those the conditions of the table and this one read."""
    return subject.table.example(form, text)


class UnknownInGuarantee(LintRule):
    """there is no {what} {name}"""

    code = "E241"

    def find(self, subject: Subject) -> Iterator[Finding]:
        chains = subject.definition.approval.chains
        for n, guarantee in enumerate(subject.definition.guarantees):
            for key, one in guarantee.occurrences():
                names = subject.prover.names(one)
                if one.name not in names:
                    what = f"step that can be {one.happening}:" if one.happening else "state"
                    yield Finding(("guarantees", n, key), {"what": what, "name": one.name}, nearest(one.name, names))
            if isinstance(guarantee, Then) and guarantee.route and guarantee.route not in chains:
                hint = nearest(guarantee.route, tuple(chains))
                yield Finding(("guarantees", n, "then"), {"what": "chain", "name": guarantee.route}, hint)


class GuaranteeBroken(LintRule):
    """this does not hold: {example}"""

    code = "E508"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for n, answer in _answers(subject):
            if answer.example:
                yield Finding(("guarantees", n), {"example": answer}, "change the process, or say what holds instead")


class GuaranteeNotDecided(LintRule):
    """whether this holds is not decided: {reason}"""

    code = "W806"
    severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for n, answer in _answers(subject):
            if answer.reason:
                yield Finding(("guarantees", n), {"reason": answer.reason}, "try it with a scenario under tests")


def _answers(subject: Subject) -> "Iterator[tuple[int, Answer]]":
    """The answers to guarantees, where all of their names are there."""
    if subject.definition.guarantees and not any(UnknownInGuarantee().find(subject)):
        yield from enumerate(subject.prover.answers)


PROVED = (
    RowNeverTaken(),
    WeakerRowFirst(),
    NeverAsked(),
    AlwaysAsked(),
    NobodyWouldApprove(),
    UnknownInGuarantee(),
    GuaranteeBroken(),
    GuaranteeNotDecided(),
)

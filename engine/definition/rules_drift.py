"""The `drift:` of an audience: a number to compare with (E312), and approvals that it can re-open (E510)."""

from collections.abc import Iterator

from engine.definition.document import Path
from engine.definition.fields import Int
from engine.definition.findings import Finding, LintRule, Subject
from engine.definition.steps import Approve, File

_FROM: Path = ("audience", "drift", "from")


class NotANumber(LintRule):
    """the audience is compared with {name}, which {what}"""

    code = "E312"

    def find(self, subject: Subject) -> Iterator[Finding]:
        drift = subject.definition.audience.drift if subject.definition.audience else None
        field = subject.definition.proposal.fields.get(drift.source) if drift else None
        if drift is None or field is None:
            return  # UnknownField tells
        numbers = [n for n, one in subject.definition.proposal.fields.items() if isinstance(one, Int)]
        hint = f"name a field of type int: {', '.join(numbers)}" if numbers else "add a field of type int"
        if not isinstance(field, Int):
            yield Finding(_FROM, {"name": drift.source, "what": f"is of type {field.type}"}, hint)
        elif not field.required:
            what = "may be left empty: then nothing would be compared"
            yield Finding(_FROM, {"name": drift.source, "what": what}, "write required: true at the field")


class NothingReopens(LintRule):
    """a drift would re-open nothing: {why}"""

    code = "E510"

    def find(self, subject: Subject) -> Iterator[Finding]:
        definition = subject.definition
        drift = definition.audience.drift if definition.audience else None
        if drift is None or drift.then != "reapprove" or drift.source not in definition.proposal.fields:
            return
        aspects, material = definition.proposal.aspects, definition.proposal.material
        seen = {name for name, fields in aspects.items() if drift.source in fields}
        if aspects and not seen:
            hint = f"put {drift.source} into one of them"
            yield Finding(_FROM, {"why": f"no aspect holds {drift.source}"}, hint)
        elif not aspects and material and drift.source not in material:
            yield Finding(_FROM, {"why": f"{drift.source} is not material"}, f"add {drift.source} to material")
        elif aspects and not subject.shape.lost and not any(_looks(step, seen) for _, step in subject.steps):
            why = f"no step looks at {' or '.join(sorted(seen))}"
            yield Finding(_FROM, {"why": why}, "name it among the aspects of a step")
        lifecycle = definition.lifecycle
        if lifecycle and not any(state.kind == "approval" for _, _, state, _ in lifecycle.walk()):
            yield Finding(_FROM, {"why": "the lifecycle has no state of kind approval"}, "write then: warn")


def _looks(step: object, aspects: set[str]) -> bool:
    """Whether a step decides on one of these aspects; one that names none looks at everything."""
    if isinstance(step, Approve):
        return not step.aspects or not aspects.isdisjoint(step.aspects)
    return isinstance(step, File)


DRIFT = (NotANumber(), NothingReopens())

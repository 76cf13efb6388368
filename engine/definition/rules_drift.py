"""The `drift:` of an audience: a number to compare with (E312), approvals that it can re-open (E510); `stale_after`:
how old the list is when its waves go out (E360, E361)."""

from collections.abc import Iterator
from datetime import timedelta

from engine.definition.document import Path
from engine.definition.fields import Int
from engine.definition.findings import Finding, LintRule, Subject
from engine.definition.steps import Approve, File

_FROM: Path = ("audience", "drift", "from")
_STALE: Path = ("audience", "stale_after")
LONG = timedelta(days=30)
"""So long after the first wave somebody should have thought of how old the list is."""


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


class StaleBeforeItsWave(LintRule):
    """the wave {wave} goes out {span} after the first or later, when a list of {limit} is stale"""

    code = "E360"
    severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        audience = subject.definition.audience
        limit = audience.stale_after if audience else None
        late = next((one for one in _waves(subject) if limit and one[1] > limit.on_the_clock()), None)
        if late:
            hint = "raise stale_after, or let the waves follow each other sooner"
            yield Finding(_STALE, {"wave": late[0], "span": _said(late[1]), "limit": str(limit)}, hint)


class NobodySaysHowOld(LintRule):
    """the wave {wave} goes out {span} after the first or later, and nothing says how old its list may be"""

    code = "E361"
    severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        audience = subject.definition.audience
        late = next((one for one in _waves(subject) if one[1] > LONG), None)
        if audience and audience.stale_after is None and late:
            hint = "write stale_after: 30d"
            yield Finding(("audience",), {"wave": late[0], "span": _said(late[1])}, hint, at_key=True)


def _waves(subject: Subject) -> Iterator[tuple[str, timedelta]]:
    """Every wave with how long after the first it goes out at the earliest: when all gates before it have opened."""
    waits = timedelta()
    for wave in subject.definition.delivery.waves if subject.definition.delivery else ():
        yield wave.name, waits
        waits += wave.gate.wait.on_the_clock() if wave.gate else timedelta()


def _said(span: timedelta) -> str:
    """A span as definitions write it."""
    return f"{span.days}d" if span.days else f"{int(span.total_seconds() // 3600)}h"


def _looks(step: object, aspects: set[str]) -> bool:
    """Whether a step decides on one of these aspects; one that names none looks at everything."""
    if isinstance(step, Approve):
        return not step.aspects or not aspects.isdisjoint(step.aspects)
    return isinstance(step, File)


DRIFT = (NotANumber(), NothingReopens(), StaleBeforeItsWave(), NobodySaysHowOld())

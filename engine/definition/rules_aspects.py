"""Aspects of a proposal: what steps look at has a name (E212), and what is material is looked at (W809)."""

from collections.abc import Iterator

from engine.definition.findings import Finding, LintRule, Subject
from engine.definition.steps import Approve
from engine.expr.types import nearest


class UnknownAspect(LintRule):
    """the proposal has no aspect {name}"""

    code = "E212"

    def find(self, subject: Subject) -> Iterator[Finding]:
        known = subject.definition.proposal.aspects
        if subject.shape.was_lost("proposal", "aspects"):
            return
        for path, step in subject.steps:
            for n, name in enumerate(step.aspects if isinstance(step, Approve) else ()):
                if name not in known:
                    hint = nearest(name, known) or "say under proposal: aspects: which fields it has"
                    yield Finding((*path, "aspects", n), {"name": name}, hint)


class InNoAspect(LintRule):
    """{name} is material and in no aspect: a change of it voids no approval"""

    code = "W809"
    severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        proposal = subject.definition.proposal
        if not proposal.aspects or subject.shape.was_lost("proposal", "aspects"):
            return
        held = {name for fields in proposal.aspects.values() for name in fields}
        for n, name in enumerate(proposal.material):
            if name in proposal.fields and name not in held:
                hint = f"put it into one of {', '.join(proposal.aspects)}"
                yield Finding(("proposal", "material", n), {"name": name}, hint)


ASPECTS = (UnknownAspect(), InNoAspect())

"""E455-E456: the targets of an evaluation are whole numbers that the proposal asks for."""

from collections.abc import Iterator

from engine.definition.fields import Int
from engine.definition.findings import Finding, LintRule, Subject


class TargetUnknown(LintRule):
    """the target of {name} is the field {field}, which the proposal does not have"""

    code = "E455"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for name, field in _targets(subject):
            if field not in subject.fields:
                said = {"name": name, "field": field}
                yield Finding(("evaluation", "targets", name), said, _hint(subject))


class TargetNoNumber(LintRule):
    """the target of {name} is taken from {field}, which is of type {type}; customers are counted in whole numbers"""

    code = "E456"

    def find(self, subject: Subject) -> Iterator[Finding]:
        fields = subject.definition.proposal.fields
        for name, field in _targets(subject):
            found = fields.get(field)
            if found is not None and not isinstance(found, Int):
                said = {"name": name, "field": field, "type": found.type}
                yield Finding(("evaluation", "targets", name), said, _hint(subject))


def _hint(subject: Subject) -> str:
    """Which fields there are that could be meant."""
    usable = [one for one, kind in subject.definition.proposal.fields.items() if isinstance(kind, Int)]
    return f"name a field of type int: {', '.join(usable)}" if usable else "add a field of type int"


def _targets(subject: Subject) -> Iterator[tuple[str, str]]:
    evaluation = subject.definition.evaluation
    for name, reference in evaluation.targets.items() if evaluation else ():
        yield name, reference.removeprefix("form.")


TARGETS = (TargetUnknown(), TargetNoNumber())

"""E113: what the language can say and this version does not carry out. Refused, so that nobody relies on it."""

from collections.abc import Iterator

from engine.definition.document import Path
from engine.definition.findings import Finding, LintRule, Subject


class NotCarriedOut(LintRule):
    """{what} is not supported yet"""

    code = "E113"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for path, what, hint in _of_stages(subject):
            yield Finding(path, {"what": what}, hint)


def _of_stages(subject: Subject) -> Iterator[tuple[Path, str, str]]:
    definition = subject.definition
    close = definition.evaluation.close if definition.evaluation else None
    if close and close.need != "report_signed_by_submitter":
        yield ("evaluation", "close", "need"), f"need: {close.need}", "the submitter signs the report"
    if close and "feedback_to" in close.model_fields_set:
        yield ("evaluation", "close", "feedback_to"), "feedback_to", "leave it out; the lessons stay with the case"


SUPPORT = (NotCarriedOut(),)

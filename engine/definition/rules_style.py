"""W8xx: what works and still deserves a second look."""

import re
from collections.abc import Iterator

from engine.definition.document import Path
from engine.definition.findings import Finding, LintRule, Subject
from engine.definition.rules_expressions import expressions
from engine.definition.steps import File, Include
from engine.values import Bilingual


class HalfALabel(LintRule):
    """{what} has no label in {language}"""

    code = "W801"
    severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        labelled: list[tuple[Path, str, Bilingual]] = [(("title",), "the definition", subject.definition.title)]
        labelled += [
            (("proposal", "fields", name), name, field.label)
            for name, field in subject.definition.proposal.fields.items()
        ]
        labelled += [
            (path, step.name, step.label)
            for path, step in subject.steps
            if not isinstance(step, Include) and not hasattr(step, "use")
        ]
        for path, what, label in labelled:
            missing = [language for language, text in (("Chinese", label.zh), ("English", label.en)) if not text]
            if missing:
                yield Finding(
                    path, {"what": what, "language": " or ".join(missing)}, "label: {{zh: ..., en: ...}}".format()
                )


class ParamNeverUsed(LintRule):
    """no rule reads the param {name}"""

    code = "W803"
    severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        if subject.shape.lost:
            return  # what was left out may have read it
        texts = [text for _, text, _ in expressions(subject)]
        for name in subject.definition.params:
            if not any(re.search(rf"\bparams\.{name}\b", text) for text in texts):
                yield Finding(("params", name), {"name": name}, "delete it, or read it as params." + name, at_key=True)


class RegisterOfAll(LintRule):
    """the numbers of all offices run together in the register {pattern}"""

    code = "W807"
    severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for path, step in subject.steps:
            if isinstance(step, File) and not step.register_.names_office:
                hint = "put {office.code} into it, so that each office counts its own filings"
                yield Finding((*path, "register"), {"pattern": step.register_}, hint)


class DirectAndConfidential(LintRule):
    """links to confidential cases never decide without a sign-in"""

    code = "W810"
    severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        is_confidential = subject.definition.proposal.visibility == "confidential"
        if is_confidential and subject.definition.approval.defaults.link == "direct":
            yield Finding(("approval", "defaults", "link"), {}, "write visibility: open, or link: remembered_device")


STYLE = (HalfALabel(), ParamNeverUsed(), RegisterOfAll(), DirectAndConfidential())

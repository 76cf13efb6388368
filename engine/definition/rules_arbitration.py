"""The `arbitration:` of an audience: a priority that is a number, a score that is one, and losers who are left out."""

from collections.abc import Iterator

from engine.audience.plan import Arbitration
from engine.definition.document import Path
from engine.definition.fields import Int
from engine.definition.findings import Finding, LintRule, Subject
from engine.errors import InvalidExpression
from engine.expr import compile_expression
from engine.expr.types import DECIMAL, DYN, INT

_SECTION: Path = ("audience", "arbitration")


class PriorityNoNumber(LintRule):
    """the priority is taken from {name}, which is of type {type}"""

    code = "E340"

    def find(self, subject: Subject) -> Iterator[Finding]:
        plan = _declared(subject)
        fields = subject.definition.proposal.fields
        field = fields.get(plan.priority) if plan and isinstance(plan.priority, str) else None
        if plan is None or field is None or isinstance(field, Int):
            return  # UnknownField tells of a name that is no field
        numbers = [name for name, one in fields.items() if isinstance(one, Int)]
        hint = f"name a field of type int: {', '.join(numbers)}" if numbers else "add a field of type int"
        yield Finding((*_SECTION, "priority"), {"name": plan.priority, "type": field.type}, hint)


class LosesNobody(LintRule):
    """the case takes part in no arbitration: remove does not leave out whom it would lose"""

    code = "E341"

    def find(self, subject: Subject) -> Iterator[Finding]:
        audience = subject.definition.audience
        if audience is not None and audience.arbitration is not None and not audience.is_arbitrated:
            yield Finding(_SECTION, {}, "add arbitration to remove", at_key=True)


class ScoreNoNumber(LintRule):
    """the score must be a number, it gives {type}"""

    code = "E342"

    def find(self, subject: Subject) -> Iterator[Finding]:
        plan = _declared(subject)
        if plan is None or plan.score is None:
            return
        try:
            given = compile_expression(plan.score, subject.customer_scope).type
        except InvalidExpression:
            return  # WrongExpression tells
        if given not in (INT, DECIMAL, DYN):
            yield Finding((*_SECTION, "score"), {"type": str(given)}, "write a field, or a calculation with fields")


def _declared(subject: Subject) -> Arbitration | None:
    audience = subject.definition.audience
    return audience.arbitration if audience else None


ARBITRATION = (PriorityNoNumber(), LosesNobody(), ScoreNoNumber())

"""The rules of `approval.splitting`: it compares amounts with figures, over a time on the clock."""

from collections.abc import Iterator

from engine.definition.fields import Int, Money
from engine.definition.findings import Finding, LintRule, Subject
from engine.definition.splitting import limit_expression
from engine.errors import InvalidExpression


class WrongLimit(LintRule):
    """{message}"""

    code = "E300"

    def find(self, subject: Subject) -> Iterator[Finding]:
        splitting = subject.definition.approval.splitting
        for n, text in enumerate(splitting.limits if splitting else ()):
            try:
                limit_expression(text, subject.definition.params_record)
            except InvalidExpression as error:
                for problem in error.problems:
                    fields = {"message": problem.message, "code": problem.code}
                    path = ("approval", "splitting", "limits", n)
                    yield Finding(path, fields, problem.hint, offset=problem.fields["offset"])


class NoAmount(LintRule):
    """splitting compares amounts: {name} is neither money nor a whole number"""

    code = "E313"

    def find(self, subject: Subject) -> Iterator[Finding]:
        splitting = subject.definition.approval.splitting
        field = subject.definition.proposal.fields.get(splitting.field) if splitting else None
        if splitting and field is not None and not isinstance(field, Money | Int):
            yield Finding(
                ("approval", "splitting", "field"), {"name": splitting.field}, "name one of type money or int"
            )


class WithinWorkingTime(LintRule):
    """{within} cannot be counted back from a submission: splitting looks over days or hours on the clock"""

    code = "E710"

    def find(self, subject: Subject) -> Iterator[Finding]:
        splitting = subject.definition.approval.splitting
        if splitting and (splitting.within.is_working or splitting.within.amount == 0):
            yield Finding(("approval", "splitting", "within"), {"within": splitting.within}, "write 30d")


SPLITTING = (WrongLimit(), NoAmount(), WithinWorkingTime())

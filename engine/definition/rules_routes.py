"""E4xx: route tables. Every case must fit a row, and every row must fit some case."""

from collections.abc import Iterator

from engine.definition.approval import Else, Row
from engine.definition.findings import Finding, LintRule, Subject
from engine.errors import CountersignError
from engine.expr import compile_expression
from engine.expr.tree import Name, walk
from engine.expr.types import BOOL


class NoElse(LintRule):
    """the route has no else: a case that fits no row would be approved by nobody"""

    code = "E401"

    def find(self, subject: Subject) -> Iterator[Finding]:
        route = subject.definition.approval.route
        if not any(isinstance(row, Else) for row in route) and not subject.shape.was_lost("approval", "route"):
            yield Finding(("approval", "route"), {}, "end it with - {{else: CHAIN}}".format(), at_key=True)


class AfterElse(LintRule):
    """this row is never reached: else stands above it"""

    code = "E402"

    def find(self, subject: Subject) -> Iterator[Finding]:
        found_else = False
        for n, row in enumerate(subject.definition.approval.route):
            if found_else:
                yield Finding(("approval", "route", n), {}, "else comes last, once")
            found_else = found_else or isinstance(row, Else)


class SameRow(LintRule):
    """this row is never reached: row {first} asks the same"""

    code = "E403"

    def find(self, subject: Subject) -> Iterator[Finding]:
        seen: dict[str, int] = {}
        for n, row in enumerate(subject.definition.approval.route):
            if isinstance(row, Row):
                asked = "".join(row.when.split())
                if asked in seen:
                    yield Finding(("approval", "route", n, "when"), {"first": seen[asked] + 1}, "delete one of the two")
                seen.setdefault(asked, n)


class AlwaysTheSame(LintRule):
    """this row asks nothing of the case: it {always} holds"""

    code = "E404"

    def find(self, subject: Subject) -> Iterator[Finding]:
        values = {"form": {}, "params": subject.definition.params}
        for n, row in enumerate(subject.definition.approval.route):
            if not isinstance(row, Row):
                continue
            try:
                rule = compile_expression(row.when, subject.scope, gives=BOOL)
                if any(isinstance(part, Name) and part.name == "form" for part in walk(rule.tree)):
                    continue
                always = rule.evaluate(values)
            except CountersignError:
                continue
            hint = "use else for what is left" if always else "delete the row"
            yield Finding(("approval", "route", n, "when"), {"always": "always" if always else "never"}, hint)


ROUTES = (NoElse(), AfterElse(), SameRow(), AlwaysTheSame())

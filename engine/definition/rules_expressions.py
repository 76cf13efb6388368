"""E3xx: expressions. Each is compiled against the scope it will run in; its own problems keep their places."""

from collections.abc import Iterator
from itertools import chain

from engine.definition.document import Path
from engine.definition.findings import Finding, LintRule, Subject
from engine.definition.lifecycle import events_of
from engine.definition.rules_time import timeouts
from engine.definition.section import WhoRow
from engine.definition.steps import VOTES, Approve, Copy, File, Include, Vote
from engine.delivery.plan import METRICS
from engine.errors import InvalidExpression
from engine.expr import Expression, Scope, compile_expression
from engine.expr.naming import names_in
from engine.expr.types import BOOL, DECIMAL, INT, Record
from engine.machine.case import LEFT


class WrongExpression(LintRule):
    """{message}"""

    code = "E300"

    def find(self, subject: Subject) -> Iterator[Finding]:
        audience = subject.definition.audience
        rules = ((path, text, scope, BOOL) for path, text, scope in expressions(subject))
        values = audience.values() if audience else ()
        plain = ((("audience", *path), text, subject.customer_scope, None) for path, text in values)
        for path, text, scope, gives in chain(rules, plain):
            try:
                compile_expression(text, scope, gives=gives)
            except InvalidExpression as error:
                for problem in error.problems:
                    fields = {"message": problem.message, "code": problem.code}
                    yield Finding(path, fields, problem.hint, offset=problem.fields["offset"])


class MayBeEmpty(LintRule):
    """{field} is not required: where it is empty this cannot be worked out and the row or step is passed over"""

    code = "W802"
    severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        record = subject.definition.proposal.record
        for path, rule in compiled(subject):
            if path[0] != "approval":
                continue  # a check of the form waits until its fields are filled
            for name in sorted(record.optional):
                if f"form.{name}" in rule.paths - rule.guarded:
                    yield Finding(
                        path, {"field": f"form.{name}"}, f"write has(form.{name}) && ..., or make it required"
                    )


class BudgetMayBeAbsent(LintRule):
    """budget.left is absent for offices without a budget: there this cannot be worked out"""

    code = "E400"

    def find(self, subject: Subject) -> Iterator[Finding]:
        for path, rule in compiled(subject):
            if LEFT in rule.paths - rule.guarded:
                yield Finding(path, {}, "write has(budget.left) && ...")


def expressions(subject: Subject) -> Iterator[tuple[Path, str, Scope]]:
    """Every expression of the definition, with its path and scope; all answer yes or no."""
    definition = subject.definition
    for n, check in enumerate(definition.proposal.checks):
        yield ("proposal", "checks", n, "rule"), check.rule, subject.scope
    for name, rule in definition.approval.rules.items():
        yield ("approval", "rules", name), rule, subject.scope
    for n, row in enumerate(definition.approval.route):
        when = getattr(row, "when", None)
        if when is not None:
            yield ("approval", "route", n, "when"), when, subject.deciding
    for path, step in subject.steps:
        if not isinstance(step, Include) and step.when is not None:
            yield (*path, "when"), step.when, subject.deciding
        if isinstance(step, Approve | File | Copy) and not isinstance(step.who, str):
            rows = [(n, entry) for n, entry in enumerate(step.who) if isinstance(entry, WhoRow)]
            yield from (((*path, "who", n, "when"), entry.when, subject.deciding) for n, entry in rows)
        if isinstance(step, Approve) and isinstance(step.decide, Vote):
            votes = Scope({"votes": VOTES})
            for key, text in (("quorum", step.decide.quorum), ("pass", step.decide.pass_)):
                if text is not None:
                    yield (*path, "decide", key), text, votes
    for path, timeout in timeouts(subject):
        if timeout.limit is not None:
            yield (*path, "limit"), timeout.limit, subject.scope
    bulk = definition.approval.defaults.bulk
    if bulk != "never" and bulk.limit is not None:
        yield ("approval", "defaults", "bulk", "limit"), bulk.limit, subject.scope
    if definition.lifecycle:
        for place, _, state, _ in definition.lifecycle.walk():
            for n, event in enumerate(events_of(state)):
                if event.when is not None:
                    yield (*place, "events", n, "when"), event.when, subject.deciding
    for n, guarantee in enumerate(definition.guarantees):
        for key, text in guarantee.rules():
            yield ("guarantees", n, key), text, subject.scope
    if definition.audience:
        for path, text in definition.audience.expressions():
            yield ("audience", *path), text, subject.customer_scope
    if definition.delivery and definition.delivery.stop_when:
        metrics = Record({name: INT if kind == "int" else DECIMAL for name, kind in METRICS.items()}, "m")
        yield ("delivery", "stop_when"), definition.delivery.stop_when, subject.scope.plus(m=metrics)


def compiled(subject: Subject) -> Iterator[tuple[Path, Expression]]:
    """Those that are right."""
    for path, text, scope in expressions(subject):
        try:
            yield path, compile_expression(text, scope, gives=BOOL)
        except InvalidExpression:
            continue


class RuleNamesItself(LintRule):
    """the rule {name} leads back to itself"""

    code = "E311"

    def find(self, subject: Subject) -> Iterator[Finding]:
        rules = subject.definition.approval.rules
        for name in rules:
            found: set[str] = set()
            open_ = [*names_in(rules[name])]
            while open_:
                one = open_.pop()
                if one in rules and one not in found:
                    found.add(one)
                    open_ += names_in(rules[one])
            if name in found:
                hint = "write out what it means"
                yield Finding(("approval", "rules", name), {"name": name}, hint, at_key=True)


EXPRESSIONS = (WrongExpression(), MayBeEmpty(), RuleNamesItself(), BudgetMayBeAbsent())

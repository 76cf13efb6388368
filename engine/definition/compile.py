"""From a definition to a process that runs cases: chains become states, conditions become guards.

Takes a definition that `check` has passed. Refuses to read files, and to know any organisation: a compiled process is
bound to one afterwards (`Process.bound`).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct

from engine.audience.groups import field_of
from engine.definition import steps as written
from engine.definition.children import formulas
from engine.definition.extends_lifecycle import usual_of
from engine.definition.fields import DateRange, Money, PersonField
from engine.definition.lifecycle import events_of
from engine.definition.lifecycle_compile import compile_lifecycle
from engine.definition.model import Definition
from engine.definition.reach import Reach
from engine.definition.section import WhoElse, Whom, WhoRow
from engine.definition.steps import PlainStep
from engine.delivery.message import placeholders
from engine.errors import ExpressionFailed, InvalidExpression
from engine.evaluation.plan import EvaluationPlan
from engine.expr import Expression, Scope, compile_expression
from engine.expr.types import BOOL, DYN
from engine.machine import tally
from engine.machine.asking import Ask, Choice
from engine.machine.case import ProcessRef, without_left
from engine.machine.chains import Column, Countersign, Placed
from engine.machine.deadlines import NEVER, Timeout
from engine.machine.drifting import Tolerance
from engine.machine.filing import Filing
from engine.machine.funding import FIELD
from engine.machine.lifecycle import Stages, Widens
from engine.machine.process import Process, Row
from engine.machine.states import Evaluation
from engine.machine.steps import ALLOWED, Approval, Copy

SUBJECT = ("offer", "category", "channels", "tags")
"""What exclusions ask of the case itself: another case's contact of the same category, a conflicting offer."""
PROCESS_ADMIN = "role:process_admin"


def compile_process(definition: Definition) -> Process:
    """The process of a definition, not yet bound to an organisation. A step's text rules are compiled here, once."""
    return _Compiler(definition).process()


class _Compiler:
    """One definition while it is being compiled."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.approval = definition.approval
        fields = definition.proposal.fields.items()
        self.people = tuple((name, field.among) for name, field in fields if isinstance(field, PersonField))

    def process(self) -> Process:
        definition = self.definition
        chains = {name: tuple(self.column(step) for step in self.approval.steps(name)) for name in self.approval.chains}
        stages = self.stages()
        chart, kinds, declared = compile_lifecycle(
            definition.lifecycle or usual_of(stages),
            chains,
            stages,
            self.rule,
            lambda state: formulas(state, definition.deciding),
            expires=self.approval.expires is not None,
        )
        return Process(
            ref=ProcessRef(definition.name, definition.version, definition.fingerprint),
            chart=chart,
            kinds=kinds,
            chains=chains,
            route=tuple(self.rows()),
            stages=stages,
            material=definition.proposal.material,
            context=definition.context,
            declared=declared if definition.lifecycle is not None else None,
            aspects=definition.proposal.aspects,
            resume=self.approval.defaults.resume,
            people=self.people,
            visible={
                name: self.ask(field.visible, "skip", None)
                for name, field in definition.proposal.fields.items()
                if field.visible
            },
            expires=self.approval.expires,
            may_shorten=self.approval.defaults.shorten == "follow",
            selected_by=frozenset(self.selected_by()),
            wrong=lambda form: definition.proposal.parse(without_left(form), whole=True).problems,
        )

    def rows(self) -> list[Row]:
        rows = []
        for row in self.approval.route:
            when = getattr(row, "when", None)
            rows.append(Row(row.use, self.rule(when) if when is not None else None, when or ""))
        return rows

    def selected_by(self) -> Iterator[str]:
        """The fields of the form that the frozen list depends on, or that it is compared with."""
        audience, fields = self.definition.audience, self.definition.proposal.fields
        if audience is None:
            return
        yield from (name for name in SUBJECT if name in fields)
        if audience.drift:
            yield audience.drift.source
        scope = self.definition.scope.plus(c=DYN)
        for _, text in (*audience.expressions(), *audience.values()):
            try:
                paths = compile_expression(text, scope).paths
            except InvalidExpression:
                continue  # the check tells it; proofs are made in spite of mistakes in later sections
            yield from (path.split(".")[1] for path in paths if path.startswith("form."))
        for _, text in audience.statements():
            yield from (name for name in fields if f":form_{name}" in text)
        yield from (wanted.field for _, wanted in audience.feedbacks() if wanted.field)
        yield from (field_of(named) for _, named in audience.groups() if field_of(named))

    def stages(self) -> Stages:
        definition = self.definition
        evaluation, audience = definition.evaluation, definition.audience
        drift = audience.drift if audience else None
        return Stages(
            audience=audience is not None,
            tolerance=Tolerance(drift.source, drift.over, drift.then == "reapprove") if drift else None,
            reselects=bool(audience and audience.drift and audience.stale_after),
            delivery=definition.delivery is not None,
            evaluation=_evaluation(evaluation),
            widens=dict(self.widens()) if definition.delivery is not None else {},
        )

    def widens(self) -> Iterator[tuple[str, Widens]]:
        """Of what the submitter may ask for more while the delivery is paused: its budget, and windows of time. Not of
        what the list or the messages were made from, nor of what the lifecycle has read; nor where a case came through
        states of its definition's own first, for it would not come there again."""
        section = self.definition.lifecycle
        if section is not None and Reach(section).own_before_delivery:
            return
        fixed = {*self.selected_by(), *self.told(), *self.read_by_lifecycle()}
        for name, field in self.definition.proposal.fields.items():
            if name in fixed:
                continue
            if name == FIELD and isinstance(field, Money):
                yield name, "raise"
            elif isinstance(field, DateRange):
                yield name, "lengthen"

    def told(self) -> Iterator[str]:
        """The fields that the messages show, as far as the definition says."""
        message = self.definition.delivery.message if self.definition.delivery else None
        if message is None:
            return
        mail = message.email
        texts = [*message.words.values(), *((mail,) if mail else ())]
        yield from (words.field for words in texts if words.field)
        written = [*(words.text for words in texts), mail.subject if mail else "", message.link]
        yield from (name.removeprefix("form.") for text in written for name in placeholders(text))

    def read_by_lifecycle(self) -> Iterator[str]:
        """The fields that conditions of the lifecycle ask."""
        section = self.definition.lifecycle
        states = section.walk() if section is not None else ()
        rules = (event.when for _, _, state, _ in states for event in events_of(state) if event.when)
        for text in rules:
            yield from (path.split(".")[1] for path in self.rule(text).paths if path.startswith("form."))

    def column(self, step: PlainStep) -> Column:
        """One column of a chain."""
        if not isinstance(step, written.Countersign):
            return self.placed(step)
        return Countersign(
            name=step.name,
            branches=tuple(self.placed(branch) for branch in step.branches),
            when=self.rule(step.when) if step.when else None,
            join=None if step.join == "all" else step.needed,
            on_reject=step.on_reject,
            label=step.title,
        )

    def placed(self, step: written.Approve | written.File | written.Copy) -> Placed:
        """One step at its place."""
        when = self.rule(step.when) if step.when else None
        match step:
            case written.Approve():
                return Placed(self.approve(step), when, step.on_reject)
            case written.File():
                return Placed(self.file(step), when)
            case written.Copy():
                ask, fields = self.ask(step.who, "skip", None), tuple(step.fields.items())
                return Placed(Copy(name=step.name, label=step.title, ask=ask, fields=fields), when)

    def approve(self, step: written.Approve) -> Approval:
        return Approval(
            name=step.name,
            label=step.title,
            ask=self.ask(step.who, step.self_ or "next_level_up", step.empty),
            fields=tuple(step.fields.items()),
            tally=tally_of(step.decide),
            timeout=self.timeout(step.timeout),
            allow=step.allow if step.allow is not None else ALLOWED,
            claim=step.claim,
            repeat=step.repeat or "ask_again",
            return_to=step.return_to or ("submitter",),
            aspects=step.aspects,
        )

    def file(self, step: written.File) -> Filing:
        objection = step.objection
        return Filing(
            name=step.name,
            label=step.title,
            ask=self.ask(step.who, "next_level_up", step.empty),
            fields=tuple(step.fields.items()),
            ack=step.ack,
            conversion=self.approval.conversion(step),
            register=step.register_,
            window=objection.window if objection else None,
            objection=objection.then if objection else "",
        )

    def ask(self, whom: Whom, own: written.Own, empty: written.Empty | None) -> Ask:
        entries = (whom,) if isinstance(whom, str) else whom
        always = [entry for entry in entries if isinstance(entry, str)]
        always += [entry.else_ for entry in entries if isinstance(entry, WhoElse)]
        return Ask(
            always[0],
            also=tuple(always[1:]),
            table=tuple(
                Choice(entry.who, OfForm(self.rule(entry.when), self.definition.context))
                for entry in entries
                if isinstance(entry, WhoRow)
            ),
            own="assign" if isinstance(own, written.OwnAssign) else own,
            instead=own.assign if isinstance(own, written.OwnAssign) else "",
            otherwise=empty.assign if empty else PROCESS_ADMIN,
            notify=empty.notify if empty else True,
            fields=self.people,
        )

    def timeout(self, timeout: written.Timeout | Literal["never"] | None) -> Timeout:
        if timeout is None or timeout == "never":
            return NEVER
        limit = OfForm(self.rule(timeout.limit), self.definition.context) if timeout.limit else None
        return Timeout(
            remind=timeout.remind, at=timeout.at, to=timeout.to, limit=timeout.max, do=timeout.do, passes=limit
        )

    def rule(self, text: str) -> Expression:
        return compile_expression(text, self.definition.deciding, gives=BOOL)


def tally_of(decide: written.Tally) -> tally.Tally:
    """How the decisions of a step are counted. Raises InvalidExpression for the rules of a vote."""
    match decide:
        case written.AnyOf():
            return tally.AnyOf()
        case written.AllOf():
            return tally.AllOf()
        case written.InSequence():
            return tally.InSequence()
        case written.Quorum(n=int(n)):
            return tally.Quorum(n)
        case written.Quorum(n=share):
            return tally.Quorum(percent=int(str(share).removesuffix("%")))
        case written.Vote():
            return tally.Vote(
                quorum=_of_votes(decide.quorum),
                passing=_of_votes(decide.pass_),
                veto=decide.veto,
                is_weighted=decide.weights == "member.weight",
            )


def _of_votes(text: str | None) -> Expression | None:
    return compile_expression(text, Scope({"votes": written.VOTES}), gives=BOOL) if text else None


class OfForm(Struct, frozen=True):
    """A rule that the machine asks of a form. Implements `asking.FormRule` and `deadlines.Within`."""

    rule: Expression
    context: Callable[[dict[str, Any]], Mapping[str, Any]]

    def holds(self, form: dict[str, Any]) -> bool:
        """Whether it holds, or cannot be worked out."""
        try:
            return self.rule.evaluate(self.context(form)) is not False
        except ExpressionFailed:
            return True

    def is_within(self, form: dict[str, Any]) -> bool:
        """Whether it surely holds."""
        try:
            return self.rule.evaluate(self.context(form)) is True
        except ExpressionFailed:
            return False


def _evaluation(plan: EvaluationPlan | None) -> Evaluation | None:
    if plan is None:
        return None
    return Evaluation(at=plan.at, signed=plan.close.need == "report_signed_by_submitter")

"""From a definition to a process that runs cases: chains become states, conditions become guards.

Takes a definition that `check` has passed. Refuses to read files, and to know any organisation: a compiled process is
bound to one afterwards (`Process.bound`).
"""

from typing import Literal

from engine.definition import steps as written
from engine.definition.lifecycle_compile import compile_lifecycle
from engine.definition.model import Definition
from engine.definition.steps import PlainStep
from engine.expr import Expression, compile_expression
from engine.expr.types import BOOL
from engine.machine import tally
from engine.machine.asking import Ask
from engine.machine.case import ProcessRef
from engine.machine.chains import Column, Countersign, Placed
from engine.machine.deadlines import NEVER, Timeout
from engine.machine.lifecycle import Stages, lifecycle
from engine.machine.process import Process, Row
from engine.machine.states import Evaluation
from engine.machine.steps import Approval, Copy, Filing

PROCESS_ADMIN = "role:process_admin"


def compile_process(definition: Definition) -> Process:
    """The process of a definition, not yet bound to an organisation. A step's text rules are compiled here, once."""
    return _Compiler(definition).process()


class _Compiler:
    """One definition while it is being compiled."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.approval = definition.approval

    def process(self) -> Process:
        definition = self.definition
        chains = {name: tuple(self.column(step) for step in self.approval.steps(name)) for name in self.approval.chains}
        stages = self.stages()
        declared = None
        if definition.lifecycle is None:
            chart, kinds = lifecycle(chains, stages)
        else:
            chart, kinds, declared = compile_lifecycle(definition.lifecycle, chains, stages, self.rule)
        return Process(
            ref=ProcessRef(definition.name, definition.version, definition.fingerprint),
            chart=chart,
            kinds=kinds,
            chains=chains,
            route=tuple(self.rows()),
            stages=stages,
            material=definition.proposal.material,
            context=definition.context,
            declared=declared,
        )

    def rows(self) -> list[Row]:
        rows = []
        for row in self.approval.route:
            when = getattr(row, "when", None)
            rows.append(Row(row.use, self.rule(when) if when is not None else None, when or ""))
        return rows

    def stages(self) -> Stages:
        definition = self.definition
        evaluation = definition.evaluation
        return Stages(
            audience=definition.audience is not None,
            delivery=definition.delivery is not None,
            evaluation=Evaluation(at=evaluation.at) if evaluation is not None else None,
        )

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
                return Placed(Copy(name=step.name, label=step.title, ask=Ask(step.who)), when)

    def approve(self, step: written.Approve) -> Approval:
        return Approval(
            name=step.name,
            label=step.title,
            ask=self.ask(step.who, step.self_ or "next_level_up", step.empty),
            tally=_tally(step.decide),
            timeout=_timeout(step.timeout),
            repeat=step.repeat or "ask_again",
        )

    def file(self, step: written.File) -> Filing:
        objection = step.objection
        return Filing(
            name=step.name,
            label=step.title,
            ask=self.ask(step.who, "next_level_up", step.empty),
            ack=step.ack,
            window=objection.window if objection else None,
            objection=objection.then if objection else "",
        )

    def ask(self, who: str, own: Literal["next_level_up", "skip"], empty: written.Empty | None) -> Ask:
        return Ask(who, own=own, otherwise=empty.assign if empty else PROCESS_ADMIN)

    def rule(self, text: str) -> Expression:
        return compile_expression(text, self.definition.scope, gives=BOOL)


def _tally(decide: written.Tally) -> tally.Tally:
    match decide:
        case written.AnyOf():
            return tally.AnyOf()
        case written.AllOf():
            return tally.AllOf()
        case written.InSequence():
            return tally.InSequence()
        case written.Quorum():
            return tally.Quorum(decide.n)
        case written.Vote():
            return tally.Vote()


def _timeout(timeout: written.Timeout | Literal["never"] | None) -> Timeout:
    if timeout is None or timeout == "never":
        return NEVER
    return Timeout(remind=timeout.remind, at=timeout.at, to=timeout.to, limit=timeout.max)

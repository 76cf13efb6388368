"""The `approval:` section: which chain a case takes (route), and the chains.

Refuses a case that fits no row: the table ends with `else`, so nothing is approved in silence.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StrictBool, Tag

from engine.definition.section import Name, Rule, Section
from engine.definition.splitting import Splitting
from engine.definition.steps import (
    AnyStep,
    Approve,
    Block,
    Copy,
    Countersign,
    Empty,
    File,
    Include,
    Own,
    PlainStep,
    Repeat,
    ReturnTo,
    Timeout,
    Use,
)
from engine.machine.steps import ALLOWED, Operation
from engine.values import Duration


class Row(Section):
    """Where `when` holds, the case takes the chain `use`."""

    when: Rule = Field(description="Condition on the form")
    use: Name = Field(description="The chain that the case takes")


class Else(Section):
    """The chain of every case that no row above fits."""

    else_: Name = Field(alias="else", description="The chain where no row above holds; must be the last row")

    @property
    def use(self) -> str:
        """The chain, under the same name as in `Row`."""
        return self.else_


def _kind(value: Any) -> str:
    return "else" if isinstance(value, Else) or (isinstance(value, dict) and "else" in value) else "row"


RouteRow = Annotated[Annotated[Row, Tag("row")] | Annotated[Else, Tag("else")], Discriminator(_kind)]


class Bulk(Section):
    """What may be decided together with other cases (批量审批): those within `limit`, confidential ones only where
    `confidential` lets them."""

    limit: Rule | None = Field(None, description="Which forms; without it all")
    confidential: StrictBool = Field(False, description="Whether confidential cases are among them")


BulkPolicy = Annotated[
    Annotated[Literal["never"], Tag("never")] | Annotated[Bulk, Tag("bulk")],
    Discriminator(lambda value: "bulk" if isinstance(value, dict | Bulk) else "never"),
]


class Defaults(Section):
    """What steps inherit unless they say otherwise.

    `self`: the approver is the submitter. `empty`: nobody holds the role. `repeat`: the same person twice in one
    round (carry_adjacent: in two columns that follow each other). `return_to`: where an approver may send the case
    back. `resume`: where it goes on after that. `shorten`: whether a change by an approver may leave steps out.
    `bulk`: which cases may be decided together with others.
    """

    self_: Own = Field(
        "next_level_up",
        alias="self",
        description="The approver is the submitter: their superior decides, nobody does, or whom assign names",
    )
    empty: Empty = Field(Empty(assign="role:process_admin"), description="Nobody holds the role")
    repeat: Repeat = Field(
        "ask_again", description="The same person is asked again: to decide again, or what they decided carries over"
    )
    timeout: Timeout | None = Field(None, description="Reminders, and what silence leads to")
    return_to: tuple[ReturnTo, ...] = Field(("submitter",), description="Where an approver may send the case back")
    resume: Literal["restart", "at_returner", "changed_aspects"] = Field(
        "restart", description="Who need not decide again after a return"
    )
    shorten: Literal["refuse", "follow"] = Field(
        "refuse", description="Whether a change by an approver may leave steps out"
    )
    allow: tuple[Operation, ...] = Field(ALLOWED, description="What those asked may do besides deciding")
    link: Literal["remembered_device", "sign_in", "direct"] = Field(
        "remembered_device",
        description="What the link in a notice asks for: a device signed in on before, a sign-in each time, or nothing "
        "(direct: open cases within the operator's COUNTERSIGN_DIRECT_BUDGET)",
    )
    bulk: BulkPolicy = Field(Bulk(), description="Which cases may be decided together")


class Approval(Section):
    """Route table, defaults, chains, blocks, and rules by name: `rules.large` in an expression stands for its text."""

    route: tuple[RouteRow, ...] = Field(
        min_length=1, description="Which chain a case takes: the first row that holds, else last"
    )
    defaults: Defaults = Field(Defaults(), description="What steps inherit")
    chains: dict[Name, tuple[AnyStep, ...]] = Field(
        min_length=1, description="The chains by name, each a list of steps"
    )
    blocks: dict[Name, Block] = Field(default_factory=dict, description="Countersigns by name, for use")
    rules: dict[Name, Rule] = Field(
        default_factory=dict, description="Conditions by name, for rules.NAME in expressions"
    )
    expires: Duration | None = Field(None, description="How long a case may wait for its approval; then it expires")
    splitting: Splitting | None = Field(None, description="When approvers see that a case may be one cut into pieces")

    def steps(self, chain: str) -> tuple[PlainStep, ...]:
        """The steps of `chain` with blocks and included chains in place and the defaults filled in."""
        return tuple(self._plain(chain, drop=frozenset()))

    def only_files(self, chain: str) -> bool:
        """Whether nobody approves on `chain`: the case becomes effective by filing (报备)."""
        return not any(isinstance(step, Approve | Countersign) for step in self.steps(chain))

    def conversion(self, step: File) -> str:
        """The chain that a filing takes where a superior makes it a case for approval; empty where there is none."""
        if step.convert:
            return step.convert
        if step.objection:
            return step.objection.then
        otherwise = next((row.use for row in self.route if isinstance(row, Else)), "")
        return otherwise if otherwise in self.chains and not self.only_files(otherwise) else ""

    def _plain(self, chain: str, *, drop: frozenset[str]) -> Iterator[PlainStep]:
        for step in self.chains[chain]:
            match step:
                case Include():
                    yield from self._plain(step.include, drop=drop | set(step.drop))
                case _ if step.name in drop:
                    continue
                case Use():
                    yield self._countersign(step)
                case Approve():
                    yield self._inheriting(step)
                case File():
                    yield step if step.empty else step.model_copy(update={"empty": self.defaults.empty})
                case Copy():
                    yield step

    def _countersign(self, step: Use) -> Countersign:
        block = self.blocks[step.use]
        return Countersign(
            block=step.use,
            label=step.label if step.label.zh or step.label.en else block.label,
            when=step.when,
            branches=tuple(self._inheriting(branch) for branch in block.parallel),
            join=block.join,
            on_reject=block.on_reject,
        )

    def _inheriting(self, step: Approve) -> Approve:
        own = {name: getattr(step, name) for name in ("self_", "empty", "repeat", "timeout", "allow", "return_to")}
        return step.model_copy(
            update={name: getattr(self.defaults, name) for name, value in own.items() if value is None}
        )


NO_APPROVAL = Approval.model_construct(route=(), defaults=Defaults(), chains={}, blocks={}, rules={})
"""Of a definition whose own lifecycle has no chains; `check` refuses it anywhere else."""

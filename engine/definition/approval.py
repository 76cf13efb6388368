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


class Row(Section):
    """Where `when` holds, the case takes the chain `use`."""

    when: Rule
    use: Name


class Else(Section):
    """The chain of every case that no row above fits."""

    else_: Name = Field(alias="else")

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

    limit: Rule | None = None
    confidential: StrictBool = False


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

    self_: Own = Field("next_level_up", alias="self")
    empty: Empty = Empty(assign="role:process_admin")
    repeat: Repeat = "ask_again"
    timeout: Timeout | None = None
    return_to: tuple[ReturnTo, ...] = ("submitter",)
    resume: Literal["restart", "at_returner", "changed_aspects"] = "restart"
    shorten: Literal["refuse", "follow"] = "refuse"
    allow: tuple[Operation, ...] = ALLOWED
    link: Literal["remembered_device", "sign_in", "direct"] = "remembered_device"
    bulk: BulkPolicy = Bulk()


class Approval(Section):
    """Route table, defaults, chains, blocks, and rules by name: `rules.large` in an expression stands for its text."""

    route: tuple[RouteRow, ...] = Field(min_length=1)
    defaults: Defaults = Defaults()
    chains: dict[Name, tuple[AnyStep, ...]] = Field(min_length=1)
    blocks: dict[Name, Block] = Field(default_factory=dict)
    rules: dict[Name, Rule] = Field(default_factory=dict)
    splitting: Splitting | None = None

    def steps(self, chain: str) -> tuple[PlainStep, ...]:
        """The steps of `chain` with blocks and included chains in place and the defaults filled in."""
        return tuple(self._plain(chain, drop=frozenset()))

    def only_files(self, chain: str) -> bool:
        """Whether nobody approves on `chain`: the case becomes effective by filing (报备)."""
        return not any(isinstance(step, Approve | Countersign) for step in self.steps(chain))

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

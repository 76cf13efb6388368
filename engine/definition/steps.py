"""The steps of an approval chain (环节), as the verbs a definition's author writes.

Which verb a step has is told by its key: `{approve: county_head, who: ...}`. Refuses to know how a step is carried
out; `compile` makes states of them.
"""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StrictBool, Tag

from engine.definition.numbers import NumberPattern
from engine.definition.section import Name, Rule, Section, Who, Whom
from engine.expr.types import INT, Record
from engine.machine.rights import Access, access
from engine.machine.steps import Operation
from engine.values import NO_TEXT, Bilingual, Duration

Seen = Literal["read", "hidden"]
OnReject = Literal["reject", "return_submitter"]

ReturnTo = Literal["submitter", "previous", "any"]


class AnyOf(Section):
    """One decides for all (或签)."""

    mode: Literal["any"] = "any"


class AllOf(Section):
    """Everybody asked must approve (会签)."""

    mode: Literal["all"]


class InSequence(Section):
    """Everybody asked must approve, one after the other in the order they were found (顺序签)."""

    mode: Literal["sequence"]


class Quorum(Section):
    """`n` of those asked must approve, as a number or as a share of them (60%)."""

    mode: Literal["quorum"]
    n: Annotated[int, Field(strict=True, ge=1)] | Annotated[str, Field(pattern=r"^([1-9]|[1-9][0-9]|100)%$")] = Field(
        description="A number, or a share such as 60%"
    )


class Vote(Section):
    """A weighted vote (票签). Abstaining is taking part.

    `quorum` and `pass` are rules over `votes.yes`, `no`, `abstain`, `cast` (these three), `out` and `total`, sums of
    weights; without them half must take part and more say yes than no. `veto`: a single no decides.
    """

    mode: Literal["vote"]
    weights: Literal["member.weight", "equal"] = Field(
        "member.weight", description="Of the members as the group lists them, or one each"
    )
    quorum: Rule | None = Field(None, description="When enough took part")
    pass_: Rule | None = Field(None, alias="pass", description="When it is approved")
    veto: StrictBool = Field(False, description="A single no decides")


Tally = Annotated[AnyOf | AllOf | InSequence | Quorum | Vote, Discriminator("mode")]


class Timeout(Section):
    """When those asked are reminded, and what happens when they still have not decided.

    At `at` the task goes to `to` (escalation), at most `max` times, each after another span of `at`; or the step is
    returned or rejected; or it passes, but only where `limit` holds: above it the step escalates.
    """

    remind: tuple[Duration, ...] = Field((), description="Spans after which those asked are reminded")
    at: Duration | None = Field(None, description="When time is up")
    do: Literal["escalate", "return", "reject", "approve"] = Field("escalate", description="What happens then")
    limit: Rule | None = Field(None, description="Only for approve: the cases that pass by themselves; others escalate")
    to: Who = Field("superior", description="Who gets the task at an escalation")
    max: int = Field(1, strict=True, ge=1, le=9, description="How many escalations, each after another span")


class OwnAssign(Section):
    """Who decides where the submitter is found: `superior` of theirs, or holders of a role."""

    assign: Who = Field(description="Who decides instead")


Own = Annotated[
    Annotated[Literal["next_level_up", "skip"], Tag("policy")] | Annotated[OwnAssign, Tag("assign")],
    Discriminator(lambda value: "assign" if isinstance(value, dict | OwnAssign) else "policy"),
]
Repeat = Literal["ask_again", "carry", "carry_adjacent"]


class Empty(Section):
    """Who is asked where nobody holds the role: a step never passes by itself."""

    assign: Who = Field(description="Who is asked instead")
    notify: StrictBool = Field(True, description="Whether they get a notice, or only the task")


class Step(Section):
    """What every step has. `when` leaves the step out where it does not hold."""

    label: Bilingual = Field(NO_TEXT, description="What pages call it")
    when: Rule | None = Field(None, description="Leaves the step out where it does not hold")

    @property
    def name(self) -> str:
        """The name other parts of the definition and the history call it by."""
        raise NotImplementedError

    @property
    def title(self) -> Bilingual:
        """Its label, or its name where it has none."""
        return self.label if self.label != NO_TEXT else Bilingual(en=self.name.replace("_", " "))


class Approve(Step):
    """Ask for a decision: approve, reject or return (同意, 拒绝, 退回).

    `fields`: what its people may do with each field of the proposal, `*` for all others.
    What is None here is inherited from the section's `defaults`; in `Approval.steps` nothing is.
    """

    approve: Name = Field(description="The name of the step")
    who: Whom = Field(description="Who is asked")
    decide: Tally = Field(AnyOf(), description="How several decide together")
    fields: dict[str, Access] = Field(
        default_factory=dict, description="What the step may do with fields of the form; * for all others"
    )
    on_reject: OnReject = Field("reject", description="reject ends the case, return_submitter sends it back")
    self_: Own | None = Field(None, alias="self", description="Where the approver is the submitter; from defaults")
    empty: Empty | None = Field(None, description="Where nobody holds the role; from defaults")
    repeat: Repeat | None = Field(None, description="Where the same person is asked again; from defaults")
    return_to: tuple[ReturnTo, ...] | None = Field(
        None, description="Where the case may be sent back to; from defaults"
    )
    aspects: tuple[Name, ...] = Field((), description="What of the material it looks at; without it, everything")
    timeout: Timeout | Literal["never"] | None = Field(
        None, description="Reminders and escalation; from defaults, never switches it off"
    )
    allow: tuple[Operation, ...] | None = Field(
        None, description="What its people may do besides deciding; from defaults"
    )
    claim: StrictBool = Field(False, description="The task waits for all until one of them claims it")

    @property
    def name(self) -> str:
        return self.approve

    def may_write(self, field: str) -> bool:
        """Whether the approver may change `field` of the proposal."""
        return access(tuple(self.fields.items()), field) == "write"


class Objection(Section):
    """How long the registrar may still object once silence has acknowledged it, and the chain the case then takes."""

    window: Duration = Field(description="How long after ack one may still object")
    then: Name = Field(description="The chain that the case takes after an objection")


REGISTER = NumberPattern("备{office.code}-{year}-{seq:05}")


class File(Step):
    """File with an office (报备): it is told and acknowledges, and the case goes on; or it objects.

    After `ack` its silence counts as acknowledgement; the case goes on when the objection window has passed as well.
    A chain that only files makes the case effective (state filed). What took effect gets the next number of the
    office's `register`.
    """

    file: Name = Field(description="The name of the step")
    who: Whom = Field(description="Who is told")
    ack: Duration = Field(description="After this span silence counts as acknowledged")
    objection: Objection | None = Field(None, description="Without it, it can only be acknowledged")
    convert: Name | None = Field(
        None, description="The chain on which a superior makes it an approval; else that of objection, or the last row"
    )
    register_: NumberPattern = Field(REGISTER, alias="register", description="Pattern of register numbers")
    empty: Empty | None = Field(None, description="Where nobody holds the role; from defaults")
    fields: dict[str, Seen] = Field(
        default_factory=dict, description="Which fields of the form it sees; * for all others"
    )

    @property
    def name(self) -> str:
        return self.file


class Copy(Step):
    """Let somebody read along (抄送); nobody waits for them."""

    copy_: Name = Field(alias="copy", description="The name of the step")
    who: Whom = Field(description="Who reads along")
    fields: dict[str, Seen] = Field(
        default_factory=dict, description="Which fields of the form it sees; * for all others"
    )

    @property
    def name(self) -> str:
        return self.copy_


class Use(Step):
    """Put a block here."""

    use: Name = Field(description="The name of the block")

    @property
    def name(self) -> str:
        return self.use


class Include(Section):
    """Put the steps of another chain here, without those named in `drop`."""

    include: Name = Field(description="The name of the chain")
    drop: tuple[Name, ...] = Field((), description="Its steps that are left out")


class AtLeast(Section):
    """`n` of the branches."""

    n: int = Field(strict=True, ge=1, description="How many must approve")


class Block(Section):
    """A countersign (会签): all branches are asked at once."""

    label: Bilingual = Field(NO_TEXT, description="What pages call it")
    parallel: tuple[Approve, ...] = Field(min_length=2, description="The branches, each an approve step")
    join: Literal["all", "any"] | AtLeast = Field("all", description="How many branches must approve")
    on_reject: OnReject = Field("return_submitter", description="What one rejection does to the case")


class Countersign(Step):
    """A block where a chain uses it. On a reject, or as soon as `join` is met, the other branches are cancelled."""

    block: Name
    branches: tuple[Approve, ...]
    join: Literal["all", "any"] | AtLeast
    on_reject: OnReject

    @property
    def name(self) -> str:
        return self.block

    @property
    def needed(self) -> int:
        """How many branches must approve (of those whose `when` holds; compare with what is left of them)."""
        if isinstance(self.join, AtLeast):
            return self.join.n
        return 1 if self.join == "any" else len(self.branches)


VOTES = Record(dict.fromkeys(("yes", "no", "abstain", "cast", "out", "total"), INT), "votes")
"""What the rules of a vote may name."""

VERBS: tuple[str, ...] = ("approve", "file", "copy", "use", "include")


def _verb(value: Any) -> str | None:
    if isinstance(value, dict):
        return next((verb for verb in VERBS if verb in value), None)
    return type(value).__name__.lower()


AnyStep = Annotated[
    Annotated[Approve, Tag("approve")]
    | Annotated[File, Tag("file")]
    | Annotated[Copy, Tag("copy")]
    | Annotated[Use, Tag("use")]
    | Annotated[Include, Tag("include")],
    Discriminator(_verb, custom_error_type="verb", custom_error_message="a step starts with one of the verbs"),
]

PlainStep = Approve | File | Copy | Countersign
"""What is left when `use` and `include` are replaced by what they stand for."""

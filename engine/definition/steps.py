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
    n: Annotated[int, Field(strict=True, ge=1)] | Annotated[str, Field(pattern=r"^([1-9]|[1-9][0-9]|100)%$")]


class Vote(Section):
    """A weighted vote (票签). Abstaining is taking part.

    `quorum` and `pass` are rules over `votes.yes`, `no`, `abstain`, `cast` (these three), `out` and `total`, sums of
    weights; without them half must take part and more say yes than no. `veto`: a single no decides.
    """

    mode: Literal["vote"]
    weights: Literal["member.weight", "equal"] = "member.weight"
    quorum: Rule | None = None
    pass_: Rule | None = Field(None, alias="pass")
    veto: StrictBool = False


Tally = Annotated[AnyOf | AllOf | InSequence | Quorum | Vote, Discriminator("mode")]


class Timeout(Section):
    """When those asked are reminded, and what happens when they still have not decided.

    At `at` the task goes to `to` (escalation), at most `max` times, each after another span of `at`; or the step is
    returned or rejected; or it passes, but only where `limit` holds: above it the step escalates.
    """

    remind: tuple[Duration, ...] = ()
    at: Duration | None = None
    do: Literal["escalate", "return", "reject", "approve"] = "escalate"
    limit: Rule | None = None
    to: Who = "superior"
    max: int = Field(1, strict=True, ge=1, le=9)


class OwnAssign(Section):
    """Who decides where the submitter is found: `superior` of theirs, or holders of a role."""

    assign: Who


Own = Annotated[
    Annotated[Literal["next_level_up", "skip"], Tag("policy")] | Annotated[OwnAssign, Tag("assign")],
    Discriminator(lambda value: "assign" if isinstance(value, dict | OwnAssign) else "policy"),
]
Repeat = Literal["ask_again", "carry", "carry_adjacent"]


class Empty(Section):
    """Who is asked where nobody holds the role: a step never passes by itself."""

    assign: Who
    # named as in the file; whether that person gets a notice, or only the task
    notify: StrictBool = True


class Step(Section):
    """What every step has. `when` leaves the step out where it does not hold."""

    label: Bilingual = NO_TEXT
    when: Rule | None = None

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

    approve: Name
    who: Whom
    decide: Tally = AnyOf()
    fields: dict[str, Access] = Field(default_factory=dict)
    on_reject: OnReject = "reject"
    self_: Own | None = Field(None, alias="self")
    empty: Empty | None = None
    repeat: Repeat | None = None
    return_to: tuple[ReturnTo, ...] | None = None
    # what of the proposal it looks at; nothing said means everything
    aspects: tuple[Name, ...] = ()
    timeout: Timeout | Literal["never"] | None = None
    allow: tuple[Operation, ...] | None = None
    claim: StrictBool = False

    @property
    def name(self) -> str:
        return self.approve

    def may_write(self, field: str) -> bool:
        """Whether the approver may change `field` of the proposal."""
        return access(tuple(self.fields.items()), field) == "write"


class Objection(Section):
    """How long the registrar may still object once silence has acknowledged it, and the chain the case then takes."""

    window: Duration
    then: Name


REGISTER = NumberPattern("备{office.code}-{year}-{seq:05}")


class File(Step):
    """File with an office (报备): it is told and acknowledges, and the case goes on; or it objects.

    After `ack` its silence counts as acknowledgement; the case goes on when the objection window has passed as well.
    A chain that only files makes the case effective (state filed). What took effect gets the next number of the
    office's `register`.
    """

    file: Name
    who: Whom
    ack: Duration
    objection: Objection | None = None
    register_: NumberPattern = Field(REGISTER, alias="register")
    empty: Empty | None = None
    fields: dict[str, Seen] = Field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.file


class Copy(Step):
    """Let somebody read along (抄送); nobody waits for them."""

    copy_: Name = Field(alias="copy")
    who: Whom
    fields: dict[str, Seen] = Field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.copy_


class Use(Step):
    """Put a block here."""

    use: Name

    @property
    def name(self) -> str:
        return self.use


class Include(Section):
    """Put the steps of another chain here, without those named in `drop`."""

    include: Name
    drop: tuple[Name, ...] = ()


class AtLeast(Section):
    """`n` of the branches."""

    n: int = Field(strict=True, ge=1)


class Block(Section):
    """A countersign (会签): all branches are asked at once."""

    label: Bilingual = NO_TEXT
    parallel: tuple[Approve, ...] = Field(min_length=2)
    join: Literal["all", "any"] | AtLeast = "all"
    on_reject: OnReject = "return_submitter"


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

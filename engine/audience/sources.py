"""Where an audience comes from: rules, SQL, imported lists, earlier cases, and their algebra to any depth. One class
per kind.

A source is a claim about one customer, so union, intersect, except and symmetric become OR, AND, AND NOT and <> of one
WHERE: the customer table is read once, however the sources nest. A claim that is unknown (a blank field) counts as not
met. Refuses to know where tables are stored.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Protocol, Self, get_args

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator
from sqlglot import exp

from engine.audience.capping import PolicyInForce
from engine.values import Duration

OUTCOME = r"^[a-z][a-z0-9_]{0,39}$"
GROUP = r"^([a-z][a-z0-9_]{0,39}(@[1-9][0-9]{0,5})?|form\.[A-Za-z_]\w{0,59})$"


class Claims(Protocol):
    """What sources and exclusions ask the compiler for, to become a claim about one customer. Never NULL."""

    def claim(self, rule: str) -> exp.Expr:
        """The rule as SQL; unknown is false."""
        ...

    def in_list(self, name: str) -> exp.Expr:
        """Whether the customer stands on the imported list `name`."""
        ...

    def among(
        self, table: str, column: str, where: exp.Expr | None = None, together: exp.Expr | None = None
    ) -> exp.Expr:
        """Whether the customer stands in `column` of those rows of a dataset table that hold `where`, and whose rows
        `together` hold that."""
        ...

    def statement(self, sql: str) -> exp.Expr:
        """Whether the customer is one of those that a statement of a user gives."""
        ...

    def earlier(self, wanted: "FeedbackOf") -> exp.Expr:
        """Whether the customer is one of those with that outcome in an earlier case."""
        ...

    def subject(self, fact: str, needed_by: str) -> tuple[str, ...]:
        """A fact of the case itself: its offer, category or channels. Empty is a Problem, told with `needed_by`."""
        ...

    def cells(self, needed_by: str) -> "tuple[tuple[str, exp.Expr, tuple[str, ...]], ...]":
        """For each cell in its order: its name, whether its expression holds for the customer, and its offers. A cell
        without an offer of its own has those of the case; a Problem where there are none."""
        ...

    def requirements(self, offers: tuple[str, ...]) -> tuple[exp.Expr, ...]:
        """What these offers require of a customer."""
        ...

    def consent(self, name: str) -> exp.Expr:
        """Whether the customer agreed to a channel or purpose; unknown is no."""
        ...

    def held_out(self) -> exp.Expr:
        """Whether the customer belongs to the global holdout in force; FALSE where none is."""
        ...

    def no_group(self, name: str) -> exp.Expr:
        """Nobody, and a problem: no saved group was put in the place of `name`."""

    def capped(self) -> "PolicyInForce | None":
        """The contact policy in force, as far as it caps the case's contacts; None where nothing does."""
        ...

    @property
    def as_of(self) -> datetime:
        """The moment the selection is made for."""
        ...


class SourceKind(BaseModel):
    """A kind of source. `combines` names the field with the sources that it is made of, where it has such."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    kind: ClassVar[str]
    combines: ClassVar[str] = ""

    def within(self) -> "tuple[SourceKind, ...]":
        """The sources it combines."""
        return getattr(self, self.combines) if self.combines else ()

    def made_of(self, parts: "tuple[SourceKind, ...]") -> Self:
        """The same with other parts."""
        return self.model_copy(update={self.combines: parts}) if self.combines else self

    @property
    def text(self) -> str:
        """What it says beside its kind, in one text; empty where it says more or nothing."""
        return ""

    def walk(self) -> "Iterator[SourceKind]":
        """This source and all it is made of, outermost first."""
        yield self
        for part in self.within():
            yield from part.walk()

    def claim(self, claims: Claims) -> exp.Expr:
        """The claim as SQL, TRUE or FALSE, never NULL."""
        return self.joined([part.claim(claims) for part in self.within()])

    def joined(self, parts: Sequence[exp.Expr]) -> exp.Expr:
        """The claims of its parts as one claim; of the first of them alone, what it would be without the others."""
        raise NotImplementedError(self.kind)


class Rule(SourceKind):
    """Customers for whom an expression over their fields holds: {rule: "c.arpu >= 38"}."""

    kind = "rule"
    rule: str = Field(min_length=1, description="An expression over the customer, c.FIELD")

    @property
    def text(self) -> str:
        return self.rule

    def claim(self, claims: Claims) -> exp.Expr:
        return claims.claim(self.rule)


class ImportedList(SourceKind):
    """Customers of an imported list: {list: upload}."""

    kind = "list"
    name: str = Field(alias="list", pattern=r"^[a-z][a-z0-9_]{0,39}$", description="The name it was imported under")

    @property
    def text(self) -> str:
        return self.name

    def claim(self, claims: Claims) -> exp.Expr:
        return claims.in_list(self.name)


class Union(SourceKind):
    """Customers of any of these sources."""

    kind = "union"
    combines = "union"
    union: tuple["Source", ...] = Field(min_length=1, description="The sources")

    def joined(self, parts: Sequence[exp.Expr]) -> exp.Expr:
        return exp.or_(*parts)


class Intersect(SourceKind):
    """Customers of all these sources."""

    kind = "intersect"
    combines = "intersect"
    intersect: tuple["Source", ...] = Field(min_length=1, description="The sources")

    def joined(self, parts: Sequence[exp.Expr]) -> exp.Expr:
        return exp.and_(*parts)


class Except(SourceKind):
    """Customers of the first source who are in none of the others."""

    kind = "except"
    combines = "parts"
    parts: tuple["Source", ...] = Field(
        alias="except", min_length=2, description="The first source, and those to leave out"
    )

    def joined(self, parts: Sequence[exp.Expr]) -> exp.Expr:
        first, *others = parts
        return exp.and_(first, exp.not_(exp.or_(*others))) if others else first


class Symmetric(SourceKind):
    """Customers of exactly one of two sources: {symmetric: [{list: a}, {list: b}]}."""

    kind = "symmetric"
    combines = "symmetric"
    symmetric: tuple["Source", "Source"] = Field(description="The two sources")

    def joined(self, parts: Sequence[exp.Expr]) -> exp.Expr:
        one, *other = map(exp.paren, parts)
        return exp.paren(exp.NEQ(this=one, expression=other[0])) if other else one


class Sql(SourceKind):
    """Customers that one SELECT returns: {sql: "SELECT customer FROM customers WHERE arpu >= 38"}."""

    kind = "sql"
    sql: str = Field(min_length=1, description="The statement; its result is one column, the customer")

    @property
    def text(self) -> str:
        return self.sql

    def claim(self, claims: Claims) -> exp.Expr:
        return claims.statement(self.sql)


class Group(SourceKind):
    """Customers of a saved customer group: {group: vip}, {group: vip@3}, {group: form.target}.

    A name alone stands for the newest version when the case is submitted, `vip@3` for that one whatever follows.
    """

    kind = "group"
    group: str = Field(
        pattern=GROUP, description="Its name, NAME@VERSION, or the field of the form with one of them: form.FIELD"
    )

    @property
    def text(self) -> str:
        return self.group

    def claim(self, claims: Claims) -> exp.Expr:
        return claims.no_group(self.group)


class SavedGroup(SourceKind):
    """A version of a saved group in the place where it is named; no text of the language says it."""

    kind = "group"
    combines = "parts"
    group: str
    title: str
    parts: tuple[SourceKind]

    @property
    def text(self) -> str:
        return self.group

    def joined(self, parts: Sequence[exp.Expr]) -> exp.Expr:
        return parts[0]


class FeedbackOf(BaseModel):
    """Which outcome of which earlier case."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    of: str = Field(
        min_length=1, max_length=64, description="The number of the case, or the field of the form with it: form.NAME"
    )
    outcome: str = Field(
        pattern=OUTCOME,
        description="contacted, delivered, failed, unknown, suppressed, cancelled, responded, no_response, converted, "
        "opted_out, complained, or what the contact history says",
    )
    wave: str | None = Field(None, min_length=1, max_length=60, description="Only of this wave")
    within: Duration | None = Field(None, description="Only what became known so short a while ago")

    @field_validator("within")
    @classmethod
    def _on_the_clock(cls, value: Duration | None) -> Duration | None:
        if value is not None:
            value.on_the_clock()
        return value

    @property
    def field(self) -> str:
        """The field of the form that names the case; empty where the case is named itself."""
        return self.of.removeprefix("form.") if self.of.startswith("form.") else ""


class Feedback(SourceKind):
    """Customers by what became of them in an earlier case: {feedback: {of: form.prior, outcome: responded}}."""

    kind = "feedback"
    feedback: FeedbackOf = Field(description="The case and the outcome")

    def claim(self, claims: Claims) -> exp.Expr:
        return claims.earlier(self.feedback)


def _kind_of(value: Any) -> str | None:
    """The kind's own key in a mapping; also of a model, so that a plan can be written out again."""
    if isinstance(value, SourceKind):
        return value.kind
    if not isinstance(value, dict):
        return None
    return next((key for key in value if key in _KINDS), next(iter(value), None))


_AnySource = (
    Annotated[Rule, Tag("rule")]
    | Annotated[ImportedList, Tag("list")]
    | Annotated[Union, Tag("union")]
    | Annotated[Intersect, Tag("intersect")]
    | Annotated[Except, Tag("except")]
    | Annotated[Symmetric, Tag("symmetric")]
    | Annotated[Sql, Tag("sql")]
    | Annotated[Group, Tag("group")]
    | Annotated[Feedback, Tag("feedback")]
)
Source = Annotated[_AnySource, Discriminator(_kind_of)]
_KINDS = frozenset(get_args(kind)[0].kind for kind in get_args(_AnySource))

for _combining in (Union, Intersect, Except, Symmetric):
    _combining.model_rebuild()

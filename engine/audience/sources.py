"""Where an audience comes from: rules, imported lists, and their algebra to any depth. One class per kind.

A source is a claim about one customer, so union, intersect and except become OR, AND and AND NOT of one WHERE: the
customer table is read once, however the sources nest. A claim that is unknown (a blank field) counts as not met.
Refuses to know where tables are stored.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, ClassVar, Protocol, get_args

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag
from sqlglot import exp


class Claims(Protocol):
    """What sources and exclusions ask the compiler for, to become a claim about one customer. Never NULL."""

    def claim(self, rule: str) -> exp.Expr:
        """The rule as SQL; unknown is false."""
        ...

    def in_list(self, name: str) -> exp.Expr:
        """Whether the customer stands on the imported list `name`."""
        ...

    def among(self, table: str, column: str, where: exp.Expr | None = None) -> exp.Expr:
        """Whether the customer stands in `column` of those rows of a dataset table that hold `where`."""
        ...

    def subject(self, fact: str, needed_by: str) -> tuple[str, ...]:
        """A fact of the case itself: its offer, category or channels. Empty is a Problem, told with `needed_by`."""
        ...

    def consent(self, name: str) -> exp.Expr:
        """Whether the customer agreed to a channel or purpose; unknown is no."""
        ...

    def held_out(self) -> exp.Expr:
        """Whether the customer belongs to the global holdout in force; FALSE where none is."""
        ...

    @property
    def as_of(self) -> datetime:
        """The moment the selection is made for."""
        ...


class SourceKind(BaseModel):
    """A kind of source. `supported` is False where the language knows it and this version cannot run it yet."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
    kind: ClassVar[str]
    supported: ClassVar[bool] = True

    def within(self) -> "tuple[SourceKind, ...]":
        """The sources it combines."""
        return ()

    def walk(self) -> "Iterator[SourceKind]":
        """This source and all it is made of, outermost first."""
        yield self
        for part in self.within():
            yield from part.walk()

    def claim(self, claims: Claims) -> exp.Expr:
        """The claim as SQL, TRUE or FALSE, never NULL."""
        raise NotImplementedError(self.kind)


class Rule(SourceKind):
    """Customers for whom an expression over their fields holds: {rule: "c.arpu >= 38"}."""

    kind = "rule"
    rule: str = Field(min_length=1, description="An expression over the customer, c.FIELD")

    def claim(self, claims: Claims) -> exp.Expr:
        return claims.claim(self.rule)


class ImportedList(SourceKind):
    """Customers of an imported list: {list: upload}."""

    kind = "list"
    name: str = Field(alias="list", pattern=r"^[a-z][a-z0-9_]{0,39}$", description="The name it was imported under")

    def claim(self, claims: Claims) -> exp.Expr:
        return claims.in_list(self.name)


class Union(SourceKind):
    """Customers of any of these sources."""

    kind = "union"
    union: tuple["Source", ...] = Field(min_length=1, description="The sources")

    def within(self) -> tuple[SourceKind, ...]:
        return self.union

    def claim(self, claims: Claims) -> exp.Expr:
        return exp.or_(*(part.claim(claims) for part in self.union))


class Intersect(SourceKind):
    """Customers of all these sources."""

    kind = "intersect"
    intersect: tuple["Source", ...] = Field(min_length=1, description="The sources")

    def within(self) -> tuple[SourceKind, ...]:
        return self.intersect

    def claim(self, claims: Claims) -> exp.Expr:
        return exp.and_(*(part.claim(claims) for part in self.intersect))


class Except(SourceKind):
    """Customers of the first source who are in none of the others."""

    kind = "except"
    parts: tuple["Source", ...] = Field(
        alias="except", min_length=2, description="The first source, and those to leave out"
    )

    def within(self) -> tuple[SourceKind, ...]:
        return self.parts

    def claim(self, claims: Claims) -> exp.Expr:
        first, *others = (part.claim(claims) for part in self.parts)
        return exp.and_(first, exp.not_(exp.or_(*others)))


class Sql(SourceKind):
    """Customers that one SELECT returns."""

    kind = "sql"
    supported = False
    sql: str = Field(min_length=1, description="The statement")


class Group(SourceKind):
    """Customers of a saved customer group."""

    kind = "group"
    supported = False
    group: str = Field(min_length=1, description="The name of the group")


class FeedbackOf(BaseModel):
    """Which outcome of which earlier case."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    of: str = Field(description="Which case")
    outcome: str = Field(description="Which outcome")


class Feedback(SourceKind):
    """Customers by the outcome of an earlier case."""

    kind = "feedback"
    supported = False
    feedback: FeedbackOf = Field(description="The case and the outcome")


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
    | Annotated[Sql, Tag("sql")]
    | Annotated[Group, Tag("group")]
    | Annotated[Feedback, Tag("feedback")]
)
Source = Annotated[_AnySource, Discriminator(_kind_of)]
_KINDS = frozenset(get_args(kind)[0].kind for kind in get_args(_AnySource))

for _combining in (Union, Intersect, Except):
    _combining.model_rebuild()

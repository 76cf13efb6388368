"""What a selection says about ONE customer: which parts of the source have them, which exclusions apply, cell and draw.

Compiled beside the selection from the same parts, and kept with the frozen list, so that years later the question is
answered by the rules that were used. Refuses to look at more customers than the one and those of their household.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from engine.audience.exclusion_kind import Evidence
from engine.audience.question import Asking, Part, Proof
from engine.audience.sources import SourceKind

WITHIN, PART, HOME, KEEP = "within", "part", "home", "keep"


@dataclass(frozen=True, slots=True)
class Home:
    """Households: which one a customer belongs to, and by what the one to keep is chosen."""

    of: exp.Expr
    keep: exp.Expr
    bit: int

    def bits(self, among: exp.Expr) -> exp.Expr:
        """The bits with the household's own, which is set for all but the first of those `among` a household."""
        first = exp.Window(
            this=exp.RowNumber(),
            partition_by=[exp.Case().when(among.copy(), exp.column(HOME))],
            order=exp.Order(
                expressions=[
                    exp.Ordered(this=exp.column(KEEP), desc=True, nulls_first=False),
                    # A hash before the id: its digits are in the same order whatever the collation of the engine.
                    exp.Ordered(this=exp.MD5(this=exp.column("customer")), desc=False, nulls_first=False),
                    exp.Ordered(this=exp.column("customer"), desc=False, nulls_first=False),
                ]
            ),
        )
        others = exp.and_(
            among.copy(),
            exp.column(HOME).is_(exp.null()).not_(),
            exp.GT(this=first, expression=exp.Literal.number(1)),
        )
        return exp.Case().when(others, exp.Literal.number(1 << self.bit)).else_(exp.column("bits"))

    def columns(self) -> tuple[exp.Expr, exp.Expr]:
        """What `bits` reads."""
        return self.of.copy().as_(HOME), self.keep.copy().as_(KEEP)


@dataclass(frozen=True, slots=True)
class Questions:
    """What is to be asked, as trees: written down for the engine that has the customers."""

    statement: exp.Select
    parts: tuple[Part, ...]
    proofs: tuple[tuple[str, Evidence], ...]
    home: exp.Expr | None
    narrow: bool

    def asking(self, dialect: str = "duckdb") -> Asking:
        """The same as texts."""
        return Asking(
            sql=self.statement.sql(dialect=dialect),
            parts=self.parts,
            proofs=tuple(
                Proof(
                    rung,
                    one.table,
                    one.columns,
                    one.where.sql(dialect=dialect),
                    {cell: where.sql(dialect=dialect) for cell, where in one.cells.items()},
                )
                for rung, one in self.proofs
            ),
            home=self.home.sql(dialect=dialect) if self.home else "",
            narrow=self.narrow,
        )


def questions(
    source: SourceKind,
    base: exp.Expr,
    *,
    claims: Sequence[exp.Expr],
    marks: Sequence[exp.Expr],
    proofs: Sequence[tuple[str, Evidence | None]],
    home: Home | None,
    narrow: bool,
) -> Questions:
    """`claims` are those of the source's parts in their order, `marks` the columns bits, cell, draw; `narrow` as
    `Asking` says."""
    inner = (
        exp.select(
            exp.column("customer", "c"),
            base.copy().as_(WITHIN),
            *(claim.copy().as_(f"{PART}{n}") for n, claim in enumerate(claims)),
            *(mark.copy() for mark in marks),
            *(home.columns() if home else ()),
        )
        .from_(exp.to_table("customers").as_("c"))
        .where(exp.column("customer", "c").isin(query=exp.select("customer").from_("asked")))
    )
    left = exp.and_(exp.column(WITHIN), exp.EQ(this=exp.column("bits"), expression=exp.Literal.number(0)))
    bits = home.bits(left).as_("bits") if home else exp.column("bits")
    flags = [exp.column(f"{PART}{n}") for n in range(len(claims))]
    columns: tuple[str | exp.Expr, ...] = ("customer", exp.column(WITHIN), *flags, bits, "cell", "draw")
    statement = exp.select(*columns).from_(inner.subquery("asked_of"))
    return Questions(
        statement=statement,
        parts=tuple(parts_of(source)),
        proofs=tuple((rung, one) for rung, one in proofs if one is not None),
        home=home.of if home else None,
        narrow=narrow,
    )


def parts_of(source: SourceKind, depth: int = 0) -> Iterator[Part]:
    """The source and all it is made of, in the order of `walk`."""
    yield Part(depth, source.kind, source.text)
    for part in source.within():
        yield from parts_of(part, depth + 1)

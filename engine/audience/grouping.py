"""Cells and the control group: which part of the audience a customer belongs to, and who is left alone to measure by.

Chance comes from a stable hash: the first 8 hexadecimal digits of md5(salt ':' customer) are the customer's draw, and
draws below a threshold are the control group, so that a smaller share is part of a larger one. The salt is the case
number and its round: a repeated run draws the same customers, another case draws others, and DuckDB, PostgreSQL and
Spark agree. Refuses a random generator.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from sqlglot import exp

from engine.audience.plan import AudiencePlan, Control
from engine.audience.sources import Claims

NO_CELL = "no_cell"
EVERYBODY = "g"  # sorts behind every draw
NOBODY = ""  # sorts before every draw
ASSIGNED, NOT_ASSIGNED, HALF = "0", "f", "8"  # draws and threshold of an imported assignment


@dataclass(frozen=True, slots=True)
class HoldoutInForce:
    """A version of the global holdout: `share` of all customers, drawn with a salt of its own. A larger share under the
    same salt holds the smaller one."""

    version: int
    share: Decimal
    salt: str

    def claim(self) -> exp.Expr:
        """Whether the customer belongs to it."""
        return exp.LT(this=_hash(self.salt), expression=exp.Literal.string(threshold_of(self.share)))


def salt_of(number: str, round_: int) -> str:
    """The salt of one round of one case."""
    return f"{number}-{round_}"


def threshold_of(share: Decimal) -> str:
    """Draws below it are `share` of all draws; 8 hexadecimal digits."""
    first = int((share * 2**32).to_integral_value(ROUND_HALF_UP))
    return f"{first:08x}" if first < 2**32 else EVERYBODY


def threshold_in(control: Control | None) -> str:
    """The threshold that a plan's control group starts with, before `min` may raise it."""
    if control is None:
        return NOBODY
    return HALF if control.share is None else threshold_of(control.share)


def cell_of(cells: dict[str, str], claims: Claims) -> exp.Expr:
    """The name of the first cell whose expression holds; NULL where none does."""
    case = exp.Case()
    for name, text in cells.items():
        case = case.when(claims.claim(text), exp.Literal.string(name), copy=False)
    return case


def in_no_cell(cell: exp.Expr, plan: AudiencePlan, claims: Claims) -> exp.Expr:
    """Whether a customer falls into no cell. An imported control group got no offer, so it needs no cell."""
    nowhere: exp.Expr = cell.copy().is_(exp.null())
    if plan.control and plan.control.assigned is not None:
        return exp.and_(nowhere, exp.not_(claims.claim(plan.control.assigned)))
    return nowhere


def draw_of(control: Control | None, claims: Claims, salt: str) -> exp.Expr:
    """The customer's draw."""
    if control is None:
        return exp.Literal.string(NOT_ASSIGNED)
    if control.assigned is not None:
        case = exp.Case().when(claims.claim(control.assigned), exp.Literal.string(ASSIGNED))
        return case.else_(exp.Literal.string(NOT_ASSIGNED))
    return _hash(salt)


def is_drawn(control: Control | None) -> bool:
    """Whether the draws of its customers differ, because chance makes the control group."""
    return control is not None and control.assigned is None


def _hash(salt: str) -> exp.Expr:
    salted = exp.DPipe(this=exp.Literal.string(f"{salt}:"), expression=exp.column("customer", "c"), safe=True)
    return exp.Substring(this=exp.MD5(this=salted), start=exp.Literal.number(1), length=exp.Literal.number(8))

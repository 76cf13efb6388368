"""`approval.splitting`: several cases of one office just under a limit, which may be one case cut into pieces (拆分).

Refuses to stop anybody: it says what an approver is told, and the approver decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import Field

from engine.definition.section import Name, Section
from engine.errors import InvalidExpression
from engine.expr import Expression, Scope, compile_expression
from engine.expr.types import DECIMAL, INT, Record
from engine.values import Duration


class Splitting(Section):
    """What counts as just under a limit: {field: budget, limits: [params.city_budget], within: 30d}.

    A case is close to the lowest of `limits` that its `field` does not exceed where it has at least `share` of it. Once
    an office has `count` such cases under the same limit, submitted `within` this time, approvers of the newest one see
    it.
    """

    field: Name = Field(description="The amount that is compared")
    limits: tuple[str, ...] = Field(
        min_length=1, max_length=20, description="What it is just under, each an expression"
    )
    within: Duration = Field(Duration(30, "d"), description="How far back cases of the office count")
    share: str = Field("80%", pattern=r"^[1-9][0-9]?%$", description="From which share of the limit on it is close")
    count: int = Field(3, strict=True, ge=2, le=100, description="From how many such cases on it is told")

    def amount(self, form: Mapping[str, Any]) -> Decimal | None:
        """What is compared, of a form's typed values; None where it is empty."""
        value = form.get(self.field)
        return None if value is None else Decimal(value)

    def close(self, amount: Decimal, limits: tuple[Decimal, ...]) -> "Close | None":
        """The limit that `amount` is just under; None where it is far from the next one above it, or above them all."""
        limit = min((limit for limit in limits if limit >= amount), default=None)
        if limit is None:
            return None
        lowest = limit * int(self.share.removesuffix("%")) / 100
        return Close(limit, lowest) if amount >= lowest else None


@dataclass(frozen=True, slots=True)
class Close:
    """Amounts from `lowest` up to `limit` are just under it."""

    limit: Decimal
    lowest: Decimal


def limit_expression(text: str, params: Record) -> Expression:
    """A limit: a figure, worked out from the params. Raises InvalidExpression."""
    scope = Scope({"params": params})
    try:
        return compile_expression(text, scope, gives=DECIMAL)
    except InvalidExpression as error:
        try:
            return compile_expression(text, scope, gives=INT)
        except InvalidExpression:
            raise error from None

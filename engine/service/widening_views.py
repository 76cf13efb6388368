"""What the page shows on which more is asked for while a delivery is paused. Read-only, without sentences."""

from dataclasses import dataclass
from decimal import Decimal

from engine.errors import Problem
from engine.service.views import FieldView


@dataclass(frozen=True, slots=True)
class WideningForm:
    """What the submitter may ask for: `fields` filled with what would suffice, each with what is approved as `was`.
    `missing` is how much more everything costs that is still to go out, than is `left` of what was approved."""

    case_id: str
    title: str
    fields: tuple[FieldView, ...]
    missing: Decimal
    left: Decimal | None
    currency: str = "CNY"
    reason: str = ""
    problems: tuple[Problem, ...] = ()

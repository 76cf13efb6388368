"""What is shown of what follows the approval: the customers, the sending, the evaluation. Read-only values."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from engine.values import Bilingual


@dataclass(frozen=True, slots=True)
class WaterfallRow:
    """One step of the waterfall: in = out + removed. `alone`: what this rule by itself would remove from the base.
    `name` is base, an exclusion's name, holdout, control or target."""

    name: str
    label: Bilingual
    entered: int
    removed: int
    out: int
    alone: int


@dataclass(frozen=True, slots=True)
class AudienceView:
    """The frozen audience. `cells` maps cell -> (target, control)."""

    waterfall: tuple[WaterfallRow, ...]
    cells: dict[str, tuple[int, int]]
    target: int
    control: int
    digest: str
    as_of: str
    frozen_at: datetime
    sql: str


@dataclass(frozen=True, slots=True)
class WaveView:
    """A wave with its sums: audience = sent + delivered + failed + unknown + suppressed + waiting, always.
    `sent` are those whose receipt is still out."""

    id: str
    name: str
    channel: str
    state: str
    audience: int
    waiting: int
    sent: int
    delivered: int
    failed: int
    unknown: int
    suppressed: int
    started_at: datetime | None
    finished_at: datetime | None
    gate_until: datetime | None
    held_because: str
    cost: Decimal


@dataclass(frozen=True, slots=True)
class FunnelRow:
    """`count` of `of` (the denominator)."""

    name: str
    count: int
    of: int


@dataclass(frozen=True, slots=True)
class UpliftRow:
    """Lift of one arm over the control in one metric; rates as shares (0.031), means in the metric's unit."""

    arm: str
    metric: str
    method: str
    n: int
    n_control: int
    value: float
    control_value: float
    lift: float
    low: float
    high: float
    p: float


@dataclass(frozen=True, slots=True)
class EvaluationView:
    """One stored evaluation. `verdict` is a code: works, harms, no_difference, loses_money, no_control, sample_ratio,
    too_early; `warnings` are codes too. SRM p below 0.01 blocks the verdict."""

    label: str
    as_of: datetime
    funnel: tuple[FunnelRow, ...]
    uplift: tuple[UpliftRow, ...]
    srm_chi2: float | None
    srm_p: float | None
    revenue: Decimal | None
    cost: Decimal
    profit: Decimal | None
    roi: float | None
    verdict: str
    warnings: tuple[str, ...]
    digest: str

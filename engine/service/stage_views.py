"""What is shown of what follows the approval: the customers, the sending, the evaluation. Read-only values."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from engine.audience.staleness import Stale
from engine.evaluation.break_even import BreakEven
from engine.evaluation.costs import CostRow
from engine.evaluation.sentence import Verdict
from engine.values import NO_TEXT, Bilingual


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
class OverlapView:
    """So many customers to whom both exclusions apply."""

    first: str
    second: str
    first_label: Bilingual
    second_label: Bilingual
    customers: int


@dataclass(frozen=True, slots=True)
class BalanceView:
    """Means of a customer field in the target and the control group and their difference in standard deviations;
    `is_apart`: they are unlike. A mean is None where nobody has a value."""

    field: str
    label: Bilingual
    target: float | None
    control: float | None
    difference: float | None
    is_apart: bool


@dataclass(frozen=True, slots=True)
class CellView:
    """A cell: the expression `when` that its customers hold, and what they are offered; the offer is empty where no
    cell has one of its own, or the reader does not see it. `entered` are its customers before exclusions, None where no
    exclusion looks at cells; `target` and `control` are None as long as nobody was counted. `balance` was worked out
    over `looked_at` of (target, control); `is_small`: with so few chance alone makes groups unlike."""

    name: str
    when: str
    offer: str = ""
    offer_label: Bilingual = NO_TEXT
    has_own_offer: bool = False
    entered: int | None = None
    target: int | None = None
    control: int | None = None
    balance: tuple[BalanceView, ...] = ()
    looked_at: tuple[int, int] | None = None
    is_small: bool = False

    @property
    def worst(self) -> float:
        """How unlike its groups are in the field where they are most so; less than 0 where they are too small."""
        return -1 if self.is_small else max((abs(one.difference or 0) for one in self.balance), default=-1)


@dataclass(frozen=True, slots=True)
class MemberView:
    """A customer of the sample, masked; what the dataset does not have is empty."""

    customer: str
    phone: str
    name: str
    cell: str
    arm: str


@dataclass(frozen=True, slots=True)
class Detection:
    """`rise` above `base_rate` of the outcome is the smallest that the groups find 4 times in 5 at 95% confidence; None
    where they find none at all. `cases` are the earlier ones that the rate comes from, 0 where it is assumed.
    `is_declared`: the sizes come from the number declared, before anybody was counted."""

    outcome: str
    target: int
    control: int
    base_rate: float
    cases: int
    rise: float | None
    is_declared: bool = False


@dataclass(frozen=True, slots=True)
class AudienceView:
    """The frozen audience. `cells` maps cell -> (target, control), `by_cell` says more of each. `order` is that of the
    exclusions.
    `balance` was worked out over `balanced` customers; `holdout` is the version that was left out, 0 where none was;
    `explains`: it can be asked about one customer; `groups` are the versions of customer groups in it, NAME@VERSION."""

    waterfall: tuple[WaterfallRow, ...]
    cells: dict[str, tuple[int, int]]
    target: int
    control: int
    digest: str
    as_of: str
    frozen_at: datetime
    sql: str
    order: tuple[str, ...] = ()
    is_reordered: bool = False
    overlaps: tuple[OverlapView, ...] = ()
    balance: tuple[BalanceView, ...] = ()
    balanced: int = 0
    sample: tuple[MemberView, ...] = ()
    detection: Detection | None = None
    holdout: int = 0
    explains: bool = False
    groups: tuple[str, ...] = ()
    by_cell: tuple[CellView, ...] = ()


@dataclass(frozen=True, slots=True)
class StaleView:
    """The wave that waits because its list is stale, and why it is. `may_select`: it can be selected anew; then its
    approvals stand unless the count is too far from the one that was approved."""

    wave: str
    why: tuple[Stale, ...]
    may_select: bool


@dataclass(frozen=True, slots=True)
class WrongTextView:
    """A text that may not go out: the row of the wave, its customer (masked) and cell, and what is missing or not
    allowed: signature, opt_out, forbidden, link, long."""

    row: int
    customer: str
    cell: str
    kind: str
    what: str


@dataclass(frozen=True, slots=True)
class WrongTextsView:
    """So many of the `texts` of a wave may not go out, and the first of them."""

    texts: int
    wrong: int
    first: tuple[WrongTextView, ...]


@dataclass(frozen=True, slots=True)
class SeedsView:
    """What became of a wave's messages to seeds, which no other figure knows of. `left_out` were barred, had ended, or
    had no money left; `reasons` says how often what was recorded of those and of the failed; `cost` is spent of the
    budget."""

    count: int
    delivered: int
    without_receipt: int
    failed: int
    left_out: int
    waiting: int
    cost: Decimal
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WaveView:
    """A wave with its sums: audience = sent + delivered + failed + unknown + suppressed + cancelled + waiting, always.
    `sent` are those whose receipt is still out, `capped` those of the suppressed that the contact policy stopped.
    `ends_at` is when it gives up what has not gone out, `too_many` how many of the waiting its hours and its rate leave
    behind by then. `waits_for_go`: it starts when a person says go."""

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
    capped: int = 0
    cancelled: int = 0
    ends_at: datetime | None = None
    too_many: int = 0
    waits_for_go: bool = False
    wrong_texts: WrongTextsView | None = None
    seeds: SeedsView | None = None


@dataclass(frozen=True, slots=True)
class FunnelRow:
    """`count` of `of` (the denominator). `count` is None where nobody measured it, which is not 0."""

    name: str
    count: int | None
    of: int


@dataclass(frozen=True, slots=True)
class PartRow:
    """The way of the messages of one wave, channel, cell or office (`by`): so many in the ledger, `sent` of them,
    `delivered` of the sent; and the customers who `responded` and `converted` after one of the sent. `zh` and `en` are
    the name of an office as it was then."""

    by: str
    name: str
    planned: int
    sent: int
    delivered: int
    responded: int
    converted: int
    zh: str = ""
    en: str = ""

    @property
    def label(self) -> Bilingual:
        """The name in both languages; empty where there is none but `name`."""
        return Bilingual(zh=self.zh, en=self.en)


TOTAL = "total"
"""The arm of all customers together in an evaluation."""


@dataclass(frozen=True, slots=True)
class UpliftRow:
    """Lift of one arm over the control in one metric; rates as shares (0.031), means in the metric's unit. `p_holm` is
    p among all lifts of the report. What reports of earlier releases do not have is None."""

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
    p_holm: float | None = None
    relative_lift: float | None = None
    relative_low: float | None = None
    relative_high: float | None = None
    detectable: float | None = None


@dataclass(frozen=True, slots=True)
class ContaminationView:
    """How many of the `control` customers were messaged since the list was frozen: by the case itself, by other cases,
    by either. `at_most` is the share that the definition allows, None where it does not say."""

    control: int
    by_case: int
    by_others: int
    reached: int
    at_most: float | None


@dataclass(frozen=True, slots=True)
class MoneyView:
    """The money of a case: each cost as planned and as it was, what the case has to do to pay for itself. `difference`
    is `volume` + `price`. `reach_of`: the planned customers are those of the proposal or of the frozen list. A table of
    `other_currency` was not used; `unpriced` are channels that sent without a price. `booked` is what the budget was
    charged; `break_even` the lift of revenue per customer that earns the cost back."""

    currency: str
    rows: tuple[CostRow, ...]
    planned: Decimal
    actual: Decimal
    fixed: Decimal
    difference: Decimal
    volume: Decimal
    price: Decimal
    reach: int
    reach_of: str
    table_version: int
    other_currency: str
    unpriced: tuple[str, ...]
    booked: Decimal | None
    incremental: Decimal | None
    profit_low: Decimal | None
    profit_high: Decimal | None
    roi_low: float | None
    roi_high: float | None
    break_even: Decimal | None
    paying: BreakEven


@dataclass(frozen=True, slots=True)
class EvaluationView:
    """One stored evaluation. `verdict` is a code: works, harms, no_difference, loses_money, no_control, sample_ratio,
    contaminated, too_small, too_early, not_sent (`verdicts` says it in words); `warnings` are codes too. SRM p below
    0.01 blocks the verdict. `parts` are the funnel by wave, channel, cell and office; `apart` what customers did
    before any message, which is no success. `money` says more of the cost, and is None for who does not see what it is
    planned from. What reports of earlier releases do not have is None, or empty."""

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
    verdict: Verdict
    warnings: tuple[str, ...]
    digest: str
    money: MoneyView | None = None
    primary: str = ""
    confidence: float = 0.95
    profit_low: Decimal | None = None
    profit_high: Decimal | None = None
    contamination: ContaminationView | None = None
    parts: tuple[PartRow, ...] = ()
    apart: tuple[FunnelRow, ...] = ()

"""What is shown of a test of texts. Read-only values. Before its time is over they have counts and no verdict."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class VariantView:
    """A variant: the customers that get it, of whom `did` did what is measured; once decided, until then, and `late`
    more since. `rate` is there once it is decided. None: the case has too many responses for a page to look up."""

    name: str
    customers: int
    did: int | None
    late: int | None = 0
    rate: float | None = None


@dataclass(frozen=True, slots=True)
class PairView:
    """The rate of `one` minus that of `other` with Newcombe's interval, the p-value, and the one corrected for the
    number of pairs (Holm)."""

    one: str
    other: str
    difference: float
    low: float
    high: float
    p: float
    p_adjusted: float


@dataclass(frozen=True, slots=True)
class ChosenText:
    """With what it goes on, once for all. `how`: winner, no_difference, sample_ratio, person; `by` is a name, empty for
    the system. `detectable`: the smallest difference that this size shows. `digest` is that of the numbers in the
    history."""

    variant: str
    how: str
    by: str
    at: datetime
    reason: str
    detectable: float | None
    pairs: tuple[PairView, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class TextTestView:
    """The test of the wave `wave`, as it was declared, and the waves that go by it. `detectable` is the smallest
    difference that variants of `smallest` customers show from the rate `base_rate`, which comes from so many earlier
    `cases`, or is assumed (0); without a `decision`. `decides_at`: when the wait is over; None before all is out."""

    wave: str
    metric: str
    variants: tuple[VariantView, ...]
    wait: str
    confidence: float
    otherwise: str
    followed_by: tuple[str, ...]
    has_begun: bool
    decides_at: datetime | None
    base_rate: float
    cases: int
    detectable: float | None
    decision: ChosenText | None = None
    may_choose: bool = False

    @property
    def smallest(self) -> int:
        """The customers of the smallest variant; 0 as long as nobody was counted."""
        return min(one.customers for one in self.variants)

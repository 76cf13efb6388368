"""What is shown of a message before it is sent. Read-only values."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class TextView:
    """A text as a customer would see it, its values masked; `alphabet`, `length` and `segments` are those of the text
    as it would go out. `wrong`: what the house finds wrong with it, as (kind, what)."""

    customer: str
    text: str
    alphabet: str
    length: int
    segments: int
    wrong: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CellTexts:
    """The texts of a cell of so many `customers`: a few of the `looked_at`, of which `unfit` may not go out. Their
    sizes lie between `least` and `most` segments; what all of the cell cost lies about `likely`, between `low` and
    `high`. `variant`: the text that is tested against others, as if all of the cell got it."""

    cell: str
    customers: int
    looked_at: int
    texts: tuple[TextView, ...]
    least: int
    most: int
    low: Decimal
    likely: Decimal
    high: Decimal
    unfit: int = 0
    variant: str = ""


@dataclass(frozen=True, slots=True)
class MessagePreview:
    """The message of a case. `is_estimate`: of customers as they were counted, not of a frozen list. Without `cells`
    nobody was counted yet, `text` is then what is known of it. `failed` says why there is none."""

    is_estimate: bool
    cells: tuple[CellTexts, ...] = ()
    text: TextView | None = None
    failed: str = ""

    @property
    def customers(self) -> int:
        """All who would get it."""
        return sum(one.customers for one in self.cells if one.variant == self.dearest)

    @property
    def dearest(self) -> str:
        """The variant that costs most, which the budget is asked for; empty where there are none."""
        sums: dict[str, Decimal] = {}
        for one in self.cells:
            sums[one.variant] = sums.get(one.variant, Decimal()) + one.likely
        return max(sums, key=lambda name: sums[name], default="")

    @property
    def low(self) -> Decimal:
        """What it costs at least, as far as was looked; of several variants the dearest."""
        return sum((one.low for one in self.cells if one.variant == self.dearest), Decimal())

    @property
    def likely(self) -> Decimal:
        """What it costs where all are like those that were looked at."""
        return sum((one.likely for one in self.cells if one.variant == self.dearest), Decimal())

    @property
    def high(self) -> Decimal:
        """What it costs at most, as far as was looked."""
        return sum((one.high for one in self.cells if one.variant == self.dearest), Decimal())

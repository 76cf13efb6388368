"""The catalogue of metrics (指标) and dimensions (维度): what every figure is called, counts and is divided by.

Pages, REST, command line and docs all take a figure from here, so that one name has one meaning. A kind of metric is a
class: it says how its numerator and denominator are counted over the facts and what becomes of the two. Refuses to ask
anything: `engine.evaluation.statements` gives the SQL, the warehouse runs it.
"""

from collections.abc import Mapping
from decimal import Decimal
from math import sqrt
from statistics import NormalDist
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.values import Bilingual

Fact = Literal["delivery", "response", "case", "recommendation", "target", "effect"]
Unit = Literal[
    "messages", "customers", "cases", "responses", "recommendations", "targets", "share", "money", "days", "points"
]
MOST_ROWS = 10_000
Z = NormalDist().inv_cdf(0.975)


class Part(BaseModel):
    """What the parts of the catalogue share."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Figure(Part):
    """What every metric says of itself. `says` is the formula in words; `of` the table of facts it counts over."""

    label: Bilingual
    says: Bilingual
    of: Fact
    unit: Unit

    @property
    def numerator(self) -> str:
        """The SQL of what is counted, over the rows `f` of the facts and `c` of their cases."""
        raise NotImplementedError

    @property
    def denominator(self) -> str:
        """The SQL of what it is compared with."""
        raise NotImplementedError

    @property
    def ends(self) -> tuple[str, str] | None:
        """The SQL of an interval that the facts hold themselves, NULL where they hold none; None where they never do.
        It goes before `interval`."""
        return None

    @property
    def order(self) -> str:
        """By which of the two the `largest` are meant: n or d."""
        return "n"

    def value(self, numerator: Decimal, denominator: Decimal) -> float | None:
        """What the two make; None where there is nothing to divide by."""
        return float(numerator)

    def interval(self, numerator: Decimal, denominator: Decimal) -> tuple[float, float] | None:
        """The 95% interval of the value; None where it is no rate."""
        return None


class Count(Figure):
    """How many rows have a property, beside all rows of the facts that were asked about."""

    kind: Literal["count"]
    count: str
    among: str = "true"

    @property
    def numerator(self) -> str:
        """See Figure."""
        return f"count(*) FILTER ({self.count})"

    @property
    def denominator(self) -> str:
        """See Figure."""
        return f"count(*) FILTER ({self.among})"


class Distinct(Figure):
    """How many different customers have a property, beside the rows that have it."""

    kind: Literal["distinct"]
    distinct: str
    among: str

    @property
    def numerator(self) -> str:
        """See Figure."""
        return f"count(DISTINCT {self.distinct}) FILTER ({self.among})"

    @property
    def denominator(self) -> str:
        """See Figure."""
        return f"count(*) FILTER ({self.among})"


class Share(Figure):
    """A rate: how many of those that could have a property do, with Wilson's interval."""

    kind: Literal["rate"]
    count: str
    among: str

    @property
    def numerator(self) -> str:
        """See Figure."""
        return f"count(*) FILTER (({self.among}) AND ({self.count}))"

    @property
    def denominator(self) -> str:
        """See Figure."""
        return f"count(*) FILTER ({self.among})"

    def value(self, numerator: Decimal, denominator: Decimal) -> float | None:
        """See Figure."""
        return float(numerator) / float(denominator) if denominator else None

    def interval(self, numerator: Decimal, denominator: Decimal) -> tuple[float, float] | None:
        """Wilson 1927, Journal of the American Statistical Association 22:209."""
        return wilson(int(numerator), int(denominator)) if denominator else None


class Total(Figure):
    """A sum, beside the rows that it sums up. `blank`: where it sums up no row there is no figure, rather than a 0."""

    kind: Literal["total"]
    sum: str
    among: str = "true"
    blank: bool = False

    @property
    def numerator(self) -> str:
        """See Figure."""
        return f"coalesce(sum({self.sum}) FILTER ({self.among}), 0)"

    @property
    def denominator(self) -> str:
        """See Figure."""
        return f"count(*) FILTER ({self.among})"

    def value(self, numerator: Decimal, denominator: Decimal) -> float | None:
        """See Figure."""
        return None if self.blank and not denominator else float(numerator)


class Ratio(Figure):
    """A sum divided by how many rows have a property: money per message, days per case."""

    kind: Literal["ratio"]
    sum: str
    per: str

    @property
    def numerator(self) -> str:
        """See Figure."""
        return f"coalesce(sum({self.sum}), 0)"

    @property
    def denominator(self) -> str:
        """See Figure."""
        return f"count(*) FILTER ({self.per})"

    def value(self, numerator: Decimal, denominator: Decimal) -> float | None:
        """See Figure."""
        return float(numerator) / float(denominator) if denominator else None


class Quotient(Figure):
    """A sum divided by another: what was done by what was planned."""

    kind: Literal["quotient"]
    sum: str
    by: str
    among: str = "true"

    @property
    def numerator(self) -> str:
        """See Figure."""
        return f"coalesce(sum({self.sum}) FILTER ({self.among}), 0)"

    @property
    def denominator(self) -> str:
        """See Figure."""
        return f"coalesce(sum({self.by}) FILTER ({self.among}), 0)"

    def value(self, numerator: Decimal, denominator: Decimal) -> float | None:
        """See Figure."""
        return float(numerator) / float(denominator) if denominator else None


class Proportion(Figure):
    """A rate of counts that the rows hold, added up; rows that lack either are left out. With Wilson's interval."""

    kind: Literal["proportion"]
    part: str
    whole: str

    @property
    def numerator(self) -> str:
        """See Figure."""
        return f"coalesce(sum({self.part}) FILTER ({self._both}), 0)"

    @property
    def denominator(self) -> str:
        """See Figure."""
        return f"coalesce(sum({self.whole}) FILTER ({self._both}), 0)"

    @property
    def _both(self) -> str:
        return f"({self.part}) IS NOT NULL AND ({self.whole}) IS NOT NULL"

    def value(self, numerator: Decimal, denominator: Decimal) -> float | None:
        """See Figure."""
        return float(numerator) / float(denominator) if denominator else None

    def interval(self, numerator: Decimal, denominator: Decimal) -> tuple[float, float] | None:
        """See Share."""
        return wilson(int(numerator), int(denominator)) if denominator else None


class Pace(Figure):
    """How many rows have a property for each different value of `per`: recommendations for each hall and day."""

    kind: Literal["pace"]
    count: str
    per: str

    @property
    def numerator(self) -> str:
        """See Figure."""
        return f"count(*) FILTER ({self.count})"

    @property
    def denominator(self) -> str:
        """See Figure."""
        return f"count(DISTINCT {self.per}) FILTER ({self.count})"

    def value(self, numerator: Decimal, denominator: Decimal) -> float | None:
        """See Figure."""
        return float(numerator) / float(denominator) if denominator else None


class Weighed(Figure):
    """Estimates with their standard errors, of rows that `among` names and that measured the same (`alike`): rows that
    measured different things are not put together, and nothing comes of them."""

    estimate: str
    error: str
    among: str
    alike: str

    def _alike(self, made: str, fewest: str = "true") -> str:
        same = f"count(DISTINCT {self.alike}) FILTER ({self.among}) = 1"
        return f"CASE WHEN {same} AND {fewest} THEN {made} ELSE 0 END"

    def _sum(self, made: str) -> str:
        return f"sum(({made}) / ({self.error} * {self.error})) FILTER ({self.among})"


class Pooled(Weighed):
    """The mean of estimates weighed by the inverse of their variances (Cochran 1954, Biometrics 10:101), with its 95%
    interval. The one estimate of one row keeps its own interval. The numerator is the weighted sum, the denominator
    the sum of the weights."""

    kind: Literal["pooled"]
    low: str
    high: str

    @property
    def numerator(self) -> str:
        """See Figure."""
        return self._alike(self._sum(self.estimate))

    @property
    def denominator(self) -> str:
        """See Figure."""
        return self._alike(self._sum("1"))

    @property
    def ends(self) -> tuple[str, str]:
        """See Figure."""
        one = f"count(*) FILTER ({self.among}) = 1"
        low, high = (f"CASE WHEN {one} THEN min({each}) FILTER ({self.among}) END" for each in (self.low, self.high))
        return low, high

    @property
    def order(self) -> str:
        """The most certain first, whether they gain or lose."""
        return "d"

    def value(self, numerator: Decimal, denominator: Decimal) -> float | None:
        """See Figure."""
        return float(numerator / denominator) if denominator else None

    def interval(self, numerator: Decimal, denominator: Decimal) -> tuple[float, float] | None:
        """See Figure."""
        if not denominator:
            return None
        middle, half = float(numerator / denominator), Z / sqrt(denominator)
        return middle - half, middle + half


class Heterogeneity(Weighed):
    """How much of the spread of estimates is more than chance: I squared, (Q - (k - 1)) / Q (Higgins and Thompson 2002,
    Statistics in Medicine 21:1539), at least 0. The numerator is Q - (k - 1), the denominator Q; of fewer than two rows
    there is none."""

    kind: Literal["heterogeneity"]

    @property
    def numerator(self) -> str:
        """See Figure."""
        return self._alike(f"{self._q} - (count(*) FILTER ({self.among}) - 1)", self._two)

    @property
    def denominator(self) -> str:
        """See Figure."""
        return self._alike(f"greatest({self._q}, 1e-9)", self._two)

    @property
    def _two(self) -> str:
        return f"count(*) FILTER ({self.among}) > 1"

    @property
    def _q(self) -> str:
        total = self._sum(self.estimate)
        return f"({self._sum(f'{self.estimate} * {self.estimate}')} - {total} * {total} / {self._sum('1')})"

    def value(self, numerator: Decimal, denominator: Decimal) -> float | None:
        """See Figure."""
        return max(0.0, float(numerator / denominator)) if denominator else None


Metric = Annotated[
    Count | Distinct | Share | Total | Ratio | Quotient | Proportion | Pace | Pooled | Heterogeneity,
    Field(discriminator="kind"),
]


class Dimension(Part):
    """What figures are told apart by: its SQL by table of facts; those that are not named lack it. `below`: a filter by
    it takes what lies below the value as well. `roles`: only these see it, for it names people. `fewest`: a rate told
    apart by it needs as many tries, below which it says more of chance than of whose it is; `apart_from`:
    dimensions that would tell those numbers all the same. `called`: what its values are called, where they are few."""

    label: Bilingual
    by: Mapping[Fact, str]
    below: str = ""
    roles: tuple[str, ...] = ()
    fewest: int = 0
    apart_from: tuple[str, ...] = ()
    called: Mapping[str, Bilingual] = Field(default_factory=dict)


class Catalogue(Part):
    """All metrics and dimensions, by name. `days`: the day of a row of facts, for `since` and `until`. `report` says
    what the figures of the report on one case are."""

    days: Mapping[Fact, str]
    dimensions: Mapping[str, Dimension]
    metrics: Mapping[str, Metric]
    report: Mapping[str, Bilingual] = Field(default_factory=dict)

    def dimensions_of(self, metric: str) -> tuple[str, ...]:
        """The dimensions that a metric can be told apart by."""
        return tuple(name for name, one in self.dimensions.items() if self.metrics[metric].of in one.by)


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Wilson's 95% interval of a rate."""
    rate, spread = part / whole, Z * Z / whole
    middle = (rate + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * sqrt(rate * (1 - rate) / whole + spread / whole / 4)
    return max(0.0, middle - half), min(1.0, middle + half)

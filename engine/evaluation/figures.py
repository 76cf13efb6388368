"""The catalogue of metrics (指标) and dimensions (维度): what every figure is called, counts and is divided by.

Pages, REST, command line and docs all take a figure from here, so that one name has one meaning. A kind of metric is a
class: it says how its numerator and denominator are counted over the facts and what becomes of the two. Refuses to ask
anything: `statement` gives the SQL, the warehouse runs it.
"""

from collections.abc import Mapping
from decimal import Decimal
from math import sqrt
from statistics import NormalDist
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.values import Bilingual

Fact = Literal["delivery", "response", "case", "recommendation", "effect"]
Unit = Literal["messages", "customers", "cases", "responses", "recommendations", "share", "money", "days", "points"]
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
    """A sum, beside the rows that it sums up. `of_none`: what the sum of no row is, 0 or nothing that is known."""

    kind: Literal["total"]
    sum: str
    among: str = "true"
    of_none: Literal["zero", "unknown"] = "zero"

    def value(self, numerator: Decimal, denominator: Decimal) -> float | None:
        """See Figure."""
        return None if self.of_none == "unknown" and not denominator else float(numerator)

    @property
    def numerator(self) -> str:
        """See Figure."""
        return f"coalesce(sum({self.sum}) FILTER ({self.among}), 0)"

    @property
    def denominator(self) -> str:
        """See Figure."""
        return f"count(*) FILTER ({self.among})"


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
    Count | Distinct | Share | Total | Ratio | Proportion | Pace | Pooled | Heterogeneity, Field(discriminator="kind")
]


class Dimension(Part):
    """What figures are told apart by: its SQL by table of facts; those that are not named lack it. `below`: a filter by
    it takes what lies below the value as well. `roles`: only these see it, for it names people. `fewest`: a rate told
    apart by it needs as many tries, below which it says more of chance than of whose it is. `called`: `apart_from`:
    dimensions that would tell those numbers all the same. `called`: what its values are called, where they are few."""

    label: Bilingual
    by: Mapping[Fact, str]
    below: str = ""
    roles: tuple[str, ...] = ()
    fewest: int = 0
    apart_from: tuple[str, ...] = ()
    called: Mapping[str, Bilingual] = Field(default_factory=dict)


class Catalogue(Part):
    """All metrics and dimensions, by name. `days`: the day of a row of facts, for `since` and `until`."""

    days: Mapping[Fact, str]
    dimensions: Mapping[str, Dimension]
    metrics: Mapping[str, Metric]

    def dimensions_of(self, metric: str) -> tuple[str, ...]:
        """The dimensions that a metric can be told apart by."""
        return tuple(name for name, one in self.dimensions.items() if self.metrics[metric].of in one.by)


class Asked(Part):
    """Metrics over one table of facts, told apart by dimensions, of rows with these values of others; `since` and
    `until` are days as ISO text, both included, empty for no limit. `largest`: only so many, those first where the
    first metric counts most."""

    metrics: tuple[str, ...]
    by: tuple[str, ...] = ()
    where: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    since: str = ""
    until: str = ""
    largest: int = 0


class Statement(Part):
    """SQL over the views of the star and the table `seen` of visible cases, with the values of its places."""

    sql: str
    values: tuple[str, ...]


SEEN = (
    "c AS (SELECT k.*, o.city FROM fact_case AS k LEFT JOIN dim_office AS o ON o.office = k.office"
    " WHERE k.case_id IN (SELECT case_id FROM seen))"
)
"""The one place where facts meet what the viewer may see: every statement begins with it, and every row of facts is
joined with it."""


def statement(catalogue: Catalogue, asked: Asked) -> Statement:
    """The statement that answers; the caller has checked every name. Its columns are the dimensions in order, then the
    numerator and the denominator of each metric, and the ends of its interval where the facts may hold them."""
    metrics = [catalogue.metrics[name] for name in asked.metrics]
    (fact,) = {one.of for one in metrics}
    keys = [
        f"coalesce(CAST({catalogue.dimensions[name].by[fact]} AS VARCHAR), '') AS k{n}"
        for n, name in enumerate(asked.by)
    ]
    figures = [f"{figure.numerator} AS n{n}, {figure.denominator} AS d{n}" for n, figure in enumerate(metrics)]
    figures += [f"{one.ends[0]} AS l{n}, {one.ends[1]} AS h{n}" for n, one in enumerate(metrics) if one.ends]
    wanted, values = _filters(catalogue, fact, asked)
    source = "c" if fact == "case" else f"fact_{fact} AS f JOIN c ON c.case_id = f.case_id"
    lines = [f"WITH {SEEN}", f"SELECT {', '.join([*keys, *figures])}", f"FROM {source}"]
    if wanted:
        lines.append(f"WHERE {' AND '.join(wanted)}")
    if keys:
        places = ", ".join(f"k{n}" for n in range(len(keys)))
        first, most = (f"{metrics[0].order}0 DESC, ", asked.largest) if asked.largest else ("", MOST_ROWS)
        lines += [f"GROUP BY {places}", f"ORDER BY {first}{places}", f"LIMIT {most + 1}"]
    return Statement(sql="\n".join(lines), values=values)


def _filters(catalogue: Catalogue, fact: Fact, asked: Asked) -> tuple[list[str], tuple[str, ...]]:
    wanted: list[str] = []
    values: list[str] = []
    for name, some in asked.where.items():
        one = catalogue.dimensions[name]
        places = ", ".join("?" for _ in some)
        expression = f"CAST({one.by[fact]} AS VARCHAR)"
        if one.below:
            wanted.append(f"{expression} IN ({one.below.format(values=places)})")
        else:
            wanted.append(f"coalesce({expression}, '') IN ({places})")
        values += some
    for limit, sign in ((asked.since, ">="), (asked.until, "<=")):
        if limit:
            wanted.append(f"{catalogue.days[fact]} {sign} CAST(? AS DATE)")
            values.append(limit)
    return wanted, tuple(values)


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Wilson's 95% interval of a rate."""
    rate, spread = part / whole, Z * Z / whole
    middle = (rate + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * sqrt(rate * (1 - rate) / whole + spread / whole / 4)
    return max(0.0, middle - half), min(1.0, middle + half)

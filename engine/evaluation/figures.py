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

Fact = Literal["delivery", "response", "case", "recommendation", "target"]
Unit = Literal["messages", "customers", "cases", "responses", "recommendations", "targets", "share", "money", "days"]
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


Metric = Annotated[Count | Distinct | Share | Total | Ratio | Quotient, Field(discriminator="kind")]


class Dimension(Part):
    """What figures are told apart by: its SQL by table of facts; those that are not named lack it. `below`: a filter by
    it takes what lies below the value as well. `roles`: only these see it, for it names people."""

    label: Bilingual
    by: Mapping[Fact, str]
    below: str = ""
    roles: tuple[str, ...] = ()


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


class Asked(Part):
    """Metrics over one table of facts, told apart by dimensions, of rows with these values of others; `since` and
    `until` are days as ISO text, both included, empty for no limit. `largest`: only so many, those first where the
    first metric counts most.

    `of_cases`: days and months are those on which the cases were begun, whatever is counted, so that metrics over
    several tables of facts stand in one row; the first metric must be over a table that has every key. `whole`: every
    row, however many."""

    metrics: tuple[str, ...]
    by: tuple[str, ...] = ()
    where: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    since: str = ""
    until: str = ""
    largest: int = 0
    of_cases: bool = False
    whole: bool = False


class Statement(Part):
    """SQL over the views of the star and the table `seen` of visible cases, with the values of its places."""

    sql: str
    values: tuple[str, ...]


OF_ROWS = "f.customer"
"""What is told of single deliveries alone; all else is counted over their sums, which are a thirtieth of them."""

SEEN = (
    "c AS (SELECT k.*, o.city, coalesce(k.due_at < s.as_of, false) AS is_overdue"
    " FROM fact_case AS k CROSS JOIN shown AS s LEFT JOIN dim_office AS o ON o.office = k.office"
    " WHERE k.case_id IN (SELECT case_id FROM seen))"
)
"""The one place where facts meet what the viewer may see: every statement begins with it, and every row of facts is
joined with it. `shown` has the moment whose ledger the facts show."""
PLANNED = (
    "(SELECT t.*, CASE WHEN t.ends_at <= t.starts_at THEN t.target ELSE round(t.target * least(1.0,"
    " (epoch(s.as_of) - epoch(t.starts_at)) / (epoch(t.ends_at) - epoch(t.starts_at)))) END AS planned"
    " FROM fact_target AS t CROSS JOIN shown AS s)"
)
"""Targets with how much of each a straight line over its window has by then, as `engine.service.completing` says."""


def statement(catalogue: Catalogue, asked: Asked) -> Statement:
    """The statement that answers; the caller has checked every name. Its columns are the dimensions in order, then the
    numerator and the denominator of each metric."""
    metrics = [catalogue.metrics[name] for name in asked.metrics]
    tables = tuple(dict.fromkeys(one.of for one in metrics))
    parts = [_of_fact(catalogue, fact, asked, within=n > 0) for n, fact in enumerate(tables)]
    places = [f"k{n}" for n in range(len(asked.by))]
    ordered = []
    if places:
        first = "n0 DESC, " if asked.largest else ""
        ordered.append(f"ORDER BY {first}{', '.join(places)}")
        ordered += [] if asked.whole else [f"LIMIT {(asked.largest or MOST_ROWS) + 1}"]
    if len(parts) == 1:
        lines = [f"WITH {SEEN}", *parts[0][0]]
    else:
        told = [f"coalesce({side}{n}, 0) AS {side}{n}" for n in range(len(metrics)) for side in "nd"]
        lines = [f"WITH {SEEN}, p0 AS (", *parts[0][0], *ordered, ")"]
        lines += [f"SELECT {', '.join([*places, *told])}", "FROM p0"]
        for n, (inner, _) in enumerate(parts[1:], 1):
            joined = f"USING ({', '.join(places)})" if places else "ON true"
            lines += ["LEFT JOIN (", *inner, f") AS p{n} {joined}"]
    values = tuple(value for _, some in parts for value in some)
    return Statement(sql="\n".join([*lines, *ordered]), values=values)


def _of_fact(catalogue: Catalogue, fact: Fact, asked: Asked, *, within: bool) -> tuple[list[str], tuple[str, ...]]:
    """The lines that count what is over one table of facts, and the values of their places. `within`: only rows of the
    keys of `p0`: customers of 50 cases are told apart in a tenth of a second, those of 100,000 in many."""
    told = [f"coalesce(CAST({_told(catalogue, name, fact, asked)} AS VARCHAR), '')" for name in asked.by]
    keys = [f"{one} AS k{n}" for n, one in enumerate(told)]
    every = enumerate(catalogue.metrics[name] for name in asked.metrics)
    figures = [f"{one.numerator} AS n{n}, {one.denominator} AS d{n}" for n, one in every if one.of == fact]
    wanted, values = _filters(catalogue, fact, asked)
    if within and asked.largest and told:
        wanted.append(f"{told[0]} IN (SELECT k0 FROM p0)")
    table = PLANNED if fact == "target" else f"fact_{fact}"
    source = "c" if fact == "case" else f"{table} AS f JOIN c ON c.case_id = f.case_id"
    if fact == "delivery" and not any(OF_ROWS in one for one in (*keys, *figures)):
        source = "sum_delivery AS f JOIN c ON c.case_id = f.case_id"
        figures = [one.replace("count(*)", "sum(f.n)") for one in figures]
    lines = [f"SELECT {', '.join([*keys, *figures])}", f"FROM {source}"]
    if wanted:
        lines.append(f"WHERE {' AND '.join(wanted)}")
    if keys:
        lines.append(f"GROUP BY {', '.join(f'k{n}' for n in range(len(keys)))}")
    return lines, values


def _told(catalogue: Catalogue, name: str, fact: Fact, asked: Asked) -> str:
    """The SQL of a dimension."""
    by = catalogue.dimensions[name].by
    return by["case"] if asked.of_cases and "case" in by else by[fact]


def _filters(catalogue: Catalogue, fact: Fact, asked: Asked) -> tuple[list[str], tuple[str, ...]]:
    wanted: list[str] = []
    values: list[str] = []
    for name, some in asked.where.items():
        one = catalogue.dimensions[name]
        places = ", ".join("?" for _ in some)
        expression = f"CAST({_told(catalogue, name, fact, asked)} AS VARCHAR)"
        if one.below:
            wanted.append(f"{expression} IN ({one.below.format(values=places)})")
        else:
            wanted.append(f"coalesce({expression}, '') IN ({places})")
        values += some
    day = catalogue.days["case" if asked.of_cases else fact]
    for limit, sign in ((asked.since, ">="), (asked.until, "<=")):
        if limit:
            wanted.append(f"{day} {sign} CAST(? AS DATE)")
            values.append(limit)
    return wanted, tuple(values)


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Wilson's 95% interval of a rate."""
    rate, spread = part / whole, Z * Z / whole
    middle = (rate + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * sqrt(rate * (1 - rate) / whole + spread / whole / 4)
    return max(0.0, middle - half), min(1.0, middle + half)

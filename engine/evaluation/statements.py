"""From a question in the words of the catalogue to SQL over the star.

Every statement is joined with the cases that the viewer may see; values stand in places, never in the text. Refuses to
check names: the caller has.
"""

from collections.abc import Mapping

from pydantic import Field

from engine.evaluation.figures import MOST_ROWS, Catalogue, Fact, Part


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
    """SQL over the views of the star and the table `seen_case` of visible cases, with the values of its places."""

    sql: str
    values: tuple[str, ...]


OF_ROWS = "f.customer"
"""What is told of single deliveries alone; all else is counted over their sums, which are a thirtieth of them."""

SEEN = "c AS (SELECT * FROM seen_case)"
"""The one place where facts meet what the viewer may see: every statement begins with it, and every row of facts is
joined with it."""
SEEN_CASES = (
    "SELECT k.*, o.city, coalesce(k.due_at < s.as_of, false) AS is_overdue"
    " FROM fact_case AS k CROSS JOIN shown AS s LEFT JOIN dim_office AS o ON o.office = k.office"
    " WHERE k.case_id IN (SELECT case_id FROM seen)"
)
"""The rows of `seen_case`: the cases of the table `seen`, made once for all statements. `shown` has the moment whose
ledger the facts show."""
PLANNED = (
    "(SELECT t.*, CASE WHEN t.ends_at <= t.starts_at THEN t.target ELSE round(t.target * least(1.0,"
    " (epoch(s.as_of) - epoch(t.starts_at)) / (epoch(t.ends_at) - epoch(t.starts_at)))) END AS planned"
    " FROM fact_target AS t CROSS JOIN shown AS s)"
)
"""Targets with how much of each a straight line over its window has by then, as `engine.service.completing` says."""


def statement(catalogue: Catalogue, asked: Asked) -> Statement:
    """The statement that answers; the caller has checked every name. Its columns are the dimensions in order, then the
    numerator and the denominator of each metric, and the ends of its interval where the facts may hold them."""
    metrics = [catalogue.metrics[name] for name in asked.metrics]
    tables = tuple(dict.fromkeys(one.of for one in metrics))
    parts = [_of_fact(catalogue, fact, asked, within=n > 0) for n, fact in enumerate(tables)]
    places = [f"k{n}" for n in range(len(asked.by))]
    ordered = []
    if places:
        first = f"{metrics[0].order}0 DESC, " if asked.largest else ""
        ordered.append(f"ORDER BY {first}{', '.join(places)}")
        ordered += [] if asked.whole else [f"LIMIT {(asked.largest or MOST_ROWS) + 1}"]
    if len(parts) == 1:
        lines = [f"WITH {SEEN}", *parts[0][0]]
    else:
        told = [f"coalesce({side}{n}, 0) AS {side}{n}" for n in range(len(metrics)) for side in "nd"]
        told += [f"{side}{n}" for n, one in enumerate(metrics) if one.ends for side in "lh"]
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
    mine = [(n, one) for n, one in enumerate(map(catalogue.metrics.__getitem__, asked.metrics)) if one.of == fact]
    figures = [f"{one.numerator} AS n{n}, {one.denominator} AS d{n}" for n, one in mine]
    figures += [f"{one.ends[0]} AS l{n}, {one.ends[1]} AS h{n}" for n, one in mine if one.ends]
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

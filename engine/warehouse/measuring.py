"""Joins the frozen list of a case with what its customers did, and sums it up per cell and arm.

DuckDB does the join; Python sees a few rows however large the audience is. Every customer of the list counts, also
those whom no message reached: an effect is that of the decision to contact them. An imported outcome that is not known
of a customer is left out, an event (response, conversion) that did not come in did not happen.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from engine.evaluation.groups import MOST_DISTINCT, Group, Sample, Spread
from engine.evaluation.metrics import Measure

EVENTS = pa.schema([("customer", pa.string()), ("kind", pa.string()), ("value", pa.decimal128(18, 2))])
COUNTED: dict[str, Measure] = {"response": "rate", "conversion": "rate", "revenue": "mean"}


@dataclass(frozen=True, slots=True)
class CellArm:
    """A cell's customers in one arm."""

    cell: str
    arm: str


def measure_case(
    audience: Path,
    events: pa.Table,
    files: Sequence[Path],
    *,
    outcomes: Mapping[str, Measure],
    worth: Mapping[str, Decimal],
    memory: str = "1GB",
) -> dict[CellArm, Group]:
    """The groups of the frozen list `audience`, by cell and arm, with response, conversion, revenue and `outcomes`.

    `events` has the schema EVENTS; `files` are imported outcomes (customer, metric, value), of which a later one
    replaces what an earlier one said of a customer. `worth` prices a conversion that names no value, and each unit of
    an imported outcome.
    """
    measures = COUNTED | dict(outcomes)
    with contextlib.closing(duckdb.connect(config={"memory_limit": memory})) as db:
        db.register("events", events.cast(EVENTS))
        _gather(db, audience, files, outcomes, worth)
        is_priced = bool(worth) or _priced(db)
        rows = db.execute(_sums(list(measures))).fetchall()
        spreads = {name: _spreads(db, name) for name, measure in measures.items() if measure == "mean"}
    groups = {}
    for cell, arm, n, *sums in rows:
        place = CellArm(cell, arm)
        samples = {name: _sample(sums[3 * k : 3 * k + 3], measures[name]) for k, name in enumerate(measures)}
        value = _sample(sums[-3:], "mean") if is_priced else None
        groups[place] = Group(n, samples, value, {name: by[place] for name, by in spreads.items() if place in by})
    return groups


def control_customers(audience: Path, at_once: int) -> Iterator[list[str]]:
    """The control customers of a frozen list, so many at a time."""
    with contextlib.closing(duckdb.connect()) as db:
        found = db.execute(f"SELECT customer FROM {_parquet(audience)} WHERE arm = 'control' ORDER BY customer")
        while rows := found.fetchmany(at_once):
            yield [row[0] for row in rows]


def _gather(
    db: duckdb.DuckDBPyConnection,
    audience: Path,
    files: Sequence[Path],
    outcomes: Mapping[str, Measure],
    worth: Mapping[str, Decimal],
) -> None:
    """The table `measured`: one row per customer of the list, one column per outcome, and `value` in money."""
    each = Decimal() if "conversion" in outcomes else worth.get("conversion", Decimal())
    db.execute(
        "CREATE TEMP TABLE answered AS SELECT customer, bool_or(kind IN ('response', 'conversion')) AS response,"
        " bool_or(kind = 'conversion') AS conversion,"
        f" sum(CASE WHEN kind = 'conversion' THEN coalesce(value, {each}) END)::DOUBLE AS revenue"
        " FROM events GROUP BY customer"
    )
    db.execute("CREATE TEMP TABLE imported (customer VARCHAR, metric VARCHAR, value DOUBLE, file INTEGER)")
    for place, file in enumerate(files):
        db.execute(f"INSERT INTO imported SELECT customer, metric, value, {place} FROM {_parquet(file)}")
    pivot = "".join(f", arg_max(value, file) FILTER (metric = {_text(name)}) AS {_name(name)}" for name in outcomes)
    db.execute(f"CREATE TEMP TABLE outcome AS SELECT customer{pivot} FROM imported GROUP BY customer")
    columns = {
        "response": "coalesce(a.response, false)::INTEGER::DOUBLE",
        "conversion": "coalesce(a.conversion, false)::INTEGER::DOUBLE",
        "revenue": "coalesce(a.revenue, 0)",
    } | {name: f"o.{_name(name)}" for name in outcomes}
    priced = " + ".join(
        ["coalesce(a.revenue, 0)", *(f"o.{_name(name)} * {float(worth[name])!r}" for name in outcomes if name in worth)]
    )
    selected = ", ".join(f"{expression} AS {_name(name)}" for name, expression in columns.items())
    db.execute(
        f'CREATE TEMP TABLE measured AS SELECT m.cell, m.arm, {selected}, {priced} AS "value in money"'
        f" FROM {_parquet(audience)} AS m"
        " LEFT JOIN answered AS a USING (customer) LEFT JOIN outcome AS o USING (customer)"
    )


def _sums(names: Sequence[str]) -> str:
    each = ", ".join(
        f"count({name}), coalesce(avg({name}), 0), coalesce(var_pop({name}), 0)"
        for name in map(_name, [*names, "value in money"])
    )
    return f"SELECT cell, arm, count(*), {each} FROM measured GROUP BY cell, arm ORDER BY cell, arm"


def _priced(db: duckdb.DuckDBPyConnection) -> bool:
    found = db.execute("SELECT count(*) FROM events WHERE kind = 'conversion' AND value IS NOT NULL").fetchone()
    return bool(found and found[0])


def _sample(sums: Sequence[Any], measure: Measure) -> Sample:
    n, mean, variance = sums
    return Sample.counted(n, round(n * mean)) if measure == "rate" else Sample(n, mean, n * variance)


def _spreads(db: duckdb.DuckDBPyConnection, name: str) -> dict[CellArm, Spread]:
    """Empty where there are too many distinct values for a bootstrap."""
    rows = db.execute(
        f"SELECT cell, arm, {_name(name)} AS v, count(*) FROM measured WHERE v IS NOT NULL GROUP BY ALL ORDER BY ALL"
        f" LIMIT {MOST_DISTINCT + 1}"
    ).fetchall()
    if len(rows) > MOST_DISTINCT:
        return {}
    found: dict[CellArm, tuple[list[float], list[int]]] = {}
    for cell, arm, value, count in rows:
        values, counts = found.setdefault(CellArm(cell, arm), ([], []))
        values.append(value)
        counts.append(count)
    return {place: Spread(tuple(values), tuple(counts)) for place, (values, counts) in found.items()}


def _parquet(path: Path) -> str:
    return f"read_parquet({_text(str(path))})"


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

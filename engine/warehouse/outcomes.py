"""An outcome file as an analyst has it: one row per customer, a column with the arm, columns with outcomes.

DuckDB reads it, so it may be larger than memory and packed with gzip; `outcome_source` looks at it first. Blanks are
unknown, not 0: such a customer does not count for that outcome. Rows that are too short, too long or not UTF-8 are left
out and named. Refuses an outcome column that holds anything but numbers, and a rate that is not yes or no: then it is
the wrong column; arms and subgroups by a column of hundreds of values; and arms that differ in capitals only.
"""

import contextlib
import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any

import duckdb

from engine.errors import InvalidFile, Problem
from engine.evaluation.groups import Group, Sample, Spread
from engine.evaluation.metrics import NO, YES, Measure
from engine.warehouse import outcome_source
from engine.warehouse.outcome_source import source

MOST_PARTS = 50  # values of a column of subgroups
MOST_ARMS = 100
MESSAGED = " messaged"  # how the column of --messaged is called among the outcomes; no outcome begins with a space


@dataclass(frozen=True, slots=True)
class Outcome:
    """`name` is how the report calls it, `column` how the file does; `worth` is what one unit of it is worth."""

    name: str
    column: str
    measure: Measure
    worth: float | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """An outcome file summed up. `unassigned` rows name no arm; `rejected` could not be read, the first 100 named.
    `parts`: column -> its value -> arm; a blank value is "". `messaged`: how many customers of each arm were, where a
    column says so."""

    arms: Mapping[str, Group]
    unassigned: int
    rejected: tuple[Problem, ...]
    rejected_count: int
    parts: Mapping[str, Mapping[str, Mapping[str, Group]]] = field(default_factory=dict)
    messaged: Mapping[str, int] = field(default_factory=dict)


def columns(path: Path) -> tuple[str, ...]:
    """The columns of the file, in order. InvalidFile where there is no such file or it has no header."""
    with _told(path), duckdb.connect() as connection:
        return outcome_source.columns(connection, path)


def arms(path: Path, column: str) -> tuple[str, ...]:
    """The first 20 distinct values of the arm column, sorted."""
    with _told(path), duckdb.connect() as connection:
        _known(connection, path, [column])
        rows = connection.execute(
            f"SELECT DISTINCT {_trimmed(column)} AS arm FROM {source(path)} WHERE arm <> '' ORDER BY arm LIMIT 20"
        ).fetchall()
        return tuple(row[0] for row in rows)


def measure(
    path: Path, *, arm: str, outcomes: Sequence[Outcome], by: Sequence[str] = (), messaged: str | None = None
) -> Measured:
    """Sum the file up per value of the column `arm`, and of each column of `by`. `messaged` is a column of yes and no.
    InvalidFile names unknown columns and wrong values."""
    asked = [*outcomes, *([Outcome(MESSAGED, messaged, "rate")] if messaged else [])]
    with _told(path), duckdb.connect() as connection:
        _known(connection, path, [arm, *(outcome.column for outcome in asked), *by])
        parts = [f"{_trimmed(arm)} AS arm"]
        parts += [f"{_number(outcome)} AS m{n}" for n, outcome in enumerate(asked)]
        parts += [f"coalesce({_trimmed(column)}, '') AS s{n}" for n, column in enumerate(by)]
        connection.execute(f"CREATE TEMP TABLE outcome AS SELECT {', '.join(parts)} FROM {source(path)}")
        rejected, rejected_count = _rejected(connection, path)
        if not _one(connection, "SELECT count(*) FROM outcome"):
            hint = "below the headings stands one customer a line"
            nothing = Problem("F113", f"{path.name} has columns and not one row that can be read", hint)
            raise InvalidFile([nothing, *rejected[:3]])
        _check_arms(connection, arm)
        _check_values(connection, path, asked)
        found = {name: _arm(connection, row, asked, name) for _, name, *row in _sums(connection, asked, "''")}
        _check_priced(outcomes, found)
        return Measured(
            arms={name: _without_messaged(group) for name, group in found.items()},
            unassigned=_one(connection, "SELECT count(*) FROM outcome WHERE arm IS NULL OR arm = ''"),
            rejected=rejected,
            rejected_count=rejected_count,
            parts={column: _parts(connection, column, f"s{n}", outcomes) for n, column in enumerate(by)},
            messaged={name: group.samples[MESSAGED].successes for name, group in found.items()} if messaged else {},
        )


def _without_messaged(group: Group) -> Group:
    return replace(group, samples={name: sample for name, sample in group.samples.items() if name != MESSAGED})


def _parts(
    connection: duckdb.DuckDBPyConnection, column: str, place: str, outcomes: Sequence[Outcome]
) -> dict[str, dict[str, Group]]:
    values = _one(connection, f"SELECT count(DISTINCT {place}) FROM outcome WHERE {place} <> ''")
    if not values:
        raise InvalidFile([Problem("F115", f"column {column} is blank in every row", "leave it out of --by")])
    if values > MOST_PARTS:
        hint = f"at most {MOST_PARTS}; put them into groups in a column of their own"
        raise InvalidFile([Problem("F115", f"column {column} has {values:,} different values", hint)])
    found: dict[str, dict[str, Group]] = {}
    for value, arm, *row in _sums(connection, outcomes, place):
        found.setdefault(value, {})[arm] = _group(row, outcomes, {})
    return found


def _check_priced(outcomes: Sequence[Outcome], arms: Mapping[str, Group]) -> None:
    """A priced outcome of which nobody knows a value: revenue is missing, and is not 0."""
    missing = [
        Problem(
            "F114",
            f"column {outcome.column} is blank in every row, so the revenue of {outcome.name} is missing",
            "leave out --value-per, or name the column that holds it",
        )
        for outcome in outcomes
        if outcome.worth is not None and not any(group.samples[outcome.name].n for group in arms.values())
    ]
    if missing:
        raise InvalidFile(missing)


def _known(connection: duckdb.DuckDBPyConnection, path: Path, wanted: Sequence[str]) -> None:
    there = outcome_source.columns(connection, path)
    outcome_source.check_headings(connection, path, wanted)
    problems = []
    for name in dict.fromkeys(wanted):
        if name not in there:
            near = alike(name, there)
            hint = f"did you mean {near}?" if near else f"columns: {', '.join(there)}"
            problems.append(Problem("F103", f"{path.name} has no column {name}", hint))
    if problems:
        raise InvalidFile(problems)


def alike(name: str, there: Sequence[str]) -> str:
    """What was meant by a name that is not there: the same but for capitals, else the nearest; empty for none."""
    same = [one for one in there if one.casefold() == name.strip().casefold()]
    return next(iter(same or difflib.get_close_matches(name, there, n=1, cutoff=0.5)), "")


def _check_arms(connection: duckdb.DuckDBPyConnection, column: str) -> None:
    count = _one(connection, "SELECT count(DISTINCT arm) FROM outcome")
    if count > MOST_ARMS:
        hint = f"at most {MOST_ARMS}; name the column that says who was treated how"
        raise InvalidFile([Problem("F107", f"column {column} has {count:,} different arms", hint)])
    twins = connection.execute(
        "SELECT string_agg(arm, ' and ' ORDER BY arm) FROM (SELECT DISTINCT arm FROM outcome WHERE arm <> '')"
        " GROUP BY lower(arm) HAVING count(*) > 1 ORDER BY 1"
    ).fetchall()
    if twins:
        hint = "write them alike, or name them otherwise"
        raise InvalidFile(
            [Problem("F107", f"arms of column {column} differ in capitals only: {names}", hint) for (names,) in twins]
        )


def _sums(connection: duckdb.DuckDBPyConnection, outcomes: Sequence[Outcome], place: str) -> list[tuple[Any, ...]]:
    """(value of `place`, arm, customers, then three figures per outcome and of the value in money)."""
    priced = [f"m{n} * {outcome.worth!r}" for n, outcome in enumerate(outcomes) if outcome.worth is not None]
    value = " + ".join(priced) or "NULL::DOUBLE"
    names = [*(f"m{n}" for n in range(len(outcomes))), "value"]
    sums = ", ".join(f"count({name}), coalesce(avg({name}), 0), coalesce(var_pop({name}), 0)" for name in names)
    return connection.execute(
        f"SELECT {place} AS place, arm, count(*), {sums} FROM (SELECT *, {value} AS value FROM outcome)"
        " WHERE arm <> '' GROUP BY place, arm ORDER BY place, arm"
    ).fetchall()


def _arm(connection: duckdb.DuckDBPyConnection, row: Sequence[Any], outcomes: Sequence[Outcome], arm: str) -> Group:
    spreads = {
        outcome.name: _spread(connection, arm, f"m{n}")
        for n, outcome in enumerate(outcomes)
        if outcome.measure == "mean"
    }
    return _group(row, outcomes, spreads)


def _group(row: Sequence[Any], outcomes: Sequence[Outcome], spreads: Mapping[str, Spread]) -> Group:
    samples = [_sample(row, 1 + 3 * n) for n in range(len(outcomes) + 1)]
    for outcome, sample in zip([*outcomes, None], samples, strict=True):
        if not (isfinite(sample.mean) and isfinite(sample.deviations)):
            column = "the priced columns" if outcome is None else f"column {outcome.column}"
            raise InvalidFile([Problem("F106", f"the values of {column} are too large to add up")])
    named = {
        outcome.name: Sample.counted(sample.n, round(sample.total)) if outcome.measure == "rate" else sample
        for outcome, sample in zip(outcomes, samples, strict=False)
    }
    is_priced = any(outcome.worth is not None for outcome in outcomes)
    return Group(row[0], named, samples[-1] if is_priced else None, spreads)


def _sample(row: Sequence[Any], at: int) -> Sample:
    n, mean, variance = row[at : at + 3]
    return Sample(n, mean, n * variance)


def _spread(connection: duckdb.DuckDBPyConnection, arm: str, name: str) -> Spread:
    rows = connection.execute(
        f"SELECT {name}, count(*) FROM outcome WHERE arm = ? AND {name} IS NOT NULL GROUP BY 1 ORDER BY 1 LIMIT 5001",
        [arm],
    ).fetchall()
    return Spread(tuple(row[0] for row in rows), tuple(row[1] for row in rows))


def _check_values(connection: duckdb.DuckDBPyConnection, path: Path, outcomes: Sequence[Outcome]) -> None:
    problems = []
    for n, outcome in enumerate(outcomes):
        wrong = _one(connection, f"SELECT count(*) FROM outcome WHERE isnan(m{n})")
        if wrong:
            example, row = connection.execute(
                f"SELECT example, row FROM (SELECT {_quoted(outcome.column)} AS example, {_number(outcome)} AS value,"
                f" row_number() OVER () AS row FROM {source(path)}) WHERE isnan(value) ORDER BY row LIMIT 1"
            ).fetchone() or ("", 0)
            line, at = outcome_source.place(connection, path, outcome.column, row, example)
            told = _wrong(outcome, wrong, example, row)
            problems.append(replace(told, line=line, column=at, file=path.name if line else ""))
    if problems:
        raise InvalidFile(problems)


def _wrong(outcome: Outcome, count: int, example: str, row: int) -> Problem:
    what, hint = "not numeric", "write it like 1200.50; leave unknown values blank"
    if outcome.measure == "rate":
        what = "neither 0 nor 1 (or yes, no, true, false)"
        hint = "leave it blank" if outcome.name == MESSAGED else f"a number is read by {outcome.name}=…:mean"
    values = "1 value is" if count == 1 else f"{count} values are"
    return Problem("F104", f"in column {outcome.column} {values} {what}, first {example[:40]!r} in row {row}", hint)


def _rejected(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[tuple[Problem, ...], int]:
    lines = _one(connection, "SELECT count(DISTINCT line) FROM reject_errors")
    rows = connection.execute(
        "SELECT line, min(lower(error_type)) FROM reject_errors GROUP BY line ORDER BY line LIMIT 100"
    ).fetchall()
    hints = {"invalid encoding": "save the file as UTF-8"}
    told = [Problem("F105", kind, hints.get(kind, ""), line=line, column=1, file=path.name) for line, kind in rows]
    return tuple(told), lines


def _number(outcome: Outcome) -> str:
    """NULL where blank, NaN where wrong (a NaN in the file is wrong too)."""
    text = _trimmed(outcome.column)
    if outcome.measure == "rate":
        yes, no = (", ".join(f"'{word}'" for word in words) for words in (YES, NO))
        good = f"WHEN lower({text}) IN ({yes}) THEN 1::DOUBLE WHEN lower({text}) IN ({no}) THEN 0::DOUBLE"
    else:
        good = f"WHEN isfinite(TRY_CAST({text} AS DOUBLE)) THEN TRY_CAST({text} AS DOUBLE)"
    return f"CASE WHEN coalesce({text}, '') = '' THEN NULL::DOUBLE {good} ELSE 'nan'::DOUBLE END"


def _trimmed(column: str) -> str:
    return f"trim({_quoted(column)})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """What DuckDB cannot read is told in one sentence."""
    try:
        yield
    except duckdb.Error as error:
        said = [line for line in str(error).partition(": ")[2].splitlines() if not line.startswith("Original Line")]
        why = (
            " ".join(said[:2]) if said and said[0].startswith("CSV Error on Line") else (said or ["not a CSV file"])[0]
        )
        if why.startswith("Error when sniffing"):
            why = "its columns cannot be made out"
        hint = "separate columns by commas, and close every quote"
        raise InvalidFile([Problem("F100", f"{path} cannot be read as CSV: {why}", hint)]) from error

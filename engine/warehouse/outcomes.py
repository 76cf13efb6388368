"""An outcome file as an analyst has it: one row per customer, a column with the arm, columns with outcomes.

DuckDB reads it, so it may be larger than memory and packed with gzip. Blanks are unknown, not 0: such a customer does
not count for that outcome. Rows that are too short, too long or not UTF-8 are left out and named. Refuses an outcome
column that holds anything but numbers, and a rate that is not yes or no: then it is the wrong column.
"""

import contextlib
import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import duckdb

from engine.errors import InvalidFile, Problem
from engine.evaluation.groups import Group, Sample, Spread
from engine.evaluation.metrics import NO, YES, Measure


@dataclass(frozen=True, slots=True)
class Outcome:
    """`name` is how the report calls it, `column` how the file does; `worth` is what one unit of it is worth."""

    name: str
    column: str
    measure: Measure
    worth: float | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """An outcome file summed up. `unassigned` rows name no arm; `rejected` could not be read, the first 100 named."""

    arms: Mapping[str, Group]
    unassigned: int
    rejected: tuple[Problem, ...]
    rejected_count: int


def columns(path: Path) -> tuple[str, ...]:
    """The columns of the file, in order. InvalidFile where there is no such file or it has no header."""
    with _told(path), duckdb.connect() as connection:
        return _columns(connection, path)


def arms(path: Path, column: str) -> tuple[str, ...]:
    """The first 20 distinct values of the arm column, sorted."""
    with _told(path), duckdb.connect() as connection:
        _known(path, _columns(connection, path), [column])
        rows = connection.execute(
            f"SELECT DISTINCT {_trimmed(column)} AS arm FROM {_source(path)} WHERE arm <> '' ORDER BY arm LIMIT 20"
        ).fetchall()
        return tuple(row[0] for row in rows)


def measure(path: Path, *, arm: str, outcomes: Sequence[Outcome]) -> Measured:
    """Sum the file up per value of the column `arm`. InvalidFile names unknown columns and wrong values."""
    with _told(path), duckdb.connect() as connection:
        _known(path, _columns(connection, path), [arm, *(outcome.column for outcome in outcomes)])
        parts = [f"{_number(outcome)} AS m{n}" for n, outcome in enumerate(outcomes)]
        connection.execute(
            f"CREATE TEMP TABLE outcome AS SELECT {', '.join([f'{_trimmed(arm)} AS arm', *parts])} FROM {_source(path)}"
        )
        rejected, rejected_count = _rejected(connection, path)
        _check_values(connection, path, outcomes)
        found = {row[0]: _arm(connection, row, outcomes) for row in _sums(connection, outcomes) if row[0]}
        unassigned = _one(connection, "SELECT count(*) FROM outcome WHERE arm IS NULL OR arm = ''")
        return Measured(found, unassigned, rejected, rejected_count)


def _columns(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[str, ...]:
    if not path.is_file():
        raise InvalidFile([Problem("F101", f"there is no file {path}")])
    with path.open("rb") as file:
        if not file.read(1):
            raise InvalidFile([Problem("F102", f"{path} is empty")])
    return tuple(row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {_source(path)}").fetchall())


def _known(path: Path, there: Sequence[str], wanted: Sequence[str]) -> None:
    problems = []
    for name in dict.fromkeys(wanted):
        if name not in there:
            near = difflib.get_close_matches(name, there, n=1)
            hint = f"did you mean {near[0]}?" if near else f"columns: {', '.join(there)}"
            problems.append(Problem("F103", f"{path.name} has no column {name}", hint))
    if problems:
        raise InvalidFile(problems)


def _sums(connection: duckdb.DuckDBPyConnection, outcomes: Sequence[Outcome]) -> list[tuple[Any, ...]]:
    priced = [f"m{n} * {outcome.worth!r}" for n, outcome in enumerate(outcomes) if outcome.worth is not None]
    value = " + ".join(priced) or "NULL::DOUBLE"
    names = [*(f"m{n}" for n in range(len(outcomes))), "value"]
    sums = ", ".join(f"count({name}), coalesce(avg({name}), 0), coalesce(var_pop({name}), 0)" for name in names)
    return connection.execute(
        f"SELECT arm, count(*), {sums} FROM (SELECT *, {value} AS value FROM outcome) GROUP BY arm ORDER BY arm"
    ).fetchall()


def _arm(connection: duckdb.DuckDBPyConnection, row: tuple[Any, ...], outcomes: Sequence[Outcome]) -> Group:
    samples = [_sample(row, 2 + 3 * n) for n in range(len(outcomes) + 1)]
    if not all(isfinite(sample.mean) and isfinite(sample.deviations) for sample in samples):
        raise InvalidFile([Problem("F106", f"the values of {row[0]} are too large to add up")])
    named = {
        outcome.name: Sample.counted(sample.n, round(sample.total)) if outcome.measure == "rate" else sample
        for outcome, sample in zip(outcomes, samples, strict=False)
    }
    is_priced = any(outcome.worth is not None for outcome in outcomes)
    spreads = {
        outcome.name: _spread(connection, row[0], f"m{n}")
        for n, outcome in enumerate(outcomes)
        if outcome.measure == "mean"
    }
    return Group(row[1], named, samples[-1] if is_priced else None, spreads)


def _sample(row: tuple[Any, ...], at: int) -> Sample:
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
                f" row_number() OVER () AS row FROM {_source(path)}) WHERE isnan(value) ORDER BY row LIMIT 1"
            ).fetchone() or ("", 0)
            problems.append(_wrong(outcome, wrong, example, row))
    if problems:
        raise InvalidFile(problems)


def _wrong(outcome: Outcome, count: int, example: str, row: int) -> Problem:
    what, hint = "not numeric", "leave unknown values blank"
    if outcome.measure == "rate":
        what, hint = "neither 0 nor 1 (or yes, no, true, false)", f"a number is read by {outcome.name}=…:mean"
    values = "1 value is" if count == 1 else f"{count} values are"
    return Problem("F104", f"in column {outcome.column} {values} {what}, first {example[:40]!r} in row {row}", hint)


def _rejected(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[tuple[Problem, ...], int]:
    lines = _one(connection, "SELECT count(DISTINCT line) FROM reject_errors")
    rows = connection.execute(
        "SELECT line, min(lower(error_type)) FROM reject_errors GROUP BY line ORDER BY line LIMIT 100"
    ).fetchall()
    return tuple(Problem("F105", kind, line=line, file=path.name) for line, kind in rows), lines


def _number(outcome: Outcome) -> str:
    """NULL where blank, NaN where wrong (a NaN in the file is wrong too)."""
    text = _trimmed(outcome.column)
    if outcome.measure == "rate":
        yes, no = (", ".join(f"'{word}'" for word in words) for words in (YES, NO))
        good = f"WHEN lower({text}) IN ({yes}) THEN 1::DOUBLE WHEN lower({text}) IN ({no}) THEN 0::DOUBLE"
    else:
        good = f"WHEN isfinite(TRY_CAST({text} AS DOUBLE)) THEN TRY_CAST({text} AS DOUBLE)"
    return f"CASE WHEN coalesce({text}, '') = '' THEN NULL::DOUBLE {good} ELSE 'nan'::DOUBLE END"


def _source(path: Path) -> str:
    quoted = str(path.resolve()).replace("'", "''")
    return f"read_csv('{quoted}', all_varchar=true, header=true, null_padding=false, store_rejects=true)"


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
        first = str(error).splitlines()[0].partition(": ")[2] or "not a CSV file"
        raise InvalidFile([Problem("F100", f"{path} cannot be read as CSV: {first}")]) from error

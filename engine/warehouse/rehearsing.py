"""Runs a rehearsal in its child process over one version of the dataset, and says what went into it.

Refuses months that the dataset does not have: it names those that it has.
"""

import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.errors import InvalidForm, Problem, SelectionFailed
from engine.offers.figures import Rehearsed
from engine.offers.rehearsal import statement
from engine.offers.terms import Tariff
from engine.warehouse.dataset import DataFile, Dataset, Version
from engine.warehouse.job import Failure, Rehearsal, Summed
from engine.warehouse.run import DEFAULT_LIMITS, Input, Limits, failed, in_child

CHILD = (sys.executable, "-m", "engine.warehouse.rehearse_child")
USAGE = "usage"
LONGEST = 12


@dataclass(frozen=True, slots=True)
class Target:
    """Whose bills are rehearsed: `sql` gives customer and cell. It reads customers of the dataset, or `listed`, a
    Parquet file that is not of the dataset; its `digest` says which list that is."""

    sql: str
    listed: Path | None = None
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """A rehearsal that was made."""

    figures: Rehearsed
    months: tuple[str, ...]
    sql: str
    inputs: tuple[Input, ...]


FROM_LIST = Target("SELECT customer, coalesce(cell, '') AS cell FROM targeted WHERE arm = 'target'")


def months_there(version: Version) -> tuple[str, ...]:
    """The months of usage that a version has, the newest first."""
    usage = version.tables.get(USAGE)
    return tuple(sorted({file.month for file in usage.files}, reverse=True)) if usage else ()


def last_months(version: Version, count: int) -> tuple[str, ...]:
    """The last `count` months, the oldest first. InvalidForm where one of them is not there, which says what is."""
    there = months_there(version)
    wanted = _back_from(there[0], count) if there else ()
    if not 1 <= count <= LONGEST:
        raise InvalidForm([Problem("D187", f"1 to {LONGEST} months", at="months", fields={"max": LONGEST})])
    if not there or not set(wanted) <= set(there):
        code = "D189" if there else "D188"
        message = "not all of these months are there" if there else "the dataset has no usage yet"
        hint = f"there are {', '.join(reversed(there))}" if there else "import it: countersign data import usage FILE"
        raise InvalidForm([Problem(code, message, hint, at="months", fields={"there": ", ".join(reversed(there))})])
    return tuple(reversed(wanted))


def rehearse(
    dataset: Dataset,
    version: Version,
    tariff: Tariff,
    target: Target,
    months: tuple[str, ...],
    *,
    scratch: Path,
    limits: Limits = DEFAULT_LIMITS,
) -> Run:
    """The figures. SelectionFailed or NoSpace where there are none; nothing is left in `scratch`."""
    sql = statement(tariff, months, target=target.sql)
    usage = tuple(file for file in version.tables[USAGE].files if file.month in months)
    files: dict[str, tuple[DataFile, ...]] = {USAGE: usage}
    if target.listed is None:
        files["customers"] = version.tables["customers"].files
    tables: Mapping[str, tuple[str, ...]] = {
        name: tuple(str(dataset.path(f)) for f in fs) for name, fs in files.items()
    }
    if target.listed is not None:
        tables = {**tables, "targeted": (str(target.listed),)}
    with tempfile.TemporaryDirectory(prefix=".spill-", dir=scratch) as spill:
        job = Rehearsal(
            tables=dict(tables),
            empty={},
            sql=sql,
            months=months,
            spill=spill,
            memory_limit=limits.memory,
            threads=limits.threads,
            parent=os.getpid(),
            seconds=limits.seconds,
        )
        answer: Summed = msgspec.json.decode(in_child(CHILD, msgspec.json.encode(job), limits), type=Summed)
    if isinstance(answer, Failure):
        raise failed(answer, scratch)
    inputs = tuple(Input(name, f.path, f.rows, f.sha256) for name, fs in sorted(files.items()) for f in fs)
    figures = answer.figures
    _conserved(figures)
    return Run(figures, months, sql, inputs)


def _conserved(figures: Rehearsed) -> None:
    """SelectionFailed where sums do not add up: winners, losers and unchanged are all who are known."""
    for one in (figures.all, *figures.cells):
        parts = one.winners.customers + one.losers.customers + one.unchanged
        change = one.winners.change + one.losers.change
        if parts != one.known or change != one.change or sum(one.bands.values()) != one.known:
            raise SelectionFailed(reason="the figures of the rehearsal do not add up")


def _back_from(month: str, count: int) -> tuple[str, ...]:
    year, number = int(month[:4]), int(month[5:])
    places = [year * 12 + number - 1 - k for k in range(max(0, min(count, LONGEST)))]
    return tuple(f"{place // 12:04}-{place % 12 + 1:02}" for place in places)

"""What selections on a server and on a cluster have in common: what is read where it is, what is sent along, and what
is asked of the rows once they are selected.

Refuses to know how either of them is reached.
"""

import resource
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from engine.audience.compile import KNOWN_TABLES, Selection
from engine.audience.waterfall import Slot
from engine.errors import InvalidFile, Problem
from engine.warehouse import describing
from engine.warehouse.child import counted, drawn_below, write_list
from engine.warehouse.dataset import Column, DataFile, Dataset, Table, Version
from engine.warehouse.describing import Queryable
from engine.warehouse.freeze import LIST
from engine.warehouse.job import Failure, Job, Result
from engine.warehouse.run import SHOWN, Input, Limits, Selected, input_of

READ_THERE = frozenset({"customers", "contacts", "owned", "conflicts", "usage"})
"""What is read where the customers are; suppression lists, imported lists and offers are ours."""


class Place(Protocol):
    """Where customers are besides in the dataset."""

    @property
    def name(self) -> str:
        """What messages call it."""
        ...

    def version(self, base: Version = ...) -> Version:
        """What can be selected from: its tables as they are now, and those of `base` that it does not have.

        Its tables have no files. InvalidFile where it does not answer or has no customers.
        """
        ...

    def select(
        self,
        dataset: Dataset,
        version: Version,
        selection: Selection,
        folder: Path,
        *,
        beside: Mapping[str, DataFile] | None = None,
        limits: Limits = ...,
    ) -> Selected:
        """As `engine.warehouse.run.select`; `version` is one of this place."""
        ...


class Run(Queryable, Protocol):
    """One selection at that place."""

    def send(self, name: str, columns: Mapping[str, str], files: list[Path]) -> None:
        """Make a table that lives as long as the run; without files an empty one."""
        ...

    def there(self, name: str) -> Input:
        """What a table of the place is, as an input."""
        ...

    def listed(self, arm: str) -> Iterable[pa.RecordBatch]:
        """The list in order (child.ORDERED_SCHEMA), each row with its line of the digest."""
        ...

    def engine(self) -> str:
        """Name and version."""
        ...

    def as_number(self, field: str, kind: str) -> str:
        """A field of the customer `m` as a floating number, as `execute` takes it."""
        ...


def version_of(name: str, base: Version, there: Mapping[str, tuple[Column, ...]]) -> Version:
    """`base` with the tables that were found `there`; InvalidFile where they hold no customers."""
    tables = {table: Table(columns, ()) for table, columns in there.items() if table in READ_THERE}
    if "customers" not in tables or "customer" not in {column.name for column in tables["customers"].columns}:
        message = f"{name} has no table customers with a column customer"
        raise InvalidFile([Problem("D140", message, fields={"name": name})])
    return Version(base.number, base.tables | tables)


def job_of(version: Version, selection: Selection, folder: Path, limits: Limits) -> Job:
    """What is asked of the rows that are selected; nothing of how to select them."""
    return Job(
        tables={},
        empty={},
        sql="",
        threshold=selection.threshold,
        control_min=selection.control_min,
        folder=str(folder),
        spill="",
        memory_limit=limits.memory,
        threads=limits.threads,
        parent=0,
        control_min_per_cell=selection.control_min_per_cell,
        is_drawn=selection.is_drawn,
        measured=selection.measured,
        shown=tuple(c.name for c in version.tables["customers"].columns if c.name in SHOWN),
    )


def prepare(
    run: Run,
    dataset: Dataset,
    version: Version,
    selection: Selection,
    *,
    folder: Path,
    beside: Mapping[str, DataFile],
) -> tuple[Input, ...]:
    """Send what the place does not have; what the selection reads, by table."""
    inputs: list[Input] = []
    for name in sorted(selection.tables):
        table = version.tables.get(name)
        if name in beside:
            path = folder / beside[name].path
            run.send(name, _columns_of(path), [path])
            inputs.append(input_of(name, beside[name]))
        elif table is None:
            run.send(name, KNOWN_TABLES[name], [])
        elif table.files:
            run.send(name, {c.name: c.type for c in table.columns}, [dataset.path(file) for file in table.files])
            inputs += [input_of(name, file) for file in table.files]
        else:
            inputs.append(run.there(name))
    return tuple(inputs)


def result_of(run: Run, job: Job, customers: Table) -> Result | Failure:
    """Count what is `selected`, draw the control group, write the ordered list."""
    universe = int(run.execute("SELECT count(customer) FROM customers").fetchone()[0])
    threshold = drawn_below(run, job)
    if isinstance(threshold, Failure):
        return threshold
    thresholds = describing.thresholds(run, job, threshold)
    if isinstance(thresholds, Failure):
        return thresholds
    arm = describing.arm(threshold, thresholds)
    slots = sorted((int(bits), cell, of_arm, count) for bits, cell, of_arm, count in counted(run, arm))
    rows, digest = write_list(run.listed(arm), Path(job.folder) / LIST)
    kinds = {column.name: column.type for column in customers.columns}
    numbers = {name: run.as_number(name, kinds[name]) for name in job.measured}
    balanced, balance = describing.balance(run, job, arm, rows, numbers)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Result(
        universe=universe,
        slots=tuple(Slot(*slot) for slot in slots),
        rows=rows,
        digest=digest,
        threshold=threshold,
        engine=run.engine(),
        peak_rss_kb=used.ru_maxrss,
        cpu_seconds=used.ru_utime + used.ru_stime,
        thresholds=thresholds,
        balance=balance,
        balanced=balanced,
        sample=describing.sample(run, job, arm),
    )


def _columns_of(path: Path) -> dict[str, str]:
    """Of a file that was made for this run: texts and times."""
    return {each.name: "timestamp" if pa.types.is_timestamp(each.type) else "text" for each in pq.read_schema(path)}

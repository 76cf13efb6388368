"""Customers on a server or a cluster: what selections there have in common. What is read where it is, what is sent
along, and what is asked of the rows once they are selected.

Refuses to know how either of them is reached.
"""

import resource
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.audience.compile import KNOWN_TABLES, Selection
from engine.audience.later import with_later
from engine.audience.waterfall import Slot
from engine.errors import InvalidFile, Problem, SelectionFailed
from engine.warehouse import describing
from engine.warehouse.child import counted, drawn_below, write_list
from engine.warehouse.dataset import Column, DataFile, Dataset, Table, Version
from engine.warehouse.describing import Queryable
from engine.warehouse.freeze import LIST
from engine.warehouse.job import Failure, Job, Result
from engine.warehouse.offers import kind_of
from engine.warehouse.run import DEFAULT_LIMITS, SHOWN, Input, Limits, Selected, Started, failed, finished, input_of

READ_THERE = frozenset({"customers", "contacts", "owned", "conflicts", "usage"})
"""What is read where the customers are; suppression lists, imported lists and offers are ours."""
CUSTOMERS, CONTACTS = "customers", "contacts"


class Run(Queryable, Protocol):
    """One transaction or session at the place. What is sent ends with it."""

    def send(self, name: str, columns: Mapping[str, str], files: list[Path]) -> None:
        """Make a table that lives as long as the run; without files an empty one. A column that a file does not have
        has no value there."""
        ...

    def read(self, name: str, columns: Collection[str] = (), *, of_asked: bool = False) -> None:
        """Let statements read a table of the place; `of_asked`: the rows of customers in the table `asked` alone. Given
        its `columns`, statements may name those of a later release (`LATER`) that it does not have."""
        ...

    def read_both(
        self, name: str, sent: str, columns: Mapping[str, Mapping[str, str]], *, of_asked: bool = False
    ) -> None:
        """Let statements read a table of the place together with the rows of the table `sent` that it does not have:
        the same customer, at the same moment. `columns` are those of both, by their names. Those of a later
        release (`LATER`) are there, whether either of them has them or not."""
        ...

    def size(self, name: str) -> int:
        """How many rows a table of the place has, without what was sent."""
        ...

    def listed(self, arm: str) -> Iterable[pa.RecordBatch]:
        """The list in order (child.ORDERED_SCHEMA), each row with its line of the digest."""
        ...

    def streamed(self, text: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """The rows of a statement, as many at a time as memory does not notice."""
        ...

    def select(self, text: str) -> None:
        """Keep what is selected, as the table `selected`."""
        ...

    def engine(self) -> str:
        """Name and version."""
        ...

    def as_number(self, field: str, kind: str) -> str:
        """A field of the customer `m` as a floating number, as `execute` takes it."""
        ...


class Elsewhere(ABC):
    """Customers besides in the dataset. `name` is what messages call the place; its statements are written in
    `dialect`, and what `Run.execute` takes in `spoken`."""

    name: str
    dialect: ClassVar[str]
    spoken: ClassVar[str]

    @abstractmethod
    def version(self, base: Version = Version()) -> Version:  # noqa: B008  a value that never changes
        """What can be selected from: its tables as they are now, and those of `base` that it does not have.

        Its tables have no files. InvalidFile where it has no customers, CustomersUnavailable where it does not answer.
        """

    @abstractmethod
    def running(self, limits: Limits, started: Started | None = None) -> AbstractContextManager[Run]:
        """A run that ends with the block, after the time of `limits`, or when whom `started` told ends it."""

    @abstractmethod
    def called(self, table: str) -> str:
        """What a manifest calls one of its tables."""

    def select(
        self,
        dataset: Dataset,
        version: Version,
        selection: Selection,
        folder: Path,
        *,
        beside: Mapping[str, DataFile] | None = None,
        limits: Limits = DEFAULT_LIMITS,
        with_parts: bool = False,
    ) -> Selected:
        """As `engine.warehouse.run.select`; `version` is one of this place."""
        job = job_of(version, selection, folder, limits)
        text = selection.sql(self.dialect)
        with self.running(limits) as run:
            inputs = self.prepare(run, dataset, version, selection, folder=folder, beside=beside or {})
            run.select(text)
            tally = self._tallied(run, selection) if with_parts else ()
            result = result_of(run, job, version.tables[CUSTOMERS], tally)
        if isinstance(result, Failure):
            raise failed(result, folder)
        return finished(selection, result, inputs, sql=text, asking=selection.asking(self.spoken))

    def count(
        self,
        dataset: Dataset,
        version: Version,
        selection: Selection,
        folder: Path,
        *,
        beside: Mapping[str, DataFile] | None = None,
        limits: Limits = DEFAULT_LIMITS,
        started: Started | None = None,
    ) -> tuple[int, ...]:
        """As `engine.warehouse.counting.count`."""
        with self.running(limits, started) as run:
            self.prepare(run, dataset, version, selection, folder=folder, beside=beside or {}, with_rows=False)
            return self._tallied(run, selection)

    def prepare(
        self,
        run: Run,
        dataset: Dataset,
        version: Version,
        selection: Selection,
        *,
        folder: Path,
        beside: Mapping[str, DataFile],
        with_rows: bool = True,
    ) -> tuple[Input, ...]:
        """Send what the place does not have; what the selection reads, by table. Counting rows takes a scan of each."""
        inputs: list[Input] = []
        for name in sorted(selection.tables):
            table = version.tables.get(name)
            if name in beside:
                path = folder / beside[name].path
                run.send(name, columns_of(path), [path])
                inputs.append(input_of(name, beside[name]))
            elif table is None:
                run.send(name, KNOWN_TABLES[name], [])
            elif table.files:
                run.send(name, with_later(name, types_of(table)), [dataset.path(file) for file in table.files])
                inputs += [input_of(name, file) for file in table.files]
            else:
                own = own_contacts(dataset, version, selection.contacts_since) if name == CONTACTS else None
                self.let_read(run, dataset, version, name, own)
                inputs.append(Input(name, self.called(name), run.size(name) if with_rows else 0, ""))
                inputs += [input_of(name, file) for file in own.files] if own else []
        return tuple(inputs)

    def let_read(self, run: Run, dataset: Dataset, version: Version, name: str, own: Table | None) -> None:
        """A table of the place; of contacts also those that this house made itself."""
        if own is None:
            run.read(name, version.columns[name])
            return
        sent = f"{name}_here"
        ours = with_later(name, types_of(own))
        run.send(sent, ours, [dataset.path(file) for file in own.files])
        run.read_both(name, sent, {name: version.columns[name], sent: ours})

    def _tallied(self, run: Run, selection: Selection) -> tuple[int, ...]:
        assert selection.tally is not None
        return tuple(map(int, run.execute(selection.tally.sql(self.spoken)).fetchone()))


def version_of(name: str, base: Version, there: Mapping[str, tuple[Column, ...]]) -> Version:
    """`base` with the tables that were found `there`; InvalidFile where they hold no customers."""
    tables = {table: Table(columns, ()) for table, columns in there.items() if table in READ_THERE}
    kinds = {column.name: column.type for column in tables[CUSTOMERS].columns} if CUSTOMERS in tables else {}
    if "customer" not in kinds:
        message = f"{name} has no table customers with a column customer"
        raise InvalidFile([Problem("D140", message, fields={"name": name})])
    if kinds["customer"] != "text":
        message = f"the column customer of {name} is no text"
        hint = "make a view customers there that gives it as text, as the lists have it"
        raise InvalidFile([Problem("D143", message, hint, fields={"name": name})])
    return Version(base.number, base.tables | tables)


def own_contacts(dataset: Dataset, version: Version, since: datetime | None) -> Table | None:
    """The contacts that the dataset has, without the months that are too old to matter; None where it has none."""
    table = dataset.version(version.number).tables.get(CONTACTS)
    month = f"{since:%Y-%m}" if since else ""
    files = tuple(file for file in table.files if not file.month or file.month >= month) if table else ()
    return Table(table.columns, files) if table and files else None


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


def result_of(run: Run, job: Job, customers: Table, tally: tuple[int, ...] = ()) -> Result | Failure:
    """Count what is `selected`, draw the control group, write the ordered list."""
    universe = int(run.execute("SELECT count(customer) FROM customers").fetchone()[0])
    threshold = drawn_below(run, job)
    if isinstance(threshold, Failure):
        return threshold
    thresholds = describing.thresholds(run, job, threshold)
    if isinstance(thresholds, Failure):
        return thresholds
    arm = describing.arm(threshold, thresholds)
    told = sorted((int(bits), cell, of_arm, count) for bits, cell, of_arm, count in counted(run, arm))
    slots = tuple(Slot(*slot) for slot in told)
    rows, digest = write_list(_each_once(run.listed(arm)), Path(job.folder) / LIST)
    kinds = {column.name: column.type for column in customers.columns}
    numbers = {name: run.as_number(name, kinds[name]) for name in job.measured}
    balanced, balance, of_cells = describing.balance(run, job, arm, slots, numbers)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Result(
        universe=universe,
        slots=slots,
        rows=rows,
        digest=digest,
        threshold=threshold,
        engine=run.engine(),
        peak_rss_kb=used.ru_maxrss,
        cpu_seconds=used.ru_utime + used.ru_stime,
        thresholds=thresholds,
        balance=balance,
        balanced=balanced,
        balance_of_cells=of_cells,
        sample=describing.sample(run, job, arm),
        tally=tally,
    )


def _each_once(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same batches. An import sees to it that a customer stands in the dataset once; a server's table may not."""
    last = None
    for batch in batches:
        ids = batch["customer"]
        behind = pc.equal(ids[1:], ids[:-1])
        if len(ids) and (ids[0].as_py() == last or pc.any(behind).as_py()):
            raise SelectionFailed(reason="a customer stands there twice: the column customer has to be unique")
        last = ids[-1].as_py() if len(ids) else last
        yield batch


def types_of(table: Table) -> dict[str, str]:
    """Column -> type."""
    return {column.name: column.type for column in table.columns}


def columns_of(path: Path) -> dict[str, str]:
    """The same of a file that was made for this run."""
    return {each.name: kind_of(each.type) for each in pq.read_schema(path)}

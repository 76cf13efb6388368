"""Selects on Spark, for those whose customers have outgrown one machine: the same statement, the same list to the byte.

The tables are those of a database in Spark's catalog, or Parquet files of a folder that the cluster sees. What it does
not have is sent along as views of one session. Refuses to write anything there, and to wait longer than told. PySpark
comes with the extra `spark` and needs Java.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot

from engine.audience.compile import Selection
from engine.errors import InvalidFile, Problem, SelectionFailed
from engine.warehouse.child import ORDERED_SCHEMA
from engine.warehouse.dataset import Column, DataFile, Dataset, Version
from engine.warehouse.elsewhere import READ_THERE, job_of, prepare, result_of, version_of
from engine.warehouse.job import Failure
from engine.warehouse.row_groups import ROW_GROUP
from engine.warehouse.run import DEFAULT_LIMITS, Input, Limits, Selected, failed, finished

DIALECT = "spark"
PREFIX = "spark:"
KINDS = {"string": "text", "boolean": "bool", "double": "double", "float": "double", "date": "date"}
WHOLE = ("tinyint", "smallint", "int", "bigint")
TYPES = {
    "text": "STRING",
    "address": "STRING",
    "int": "BIGINT",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}
OPTIONS: dict[str, bool | float | int | str | None] = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "8",
}
"""Dataset times are UTC without a zone; a value that does not fit is an error and not a blank, as on other engines."""


@dataclass(frozen=True, slots=True)
class Lake:
    """Customer tables that Spark reads. `master` is where Spark runs (local[4], spark://HOST:7077, sc://HOST:15002 for
    Spark Connect); `source` is a database of its catalog, or the folder of Parquet files when it begins with /."""

    name: str
    master: str
    source: str

    def version(self, base: Version = Version()) -> Version:  # noqa: B008  a value that never changes
        """See `Place`."""
        session = self._session()
        found = {}
        for table in sorted(READ_THERE):
            rows = self.rows(session, table)
            if rows is not None:
                found[table] = tuple(Column(name, _kind(name_of_type)) for name, name_of_type in rows.dtypes)
        return version_of(f"{self.name}:{self.source}", base, found)

    def select(
        self,
        dataset: Dataset,
        version: Version,
        selection: Selection,
        folder: Path,
        *,
        beside: Mapping[str, DataFile] | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> Selected:
        """See `Place`."""
        job = job_of(version, selection, folder, limits)
        with self._within(limits.seconds) as session:
            run = _Run(session, self)
            inputs = prepare(run, dataset, version, selection, folder=folder, beside=beside or {})
            run.select(selection.sql(DIALECT))
            result = result_of(run, job, version.tables["customers"])
        if isinstance(result, Failure):
            raise failed(result, folder)
        return finished(selection, result, inputs, selection.sql(DIALECT))

    def rows(self, session: Any, table: str) -> Any:
        """The table as a frame of the session; None where there is none."""
        if self.source.startswith("/"):
            found = next(
                (p for p in (f"{self.source}/{table}", f"{self.source}/{table}.parquet") if Path(p).exists()), ""
            )
            return session.read.parquet(found) if found else None
        return (
            session.table(f"{self.source}.{table}") if session.catalog.tableExists(f"{self.source}.{table}") else None
        )

    def _session(self) -> Any:
        """A session of its own: its views end with it."""
        try:
            return _spark(self.master).newSession() if not self._is_remote else _spark(self.master)
        except ImportError as error:
            message = "selecting on Spark needs PySpark: install the extra, pip install 'countersign[spark]'"
            raise InvalidFile([Problem("D142", message)]) from error
        except Exception as error:
            message = f"{self.name} does not answer: {_first_line(error)}"
            raise InvalidFile([Problem("D141", message, fields={"name": self.name})]) from error

    @property
    def is_here(self) -> bool:
        """Whether Spark runs in this process, and so sees its files."""
        return self.master == "local" or self.master.startswith("local[")

    @property
    def _is_remote(self) -> bool:
        return self.master.startswith("sc://")

    @contextmanager
    def _within(self, seconds: float) -> Iterator[Any]:
        """A session whose statements are stopped after so long a time."""
        session = self._session()
        tag, over, late = f"countersign-{uuid4().hex}", Event(), Event()
        interrupt = self._interrupting(session, tag)

        def stop() -> None:
            if over.wait(seconds):
                return
            late.set()
            interrupt()
            while not over.wait(1):  # what is planned now starts a moment later
                interrupt()

        watch = Thread(target=stop, daemon=True)
        watch.start()
        try:
            yield session
        except (InvalidFile, SelectionFailed):
            raise
        except Exception as error:
            if late.is_set():
                raise SelectionFailed(reason=f"it took longer than {seconds:g} seconds and was stopped") from error
            if not type(error).__module__.startswith(("pyspark", "py4j")):
                raise
            raise SelectionFailed(reason=_without_values(error)) from error
        finally:
            over.set()
            watch.join()

    def _interrupting(self, session: Any, tag: str) -> Callable[[], Any]:
        """What stops the statements of the session, as far as they are this thread's."""
        if self._is_remote:
            session.addTag(tag)
            return lambda: session.interruptTag(tag)
        context = session.sparkContext  # where tags of a session find none of its jobs
        context.setJobGroup(tag, "countersign selection", interruptOnCancel=True)
        return lambda: context.cancelJobGroup(tag)


class _Run:
    """One selection in one session. Asked like DuckDB, in DuckDB's dialect: `execute` takes ? for a value."""

    def __init__(self, session: Any, lake: Lake) -> None:
        self.session, self.lake = session, lake
        self.rows: list[tuple[Any, ...]] = []

    def execute(self, text: str, values: Sequence[Any] = ()) -> "_Run":
        """Itself, with the rows to fetch."""
        said = sqlglot.transpile(text, read="duckdb", write=DIALECT)[0]
        self.rows = [tuple(row) for row in self.session.sql(said, args=list(values) or None).collect()]
        return self

    def fetchone(self) -> tuple[Any, ...] | None:
        """The first row."""
        return self.rows[0] if self.rows else None

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows."""
        return self.rows

    def select(self, text: str) -> None:
        """Keep what is selected for the questions that follow."""
        chosen = self.session.sql(text).persist()
        chosen.createOrReplaceTempView("selected")

    def there(self, name: str) -> Input:
        """See `elsewhere.Run`."""
        rows = self.lake.rows(self.session, name)
        rows.createOrReplaceTempView(name)
        return Input(name, f"{self.lake.name}:{self.lake.source}.{name}", rows.count(), "")

    def send(self, name: str, columns: Mapping[str, str], files: list[Path]) -> None:
        """See `elsewhere.Run`."""
        if not files:
            nothing = ", ".join(f"CAST(NULL AS {TYPES[kind]}) AS `{column}`" for column, kind in columns.items())
            rows = self.session.sql(f"SELECT {nothing} WHERE false")
        elif self.lake.is_here:
            rows = self.session.read.parquet(*map(str, files)).select(*columns)
        else:
            table = pa.concat_tables([pq.read_table(path, columns=list(columns)) for path in files])
            rows = self.session.createDataFrame(table)
        rows.createOrReplaceTempView(name)

    def listed(self, arm: str) -> Iterator[pa.RecordBatch]:
        """See `elsewhere.Run`. One partition of the order at a time is held here."""
        text = (
            "SELECT customer, cell, arm, customer || chr(9) || cell || chr(9) || arm || chr(10) FROM ("
            f"SELECT customer, coalesce(cell, '') AS cell, {arm} AS arm FROM selected WHERE bits = 0) AS listed"
            " ORDER BY customer"
        )
        rows = self.session.sql(text).toLocalIterator(prefetchPartitions=True)
        while found := list(islice(rows, ROW_GROUP)):
            columns = [pa.array(column, pa.string()) for column in zip(*found, strict=True)]
            yield pa.record_batch(columns, schema=ORDERED_SCHEMA)

    def engine(self) -> str:
        """See `elsewhere.Run`."""
        return f"spark {self.session.version}"

    def as_number(self, field: str, kind: str) -> str:
        """See `elsewhere.Run`."""
        quoted = '"' + field.replace('"', '""') + '"'
        return f"CAST(m.{quoted} AS {'INT' if kind == 'bool' else 'DOUBLE'})"


@cache
def _spark(master: str) -> Any:
    """The one connection to Spark of this process; a second master is a second process's."""
    from pyspark.sql import SparkSession  # noqa: PLC0415  it is an extra, and takes seconds

    builder = SparkSession.builder.appName("countersign")
    if master.startswith("sc://"):
        return builder.remote(master).config(map=OPTIONS).getOrCreate()
    options = OPTIONS
    if master.startswith("local"):
        options = OPTIONS | {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
    session = builder.master(master).config(map=options).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")  # a warning of every cancelled task is no news
    return session


def _kind(said: str) -> str:
    """The dataset's word for a type of Spark; what it does not know is text, which is asked as such."""
    if said.startswith("decimal"):
        return f"decimal({said.rstrip(')').partition(',')[2].strip()})"
    if said.startswith("timestamp"):
        return "timestamp"
    return "int" if said in WHOLE else KINDS.get(said, "text")


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _without_values(error: BaseException) -> str:
    """Spark tells the value that it could not work with, which may be a customer's number: only its class is told."""
    named = getattr(error, "getCondition", lambda: None)()
    if named and named.startswith(("CAST_", "INVALID_", "ARITHMETIC_", "NUMERIC_", "DIVIDE_")):
        return f"a value of a customer does not fit what is done with it ({named})"
    return f"Spark could not run it ({named or type(error).__name__})"

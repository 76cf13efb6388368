"""Selects on Spark, for those whose customers have outgrown one machine: the same statement, the same list to the byte.

The tables are those of a database in Spark's catalog, or Parquet files of a folder that the cluster sees. What it does
not have is sent along as views of one session. Refuses to write anything there, and to wait longer than told. PySpark
comes with the extra `spark` and needs Java.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot

from engine.audience.later import lacking, typed_otherwise, with_later
from engine.errors import CountersignError, CustomersUnavailable, InvalidFile, Problem, SelectionFailed
from engine.warehouse.child import ORDERED_SCHEMA
from engine.warehouse.dataset import Column, Version
from engine.warehouse.elsewhere import READ_THERE, Elsewhere, Run, version_of
from engine.warehouse.row_groups import ROW_GROUP
from engine.warehouse.run import Limits, Started
from engine.warehouse.watching import watched

KINDS = {"string": "text", "boolean": "bool", "double": "double", "float": "double", "date": "date"}
LOOK_SECONDS = 120
KEY = ("customer", "at")
"""What makes two contacts one."""
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
GIVEN_UP: dict[str, bool | float | int | str | None] = {
    "spark.task.reaper.enabled": "true",
    "spark.task.reaper.killTimeout": "60s",
}
"""A task in a loop that never asks whether it is still wanted goes on when its statement was stopped; on a cluster its
executor ends a minute later, which is this connection's alone."""


@dataclass(frozen=True, slots=True)
class Lake(Elsewhere):
    """Customer tables that Spark reads. `master` is where Spark runs (local[4], spark://HOST:7077, sc://HOST:15002 for
    Spark Connect); `source` is a database of its catalog, or the folder of Parquet files when it begins with /."""

    name: str
    master: str = field(repr=False)
    source: str

    dialect: ClassVar[str] = "spark"
    spoken: ClassVar[str] = "duckdb"

    def called(self, table: str) -> str:
        """See `Elsewhere`."""
        return f"{self.name}:{self.source}.{table}"

    def version(self, base: Version = Version()) -> Version:  # noqa: B008  a value that never changes
        """See `Elsewhere`."""
        found = {}
        with self._within(LOOK_SECONDS) as session:
            for table in sorted(READ_THERE):
                rows = self.rows(session, table)
                if rows is not None:
                    found[table] = tuple(Column(name, _kind(name_of_type)) for name, name_of_type in rows.dtypes)
        return version_of(f"{self.name}:{self.source}", base, found)

    @contextmanager
    def running(self, limits: Limits, started: Started | None = None) -> Iterator[Run]:
        """See `Elsewhere`."""
        with self._within(limits.seconds, started) as session:
            run = _Run(session, self)
            try:
                yield run
            finally:
                run.close()

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
            raise CustomersUnavailable(name=self.name, reason=f"it cannot be reached ({_named(error)})") from None

    @property
    def is_here(self) -> bool:
        """Whether Spark runs in this process, and so sees its files."""
        return self.master == "local" or self.master.startswith("local[")

    @property
    def _is_remote(self) -> bool:
        return self.master.startswith("sc://")

    @contextmanager
    def _within(self, seconds: float, started: Started | None = None) -> Iterator[Any]:
        """A session whose statements are stopped after so long a time."""
        session = self._session()
        tag = f"countersign-{uuid4().hex}"
        with watched(seconds, self._interrupting(session, tag), started) as watch:
            try:
                yield session
            except CountersignError:
                raise
            except Exception as error:
                if watch.is_ended:
                    raise watch.failure() from error
                if not type(error).__module__.startswith(("pyspark", "py4j")):
                    raise
                raise SelectionFailed(reason=_without_values(error)) from error

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
        self.selected: Any = None

    def execute(self, text: str, values: Sequence[Any] = ()) -> "_Run":
        """Itself, with the rows to fetch."""
        self.rows = [tuple(row) for row in self._said(text, values).collect()]
        return self

    def fetchone(self) -> tuple[Any, ...] | None:
        """The first row."""
        return self.rows[0] if self.rows else None

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows."""
        return self.rows

    def select(self, text: str) -> None:
        """See `elsewhere.Run`."""
        self.selected = self.session.sql(text).persist()
        self.selected.createOrReplaceTempView("selected")

    def close(self) -> None:
        """Let go of what was kept: a session that is over still holds the memory of the cluster."""
        if self.selected is not None:
            self.selected.unpersist()

    def read(self, name: str, columns: Collection[str] = (), *, of_asked: bool = False) -> None:
        """See `elsewhere.Run`."""
        missing = lacking(name, columns) if columns else ()
        rows = self._there(name, of_asked=of_asked).selectExpr("*", *map(_nothing, missing))
        rows.createOrReplaceTempView(name)

    def read_both(
        self, name: str, sent: str, columns: Mapping[str, Mapping[str, str]], *, of_asked: bool = False
    ) -> None:
        """See `elsewhere.Run`."""
        theirs, ours = self._there(name, of_asked=of_asked), self.session.table(sent)
        key = [one for one in KEY if one in columns[name]]
        theirs = theirs.selectExpr("*", *map(_nothing, lacking(name, columns[name])))
        wanted = with_later(name, columns[name]).keys() - typed_otherwise(name, columns[name])
        added = ours.join(theirs, key, "left_anti").select(*(one for one in ours.columns if one in wanted))
        theirs.unionByName(added, allowMissingColumns=True).createOrReplaceTempView(name)

    def size(self, name: str) -> int:
        """See `elsewhere.Run`."""
        return int(self._there(name).count())

    def _there(self, name: str, *, of_asked: bool = False) -> Any:
        rows = self.lake.rows(self.session, name)
        if rows is None:
            raise SelectionFailed(reason=f"there is no table {name} any more")
        return rows.join(self.session.table("asked"), "customer", "left_semi") if of_asked else rows

    def send(self, name: str, columns: Mapping[str, str], files: list[Path]) -> None:
        """See `elsewhere.Run`."""
        if not files:
            nothing = ", ".join(f"CAST(NULL AS {TYPES[kind]}) AS `{column}`" for column, kind in columns.items())
            rows = self.session.sql(f"SELECT {nothing} WHERE false")
        elif self.lake.is_here:
            found = self.session.read.option("mergeSchema", len(files) > 1).parquet(*map(str, files))
            rows = found.selectExpr(*(f"`{one}`" if one in found.columns else _nothing(one) for one in columns))
        else:
            rows = self.session.createDataFrame(pa.concat_tables([_read(path, columns) for path in files]))
        rows.createOrReplaceTempView(name)

    def listed(self, arm: str) -> Iterator[pa.RecordBatch]:
        """See `elsewhere.Run`."""
        return self.streamed(
            "SELECT customer, cell, arm, customer || chr(9) || cell || chr(9) || arm || chr(10) AS line FROM ("
            f"SELECT customer, coalesce(cell, '') AS cell, {arm} AS arm FROM selected WHERE bits = 0) AS listed"
            " ORDER BY customer",
            ORDERED_SCHEMA,
        )

    def streamed(self, text: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """See `elsewhere.Run`. One partition of the order at a time is held here."""
        rows = self._said(text).toLocalIterator(prefetchPartitions=True)
        while found := list(islice(rows, ROW_GROUP)):
            columns = [pa.array(each, one.type) for each, one in zip(zip(*found, strict=True), schema, strict=True)]
            yield pa.record_batch(columns, schema=schema)

    def _said(self, text: str, values: Sequence[Any] = ()) -> Any:
        said = sqlglot.transpile(text, read="duckdb", write=Lake.dialect)[0]
        return self.session.sql(said, args=list(values) or None)

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
    options = OPTIONS | GIVEN_UP
    if master.startswith("local"):
        options |= {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
    session = builder.master(master).config(map=options).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")  # a warning of every cancelled task is no news
    return session


def _nothing(column: str) -> str:
    return f"CAST(NULL AS STRING) AS `{column}`"


def _read(path: Path, columns: Collection[str]) -> pa.Table:
    """These columns of the file; texts that it does not have are without a value."""
    rows = pq.read_table(path, columns=[one for one in columns if one in pq.read_schema(path).names])
    for one in columns:
        if one not in rows.column_names:
            rows = rows.append_column(one, pa.nulls(rows.num_rows, pa.string()))
    return rows.select(list(columns))


def _kind(said: str) -> str:
    """The dataset's word for a type of Spark; what it does not know is text, which is asked as such."""
    if said.startswith("decimal"):
        return f"decimal({said.rstrip(')').partition(',')[2].strip()})"
    if said.startswith("timestamp"):
        return "timestamp"
    return "int" if said in WHOLE else KINDS.get(said, "text")


def _named(error: BaseException) -> str:
    """The kind of an error. What Spark says of it may name a host, and what it was doing there."""
    named = getattr(error, "getCondition", lambda: None)()
    return named or type(error).__name__


def _without_values(error: BaseException) -> str:
    """Spark tells the value that it could not work with, which may be a customer's number: only its class is told."""
    named = _named(error)
    if named.startswith(("CAST_", "INVALID_", "ARITHMETIC_", "NUMERIC_", "DIVIDE_")):
        return f"a value of a customer does not fit what is done with it ({named})"
    return f"Spark could not run it ({named})"

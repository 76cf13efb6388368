"""Selects on the PostgreSQL server where the customers already are: the same statement, the same list to the byte.

The server's tables of the names that the dataset has (customers, contacts, owned …) are read where they are. What the
server does not have, imported lists and what belongs to the run alone, is sent along as temporary tables of one
transaction, which sees one moment and is rolled back. Refuses to change a table of the server, and to wait longer than
told.
"""

import io
import resource
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from psycopg2 import errors, sql

from engine.audience.compile import KNOWN_TABLES, Selection
from engine.audience.waterfall import Slot
from engine.errors import InvalidFile, Problem, SelectionFailed
from engine.warehouse import describing
from engine.warehouse.child import ORDERED_SCHEMA, ROW_GROUP, counted, drawn_below, write_list
from engine.warehouse.dataset import Column, DataFile, Dataset, Table, Version
from engine.warehouse.freeze import LIST
from engine.warehouse.job import Failure, Job, Result
from engine.warehouse.queries import address_of, column_type, connected
from engine.warehouse.run import DEFAULT_LIMITS, SHOWN, Input, Limits, Selected, failed, finished, input_of
from engine.warehouse.syncing import read_connections

DIALECT = "postgres"
CURSOR = "countersign_list"
SENT_ROWS = 100_000
TYPES = {"text": "text", "address": "text", "int": "bigint", "double": "double precision", "bool": "boolean"}


@dataclass(frozen=True, slots=True)
class Server:
    """A database with the customer tables in `schema`. `name` is what messages call it; its user needs to read those
    tables and to make temporary ones, and nothing else."""

    name: str
    url: str = field(repr=False)
    schema: str = "public"

    def version(self, base: Version = Version()) -> Version:  # noqa: B008  a value that never changes
        """What can be selected from: the server's tables as they are now, and those of `base` that it does not have.

        The server's tables have no files. InvalidFile where it does not answer or has no customers.
        """
        with closing(self._answering()) as link, link.cursor() as cursor:
            cursor.execute(
                "SELECT c.table_name, c.column_name, t.oid::int, c.numeric_scale FROM information_schema.columns AS c"
                " JOIN pg_catalog.pg_type AS t ON t.typname = c.udt_name"
                " JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace AND n.nspname = c.udt_schema"
                " WHERE c.table_schema = %s ORDER BY c.table_name, c.ordinal_position",
                [self.schema],
            )
            found: dict[str, list[Column]] = {}
            for table, column, type_, scale in cursor.fetchall():
                found.setdefault(table, []).append(Column(column, column_type(type_, scale) or "text"))
        there = {name: Table(tuple(columns), ()) for name, columns in found.items() if name in _SELECTED_FROM}
        if "customers" not in there or "customer" not in {c.name for c in there["customers"].columns}:
            message = f"{self.name} has no table customers with a column customer in its schema {self.schema}"
            raise InvalidFile([Problem("D140", message, fields={"name": self.name, "schema": self.schema})])
        return Version(base.number, base.tables | there)

    def _answering(self) -> Any:
        try:
            return _opened(self)
        except psycopg2.OperationalError as error:
            message = f"{self.name} does not answer: {_without_values(error)}"
            raise InvalidFile([Problem("D141", message, fields={"name": self.name})]) from error

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
        """As `engine.warehouse.run.select`; `version` is one of this server."""
        job = _job(version, selection, folder, limits)
        try:
            with closing(self._answering()) as link:
                run = _Run(link, self, limits)
                inputs = run.prepare(dataset, version, selection, folder, beside or {})
                result = run.result(job, version.tables["customers"])
        except errors.QueryCanceled as error:
            raise SelectionFailed(reason=f"it took longer than {limits.seconds:g} seconds and was stopped") from error
        except psycopg2.Error as error:
            raise SelectionFailed(reason=_without_values(error)) from error
        if isinstance(result, Failure):
            raise failed(result, folder)
        return finished(selection, result, inputs, selection.sql(DIALECT))


_SELECTED_FROM = frozenset({"customers", "contacts", "owned", "conflicts", "usage"})
"""What is read on the server; suppression lists, imported lists and offers are ours."""


class _Run:
    """One selection on one connection. Asked like DuckDB: `execute` takes ? for a value."""

    def __init__(self, link: Any, server: Server, limits: Limits) -> None:
        self.link, self.server = link, server
        self.cursor = link.cursor()
        self.cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(int(limits.seconds * 1000))])
        # Temporary tables come first, so that what was sent along stands in place of what the server has.
        path = sql.SQL("SET LOCAL search_path TO pg_temp, {}").format(sql.Identifier(server.schema))
        self.cursor.execute(path)

    def execute(self, text: str, values: Sequence[Any] = ()) -> Any:
        """The cursor, to fetch from."""
        self.cursor.execute(text.replace("%", "%%").replace("?", "%s") if values else text, list(values) or None)
        return self.cursor

    def prepare(
        self, dataset: Dataset, version: Version, selection: Selection, folder: Path, beside: Mapping[str, DataFile]
    ) -> tuple[Input, ...]:
        """Send what the server does not have; what the selection reads, by table."""
        inputs = []
        for name in sorted(selection.tables):
            table = version.tables.get(name)
            if name in beside:
                path = folder / beside[name].path
                self._send(name, _columns_of(path), [path])
                inputs.append(input_of(name, beside[name]))
            elif table is None:
                self._send(name, KNOWN_TABLES[name], [])
            elif table.files:
                self._send(name, {c.name: c.type for c in table.columns}, [dataset.path(file) for file in table.files])
                inputs += [input_of(name, file) for file in table.files]
            else:
                rows = int(self.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0])
                inputs.append(Input(name, f"{self.server.name}:{self.server.schema}.{name}", rows, ""))
        self.execute("CREATE TEMP TABLE selected ON COMMIT DROP AS " + selection.sql(DIALECT))
        self.execute("ANALYZE selected")
        return tuple(inputs)

    def result(self, job: Job, customers: Table) -> Result | Failure:
        """Count, draw the control group, write the ordered list."""
        universe = int(self.execute("SELECT count(customer) FROM customers").fetchone()[0])
        threshold = drawn_below(self, job)
        if isinstance(threshold, Failure):
            return threshold
        thresholds = describing.thresholds(self, job, threshold)
        if isinstance(thresholds, Failure):
            return thresholds
        arm = describing.arm(threshold, thresholds)
        slots = sorted((int(bits), cell, of_arm, count) for bits, cell, of_arm, count in counted(self, arm))
        rows, digest = write_list(self._list(arm), Path(job.folder) / LIST)
        kinds = {column.name: column.type for column in customers.columns}
        numbers = {name: _as_number(name, kinds[name]) for name in job.measured}
        balanced, balance = describing.balance(self, job, arm, rows, numbers)
        sample = describing.sample(self, job, arm)
        engine = str(self.execute("SHOW server_version").fetchone()[0]).split()[0]
        used = resource.getrusage(resource.RUSAGE_SELF)
        return Result(
            universe=universe,
            slots=tuple(Slot(*slot) for slot in slots),
            rows=rows,
            digest=digest,
            threshold=threshold,
            engine=f"postgresql {engine}",
            peak_rss_kb=used.ru_maxrss,
            cpu_seconds=used.ru_utime + used.ru_stime,
            thresholds=thresholds,
            balance=balance,
            balanced=balanced,
            sample=sample,
        )

    def _send(self, name: str, columns: Mapping[str, str], files: Sequence[Path]) -> None:
        typed = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(_type(kind))) for column, kind in columns.items()
        )
        self.cursor.execute(sql.SQL("CREATE TEMP TABLE {} ({}) ON COMMIT DROP").format(sql.Identifier(name), typed))
        copy = sql.SQL("COPY {} FROM STDIN (FORMAT csv)").format(sql.Identifier(name))
        for path in files:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(SENT_ROWS, columns=list(columns)):
                    text = io.BytesIO()
                    options = pa_csv.WriteOptions(include_header=False)
                    pa_csv.write_csv(pa.Table.from_batches([batch]).select(list(columns)), text, options)
                    text.seek(0)
                    self.cursor.copy_expert(copy, text)
        self.cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(name)))

    def _list(self, arm: str) -> Iterator[pa.RecordBatch]:
        with self.link.cursor(CURSOR) as cursor:
            cursor.itersize = ROW_GROUP
            cursor.execute(
                "SELECT customer, cell, arm, customer || chr(9) || cell || chr(9) || arm || chr(10) FROM ("
                f" SELECT customer, coalesce(cell, '') AS cell, {arm} AS arm FROM selected WHERE bits = 0) AS listed"
                ' ORDER BY customer COLLATE "C"'
            )
            while found := cursor.fetchmany(ROW_GROUP):
                columns = [pa.array(column, pa.string()) for column in zip(*found, strict=True)]
                yield pa.record_batch(columns, schema=ORDERED_SCHEMA)


def server_of(text: str, connections: Path) -> Server:
    """CONNECTION or CONNECTION:SCHEMA of the connections file. InvalidFile where it is not named there."""
    name, _, schema = text.partition(":")
    url = address_of(name, read_connections(connections) if connections != Path() else {})
    return Server(name, url, schema or "public")


def _opened(server: Server) -> Any:
    return connected(server.url, application="countersign selection")


def _job(version: Version, selection: Selection, folder: Path, limits: Limits) -> Job:
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


def _columns_of(path: Path) -> dict[str, str]:
    """Of a file that was made for this run: texts and times."""
    return {each.name: "timestamp" if pa.types.is_timestamp(each.type) else "text" for each in pq.read_schema(path)}


def _type(kind: str) -> str:
    return f"numeric(18, {kind[8:-1]})" if kind.startswith("decimal") else TYPES.get(kind, kind)


def _as_number(name: str, kind: str) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    return f"m.{quoted}::int::double precision" if kind == "bool" else f"m.{quoted}::double precision"


def _without_values(error: psycopg2.Error) -> str:
    """PostgreSQL tells the value that it could not work with, which may be a customer's number."""
    if isinstance(error, errors.DataError):
        return f"a value of a customer does not fit what is done with it ({type(error).__name__})"
    return (str(error).strip() or type(error).__name__).splitlines()[0]

"""Selects on the PostgreSQL server where the customers already are: the same statement, the same list to the byte.

The server's tables of the names that the dataset has (customers, contacts, owned …) are read where they are. What the
server does not have, imported lists and what belongs to the run alone, is sent along as temporary tables of one
transaction, which sees one moment and is rolled back. Refuses to change a table of the server, and to wait longer than
told.
"""

import io
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

from engine.audience.compile import Selection
from engine.errors import InvalidFile, Problem, SelectionFailed
from engine.warehouse.child import ORDERED_SCHEMA
from engine.warehouse.dataset import Column, DataFile, Dataset, Version
from engine.warehouse.elsewhere import job_of, prepare, result_of, version_of
from engine.warehouse.job import Failure
from engine.warehouse.queries import column_type, connected
from engine.warehouse.row_groups import ROW_GROUP
from engine.warehouse.run import DEFAULT_LIMITS, Input, Limits, Selected, failed, finished

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
        """See `Place`."""
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
        return version_of(f"{self.name}:{self.schema}", base, {name: tuple(each) for name, each in found.items()})

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
        """See `Place`."""
        job = job_of(version, selection, folder, limits)
        try:
            with closing(self._answering()) as link:
                run = _Run(link, self, limits)
                inputs = prepare(run, dataset, version, selection, folder=folder, beside=beside or {})
                run.select(selection.sql(DIALECT))
                result = result_of(run, job, version.tables["customers"])
        except errors.QueryCanceled as error:
            raise SelectionFailed(reason=f"it took longer than {limits.seconds:g} seconds and was stopped") from error
        except psycopg2.Error as error:
            raise SelectionFailed(reason=_without_values(error)) from error
        if isinstance(result, Failure):
            raise failed(result, folder)
        return finished(selection, result, inputs, selection.sql(DIALECT))


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

    def select(self, text: str) -> None:
        """Keep what is selected for the questions that follow."""
        self.execute("CREATE TEMP TABLE selected ON COMMIT DROP AS " + text)
        self.execute("ANALYZE selected")

    def there(self, name: str) -> Input:
        """See `Run`."""
        rows = int(self.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0])
        return Input(name, f"{self.server.name}:{self.server.schema}.{name}", rows, "")

    def engine(self) -> str:
        """See `Run`."""
        return f"postgresql {str(self.execute('SHOW server_version').fetchone()[0]).split()[0]}"

    def as_number(self, field: str, kind: str) -> str:
        """See `Run`."""
        quoted = '"' + field.replace('"', '""') + '"'
        return f"m.{quoted}::int::double precision" if kind == "bool" else f"m.{quoted}::double precision"

    def send(self, name: str, columns: Mapping[str, str], files: list[Path]) -> None:
        """See `Run`."""
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

    def listed(self, arm: str) -> Iterator[pa.RecordBatch]:
        """See `Run`."""
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


def _opened(server: Server) -> Any:
    return connected(server.url, application="countersign selection")


def _type(kind: str) -> str:
    return f"numeric(18, {kind[8:-1]})" if kind.startswith("decimal") else TYPES.get(kind, kind)


def _without_values(error: psycopg2.Error) -> str:
    """PostgreSQL tells the value that it could not work with, which may be a customer's number."""
    if isinstance(error, errors.DataError):
        return f"a value of a customer does not fit what is done with it ({type(error).__name__})"
    return (str(error).strip() or type(error).__name__).splitlines()[0]

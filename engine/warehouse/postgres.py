"""Selects on the PostgreSQL server where the customers already are: the same statement, the same list to the byte.

The server's tables of the names that the dataset has (customers, contacts, owned …) are read where they are. What the
server does not have, imported lists and what belongs to the run alone, is sent along as temporary tables of one
transaction, which sees one moment and is rolled back. Refuses to change a table of the server, and to wait longer than
told.
"""

import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import psycopg2
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from psycopg2 import errors, sql

from engine.audience.later import LATER, lacking, typed_otherwise
from engine.errors import CustomersUnavailable, SelectionFailed
from engine.warehouse.child import ORDERED_SCHEMA
from engine.warehouse.dataset import Column, Version
from engine.warehouse.elsewhere import Elsewhere, Run, version_of
from engine.warehouse.queries import column_type, connected
from engine.warehouse.row_groups import ROW_GROUP
from engine.warehouse.run import Limits, Started
from engine.warehouse.watching import watched

CURSOR = "countersign_list"
SENT_ROWS = 100_000
LOOK_SECONDS = 20
KEY = ("customer", "at")
"""What makes two contacts one."""
REASONS = (
    (("Connection refused",), "nothing listens at its address"),
    (("timeout expired", "timed out"), "it gives no answer in time"),
    (("could not translate host name", "resolve host"), "its host is not known"),
    (("password authentication", "pg_hba", "role", "no password supplied"), "it refuses the user of the connection"),
    (("SSL", "certificate"), "no encrypted connection comes about"),
    (("too many clients", "connection slots", "too many connections"), "all its connections are taken"),
    (("starting up", "shutting down", "recovery"), "it is starting or stopping"),
    (("database",), "it has no such database"),
)
"""Of what PostgreSQL says to somebody who connects, in the order in which it is looked for."""
TYPES = {"text": "text", "address": "text", "int": "bigint", "double": "double precision", "bool": "boolean"}


@dataclass(frozen=True, slots=True)
class Server(Elsewhere):
    """A database with the customer tables in `schema`. `name` is what messages call it; its user needs to read those
    tables and to make temporary ones, and nothing else."""

    name: str
    url: str = field(repr=False)
    schema: str = "public"

    dialect: ClassVar[str] = "postgres"
    spoken: ClassVar[str] = "postgres"

    def called(self, table: str) -> str:
        """See `Elsewhere`."""
        return f"{self.name}:{self.schema}.{table}"

    def version(self, base: Version = Version()) -> Version:  # noqa: B008  a value that never changes
        """See `Elsewhere`."""
        with self.running(Limits(seconds=LOOK_SECONDS)) as run:
            rows = run.execute(
                "SELECT c.table_name, c.column_name, t.oid::int, c.numeric_scale FROM information_schema.columns AS c"
                " JOIN pg_catalog.pg_type AS t ON t.typname = c.udt_name"
                " JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace AND n.nspname = c.udt_schema"
                " WHERE c.table_schema = ? ORDER BY c.table_name, c.ordinal_position",
                [self.schema],
            ).fetchall()
        found: dict[str, list[Column]] = {}
        for table, column, type_, scale in rows:
            found.setdefault(table, []).append(Column(column, column_type(type_, scale) or "text"))
        return version_of(f"{self.name}:{self.schema}", base, {name: tuple(each) for name, each in found.items()})

    @contextmanager
    def running(self, limits: Limits, started: Started | None = None) -> Iterator[Run]:
        """See `Elsewhere`."""
        with closing(self._answering()) as link, watched(limits.seconds, partial(_cancel, link), started) as watch:
            try:
                yield _Run(link, self, limits)
            except errors.QueryCanceled as error:
                raise watch.failure() from error
            except psycopg2.Error as error:
                if _is_gone(link, error):
                    raise CustomersUnavailable(name=self.name, reason="the connection broke off") from error
                raise SelectionFailed(reason=_without_values(error)) from error

    def _answering(self) -> Any:
        try:
            return connected(self.url, application="countersign selection")
        except psycopg2.Error as error:
            raise CustomersUnavailable(name=self.name, reason=_why_not(error)) from None


class _Run:
    """One transaction on one connection. Asked like DuckDB: `execute` takes ? for a value."""

    def __init__(self, link: Any, server: Server, limits: Limits) -> None:
        self.link, self.server = link, server
        self.cursor = link.cursor()
        # Beside the watch, for the day on which this process dies first.
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

    def read(self, name: str, columns: Collection[str] = (), *, of_asked: bool = False) -> None:
        """See `Run`. A whole table is found by its name."""
        missing = lacking(name, columns) if columns else ()
        if not of_asked and not missing:
            return
        # The user may not be allowed to read columns that are not among these.
        every = [*map(sql.Identifier, columns), *map(_nothing, missing)] if missing else [sql.SQL("*")]
        made = sql.SQL("CREATE TEMP VIEW {name} AS SELECT {every} FROM {there} AS t").format(
            name=sql.Identifier(name), every=sql.SQL(", ").join(every), there=self._there(name, of_asked=of_asked)
        )
        self.cursor.execute(made)

    def read_both(
        self, name: str, sent: str, columns: Mapping[str, Mapping[str, str]], *, of_asked: bool = False
    ) -> None:
        """See `Run`."""
        theirs, ours = columns[name], columns[sent]
        later, other = LATER.get(name, ()), typed_otherwise(name, theirs)
        plain = [one for one in theirs if one not in later or one in other]
        texts = [one for one in later if one not in other]
        known = ours.keys() - other
        mine = [sql.Identifier("o", one) if one in known else sql.SQL("NULL") for one in (*plain, *texts)]
        theirs_too = [_text(one) if one in theirs else _nothing(one) for one in texts]
        same = [sql.SQL("t.{0} = o.{0}").format(sql.Identifier(one)) for one in KEY if one in theirs]
        text = (
            "CREATE TEMP VIEW {name} AS SELECT {all} FROM {there} AS t UNION ALL SELECT {mine} FROM {sent} AS o"
            " WHERE NOT EXISTS (SELECT 1 FROM {there} AS t WHERE {same})"
        )
        made = sql.SQL(text).format(
            name=sql.Identifier(name),
            all=sql.SQL(", ").join([*(sql.Identifier("t", one) for one in plain), *theirs_too]),
            there=self._there(name, of_asked=of_asked),
            mine=sql.SQL(", ").join(mine),
            sent=sql.Identifier(sent),
            same=sql.SQL(" AND ").join(same),
        )
        self.cursor.execute(made)

    def size(self, name: str) -> int:
        """See `Run`."""
        self.cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(self._there(name)))
        return int(self.cursor.fetchone()[0])

    def _there(self, name: str, *, of_asked: bool = False) -> sql.Composable:
        there = sql.Identifier(self.server.schema, name)
        text = "(SELECT * FROM {} WHERE customer IN (SELECT customer FROM asked))"
        return sql.SQL(text).format(there) if of_asked else there

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
        for path in files:
            with pq.ParquetFile(path) as file:
                there = [column for column in columns if column in file.schema_arrow.names]
                copy = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
                    sql.Identifier(name), sql.SQL(", ").join(map(sql.Identifier, there))
                )
                for batch in file.iter_batches(SENT_ROWS, columns=there):
                    text = io.BytesIO()
                    options = pa_csv.WriteOptions(include_header=False)
                    pa_csv.write_csv(pa.Table.from_batches([batch]).select(there), text, options)
                    text.seek(0)
                    self.cursor.copy_expert(copy, text)
        self.cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(name)))

    def listed(self, arm: str) -> Iterator[pa.RecordBatch]:
        """See `Run`."""
        return self.streamed(
            "SELECT customer, cell, arm, customer || chr(9) || cell || chr(9) || arm || chr(10) FROM ("
            f" SELECT customer, coalesce(cell, '') AS cell, {arm} AS arm FROM selected WHERE bits = 0) AS listed"
            ' ORDER BY customer COLLATE "C"',
            ORDERED_SCHEMA,
        )

    def streamed(self, text: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """See `Run`."""
        with self.link.cursor(CURSOR) as cursor:
            cursor.itersize = ROW_GROUP
            cursor.execute(text)
            while found := cursor.fetchmany(ROW_GROUP):
                columns = [pa.array(each, one.type) for each, one in zip(zip(*found, strict=True), schema, strict=True)]
                yield pa.record_batch(columns, schema=schema)


def _text(column: str) -> sql.Composed:
    return sql.SQL("t.{0}::text AS {0}").format(sql.Identifier(column))


def _nothing(column: str) -> sql.Composed:
    return sql.SQL("NULL::text AS {}").format(sql.Identifier(column))


def _cancel(link: Any) -> None:
    with suppress(psycopg2.Error):  # a connection that is closed needs no end
        link.cancel()


def _is_gone(link: Any, error: psycopg2.Error) -> bool:
    """Whether the server went away, was shut down, or the network between."""
    if not isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError):
        return False
    return bool(link.closed) or (error.pgcode or "57P").startswith(("08", "57P"))


def _why_not(error: psycopg2.Error) -> str:
    """Why there is no connection. What PostgreSQL says names the host, the user and the database."""
    said = str(error).rpartition("failed: ")[2]
    return next((told for words, told in REASONS if any(word in said for word in words)), "it cannot be reached")


def _type(kind: str) -> str:
    return f"numeric(18, {kind[8:-1]})" if kind.startswith("decimal") else TYPES.get(kind, kind)


def _without_values(error: psycopg2.Error) -> str:
    """PostgreSQL tells the value that it could not work with, which may be a customer's number."""
    if isinstance(error, errors.DataError):
        return f"a value of a customer does not fit what is done with it ({type(error).__name__})"
    return (str(error).strip() or type(error).__name__).splitlines()[0]

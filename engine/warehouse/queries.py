"""Reads a table or one SELECT of a PostgreSQL database as rows of text, in batches through a cursor of the server.

The database is asked within a transaction that can only read, which is the wall; that a statement is one SELECT is
looked at before, so that a mistake is told in words. Every value is made text by the database itself, times in UTC.
Refuses to show the address it asked: it may hold a password.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg2
import pyarrow as pa
import sqlglot
from psycopg2 import sql
from psycopg2.extensions import connection as Connection
from sqlglot import exp
from sqlglot.errors import SqlglotError

from engine.errors import InvalidFile, Problem
from engine.warehouse.dataset import Told
from engine.warehouse.rows import Records, of_columns

PREFIX = "sql:"
BATCH = 20_000
CONNECT_SECONDS = 10
ALIVE: dict[str, Any] = {
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""A server that went away without a word is noticed after a minute; nobody waits for it for hours."""
_TABLE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)?")
_TYPES = {  # of pg_type, by its number there
    16: "bool",
    **dict.fromkeys((20, 21, 23), "int"),
    **dict.fromkeys((700, 701), "double"),
    1082: "date",
    **dict.fromkeys((1114, 1184), "timestamp"),
    **dict.fromkeys((25, 1042, 1043, 2950), "text"),
}
WITH_ZONE = 1184


@dataclass(frozen=True, slots=True)
class Query:
    """What `wanted` says, a table or one SELECT, of the database that is called `connection`; rows count from 1."""

    connection: str
    wanted: str
    url: str = field(repr=False)

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{PREFIX}{self.connection}"

    def records(self, told: Told = lambda done, of: None) -> Records:
        """All its rows. Raises InvalidFile for what is no SELECT, and where the database refuses or does not answer."""
        asked = _select(self.wanted, self.name)
        with self._told(), closing(connected(self.url, application="countersign import", readonly=True)) as link:
            headings, types, query = _as_text(link, asked)
            batches: list[pa.Table] = []
            digest = hashlib.sha256(repr((headings, types)).encode())
            rows = 0
            with link.cursor("countersign_import") as cursor:
                cursor.itersize = BATCH
                cursor.execute(query)
                while values := cursor.fetchmany(BATCH):
                    batch = pa.table([pa.array(column, pa.string()) for column in zip(*values, strict=True)], headings)
                    for value in values:
                        digest.update(repr(value).encode())
                    batches.append(batch)
                    rows += len(values)
                    told(rows, 0)
        names = [str(n) for n in range(len(headings))]
        table = pa.concat_tables([batch.rename_columns(names) for batch in batches]) if batches else None
        columns = table.columns if table else [pa.chunked_array([], pa.string()) for _ in names]
        said = {name: types[n] for n, name in enumerate(names) if types[n]}
        return of_columns(headings, columns, sha256=digest.hexdigest(), types=said)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except psycopg2.Error as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            problem = Problem("D123", f"the database says: {reason}", "nothing was imported", self.name)
            raise InvalidFile([problem]) from error


def query_of(text: str, connections: Mapping[str, str]) -> Query:
    """`sql:CONNECTION:TABLE` or `sql:CONNECTION:SELECT …`. InvalidFile where no such connection is known."""
    connection, _, wanted = text.removeprefix(PREFIX).partition(":")
    url = address_of(connection, connections)
    if not url.startswith("postgres"):
        hint = "select there with `countersign audience run --on`, or import the Parquet files"
        raise InvalidFile([Problem("D125", f"rows of {connection!r} are not read: it is no PostgreSQL database", hint)])
    return Query(connection, wanted.strip(), url)


def address_of(connection: str, connections: Mapping[str, str]) -> str:
    """The address of a connection. InvalidFile where none is called so."""
    if connection not in connections:
        hint = f"there are {', '.join(sorted(connections)) or 'none'}; COUNTERSIGN_CONNECTIONS names the file with them"
        raise InvalidFile([Problem("D124", f"there is no connection {connection!r}", hint)])
    return connections[connection]


def _select(wanted: str, name: str) -> str:
    if _TABLE.fullmatch(wanted):
        return f"SELECT * FROM {wanted}"
    try:
        statements = sqlglot.parse(wanted, read="postgres")
    except SqlglotError as error:
        raise InvalidFile([Problem("D125", f"this is no SELECT: {str(error).splitlines()[0]}", at=name)]) from error
    (statement, *more) = statements or [None]
    writes = (exp.Into, exp.Insert, exp.Update, exp.Delete, exp.Lock)
    if more or not isinstance(statement, exp.Query) or statement.find(*writes):
        raise InvalidFile([Problem("D125", "one SELECT is wanted, that only reads", at=name)])
    return wanted.rstrip().rstrip(";")


def connected(url: str, *, application: str, readonly: bool = False) -> Connection:
    """A connection with one transaction that sees one moment, times in UTC; closing it rolls back."""
    address = re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql://", url)
    link: Connection = psycopg2.connect(address, connect_timeout=CONNECT_SECONDS, application_name=application, **ALIVE)
    link.set_session(isolation_level="REPEATABLE READ", readonly=readonly)
    with link.cursor() as cursor:
        cursor.execute("SET LOCAL TIME ZONE 'UTC'; SET LOCAL DateStyle TO ISO")
    return link


def _as_text(link: Connection, asked: str) -> tuple[tuple[str, ...], list[str], sql.Composed]:
    """The headings, their types, and the query that gives every value as text."""
    asked_for = sql.SQL(asked)
    with link.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT * FROM ({}\n) AS wanted LIMIT 0").format(asked_for))
        found = cursor.description or ()
    headings = tuple(column.name for column in found)
    if twice := next((name for name in headings if headings.count(name) > 1), ""):
        hint = "give each a name of its own: SELECT … AS NAME"
        raise InvalidFile([Problem("D125", f"two columns of it are called {twice}", hint)])
    types = [column_type(column.type_code, column.scale) for column in found]
    values = [
        sql.SQL("({} AT TIME ZONE 'UTC')::text" if column.type_code == WITH_ZONE else "{}::text").format(
            sql.Identifier("wanted", column.name)
        )
        for column in found
    ]
    return headings, types, sql.SQL("SELECT {} FROM ({}\n) AS wanted").format(sql.SQL(", ").join(values), asked_for)


def column_type(code: int, scale: int | None) -> str:
    """The type of a column by the number of its type in PostgreSQL; empty where it is none of ours."""
    if code == 1700:
        return f"decimal({scale})" if scale is not None and 0 <= scale <= 6 else "decimal"
    return _TYPES.get(code, "")

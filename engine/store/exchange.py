"""A transaction in two messages on PostgreSQL: one that begins and locks, one that writes and commits.

The connections are pooled apart from the others, because they carry prepared statements and because the first message
doubles as the ping that other transactions spend a round trip on: where it is lost nothing was done, and a fresh
connection tries again. Where the second is lost nobody knows whether it was done; then the whole exchange runs again,
so what is recorded must carry a key by which the repetition sees the first one.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import psycopg2
import sqlalchemy as sa
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from sqlalchemy import Connection, Engine, Pool, PoolProxiedConnection

Result = TypeVar("Result")
Values = Sequence[Any]

ATTEMPTS_SECONDS = 4.0
PAUSE_SECONDS = 0.1


class Exchange:
    """One transaction, between its first message and its last."""

    def __init__(self, engine: Engine, connection: PoolProxiedConnection, *, is_repetition: bool) -> None:
        self.is_repetition = is_repetition  # an earlier attempt may have been recorded already
        self.was_sent = False
        self._is_lost = False
        self._engine = engine
        self._connection = connection
        self._cursor: Any = connection.cursor()
        self._tx: Connection | None = None

    def first(self, statement: str, values: Values) -> tuple[Any, ...] | None:
        """Begin, and run the statement that locks; its row, or None."""
        self._cursor.execute("BEGIN; " + statement, values)
        row: tuple[Any, ...] | None = self._cursor.fetchone()
        return row

    def all(self, statement: str, values: Values) -> list[tuple[Any, ...]]:
        """As `first`, for a statement of many rows."""
        self._cursor.execute("BEGIN; " + statement, values)
        rows: list[tuple[Any, ...]] = self._cursor.fetchall()
        return rows

    def last(self, statements: str, values: Values) -> None:
        """Run the statements and commit."""
        self.was_sent = True
        self._cursor.execute(statements + "; COMMIT", values)

    def drop(self, statement: str = "SELECT NULL", values: Values = ()) -> tuple[Any, ...] | None:
        """Roll back, then look once more at what others have committed; the row of `statement`, or None."""
        self._cursor.execute("ROLLBACK; " + statement, values)
        row: tuple[Any, ...] | None = self._cursor.fetchone()
        return row

    @property
    def tx(self) -> Connection:
        """The same transaction as the other store functions take it, for what two messages do not cover."""
        if self._tx is None:
            self._tx = Connection(self._engine, self._connection)
        return self._tx

    @property
    def is_lost(self) -> bool:
        """Whether the connection is gone."""
        dbapi_connection = self._connection.dbapi_connection
        self._is_lost = self._is_lost or (dbapi_connection is not None and bool(dbapi_connection.closed))
        return self._is_lost

    def abandon(self) -> None:
        """Leave the connection fit for the next one after an error, or throw it away."""
        if self.is_lost:
            self._connection.invalidate()
            return
        if self._cursor.connection.get_transaction_status() != TRANSACTION_STATUS_IDLE:
            self._cursor.execute("ROLLBACK")


class Exchanges:
    """The pool of connections with prepared statements."""

    def __init__(self, engine: Engine, prepared: Sequence[str]) -> None:
        self._engine = engine
        self._lock = threading.Lock()

        @sa.event.listens_for(engine, "connect")
        def prepare(connection: Any, _record: Any) -> None:
            connection.autocommit = True  # BEGIN and COMMIT are in our messages
            with connection.cursor() as cursor:
                cursor.execute(";".join(prepared))

    def run(self, work: Callable[[Exchange], Result]) -> Result:
        """The result of `work`, which is run again where the connection was lost, for some seconds."""
        end = time.monotonic() + ATTEMPTS_SECONDS
        pause, was_sent = 0.0, False  # the first repetition is at once: mostly it is one stale connection
        while True:
            pool = self._engine.pool
            exchange = None
            try:
                connection = self._engine.raw_connection()
                exchange = Exchange(self._engine, connection, is_repetition=was_sent)
                return self._worked(work, exchange, connection)
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                is_lost = exchange is None or exchange.is_lost
                if not is_lost or time.monotonic() > end:
                    raise
                was_sent = was_sent or (exchange is not None and exchange.was_sent)
            self._forget(pool)
            time.sleep(pause)
            pause = PAUSE_SECONDS

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()

    @staticmethod
    def _worked(work: Callable[[Exchange], Result], exchange: Exchange, connection: PoolProxiedConnection) -> Result:
        try:
            return work(exchange)
        except BaseException:
            exchange.abandon()
            raise
        finally:
            connection.close()

    def _forget(self, pool: Pool) -> None:
        # A server that dropped one connection has dropped them all; the first thread to notice renews the pool.
        with self._lock:
            if self._engine.pool is pool:
                self._engine.dispose()

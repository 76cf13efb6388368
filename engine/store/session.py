"""The case database opened: connections, transactions, migrations. The only `create_engine` and the only commit.

SQLite lets one writer in. SQLAlchemy's default begins a transaction at the first write, so two threads that read
before they write lose updates (693 of 800 arrived when measured); here the begin event emits BEGIN IMMEDIATE, and the
writers of one process queue at a lock, fairly and without polling. Readers see one snapshot on both databases and
cannot write. Refuses to know any table.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg2
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from engine.errors import DatabaseBusy, DatabaseUnavailable, NoSpace, Unavailable
from engine.store.exchange import Exchange, Exchanges
from engine.store.statements import PREPARED

if TYPE_CHECKING:
    from alembic.config import Config

Result = TypeVar("Result")

BUSY_SECONDS = 30
LOCK_SECONDS = 300
"""How long PostgreSQL waits for what another process keeps locked, unless whoever opens says it otherwise. Migrations
wait for as long as it takes."""
CONNECT_SECONDS = 5
UNUSABLE_FILE = ("unable to open", "readonly database", "disk I/O error", "not a database", "malformed")
TRUNCATED = "PRAGMA wal_checkpoint(TRUNCATE)"
LOCK_TIMEOUT = "55P03"
READ_AT_ONCE = 1 << 20
KEPT = "kept"
"""The option of a snapshot that holds what was read of it once, by name; no write transaction has one."""
MIGRATION_LOCK = 7_423_001  # any number, the same in every process: PostgreSQL's advisory lock while migrating


class Database:
    """One case database. Threads may share it; a forked process opens its own."""

    def __init__(self, url: str, *, pool_size: int = 10, lock_seconds: float = LOCK_SECONDS) -> None:
        self.url = _parsed(url)
        self.dialect_name = self.url.get_backend_name()
        self._pool_size = pool_size
        self._lock_seconds = lock_seconds if self.dialect_name == "postgresql" else BUSY_SECONDS
        self._writers = threading.Lock()
        if self.dialect_name == "sqlite":
            self._engine = _sqlite(self.url, pool_size)
        else:
            self._engine = _postgresql(self.url, pool_size, lock_seconds)
        self._exchanges: Exchanges | None = None
        self._reader = self._engine.execution_options(reads=True, **_snapshot(self.dialect_name))

    @property
    def address(self) -> str:
        """The URL without its password, for messages."""
        return self.url.render_as_string(hide_password=True)

    @property
    def engine(self) -> Engine:
        """The pool of connections, for bulk loading (COPY) and schema inspection; commits stay here."""
        return self._engine

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """One write transaction: committed at the end, rolled back by any error."""
        with self.translated():
            if self.dialect_name == "sqlite":
                with self._writers, self._engine.begin() as tx:
                    yield tx
            else:
                with self._engine.begin() as tx:
                    yield tx

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One snapshot to read from; a write in it fails."""
        with self.translated(), self._reader.connect() as tx:
            tx.begin()
            yield tx.execution_options(**{KEPT: {}})

    def exchange(self, work: Callable[[Exchange], Result]) -> Result:
        """The result of `work`, done in a transaction of two messages (PostgreSQL only, see exchange.py)."""
        with self._writers:
            if self._exchanges is None:
                self._exchanges = Exchanges(
                    _postgresql(self.url, self._pool_size, self._lock_seconds, is_pinged=False), PREPARED
                )
        with self.translated():
            return self._exchanges.run(work)

    def now(self, tx: Connection) -> datetime:
        """The database's clock, aware, in UTC. Leases are measured by it, so that workers need not agree on a time."""
        return database_now(tx)

    def is_made(self) -> bool:
        """Whether a case database is there. Looks only: opening an SQLite file that is not there would make one."""
        file = self.url.database or ""
        if self.dialect_name == "sqlite" and not Path(file).is_file():
            return False
        with self.read() as tx:
            return sa.inspect(tx).has_table("alembic_version")

    def migrate(self) -> None:
        """Bring the schema to the newest revision. Several processes may do so at once; the second finds it done."""
        from alembic import command  # noqa: PLC0415  # takes as long to load as the database's driver; few commands migrate

        config = _migrations()
        if self.dialect_name == "sqlite" and self.url.database:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        with self.begin() as tx:
            if self.dialect_name == "postgresql":
                tx.execute(sa.text("SET LOCAL lock_timeout = 0"))
                tx.execute(sa.text("SELECT pg_advisory_xact_lock(:n)"), {"n": MIGRATION_LOCK})
            config.attributes["connection"] = tx
            command.upgrade(config, "head")

    def settle(self, words: Sequence[str]) -> None:
        """See to it that these words, which no row has any more, are nowhere in SQLite's file: rows that were deleted
        before `secure_delete` was on stay in it. Reads the file once, and packs it anew only where they are there."""
        if self.dialect_name == "sqlite" and self.url.database:
            with self.translated(), closing(self._engine.raw_connection()) as raw, self._writers:
                raw.cursor().execute(TRUNCATED)
                if _has_bytes(Path(self.url.database), words):
                    raw.cursor().execute("VACUUM")
                    raw.cursor().execute(TRUNCATED)

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()
        if self._exchanges:
            self._exchanges.close()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """A database that cannot be used is told in one sentence; every other database error stays what it is."""
        try:
            yield
        except (SQLAlchemyError, psycopg2.Error) as error:
            told = self._told(getattr(error, "orig", None) or error, error)
            if told is None:
                raise
            raise told from error

    def _told(self, cause: BaseException, error: Exception) -> Unavailable | None:
        words = " ".join(str(cause).split())
        if "is full" in words or getattr(cause, "pgcode", None) == "53100":
            return NoSpace(path=self.url.database or self.address)
        if "database is locked" in words or getattr(cause, "pgcode", None) == LOCK_TIMEOUT:
            return DatabaseBusy(url=self.address, seconds=f"{self._lock_seconds:g}")
        reason = _reason(words, cause, error)
        return DatabaseUnavailable(url=self.address, reason=reason) if reason else None


def _has_bytes(file: Path, words: Sequence[str]) -> bool:
    sought = [word.encode() for word in words]
    longest = max(map(len, sought), default=1)
    with file.open("rb") as opened:
        before = b""
        while chunk := opened.read(READ_AT_ONCE):
            if any(word in before + chunk for word in sought):
                return True
            before = chunk[-longest:]
    return False


def _migrations() -> "Config":
    from alembic.config import Config  # noqa: PLC0415  # as in `migrate`

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


@cache
def newest_revision() -> str:
    """The migration that this release brings a database to."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415  # as in `migrate`

    return str(ScriptDirectory.from_config(_migrations()).get_current_head())


def database_now(tx: Connection) -> datetime:
    """The database's clock at this moment (not at the start of the transaction)."""
    if tx.dialect.name == "sqlite":
        text = tx.exec_driver_sql("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')").scalar_one()
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    moment: datetime = tx.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
    return moment.astimezone(UTC)


def inserting(tx: Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that can say ON CONFLICT, in the words of the database at hand."""
    return sqlite.insert(table) if tx.dialect.name == "sqlite" else postgresql.insert(table)


def _parsed(url: str) -> URL:
    try:
        parsed = sa.make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            # From SQLAlchemy 2.1 on, plain postgresql:// means another driver.
            parsed = parsed.set(drivername="postgresql+psycopg2")
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError) as error:
        raise DatabaseUnavailable(url=url, reason="this is no database address") from error
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise DatabaseUnavailable(url=parsed.render_as_string(), reason="only sqlite and postgresql are possible")
    return parsed


def _reason(words: str, cause: BaseException, error: Exception) -> str:
    """Why the database cannot be used; empty where it can."""
    if isinstance(error, sa.exc.TimeoutError):
        return "all connections are busy"
    if "no such table" in words or getattr(cause, "pgcode", None) == "42P01":
        return "its tables are missing, run `countersign database migrate`"
    if "unable to open" in words:
        return "it cannot be opened (where there is none yet, `countersign database migrate` makes it)"
    unusable = any(sign in words for sign in UNUSABLE_FILE)
    if unusable or getattr(error, "connection_invalidated", False) or _out_of_reach(cause):
        return words.removeprefix("connection to server ")
    return ""


def _out_of_reach(cause: BaseException) -> bool:
    # psycopg2 raises its plain OperationalError, without a code, where it has no connection; 57P0x is a server going
    # down or starting, 08xxx a broken connection, 53300 too many connections, 3D000 a missing database.
    state = getattr(cause, "pgcode", "")
    return type(cause).__module__.startswith("psycopg2") and (
        (state is None and type(cause).__name__ in ("OperationalError", "InterfaceError"))
        or str(state).startswith(("57P0", "08", "53300", "3D000", "28"))
    )


def _snapshot(dialect_name: str) -> dict[str, Any]:
    if dialect_name == "sqlite":
        return {}
    return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def _sqlite(url: URL, pool_size: int) -> Engine:
    engine = sa.create_engine(  # noqa: TID251  this is the one place
        url,
        poolclass=sa.QueuePool,
        pool_size=pool_size,
        max_overflow=2 * pool_size,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA secure_delete=ON")  # whoever was erased is not in free pages either
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get("reads", False)
        connection.exec_driver_sql(f"PRAGMA query_only={int(reads)}")
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _postgresql(url: URL, pool_size: int, lock_seconds: float, *, is_pinged: bool = True) -> Engine:
    return sa.create_engine(  # noqa: TID251  this is the one place
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=is_pinged,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            # compiling what a question about visible cases asks took 1.1 s of its 3.0, and never paid for itself
            "options": f"-c timezone=UTC -c jit=off -c lock_timeout={int(lock_seconds * 1000)}",
            "application_name": "countersign",
        },
    )

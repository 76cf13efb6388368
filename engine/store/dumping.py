"""A copy of the whole case database while it is written to, and back: SQLite's backup, PostgreSQL's own programs.

The copy is one moment: what is read from the transaction that `dump` hands on is what the copy holds. Refuses to copy
from one kind of database into the other.
"""

import hashlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy import Connection

from engine.errors import Unavailable
from engine.store import trail
from engine.store.session import Database
from engine.store.tables import cases

Told = TypeVar("Told")
READ_AT_ONCE = 10_000
HOLD = """
DO $$ BEGIN
  IF to_regclass('public.lineage') IS NOT NULL THEN
    INSERT INTO public.lineage (id, name, epoch, mark, held_at, held_because)
    VALUES (1, md5(random()::text), 0, 0, now(), 'it was restored from a backup')
    ON CONFLICT (id) DO UPDATE SET held_at = excluded.held_at, held_because = excluded.held_because;
  END IF;
END $$
"""
"""Part of the transaction that restores: a flow that is running meanwhile sees the copy and its hold together."""


class ProgramMissing(Unavailable):
    """The program {program} is not on this machine; install PostgreSQL's client (Debian: apt-get install
    postgresql-client), no older than the server."""


class ProgramFailed(Unavailable):
    """{program} ended with an error: {words}"""


def digest(tx: Connection) -> str:
    """The SHA-256 over the newest entry of the organisation's history and of every case's, in a fixed order: two
    databases with the same one hold the same histories."""
    seen = hashlib.sha256(repr(trail.head(tx)).encode())
    query = sa.select(cases.c.id, cases.c.seq, cases.c.head).order_by(cases.c.id)
    for row in tx.execute(query.execution_options(yield_per=READ_AT_ONCE)):
        seen.update(f"\n{row.id} {row.seq} {row.head}".encode())
    return seen.hexdigest()


def count_cases(tx: Connection) -> int:
    """How many cases there are."""
    return int(tx.execute(sa.select(sa.func.count()).select_from(cases)).scalar_one())


def dump(db: Database, file: Path, told: Callable[[Connection], Told]) -> Told:
    """Write a copy to `file`, which is not there yet; what `told` says of the very moment that was copied."""
    if db.dialect_name == "sqlite":
        with closing(db.engine.raw_connection()) as raw, closing(sqlite3.connect(file)) as copy:
            source = raw.driver_connection
            assert isinstance(source, sqlite3.Connection)
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
        copied = Database(f"sqlite:///{file}")
        try:
            with copied.read() as tx:
                return told(tx)
        finally:
            copied.close()
            _without_log(file)
    with db.read() as tx:
        snapshot = tx.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
        options = ["--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={file}"]
        _program(db, "pg_dump", options)
        return told(tx)


def load(db: Database, file: Path, hold: Callable[[Database], object]) -> None:
    """Put a copy in the place of everything that `db` holds, with the hold on sending in it from the first moment.

    `hold` brings SQLite's copy to this release and holds it before it is moved into place.
    """
    if db.dialect_name == "sqlite":
        copied = Database(f"sqlite:///{file}")
        try:
            hold(copied)
        finally:
            copied.close()
        assert db.url.database is not None
        Path(db.url.database).parent.mkdir(parents=True, exist_ok=True)
        with closing(db.engine.raw_connection()) as raw, closing(sqlite3.connect(file)) as copy:
            target = raw.driver_connection
            assert isinstance(target, sqlite3.Connection)
            copy.backup(target)
        return
    anew = ["-c", "DROP SCHEMA public CASCADE", "-c", "CREATE SCHEMA public", "-f", str(file), "-c", HOLD]
    _program(db, "psql", ["--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", *anew])
    db.engine.dispose()


def _without_log(file: Path) -> None:
    with closing(sqlite3.connect(file)) as copy:
        copy.execute("PRAGMA journal_mode=DELETE")


def _program(db: Database, name: str, options: Sequence[str]) -> None:
    """Run a program of PostgreSQL's client; the password goes by the environment, where other users cannot read it."""
    folders = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    program = shutil.which(name, path=os.pathsep.join([*folders, os.environ.get("PATH", "")]))
    if program is None:
        raise ProgramMissing(program=name)
    url = db.url
    where = {"PGHOST": url.host, "PGPORT": url.port, "PGUSER": url.username, "PGPASSWORD": url.password}
    known = {key: str(value) for key, value in where.items() if value}
    command = [program, "--no-password", f"--dbname={url.database}", *options]
    done = subprocess.run(  # noqa: S603  our own options
        command, env={**os.environ, **known}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ProgramFailed(program=name, words=" ".join(done.stderr.split())[-400:])

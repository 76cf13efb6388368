"""Databases for the suites: every test gets a fresh, migrated one, on SQLite and on PostgreSQL.

Their files lie in memory where there is room: a commit of SQLite waits 3 ms for a disk, a copy of PostgreSQL's takes
0.27 s there and 0.07 s in memory.

PostgreSQL is TEST_DATABASE_URL (its user must be allowed to create databases), else a server started here from the
programs on the machine, one for all workers of a run, else a loud skip; REQUIRE_PG=1 makes the skip fail.
"""

import gc
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from engine.store.session import Database
from tests import compiled
from tests.acceptance.offices import opened
from tests.invariants import check_invariants
from tests.scheduling import rank
from tests.servers.postgres import PostgresServer, create_database, execute, make_folder, sweep
from tests.support import FULL, SERVER_FOLDER

# The tests start hundreds of processes: where nothing compiled is kept, each compiles the program anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# how long one example takes says more about what else the machine does than about the code
settings.register_profile("countersign", deadline=None)
settings.load_profile("countersign")

compiled.share()

MEMORY = Path("/dev/shm")
ROOM = 8 << 30


def has_room() -> bool:
    """Whether the folders of all tests may lie in memory."""
    if not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ROOM:
        return False
    known = dict(line.split()[:2] for line in Path("/proc/meminfo").read_text().splitlines())
    return int(known.get("MemAvailable:", 0)) << 10 > ROOM


if has_room():
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_configure(config: pytest.Config) -> None:
    """The first process makes the folder of the server; workers inherit its name."""
    if not hasattr(config, "workerinput"):
        sweep(MEMORY)
        os.environ[SERVER_FOLDER] = str(make_folder(MEMORY if has_room() else None))


def pytest_unconfigure(config: pytest.Config) -> None:
    """The first process stops the server that a worker may have started."""
    gc.unfreeze()  # else DuckDB complains at the end that nobody put its objects away
    if not hasattr(config, "workerinput") and SERVER_FOLDER in os.environ:
        folder = Path(os.environ.pop(SERVER_FOLDER))
        PostgresServer(folder).stop()
        shutil.rmtree(folder, ignore_errors=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long tests first; those that take minutes are part of `make test-full` alone."""
    slow = [] if FULL else [item for item in items if item.get_closest_marker("slow")]
    items[:] = sorted((item for item in items if item not in slow), key=lambda item: rank(item.nodeid))
    if slow:
        config.hook.pytest_deselected(items=slow)


def pytest_collectstart() -> None:
    """What is loaded now stays: nothing of it is garbage."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Garbage is looked for in what the tests make, no more in all that was loaded: a twentieth of their time."""
    gc.enable()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Which tests stay together in a worker."""
    from tests.distributing import Distributing  # by xdist, which is there where somebody asks for this

    return Distributing(config, log)


def lacking(words: str) -> None:
    """A part that a test needs is missing: a loud skip, and with REQUIRE_PG=1 a failure."""
    if os.environ.get("REQUIRE_PG") == "1":
        pytest.fail(words)
    pytest.skip(words)


@pytest.fixture(scope="session")
def pg_server() -> str:
    """The URL of a PostgreSQL server on which databases can be made."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        return given.replace("postgresql://", "postgresql+psycopg2://", 1)
    if PostgresServer.programs() is None:
        lacking("NO POSTGRESQL: set TEST_DATABASE_URL, or install its server (Debian: apt-get install postgresql)")
    return PostgresServer(Path(os.environ[SERVER_FOLDER])).start()


@pytest.fixture
def pg_restarting() -> Iterator[PostgresServer]:
    """A server that only this test uses, and that keeps what was committed through a crash. TEST_DATABASE_URL does not
    stand in for it: nobody restarts a server that others use."""
    if PostgresServer.programs() is None:
        lacking("NO POSTGRESQL PROGRAMS: this test restarts a server of its own (Debian: apt-get install postgresql)")
    server = PostgresServer(make_folder(Path(os.environ[SERVER_FOLDER]).parent), durable=True)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(server.folder)


@pytest.fixture(scope="session")
def worker(request: pytest.FixtureRequest) -> str:
    """A name of this worker that no other run on the machine has."""
    return f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"


@pytest.fixture(scope="session")
def pg_template(pg_server: str, worker: str) -> Iterator[str]:
    """The name of a migrated database to copy."""
    name = f"countersign_template_{worker}"
    db = Database(create_database(pg_server, name))
    db.migrate()
    db.close()
    yield name
    execute(pg_server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file to copy."""
    path = tmp_path_factory.mktemp("template") / "case.db"
    db = Database(f"sqlite:///{path}")
    db.migrate()
    db.close()
    return path


@pytest.fixture(scope="session")
def staffed(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file with the demo's offices and people and the shipped definitions, to copy."""
    path = tmp_path_factory.mktemp("staffed") / "case.db"
    shutil.copy(sqlite_template, path)
    with opened(f"sqlite:///{path}", path.parent):
        pass  # the last connection of SQLite writes its log back, so the file is whole
    return path


@pytest.fixture
def pg_url(pg_server: str, pg_template: str, worker: str) -> Iterator[str]:
    """The URL of a fresh, migrated PostgreSQL database."""
    name = f"countersign_test_{worker}"
    yield create_database(pg_server, name, template=pg_template)
    execute(pg_server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a fresh, migrated SQLite file."""
    path = tmp_path / "case.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def db_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh, migrated database; a test that asks for it runs once on each kind."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "pg_url")
    return url


@pytest.fixture
def db(db_url: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A fresh, migrated case database; a test that asks for it runs once on each kind, and leaves it consistent."""
    opened = Database(db_url)
    yield opened
    if not request.node.get_closest_marker("tampers"):
        check_invariants(opened)
    opened.close()

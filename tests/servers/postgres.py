"""A PostgreSQL server of our own, for tests and benchmarks, from the programs on the machine."""

import fcntl
import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp

import psycopg2

from tests.support import free_port

PREFIX = "countersign-pg-"
"""Of the folder of a server, before the id of the process that made it."""


class PostgresServer:
    """A PostgreSQL server in a folder of its own, on the loopback, never run as root.

    `durable=False` is for tests: it forgets what a crash of the machine would take. Several processes may call `start`
    for one folder: the first starts it, the others wait and use it.
    """

    def __init__(self, folder: Path, *, durable: bool = False, inside: Sequence[str] = ()) -> None:
        """`inside`: words before the command that starts it, run by root, who becomes its user there."""
        self.folder = folder
        self.inside = inside
        self.data = folder / "data"
        self.durable = durable

    @staticmethod
    def programs() -> Path | None:
        """The folder of initdb and pg_ctl, or None where PostgreSQL is not installed."""
        folders = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
        found = shutil.which("initdb", path=os.pathsep.join([*folders, os.environ.get("PATH", "")]))
        return Path(found).resolve().parent if found else None

    @property
    def url(self) -> str:
        """Where it listens; the database is `postgres`."""
        return f"postgresql+psycopg2://countersign@127.0.0.1:{(self.folder / 'port').read_text()}/postgres"

    def start(self) -> str:
        """Start it unless it runs, and return its URL."""
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (self.folder / "port").exists():
                self._start()
        return self.url

    def stop(self, mode: str = "immediate") -> None:
        """Stop it where it runs; `fast` lets it write its checkpoint, `immediate` is a crash."""
        if (self.data / "postmaster.pid").exists():
            self._run("pg_ctl", "stop", "-D", str(self.data), "-m", mode, "-w")

    def restart(self, mode: str = "immediate") -> None:
        """Stop and start again on the same port: every connection is lost."""
        self.stop(mode)
        self._launch()

    def _start(self) -> None:
        if os.geteuid() == 0:
            account = self.account()
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        self._run("initdb", "-D", str(self.data), "-U", "countersign", "-A", "trust", "-E", "UTF8", "--no-sync")
        port = free_port()
        lines = [
            "listen_addresses = '127.0.0.1'",
            f"port = {port}",
            f"unix_socket_directories = '{self.folder}'",
            "max_connections = 300",
            "shared_buffers = 128MB",
        ]
        if not self.durable:
            lines += ["fsync = off", "full_page_writes = off", "synchronous_commit = off", "autovacuum = off"]
            lines += ["wal_level = minimal", "max_wal_senders = 0", "max_wal_size = 256MB"]
        with (self.data / "postgresql.conf").open("a") as file:
            file.write("\n".join(lines) + "\n")
        self._launch()
        (self.folder / "port").write_text(str(port))

    def _launch(self) -> None:
        arguments = ("start", "-w", "-D", str(self.data), "-l", str(self.folder / "log"))
        self._run("pg_ctl", *arguments, inside=self.inside)

    def _run(self, program: str, *arguments: str, inside: Sequence[str] = ()) -> None:
        folder = self.programs()
        assert folder is not None
        account = self.account() if os.geteuid() == 0 and not inside else None
        subprocess.run(
            [*inside, str(folder / program), *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
            cwd=self.folder,
            env={**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8"},
        )

    @staticmethod
    def account() -> pwd.struct_passwd:
        """The user it runs as where we are root."""
        for name in ("postgres", "nobody"):
            try:
                return pwd.getpwnam(name)
            except KeyError:
                continue
        raise AssertionError("PostgreSQL refuses to run as root, and there is no other user on this machine")


def make_folder(within: Path | None = None) -> Path:
    """A folder that another user may enter (pytest's own folders are closed to others)."""
    folder = Path(mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=within))
    folder.chmod(0o755)
    return folder


def sweep(within: Path) -> None:
    """Stop the servers of those who were killed before they could, and remove their folders: they lie in memory."""
    for folder in within.glob(f"{PREFIX}*-*"):
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists() and os.access(folder, os.W_OK):
            PostgresServer(folder).stop()
            shutil.rmtree(folder, ignore_errors=True)


def create_database(server: str, name: str, *, template: str = "template0") -> str:
    """A fresh database on `server`, a copy of `template`; its URL."""
    execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    execute(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return server.rsplit("/", 1)[0] + "/" + name


def execute(url: str, statement: str) -> None:
    """One statement outside any transaction."""
    connection = psycopg2.connect(url.replace("+psycopg2", ""))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()

"""The customer dataset: a folder of Parquet files and one small JSON manifest per version.

Readers take a version and keep it: its files never change and none is removed while it is among the newest. Writers
add whole files (temporary name, fsync, rename) and then publish the next version by creating its manifest, which only
one of two writers can; the other reads the new version and tries again. A shared DuckDB file allowed none of this:
four writers met 1,214 lock errors. Refuses to serve half-written files and to know what a selection is.
"""

import contextlib
import errno
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from engine.errors import InvalidFile, NoSpace, Problem

_TABLE = re.compile(r"[a-z][a-z0-9_]{0,59}")


class Column(Struct, frozen=True):
    """A column: `name` in Parquet (and in expressions), `type` one of text, int, decimal, double, bool, date,
    timestamp; `heading` is how an imported file called it."""

    name: str
    type: str
    heading: str = ""


class DataFile(Struct, frozen=True):
    """One Parquet file; `path` is relative to the dataset's folder, `month` ("2026-10") where a table is cut by it."""

    path: str
    rows: int
    size: int
    sha256: str
    month: str = ""


class Table(Struct, frozen=True):
    """One table: its columns and the files that together are its rows."""

    columns: tuple[Column, ...]
    files: tuple[DataFile, ...]

    @property
    def rows(self) -> int:
        """Rows in all files."""
        return sum(file.rows for file in self.files)


class Version(Struct, frozen=True):
    """One version of the dataset. Version 0 has no table."""

    number: int = 0
    tables: dict[str, Table] = {}

    @property
    def columns(self) -> dict[str, dict[str, str]]:
        """Table -> column -> type."""
        return {name: {column.name: column.type for column in table.columns} for name, table in self.tables.items()}


class Dataset:
    """The dataset in `folder`, which is made on first use."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._versions = self.folder / "versions"

    def current(self) -> Version:
        """The newest version."""
        return self.version(max(self._numbers(), default=0))

    def version(self, number: int) -> Version:
        """One version; FileNotFoundError where it was never published."""
        if number == 0:
            return Version()
        return msgspec.json.decode(self._manifest(number).read_bytes(), type=Version)

    def path(self, file: DataFile) -> Path:
        """Where the file is."""
        return self.folder / file.path

    def paths(self, table: Table) -> tuple[str, ...]:
        """Where all files of a table are."""
        return tuple(str(self.path(file)) for file in table.files)

    @contextlib.contextmanager
    def fresh_file(self, table: str) -> Iterator[Path]:
        """A path to write one Parquet file to; what is not published later is swept with `sweep`."""
        if not _TABLE.fullmatch(table):
            raise ValueError(f"not a table name: {table!r}")
        folder = self.folder / table
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f".{secrets.token_hex(8)}.new"
        try:
            with told_when_full(path):
                yield path
        finally:
            path.unlink(missing_ok=True)

    def keep(self, table: str, written: Path, rows: int, month: str = "") -> DataFile:
        """Give a written file its name for good: the digest of its bytes. The same bytes twice are one file."""
        with told_when_full(written), written.open("rb+") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        name = f"{month + '-' if month else ''}{digest[:24]}.parquet"
        size = written.stat().st_size
        written.replace(written.with_name(name))
        sync_folder(written.parent)
        return DataFile(path=f"{table}/{name}", rows=rows, size=size, sha256=digest, month=month)

    def publish(self, change: Callable[[dict[str, Table]], dict[str, Table]]) -> Version:
        """Publish the next version, made from the newest one's tables. `change` runs again where another was faster."""
        self._versions.mkdir(parents=True, exist_ok=True)
        while True:
            base = self.current()
            fresh = Version(number=base.number + 1, tables=dict(sorted(change(dict(base.tables)).items())))
            whole = self._versions / f".{secrets.token_hex(8)}.new"
            with told_when_full(whole):
                write_synced(whole, msgspec.json.format(msgspec.json.encode(fresh), indent=1))
            try:
                os.link(whole, self._manifest(fresh.number))
            except FileExistsError:
                continue
            finally:
                whole.unlink()
            sync_folder(self._versions)
            return fresh

    def replace(self, name: str, table: Table) -> Version:
        """Publish a version in which `table` stands in place of what was there."""
        return self.publish(lambda tables: tables | {name: table})

    def append(self, name: str, table: Table) -> Version:
        """Publish a version with the files of `table` added; InvalidFile where its columns differ from those there."""

        def added(tables: dict[str, Table]) -> dict[str, Table]:
            there = tables.get(name)
            if there is None:
                return tables | {name: table}
            if [(c.name, c.type) for c in there.columns] != [(c.name, c.type) for c in table.columns]:
                raise InvalidFile([Problem(code="D101", message=f"the columns differ from those of table {name}")])
            known = {file.path for file in there.files}
            more = tuple(file for file in table.files if file.path not in known)
            return tables | {name: Table(there.columns, there.files + more)}

        return self.publish(added)

    def _manifest(self, number: int) -> Path:
        return self._versions / f"{number:08}.json"

    def _numbers(self) -> list[int]:
        return [int(path.stem) for path in self._versions.glob("[0-9]*.json")] if self._versions.is_dir() else []


def write_synced(path: Path, content: bytes) -> None:
    """Write a file that is on the disk when this returns."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Put a folder's names on the disk: a rename is durable only after this."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def told_when_full(path: Path) -> Iterator[None]:
    """A full disk in this block is told as NoSpace."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error):
            raise NoSpace(path=path.parent) from error
        raise

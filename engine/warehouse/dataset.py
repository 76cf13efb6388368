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
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from engine import clock
from engine.audience.later import lacking
from engine.errors import InvalidFile, NoSpace, Problem
from engine.warehouse.addresses import Vault

LEFT_SECONDS = 24 * 3600
"""How old a file is that no version names before it counts as left behind: its writer may still be at work."""
_TABLE = re.compile(r"[a-z][a-z0-9_]{0,59}")
SWEPT = re.compile(r"\.[0-9a-f]{16}\.new|(\d{4}-\d{2}-)?[0-9a-f]{24}\.parquet")
"""What a file is called that a writer wrote, and may not have published."""


class Column(Struct, frozen=True):
    """A column: `name` in Parquet (and in expressions), `type` one of text, int, decimal, double, bool, date,
    timestamp, address (a text that is sealed); `heading` is how an imported file called it."""

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


@dataclass(frozen=True, slots=True)
class Taken:
    """A file (or a query) that a version took in for one table: sha256 of its bytes, rows, and those refused."""

    table: str
    source: str
    sha256: str
    rows: int
    refused: int


class Version(Struct, frozen=True):
    """One version of the dataset. Version 0 has no table; manifests of earlier releases say nothing of when, by whom
    and from what."""

    number: int = 0
    tables: dict[str, Table] = {}
    at: datetime | None = None
    by: str = ""
    taken: tuple[Taken, ...] = ()

    @property
    def columns(self) -> dict[str, dict[str, str]]:
        """Table -> column -> type."""
        return {name: {column.name: column.type for column in table.columns} for name, table in self.tables.items()}


class Replaced(Struct, frozen=True):
    """What stands in place of a file that versions name: its rows with addresses sealed, or without somebody who was
    erased. `was` is the sha256 of the file that is gone."""

    was: str
    path: str
    rows: int
    sha256: str
    why: Literal["sealed", "erased"]
    at: datetime


class Published(Struct, frozen=True):
    """The version that holds what was to be published; `is_new` is False where an earlier one held it already."""

    version: Version
    is_new: bool


@dataclass(frozen=True, slots=True)
class TableChange:
    """What a version changed of a table: its rows before and after, None where there was none."""

    table: str
    before: int | None
    after: int | None


Change = Callable[[dict[str, Table]], dict[str, Table]]
"""Makes the tables of the next version from those of the newest."""
Told = Callable[[int, int], None]
"""Hears how much is done, and of how much (0: nobody knows)."""


class Dataset:
    """The dataset in `folder`, which is made on first use. Without `vault`, which gives what seals addresses, none can
    be taken in or opened."""

    def __init__(self, folder: Path, vault: Callable[[], Vault] | None = None) -> None:
        self.folder = folder.resolve()
        self._vault = vault
        self._versions = self.folder / "versions"

    @cached_property
    def vault(self) -> Vault:
        """What seals and opens addresses. ValueError where the dataset was opened without."""
        if self._vault is None:
            raise ValueError("addresses need a vault: the dataset was opened without one")
        return self._vault()

    def current(self) -> Version:
        """The newest version."""
        return self.version(max(self._numbers(), default=0))

    def version(self, number: int) -> Version:
        """One version; FileNotFoundError where it was never published."""
        if number == 0:
            return Version()
        return msgspec.json.decode(self._manifest(number).read_bytes(), type=Version)

    def versions(self, last: int) -> tuple[Version, ...]:
        """The newest versions, the newest first."""
        return tuple(self.version(number) for number in sorted(self._numbers(), reverse=True)[:last])

    def changes(self, version: Version) -> tuple[TableChange, ...]:
        """What a version changed against the one before it."""
        try:
            before = self.version(version.number - 1).tables if version.number else {}
        except FileNotFoundError:
            before = {}
        names = sorted(before.keys() | version.tables.keys())
        pairs = [(name, before.get(name), version.tables.get(name)) for name in names]
        return tuple(
            TableChange(name, old.rows if old else None, new.rows if new else None)
            for name, old, new in pairs
            if old != new
        )

    def path(self, file: DataFile) -> Path:
        """Where the file is, or what stands in its place."""
        return self.at(file.path)

    def at(self, path: str) -> Path:
        """The same for a path that a version or a frozen list names."""
        after = self.replaced(path)
        return self.folder / (after.path if after else path)

    def replaced(self, path: str) -> Replaced | None:
        """What stands in place of the file that was at `path`; None where that file is there still."""
        found: Replaced | None = None
        while not (self.folder / path).exists():
            after = self._replacing(path)
            if not after.exists():
                break
            found = msgspec.json.decode(after.read_bytes(), type=Replaced)
            path = found.path
        return found

    def replace_file(self, path: str, after: Replaced) -> None:
        """Put another file in place of the one at `path`, in every version that names it, and remove that one."""
        told = self._replacing(path)
        told.parent.mkdir(parents=True, exist_ok=True)
        write_synced(told, msgspec.json.format(msgspec.json.encode(after), indent=1))
        sync_folder(told.parent)
        (self.folder / path).unlink(missing_ok=True)

    def paths(self, table: Table) -> tuple[str, ...]:
        """Where all files of a table are."""
        return tuple(str(self.path(file)) for file in table.files)

    @contextlib.contextmanager
    def fresh_file(self, table: str, mark: str = "") -> Iterator[Path]:
        """A path to write one Parquet file to; what is not published later is swept with `sweep`, unless its name
        begins with a `mark` of whoever sweeps it themselves."""
        if not _TABLE.fullmatch(table):
            raise ValueError(f"not a table name: {table!r}")
        folder = self.folder / table
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f".{mark}{secrets.token_hex(8)}.new"
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

    def publish(self, change: Change) -> Version:
        """Publish the next version, made from the newest one's tables. `change` runs again where another was faster."""
        return self.take(change).version

    def take(self, change: Change, *, by: str = "system", taken: tuple[Taken, ...] = ()) -> Published:
        """The same, saying by whom and from what. Where nothing would change there is no new version."""
        self._versions.mkdir(parents=True, exist_ok=True)
        while True:
            base = self.current()
            tables = dict(sorted(change(dict(base.tables)).items()))
            if tables == base.tables:
                return Published(base, is_new=False)
            fresh = Version(base.number + 1, tables, clock.now(), by, taken)
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
            return Published(fresh, is_new=True)

    def replace(self, name: str, table: Table) -> Version:
        """Publish a version in which `table` stands in place of what was there."""
        return self.publish(lambda tables: tables | {name: table})

    def append(self, name: str, table: Table) -> Version:
        """Publish a version with the files of `table` added; InvalidFile where its columns differ from those there."""
        return self.publish(lambda tables: tables | {name: added(tables.get(name), table, name)})

    def verify(self, version: Version, told: Told = lambda done, of: None) -> int:
        """Read every file of a version again and compare it with its manifest; how many bytes were read.

        InvalidFile names the first file that is gone or differs. `told` hears bytes done, of how many. A file that was
        replaced is compared with what is kept of its replacement.
        """
        files = [file for table in version.tables.values() for file in table.files]
        done, of = 0, sum(file.size for file in files)
        for file in files:
            after = self.replaced(file.path)
            try:
                with (self.folder / (after.path if after else file.path)).open("rb") as opened:
                    found = hashlib.file_digest(opened, "sha256").hexdigest()
            except FileNotFoundError:
                raise InvalidFile([_damaged(version, file, "is gone")]) from None
            if found != (after.sha256 if after else file.sha256):
                raise InvalidFile([_damaged(version, file, "differs from the manifest")])
            done += file.size
            told(done, of)
        return done

    def without_erased(self, version: Version) -> int:
        """How many files of a version were replaced by one without somebody who was erased."""
        files = [file for table in version.tables.values() for file in table.files]
        return sum(after is not None and after.why == "erased" for after in (self.replaced(one.path) for one in files))

    def sweep(self) -> int:
        """Remove what writers who died left: files that no version names, a day older than the newest version."""
        numbers = self._numbers()
        if not numbers:
            return 0
        before = self._manifest(max(numbers)).stat().st_mtime - LEFT_SECONDS
        folders = [each for each in self.folder.iterdir() if each.is_dir() and _TABLE.fullmatch(each.name)]
        old = [
            path
            for folder in folders
            for path in folder.iterdir()
            if SWEPT.fullmatch(path.name) and path.stat().st_mtime < before
        ]
        if not old:
            return 0
        named = {
            self.path(file)
            for number in numbers
            for table in self.version(number).tables.values()
            for file in table.files
        }
        left = [path for path in old if path not in named]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def _replacing(self, path: str) -> Path:
        return self.folder / "replaced" / f"{path.replace('/', '-')}.json"

    def _manifest(self, number: int) -> Path:
        return self._versions / f"{number:08}.json"

    def _numbers(self) -> list[int]:
        return [int(path.stem) for path in self._versions.glob("[0-9]*.json")] if self._versions.is_dir() else []


def added(there: Table | None, table: Table, name: str) -> Table:
    """The files of `table` beside those there; a file that is there already once. InvalidFile where columns differ,
    besides those that an earlier release did not have."""
    if there is None:
        return table
    fresh = lacking(name, {c.name for c in there.columns})
    if [(c.name, c.type) for c in there.columns] != [(c.name, c.type) for c in table.columns if c.name not in fresh]:
        message = f"the columns differ from those of table {name}"
        raise InvalidFile([Problem(code="D101", message=message, fields={"table": name})])
    known = {file.path for file in there.files}
    new = tuple(file for file in table.files if file.path not in known)
    return Table(table.columns, there.files + new) if new else there


def _damaged(version: Version, file: DataFile, what: str) -> Problem:
    message = f"{file.path} of version {version.number} {what}"
    hint = "the dataset was changed behind our back; import again, or restore the folder from a backup"
    return Problem("D117", message, hint, fields={"file": file.path, "version": version.number})


def digest_of_file(path: Path) -> str:
    """sha256 of its bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_synced(path: Path, content: bytes) -> None:
    """Write a file that is on the disk when this returns."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def put_whole(path: Path, content: bytes, *, is_locked: bool = False) -> None:
    """Put a file in place, of an earlier one too: others see it whole or not at all, whenever they look and whatever
    ends this process; it is on the disk when this returns. `is_locked`: nobody else puts it at the same time; then the
    next one writes over what a process that was ended left behind."""
    fresh = path.with_name(f".{path.name}{'' if is_locked else f'-{secrets.token_hex(6)}'}.new")
    try:
        write_synced(fresh, content)
        fresh.replace(path)
        sync_folder(path.parent)
    finally:
        fresh.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Put a folder's names on the disk: a rename is durable only after this."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""A full disk, a quota that is used up, a file as large as the process may make it: in none is there room for more."""


@contextlib.contextmanager
def told_when_full(path: Path) -> Iterator[None]:
    """A full disk in this block is told as NoSpace."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL or "No space left" in str(error):
            raise NoSpace(path=path.parent) from error
        raise

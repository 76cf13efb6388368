"""A backup is one file: the case database of one moment, and the files that its rows name.

Files are written before the rows that name them and never changed after, so what is copied after the database holds
all that it names. Keys stay out: `home/secret.key` is kept apart from what it seals. Restoring replaces the database,
puts back files that are missing, and holds all sending. Refuses a copy that does not hold what its manifest says.
"""

import io
import shutil
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import msgspec
from sqlalchemy import Connection

from engine.errors import InvalidFile, Problem, Refused
from engine.service import definitions, restoring
from engine.service.app import Countersign
from engine.settings import Settings
from engine.store import dumping, operation
from engine.store.session import Database
from engine.values import canonical_json
from engine.warehouse import erased

MANIFEST, DATABASE = "manifest.json", "database"
FORMAT = 1
LARGEST_MANIFEST = 65_536
Tick = Callable[[str, int], None]
"""Told the name and the size of every file that was copied."""


class FileThere(Refused):
    """{file} is there already; a backup replaces nothing. Choose another name."""


class CasesThere(Refused):
    """{url} holds {count} cases already. `--replace` puts the backup in their place, and they are gone."""


class OtherKind(Refused):
    """The backup is of a {kind} database and {url} is another kind; restore it into one of its own kind."""


class Differs(Refused):
    """The restored database is not what the backup's manifest says ({found} instead of {wanted}). Nothing is sent from
    it; take another backup."""


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds. `digest`: of the newest entries of all histories, as dumping.digest has it."""

    format: int
    kind: str
    release: str
    schema: str
    at: datetime
    cases: int
    digest: str


class Restored(msgspec.Struct, frozen=True):
    """What a restore did: files that were put back, and links that were void by it."""

    manifest: Manifest
    files: int
    links: int


def make(app: Countersign, file: Path, *, with_data: bool = True, tick: Tick = lambda _name, _size: None) -> Manifest:
    """Write a backup to `file` while everything runs. `with_data=False` leaves the data folder out, for those who copy
    it themselves. It appears under its name when it is whole."""
    if file.exists():
        raise FileThere(file=file)
    file.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=file.parent, prefix=".backup-") as folder:
        copy = Path(folder) / DATABASE
        manifest = dumping.dump(app.db, copy, lambda tx: _manifest(app, tx))
        fresh = Path(folder) / "whole"
        with tarfile.open(fresh, "w:gz", compresslevel=1) as archive:
            text = canonical_json(manifest)
            head = tarfile.TarInfo(MANIFEST)
            head.size = len(text)
            archive.addfile(head, io.BytesIO(text))
            archive.add(copy, DATABASE)
            tick(DATABASE, copy.stat().st_size)
            with erased.undisturbed(app.settings.data):  # an erasure replaces files
                for name, path in _files(app.settings, with_data=with_data):
                    archive.add(path, name, recursive=False)
                    tick(name, path.stat().st_size)
        fresh.chmod(0o600)
        fresh.rename(file)
    return manifest


def restore(
    settings: Settings, url: str, file: Path, *, replace: bool = False, tick: Tick = lambda _name, _size: None
) -> Restored:
    """Put a backup in the place of the database at `url`, and what is missing of its files. Nothing is sent from it
    until `restoring.release`. CasesThere unless told to replace them."""
    with _opened(file) as archive, TemporaryDirectory(dir=file.parent, prefix=".restore-") as folder:
        manifest = _read_manifest(archive, file)
        db = Database(url)
        try:
            if db.dialect_name != manifest.kind:
                raise OtherKind(kind=manifest.kind, url=db.address)
            if not replace and db.is_made():
                with db.read() as tx:
                    if count := dumping.count_cases(tx):
                        raise CasesThere(url=db.address, count=count)
            copy = Path(folder) / DATABASE
            files = _unpack(archive, settings, copy, tick)
            void: list[int] = []
            dumping.load(db, copy, lambda copied: void.append(_check_and_hold(settings, copied, manifest)))
            app = Countersign(settings, db)
            if manifest.kind != "sqlite":
                _check(db, manifest)
                db.migrate()
                void.append(restoring.hold(app))
            definitions.publish_shipped(app)
        finally:
            db.close()
    return Restored(manifest, files, void[0])


def _manifest(app: Countersign, tx: Connection) -> Manifest:
    return Manifest(
        format=FORMAT,
        kind=app.db.dialect_name,
        release=version("countersign"),
        schema=operation.schema_revision(tx),
        at=app.now(),
        cases=dumping.count_cases(tx),
        digest=dumping.digest(tx),
    )


def _check_and_hold(settings: Settings, copied: Database, manifest: Manifest) -> int:
    _check(copied, manifest)
    copied.migrate()
    return restoring.hold(Countersign(settings, copied))


def _check(db: Database, manifest: Manifest) -> None:
    with db.read() as tx:
        found = dumping.digest(tx)
    if found != manifest.digest:
        raise Differs(found=found[:12], wanted=manifest.digest[:12])


def _files(settings: Settings, *, with_data: bool) -> Iterator[tuple[str, Path]]:
    """Name in the archive and place of every file, but for those that are still being written and what tells processes
    of each other."""
    places = {"attachments": settings.home / "attachments", **({"data": settings.data} if with_data else {})}
    for name, folder in places.items():
        for path in sorted(folder.rglob("*")):
            parts = path.relative_to(folder).parts
            if path.is_file() and path.suffix != ".lock" and not any(part.startswith(".") for part in parts):
                yield f"{name}/{PurePosixPath(*parts)}", path


@contextmanager
def _opened(file: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(file, "r:*") as archive:
            yield archive
    except (tarfile.TarError, EOFError) as error:
        raise _no_backup(file) from error


def _read_manifest(archive: tarfile.TarFile, file: Path) -> Manifest:
    first = archive.next()
    if first is None or first.name != MANIFEST or first.size > LARGEST_MANIFEST:
        raise _no_backup(file)
    opened = archive.extractfile(first)
    assert opened is not None
    try:
        manifest = msgspec.json.decode(opened.read(), type=Manifest)
    except msgspec.DecodeError as error:
        raise _no_backup(file) from error
    if manifest.format != FORMAT:
        raise _no_backup(file)
    return manifest


def _unpack(archive: tarfile.TarFile, settings: Settings, copy: Path, tick: Tick) -> int:
    """The database to `copy`, and every file that is missing to its place; how many those were. What is there stays: a
    customer may have been erased from it since."""
    places = {"attachments": settings.home / "attachments", "data": settings.data}
    count = 0
    for member in archive:
        parts = PurePosixPath(member.name).parts
        if not member.isfile() or not parts or ".." in parts or member.name.startswith("/"):
            continue
        if member.name == DATABASE:
            target = copy
        elif parts[0] in places and len(parts) > 1:
            target = places[parts[0]].joinpath(*parts[1:])
        else:
            continue
        if target.exists():
            continue
        opened = archive.extractfile(member)
        assert opened is not None
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f".{target.name}.new")
        with fresh.open("wb") as written:
            shutil.copyfileobj(opened, written)
        fresh.rename(target)
        tick(member.name, member.size)
        count += member.name != DATABASE
    return count


def _no_backup(file: Path) -> InvalidFile:
    return InvalidFile([Problem("backup", "this is no backup of ours", file=str(file), line=1, column=1)])

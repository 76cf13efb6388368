"""Freezes an audience: the ordered list and a manifest that says how it came about, in one folder that appears at once.

The manifest holds no clock time and no path of this machine, so the same inputs give the same bytes anywhere; that is
how a list is shown years later to be the one that was approved. Refuses to touch a folder that is already there.
"""

import hashlib
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct

from engine.audience.compile import Selection
from engine.audience.question import Asking
from engine.audience.waterfall import Cube, Row, Slot
from engine.errors import InvalidFile, Problem
from engine.values import Bilingual
from engine.warehouse.addresses import ERASED
from engine.warehouse.dataset import DataFile, Dataset, Version, sync_folder, told_when_full, write_synced
from engine.warehouse.job import Balance, CellBalance, Member
from engine.warehouse.remains import Remains, read_remains
from engine.warehouse.run import DEFAULT_LIMITS, Input, Limits, Select, Selected, select

LIST = "list.parquet"
MANIFEST = "manifest.json"
FORMAT = "countersign-snapshot/1"


class Rung(Struct, frozen=True):
    """An exclusion's name and label."""

    name: str
    zh: str
    en: str

    @property
    def label(self) -> Bilingual:
        """The label in both languages."""
        return Bilingual(zh=self.zh, en=self.en)


class HeldOut(Struct, frozen=True):
    """The version of the global holdout that was used, and how many customers of the source belong to it."""

    version: int
    share: str
    customers: int


class PolicyUsed(Struct, frozen=True):
    """The version of the contact policy that was used, and how many customers of the source it leaves no contact."""

    version: int
    customers: int


class Manifest(Struct, frozen=True):
    """What manifest.json says. `digest` is of the ordered list's lines, `file_sha256` of list.parquet's bytes;
    `thresholds` and `offers` are those of cells that have one of their own, `groups` the versions of saved groups in
    it, as NAME@VERSION. What a list frozen earlier did not keep is empty."""

    format: str
    digest: str
    file_sha256: str
    rows: int
    target: int
    control: int
    as_of: str
    salt: str
    threshold: str
    universe: int
    rungs: tuple[Rung, ...]
    cells: dict[str, tuple[int, int]]
    waterfall: tuple[Row, ...]
    cube: tuple[Slot, ...]
    sql: str
    inputs: tuple[Input, ...]
    versions: dict[str, str]
    thresholds: dict[str, str] = {}
    offers: dict[str, str] = {}
    holdout: HeldOut | None = None
    policy: PolicyUsed | None = None
    sample: tuple[Member, ...] = ()
    balanced: int = 0
    balance: tuple[Balance, ...] = ()
    balance_of_cells: dict[str, CellBalance] = {}
    asking: Asking | None = None
    is_drawn: bool = False
    groups: tuple[str, ...] = ()

    @property
    def counts(self) -> Cube:
        """The cube, for other orders and overlaps."""
        return Cube(self.universe, tuple(rung.name for rung in self.rungs), self.cube)


@dataclass(frozen=True, slots=True)
class Frozen:
    """A frozen audience, opened."""

    folder: Path
    manifest: Manifest

    def batches(
        self, rows: int = 10_000, columns: tuple[str, ...] = ("customer", "cell", "arm")
    ) -> Iterator[pa.RecordBatch]:
        """The list in order, as Arrow batches of at most `rows` rows."""
        with pq.ParquetFile(self.folder / LIST) as file:
            yield from file.iter_batches(batch_size=rows, columns=list(columns))


Besides = Callable[[Path], Mapping[str, DataFile]]
"""Writes tables of this run alone (suppression lists) into the folder and says what it wrote."""


def freeze(
    dataset: Dataset,
    version: Version,
    selection: Selection,
    target: Path,
    *,
    besides: Besides = lambda folder: {},
    provenance: Mapping[str, str] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    selecting: Select = select,
) -> tuple[Frozen, Selected]:
    """Select and freeze into the folder `target`, which must not exist. What fails leaves nothing behind."""
    with _appearing_at_once(target) as folder:
        beside = besides(folder)
        selected = selecting(dataset, version, selection, folder, beside=beside, limits=limits)
        cube = selected.cube
        with (folder / LIST).open("rb") as file:
            file_sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        manifest = Manifest(
            format=FORMAT,
            digest=selected.result.digest,
            file_sha256=file_sha256,
            rows=selected.result.rows,
            target=cube.arm("target"),
            control=cube.arm("control"),
            as_of=selection.as_of.isoformat(),
            salt=selection.salt,
            threshold=selected.result.threshold,
            universe=cube.universe,
            rungs=tuple(Rung(rung.name, rung.label.zh, rung.label.en) for rung in selection.rungs),
            cells=cube.cells(selection.cells),
            waterfall=cube.waterfall(),
            cube=cube.slots,
            sql=selected.sql,
            inputs=selected.inputs,
            versions={"dataset": str(version.number), "engine": selected.result.engine, **(provenance or {})},
            thresholds=selected.result.thresholds,
            offers=dict(selection.offers),
            holdout=_held_out(selection, cube),
            policy=PolicyUsed(selection.policy.version, cube.alone("policy")) if selection.policy else None,
            sample=selected.result.sample,
            balanced=selected.result.balanced,
            balance=selected.result.balance,
            balance_of_cells=selected.result.balance_of_cells,
            asking=selected.asking,
            is_drawn=selection.is_drawn,
            groups=selection.groups,
        )
        with told_when_full(folder / MANIFEST):
            write_synced(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    return Frozen(target, manifest), selected


def _held_out(selection: Selection, cube: Cube) -> HeldOut | None:
    used = selection.holdout
    return None if used is None else HeldOut(used.version, str(used.share), cube.alone("holdout"))


def open_frozen(folder: Path) -> Frozen:
    """The frozen audience in `folder`; FileNotFoundError where there is none."""
    return Frozen(folder, msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest))


def case_folder(case_id: str, round_: int, selection: int = 0) -> PurePosixPath:
    """Where the audience of one round of a case lies, relative to the data folder; `selection` counts how often one was
    selected anew because it was stale."""
    return PurePosixPath("cases") / case_id / (f"r{round_}" + (f"-{selection}" if selection else ""))


def read_list(data: Path, case_id: str) -> Iterator[tuple[str, str, str]]:
    """(customer, cell, arm) of the newest round's list, in order; FileNotFoundError where nothing is frozen."""
    folders = [path.name[1:].split("-") for path in (data / "cases" / case_id).glob("r[0-9]*")]
    if not folders:
        raise FileNotFoundError(data / "cases" / case_id)
    newest = max([int(part) for part in parts] for parts in folders)
    for batch in open_frozen(data / case_folder(case_id, *newest)).batches():
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def verify(folder: Path) -> Manifest:
    """Check the list against its manifest, byte by byte and count by count; InvalidFile says what differs. A list
    without somebody who was erased since is held against what is kept of that (see `remains`), and all counts against
    the manifest."""
    frozen = open_frozen(folder)
    manifest, remains = frozen.manifest, read_remains(folder)
    with (folder / LIST).open("rb") as file:
        file_sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    wanted_sha256, wanted_digest, wanted_erased = _wanted(manifest, remains, file_sha256)
    digest = hashlib.sha256()
    arms = {"target": 0, "control": 0}
    erased = 0
    for batch in frozen.batches() if file_sha256 == wanted_sha256 else ():
        for customer, cell, arm in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            digest.update(f"{customer}\t{cell}\t{arm}\n".encode())
            arms[arm] += 1
            erased += customer.startswith(ERASED)
    problems = [
        Problem(code="D103", message=f"{what} differs from the manifest", hint="the snapshot was changed")
        for what, holds in (
            ("the file list.parquet", file_sha256 == wanted_sha256),
            ("the digest of the list", digest.hexdigest() == wanted_digest),
            ("the number of customers who were erased", erased == wanted_erased),
            ("the number of customers", arms == {"target": manifest.target, "control": manifest.control}),
            ("the waterfall", manifest.counts.waterfall() == manifest.waterfall),
        )
        if not holds
    ]
    if problems:
        raise InvalidFile(problems)
    return manifest


def _wanted(manifest: Manifest, remains: Remains | None, there: str) -> tuple[str, str, int]:
    """What the file, its lines and the erased among them should be."""
    if remains is None or LIST not in remains.files or there == manifest.file_sha256:
        return manifest.file_sha256, manifest.digest, 0
    return remains.files[LIST].now, remains.digest, remains.erased


@contextmanager
def _appearing_at_once(target: Path) -> Iterator[Path]:
    """A folder to fill that gets its name when it is whole; it is removed where filling fails."""
    if target.exists():
        raise FileExistsError(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = target.parent / f".{target.name}-{secrets.token_hex(6)}.new"
    with told_when_full(folder):
        folder.mkdir()
    try:
        yield folder
        sync_folder(folder)
        folder.rename(target)
        sync_folder(target.parent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)

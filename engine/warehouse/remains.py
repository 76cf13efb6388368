"""What remains of a frozen list after customers were erased: beside it, in a file of its own.

The manifest stays what was approved. This says what every file was and is, so that a check can tell a file that was
changed from one without somebody who was erased. A customer's name replaces the number: counts stay.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pyarrow as pa
from msgspec import Struct

from engine.warehouse.addresses import ERASED
from engine.warehouse.dataset import put_whole

REMAINS = "erased.json"


class Was(Struct, frozen=True):
    """The sha256 of a file: as it was frozen, and as it is."""

    was: str
    now: str


class Remains(Struct, frozen=True):
    """`digest` is of the list's lines as they are now, `erased` how many of them name somebody who was erased;
    `certificates` are the numbers of the erasures."""

    digest: str = ""
    erased: int = 0
    files: dict[str, Was] = {}
    certificates: tuple[int, ...] = ()


def read_remains(folder: Path) -> Remains | None:
    """What is said of the folder of a frozen list; None where nobody of it was erased."""
    path = folder / REMAINS
    return msgspec.json.decode(path.read_bytes(), type=Remains) if path.exists() else None


def write_remains(folder: Path, remains: Remains) -> None:
    """Say it, on the disk when this returns."""
    put_whole(folder / REMAINS, msgspec.json.format(msgspec.json.encode(remains), indent=1), is_locked=True)


def counted(batches: Iterable[pa.RecordBatch]) -> tuple[str, int]:
    """The digest of a list's lines, and how many name somebody who was erased."""
    digest, erased = hashlib.sha256(), 0
    for batch in batches:
        for customer, cell, arm in zip(*(batch[name].to_pylist() for name in ("customer", "cell", "arm")), strict=True):
            digest.update(f"{customer}\t{cell}\t{arm}\n".encode())
            erased += customer.startswith(ERASED)
    return digest.hexdigest(), erased

"""Who was erased, as far as the data folder knows: names that only the holder of the key makes of a customer's number.

A name stands where the number stood, so that counts and orders of rows stay; the list of them lies in the folder, so
that whatever takes rows in can refuse the customer without the case database. Refuses to know the number.
"""

import contextlib
import fcntl
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec
import pyarrow as pa

from engine.errors import InvalidFile, Problem
from engine.warehouse.dataset import Dataset, put_whole
from engine.warehouse.rows import BadRow, Place, bad

MARKER = "erased.json"
LOCK = "erasing.lock"
"""Held by who carries out an erasure."""
CODE = "D190"
AT_ONCE = 65_536
IsErased = Callable[[str], bool]


def names(folder: Path) -> frozenset[str]:
    """The names of everybody who was erased."""
    path = folder / MARKER
    return frozenset(msgspec.json.decode(path.read_bytes(), type=list[str])) if path.exists() else frozenset()


def keep_names(folder: Path, known: Iterable[str]) -> None:
    """Make them the names of everybody who was erased."""
    folder.mkdir(parents=True, exist_ok=True)
    put_whole(folder / MARKER, msgspec.json.format(msgspec.json.encode(sorted(known)), indent=1), is_locked=True)


def asks(dataset: Dataset) -> IsErased | None:
    """Tells whether a customer was erased; None where nobody was, so that nothing is to be asked."""
    known = names(dataset.folder)
    return dataset.vault.naming(known) if known else None


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Carry out an erasure in this block, where this is True; else another one, or what must not be disturbed by one,
    is under way. The system gives the lock back when its process ends, however it does."""
    with _lock(folder).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


@contextlib.contextmanager
def undisturbed(folder: Path) -> Iterator[None]:
    """Read or write lists in this block while nobody is erased from them; waits for an erasure that is under way."""
    with _lock(folder).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def _lock(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder / LOCK


def erased_rows(
    customers: pa.ChunkedArray, lines: pa.ChunkedArray, is_erased: IsErased, heading: str, place: Place
) -> Iterator[BadRow]:
    """The rows of customers who were erased. Nothing of them stands in the report but where they are."""
    table = pa.table([customers, lines], ["customer", "line"])
    for batch in table.to_batches(AT_ONCE):
        for customer, line in zip(batch["customer"].to_pylist(), batch["line"].to_pylist(), strict=True):
            if customer and is_erased(customer):
                yield bad(line, heading, CODE, place)


def changed_meanwhile(source: str) -> InvalidFile:
    """A file was read before somebody was erased whom it may have."""
    told = "somebody was erased while the file was read; nothing was taken over"
    return InvalidFile([Problem("D191", told, "import it again", source)])

"""Counts the customers of every part of a source, in a child process that can be ended at any moment.

Refuses to keep anything: neither a list nor a manifest comes of it.
"""

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from engine.audience.compile import KNOWN_TABLES, Selection
from engine.warehouse.dataset import DataFile, Dataset, Version
from engine.warehouse.job import Census, Counts, Told
from engine.warehouse.run import DEFAULT_LIMITS, Limits, Started, failed, files_of, in_child

CHILD = (sys.executable, "-m", "engine.warehouse.count_child")


def count(
    dataset: Dataset,
    version: Version,
    selection: Selection,
    folder: Path,
    *,
    beside: Mapping[str, DataFile] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    started: Started | None = None,
) -> tuple[int, ...]:
    """The row of the selection's tally. `beside` are tables that lie in `folder` itself. Raises like `select`."""
    assert selection.tally is not None
    chosen = files_of(version, selection, beside or {})
    with tempfile.TemporaryDirectory(prefix=".spill-", dir=folder) as spill:
        census = Census(
            tables={
                name: tuple(str(folder / f.path if beside and name in beside else dataset.path(f)) for f in files)
                for name, files in chosen.items()
                if files
            },
            empty={name: dict(KNOWN_TABLES[name]) for name, files in chosen.items() if not files},
            sql=selection.tally.sql(),
            spill=spill,
            memory_limit=limits.memory,
            threads=limits.threads,
            parent=os.getpid(),
            seconds=limits.seconds,
        )
        said = in_child(CHILD, msgspec.json.encode(census), limits, started)
    answer: Told = msgspec.json.decode(said, type=Told)
    if isinstance(answer, Counts):
        return answer.numbers
    raise failed(answer, folder)

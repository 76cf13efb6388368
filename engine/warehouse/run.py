"""Runs a selection in its child process and says clearly how it ended.

The parent compiles the statement and names the files; the child sees nothing else. Refuses to wait longer than told:
the child and everything it started is killed, and what it had written is the caller's to throw away.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec import Struct

from engine.audience.compile import KNOWN_TABLES, Selection
from engine.audience.question import Asking
from engine.audience.waterfall import Cube
from engine.errors import CountersignError, InvalidFile, NoSpace, Problem, SelectionFailed
from engine.masking import is_sealed, masked
from engine.warehouse.dataset import DataFile, Dataset, Version
from engine.warehouse.job import Answer, Endable, Failure, Job, Member, Result

CHILD = (sys.executable, "-m", "engine.warehouse.child")
SHOWN = ("name", "phone")
"""Fields of the masked sample, beside the customer's number."""
ROOT = Path(__file__).resolve().parents[2]
CHILDS = {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
"""The system's pool gives back at once what a written batch took: 25 MB less at the peak."""
Started = Callable[[Endable], None]
"""Is given what runs, to end it early."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one selection may use."""

    memory: str = "400MB"
    seconds: float = 600
    threads: int = os.cpu_count() or 1


DEFAULT_LIMITS = Limits()


class Input(Struct, frozen=True, omit_defaults=True):
    """One file that a selection read. `lineage` says of which case it tells, where it does."""

    table: str
    path: str
    rows: int
    sha256: str
    lineage: dict[str, str] = {}


class Evidence(DataFile, frozen=True, kw_only=True):
    """A file made for one run, of what was known elsewhere."""

    lineage: dict[str, str]


@dataclass(frozen=True, slots=True)
class Selected:
    """A finished selection: `list.parquet` in its folder and what is known about it. `sql` is what was run, `asking`
    answers for one customer in the words of the same engine."""

    cube: Cube
    result: Result
    inputs: tuple[Input, ...]
    sql: str
    asking: Asking | None = None


class Select(Protocol):
    """An engine that selects: DuckDB over the files (`select`), or a place that has the customers."""

    def __call__(
        self,
        dataset: Dataset,
        version: Version,
        selection: Selection,
        folder: Path,
        *,
        beside: Mapping[str, DataFile] | None = None,
        limits: Limits = DEFAULT_LIMITS,
        with_parts: bool = False,
    ) -> Selected:
        """Select and write `folder`/list.parquet."""
        ...


def select(
    dataset: Dataset,
    version: Version,
    selection: Selection,
    folder: Path,
    *,
    beside: Mapping[str, DataFile] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    with_parts: bool = False,
) -> Selected:
    """Select from one version of the dataset and write `folder`/list.parquet.

    `beside` are tables that lie in `folder` itself (the suppression lists of this run) and stand in place of the
    dataset's. `with_parts` also counts each part of the source, with one more scan. Raises SelectionFailed, NoSpace, or
    InvalidFile where there are no customers.
    """
    chosen = files_of(version, selection, beside or {})
    tables = {
        name: tuple(str(folder / f.path if beside and name in beside else dataset.path(f)) for f in files)
        for name, files in chosen.items()
        if files
    }
    with tempfile.TemporaryDirectory(prefix=".spill-", dir=folder) as spill:
        job = Job(
            tables=tables,
            empty={name: dict(KNOWN_TABLES[name]) for name, files in chosen.items() if not files},
            sql=selection.sql(),
            threshold=selection.threshold,
            control_min=selection.control_min,
            folder=str(folder),
            spill=spill,
            memory_limit=limits.memory,
            threads=limits.threads,
            parent=os.getpid(),
            seconds=limits.seconds,
            control_min_per_cell=selection.control_min_per_cell,
            is_drawn=selection.is_drawn,
            measured=selection.measured,
            tally=selection.tally.sql() if with_parts and selection.tally else "",
            shown=tuple(c.name for c in version.tables["customers"].columns if c.name in SHOWN),
            cells=selection.cells,
        )
        result = _checked(in_child(CHILD, msgspec.json.encode(job), limits), folder)
    result = msgspec.structs.replace(result, sample=tuple(_opened(dataset, one) for one in result.sample))
    inputs = tuple(input_of(name, f) for name, files in sorted(chosen.items()) for f in files)
    return finished(selection, result, inputs, sql=job.sql, asking=selection.asking())


def _opened(dataset: Dataset, member: Member) -> Member:
    """A customer of the sample with their sealed addresses opened, and masked."""
    shown = {name: masked(dataset.vault.open(one)) if is_sealed(one) else one for name, one in member.shown.items()}
    return msgspec.structs.replace(member, shown=shown)


def finished(
    selection: Selection, result: Result, inputs: tuple[Input, ...], *, sql: str, asking: Asking | None
) -> Selected:
    """The selection with its counts; ValueError where they do not add up. A sealed address that nobody opened, of
    customers that lie elsewhere, is left out of the sample."""
    sample = (
        msgspec.structs.replace(one, shown={name: text for name, text in one.shown.items() if not is_sealed(text)})
        for one in result.sample
    )
    result = msgspec.structs.replace(result, sample=tuple(sample))
    names = tuple(rung.name for rung in selection.rungs)
    cube = Cube(universe=result.universe, names=names, slots=result.slots)
    cube.waterfall()
    return Selected(cube, result, inputs, sql, asking)


def input_of(table: str, file: DataFile) -> Input:
    """The file as an input, with the case that it tells of where it does."""
    lineage = file.lineage if isinstance(file, Evidence) else {}
    return Input(table, file.path, file.rows, file.sha256, lineage)


def files_of(version: Version, selection: Selection, beside: Mapping[str, DataFile]) -> dict[str, tuple[DataFile, ...]]:
    """Table -> the files to read; contacts without the months that are too old to matter."""
    if "customers" not in version.tables:
        message = "the dataset has no customers yet"
        hint = "import them with `countersign data import customers FILE --key COLUMN`"
        raise InvalidFile([Problem(code="D102", message=message, hint=hint)])
    since = f"{selection.contacts_since:%Y-%m}" if selection.contacts_since else ""
    chosen: dict[str, tuple[DataFile, ...]] = {}
    for name in selection.tables:
        if name in beside:
            chosen[name] = (beside[name],)
        elif name in version.tables:
            chosen[name] = tuple(f for f in version.tables[name].files if not f.month or f.month >= since)
        else:
            chosen[name] = ()
    return chosen


def in_child(program: Sequence[str], job: bytes, limits: Limits, started: Started | None = None) -> bytes:
    """What the program says to the job on its stdin. SelectionFailed where it dies or takes too long."""
    # The child gets no secret of the service: only what Python needs to start.
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    child = subprocess.Popen(  # noqa: S603  a fixed command
        program,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=kept | CHILDS,
        start_new_session=True,
    )
    try:
        if started:
            started(child)
        said, complained = child.communicate(job, timeout=limits.seconds)
    except subprocess.TimeoutExpired as error:
        raise SelectionFailed(reason=f"it took longer than {limits.seconds:g} seconds and was stopped") from error
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
    if child.returncode < 0:
        raise SelectionFailed(reason=f"its process was killed by signal {-child.returncode}, often for want of memory")
    if child.returncode:
        lines = complained.decode(errors="replace").strip().splitlines() or [f"exit code {child.returncode}"]
        raise SelectionFailed(reason=lines[-1])
    return said


def _checked(said: bytes, folder: Path) -> Result:
    answer: Answer = msgspec.json.decode(said, type=Answer)
    if isinstance(answer, Result):
        return answer
    raise failed(answer, folder)


def failed(failure: Failure, folder: Path) -> CountersignError:
    """What is raised for it."""
    if failure.kind == "space":
        return NoSpace(path=folder)
    if failure.kind == "memory":
        return SelectionFailed(reason=f"it needs more memory than COUNTERSIGN_MEMORY_LIMIT allows ({failure.reason})")
    return SelectionFailed(reason=failure.reason)

"""What keeps a child process to its job: DuckDB locked down, limits of the system, the end of the parent as its own.

Apart from the programs that use it, so that the one that a page waits for loads nothing that it does not need: pyarrow
takes a third of a second. Refuses to run a statement.
"""

import ctypes
import errno
import os
import re
import resource
import signal
import sys
from collections.abc import Callable
from typing import TypeVar

import duckdb

from engine.audience.later import rows_in
from engine.warehouse.job import Allotment, Census, Failure, Job, Question, Rehearsal

T = TypeVar("T")
PR_SET_PDEATHSIG = 1
RESERVED, RESERVED_PER_THREAD = 4 * 1024**3, 128 * 1024**2
"""Bytes of addresses, most of them never used: libraries, stacks, the arenas of the allocator."""
SQL_TYPES = {"text": "VARCHAR", "timestamp": "TIMESTAMP", "int": "BIGINT"}


def locked_down(job: Job | Question | Census | Rehearsal | Allotment) -> duckdb.DuckDBPyConnection:
    """DuckDB in memory with the job's tables as views, which reads and writes nothing outside its folders."""
    db = duckdb.connect(config={"memory_limit": job.memory_limit, "threads": job.threads, "temp_directory": job.spill})
    readable = [file for files in job.tables.values() for file in files]
    readable += [job.list] if isinstance(job, Question) else []
    listed = ", ".join(f"'{quoted(file)}'" for file in readable)
    db.execute(f"SET allowed_paths = [{listed}]")
    db.execute("SET enable_external_access = false")
    db.execute("SET python_enable_replacements = false")  # else a name in FROM may be a variable of this program
    for name, files in job.tables.items():
        listed = ", ".join(f"'{quoted(file)}'" for file in files)
        db.execute(f'CREATE TEMP VIEW "{name}" AS SELECT * FROM {rows_in(name, f"[{listed}]")}')
    for name, columns in job.empty.items():
        nothing = ", ".join(f'NULL::{SQL_TYPES[kind]} AS "{column}"' for column, kind in columns.items())
        db.execute(f'CREATE TEMP VIEW "{name}" AS SELECT {nothing} WHERE false')
    db.execute("SET lock_configuration = true")
    return db


def limit_itself(job: Job | Question | Census | Rehearsal | Allotment) -> None:
    """Limits that the system keeps: an endless statement ends even where nobody waits for it any more."""
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, RESERVED + job.threads * RESERVED_PER_THREAD + 4 * _bytes(job.memory_limit))
    if job.seconds:
        _limit(resource.RLIMIT_CPU, int(job.seconds * job.threads) + 2)


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


def _bytes(size: str) -> int:
    """Of a memory limit as DuckDB takes it: 400MB, 2GiB."""
    match = re.fullmatch(r"([0-9.]+)\s*([KMGT]?)I?B?", size.strip().upper())
    if match is None:
        raise ValueError(f"not a size: {size}")
    return int(float(match[1]) * 1024 ** "_KMGT".index(match[2] or "_"))


def quoted(text: str) -> str:
    """For between single quotes."""
    return text.replace("'", "''")


def first_line(error: BaseException) -> str:
    """What an error says, shortly."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def without_values(error: BaseException) -> str:
    """DuckDB tells the value that it could not work with, which may be a customer's number."""
    if "More than one row" in str(error):
        return "a query in a condition gives more than one row; compare with max(...), or write IN"
    kind = str(error).partition(":")[0]
    return f"a value of a customer does not fit what is done with it ({kind}); TRY_CAST gives a blank instead"


def answered(act: Callable[[], T]) -> T | Failure:
    """What the program found, or why it found nothing."""
    try:
        return act()
    except duckdb.OutOfMemoryException as error:
        return Failure("space" if "No space left" in str(error) else "memory", first_line(error))
    except (duckdb.IOException, OSError) as error:
        full = getattr(error, "errno", 0) == errno.ENOSPC or "No space left" in str(error)
        return Failure("space" if full else "statement", first_line(error))
    except (duckdb.DataError, duckdb.InvalidInputException) as error:
        return Failure("statement", without_values(error))
    except duckdb.Error as error:
        return Failure("statement", first_line(error))


def end_with_parent(parent: int) -> None:
    """Linux ends this process when its parent dies, so that a killed worker leaves no selection running."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit(1)

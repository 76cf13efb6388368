"""The selection itself, in a process of its own: a Job on stdin, an Answer on stdout.

A process can be killed (DuckDB's interrupt took 38 s to stop one query) and its memory ends with it. DuckDB runs in
memory, locked down: it reads the files of its tables and no other, writes its spill folder, runs one statement, and
cannot be configured any more. Time of the processor and memory have limits of the system as well, for what DuckDB does
not count. Refuses to open a case database, a network connection or any other file.
"""

import contextlib
import hashlib
import os
import resource
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from engine.audience.waterfall import Slot
from engine.warehouse import describing
from engine.warehouse.describing import Queryable
from engine.warehouse.job import Answer, Failure, Job, Result
from engine.warehouse.lockdown import answered, end_with_parent, limit_itself, locked_down, quoted
from engine.warehouse.row_groups import ROW_GROUP

LIST_SCHEMA = pa.schema([("customer", pa.string()), ("cell", pa.string()), ("arm", pa.string())])
ORDERED_SCHEMA = LIST_SCHEMA.append(pa.field("line", pa.string()))


def main() -> int:
    """Run the job on stdin."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    end_with_parent(job.parent)
    limit_itself(job)
    answer: Answer = answered(lambda: run(job))
    sys.stdout.buffer.write(msgspec.json.encode(answer))
    return 0


def run(job: Job) -> Answer:
    """Select, count, draw the control group, write the ordered list."""
    with contextlib.closing(locked_down(job)) as db:
        db.execute(alone(db, f"CREATE TEMP TABLE selected AS {narrowed(job)}"))
        universe = _number(db, "SELECT count(customer) FROM customers")
        threshold = drawn_below(db, job)
        if isinstance(threshold, Failure):
            return threshold
        thresholds = describing.thresholds(db, job, threshold)
        if isinstance(thresholds, Failure):
            return thresholds
        arm = describing.arm(threshold, thresholds)
        slots = tuple(Slot(*slot) for slot in counted(db, arm))
        rows, digest = write_list(_listed(db, arm), Path(job.folder) / "list.parquet")
        balanced, balance, of_cells = describing.balance(db, job, arm, slots)
        sample = describing.sample(db, job, arm)
        tally = db.execute(job.tally).fetchone() if job.tally else ()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return Result(
        universe=universe,
        slots=slots,
        rows=rows,
        digest=digest,
        threshold=threshold,
        engine=f"duckdb {duckdb.__version__}",
        peak_rss_kb=peak_rss_kb(),
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        thresholds=thresholds,
        balance=balance,
        balanced=balanced,
        balance_of_cells=of_cells,
        sample=sample,
        tally=tuple(map(int, tally or ())),
    )


def narrowed(job: Job) -> str:
    """The selection with its columns as small as they can be: ten million customers in it are held in memory."""
    if not job.cells:
        return job.sql
    names = ", ".join(f"'{quoted(name)}'" for name in job.cells)
    return f"SELECT bits, customer, cell::ENUM({names}) AS cell, draw FROM ({job.sql})"


def alone(db: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The text, if it is one statement and no second one hides in it: that could write what this program may write."""
    if [statement.type for statement in db.extract_statements(sql)] != [duckdb.StatementType.CREATE]:
        raise duckdb.PermissionException("a selection is one statement")
    return sql


def drawn_below(db: Queryable, job: Job) -> str | Failure:
    """The threshold that gives the control group its share and at least its minimum, or why there is none."""
    if not job.control_min:
        return job.threshold
    drawn = _number(db, "SELECT count(*) FROM selected WHERE bits = 0 AND draw < ?", job.threshold)
    if drawn >= job.control_min:
        return job.threshold
    smallest = db.execute(
        "SELECT draw FROM selected WHERE bits = 0 ORDER BY draw LIMIT 1 OFFSET ?", [job.control_min - 1]
    ).fetchone()
    if smallest is None:
        left = _number(db, "SELECT count(*) FROM selected WHERE bits = 0")
        return Failure("control", f"the control group needs {job.control_min} customers, {left} are left")
    return describing.behind(smallest[0])


def counted(db: Queryable, arm: str) -> list[tuple[Any, ...]]:
    """The cube: (bits, cell, arm, customers)."""
    rows: list[tuple[Any, ...]] = db.execute(
        f"SELECT bits, coalesce(cell, ''), CASE WHEN bits <> 0 THEN '' ELSE {arm} END AS arm, count(*)"
        " FROM selected GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    ).fetchall()
    return rows


def _listed(db: duckdb.DuckDBPyConnection, arm: str) -> Iterator[pa.RecordBatch]:
    """The list in order, each row with its line of the digest."""
    # A relation, because Arrow from a cursor is copied once more. The lines are joined here and not by pyarrow, whose
    # first use of a Python text imports pandas (0.15 CPU seconds).
    reader: Iterator[pa.RecordBatch] = db.sql(
        "SELECT customer, cell, arm, customer || chr(9) || cell || chr(9) || arm || chr(10) AS line FROM ("
        " SELECT customer, coalesce(cell, '') AS cell, CASE WHEN is_control THEN 'control' ELSE 'target' END AS arm"
        f" FROM (SELECT customer, cell, {arm} = 'control' AS is_control FROM selected WHERE bits = 0 ORDER BY 1))"
    ).to_arrow_reader(ROW_GROUP)
    return reader


def write_list(batches: Iterable[pa.RecordBatch], path: Path) -> tuple[int, str]:
    """Write the list (ORDERED_SCHEMA, by customer); how many rows, and sha256 over the lines customer TAB cell TAB arm
    LF. Row groups of one size by one thread: the same list is the same bytes."""
    digest = hashlib.sha256()
    rows = 0
    with path.open("wb") as file:
        with pq.ParquetWriter(file, LIST_SCHEMA, compression="snappy", use_dictionary=["cell", "arm"]) as writer:
            for batch in _of_equal_size(batches):
                writer.write_batch(batch.select(LIST_SCHEMA.names), row_group_size=ROW_GROUP)
                digest.update(characters(batch["line"]))
                rows += batch.num_rows
        file.flush()
        os.fsync(file.fileno())
    return rows, digest.hexdigest()


def _of_equal_size(reader: Iterable[pa.RecordBatch]):  # type: ignore[no-untyped-def]  # pyarrow has no types
    """Batches of ROW_GROUP rows, whatever sizes DuckDB hands out."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in reader:
        if batch.num_rows == ROW_GROUP and not count and batch.schema == ORDERED_SCHEMA:
            yield batch
            continue
        while count + batch.num_rows >= ROW_GROUP:
            head = batch.slice(0, ROW_GROUP - count)
            yield pa.concat_batches([*held, head]).cast(ORDERED_SCHEMA)
            batch, held, count = batch.slice(head.num_rows), [], 0  # noqa: PLW2901  the rest goes round again
        held, count = [*held, batch], count + batch.num_rows
    if count:
        yield pa.concat_batches(held).cast(ORDERED_SCHEMA)


def characters(texts: pa.StringArray) -> memoryview:
    """All texts of an array, one behind the other as they lie in memory."""
    _, offsets, characters = texts.buffers()
    ends = memoryview(offsets).cast("i")
    return memoryview(characters)[ends[texts.offset] : ends[texts.offset + len(texts)]]


def _number(db: Queryable, sql: str, *values: str) -> int:
    row = db.execute(sql, list(values)).fetchone()
    assert row is not None
    return int(row[0])


def peak_rss_kb() -> int:
    """Of this program alone: what getrusage says includes the parent's memory at the moment of the fork."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))


if __name__ == "__main__":
    raise SystemExit(main())

"""An arbitration in a process of its own: an Allotment on stdin, an Allotted on stdout.

Locked down like the selection. Whole sets of customers are moved by statements; none is walked through alone. Refuses a
step that is more than one statement.
"""

import contextlib
import hashlib
import os
import resource
import sys
from pathlib import Path

import duckdb
import msgspec
import pyarrow.parquet as pq

from engine.warehouse.child import characters, peak_rss_kb
from engine.warehouse.job import GRANTED, LOST, Allotment, Allotted, Loss, Shared
from engine.warehouse.lockdown import answered, end_with_parent, limit_itself, locked_down
from engine.warehouse.row_groups import ROW_GROUP

_ROWS = {
    GRANTED: "SELECT g.contender, g.customer, w.score, 'granted' AS told FROM granted AS g"
    " LEFT JOIN wishes AS w ON w.customer = g.customer AND w.contender = g.contender",
    LOST: "SELECT contender, customer, coalesce(winner, -1) AS winner, lost_by,"
    " coalesce(winner, -1) || chr(9) || lost_by AS told FROM losses",
}
"""File -> its rows; `told` is what the digest says of one beside case and customer."""


def main() -> int:
    """Work out the allotment on stdin."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Allotment)
    end_with_parent(job.parent)
    limit_itself(job)
    answer: Shared = answered(lambda: allotted(job))
    sys.stdout.buffer.write(msgspec.json.encode(answer))
    return 0


def allotted(job: Allotment) -> Allotted:
    """Run the steps, write the files, count."""
    with contextlib.closing(locked_down(job)) as db:
        for step in job.steps:
            if len(db.extract_statements(step)) != 1:
                raise duckdb.PermissionException("a step is one statement")
            db.execute(step)
        wanted, got = (_by_contender(db, table) for table in ("wishes", "granted"))
        losses = db.execute(
            "SELECT contender, coalesce(winner, -1), lost_by, count(*) FROM losses GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        digest = hashlib.sha256()
        for name, rows in _ROWS.items():
            _write(db, rows, Path(job.folder) / name, digest)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Allotted(
        wanted=wanted,
        got=got,
        losses=tuple(Loss(*loss) for loss in losses),
        digest=digest.hexdigest(),
        engine=f"duckdb {duckdb.__version__}",
        peak_rss_kb=peak_rss_kb(),
        cpu_seconds=used.ru_utime + used.ru_stime,
    )


def _by_contender(db: duckdb.DuckDBPyConnection, table: str) -> dict[int, int]:
    return dict(db.execute(f"SELECT contender, count(*) FROM {table} GROUP BY contender ORDER BY contender").fetchall())


def _write(db: duckdb.DuckDBPyConnection, rows: str, path: Path, digest: "hashlib._Hash") -> None:
    """The rows by case and customer, and their lines for the digest: place TAB customer TAB what LF."""
    reader = db.sql(
        f"SELECT * EXCLUDE told, contender || chr(9) || customer || chr(9) || told || chr(10) AS line FROM ({rows})"
        " ORDER BY contender, customer"
    ).to_arrow_reader(ROW_GROUP)
    kept = [name for name in reader.schema.names if name != "line"]
    schema = reader.schema.empty_table().select(kept).schema
    with path.open("wb") as file:
        with pq.ParquetWriter(file, schema) as writer:
            for batch in reader:
                writer.write_batch(batch.select(kept))
                digest.update(characters(batch["line"]))
        file.flush()
        os.fsync(file.fileno())


if __name__ == "__main__":
    raise SystemExit(main())

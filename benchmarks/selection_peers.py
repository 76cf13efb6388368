"""The same list as B3's on other engines: PostgreSQL by one statement and by a statement per rule, and Polars.

PostgreSQL counts the CPU time of its one backend (no parallel workers), with customer numbers indexed and statistics
fresh; loading is not counted. Polars reads the same Parquet files in a fresh process, streaming.
"""

import json
import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import psycopg2
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from engine.warehouse.dataset import Dataset

READ = ("customers", "contacts", "owned", "blacklist", "greylist")
TYPES = {"text": "text", "int": "bigint", "bool": "boolean", "timestamp": "timestamp", "date": "date"}
RULES = {
    "blacklist": "EXISTS (SELECT 1 FROM blacklist AS b WHERE b.customer = c.customer)",
    "greylist": "EXISTS (SELECT 1 FROM greylist AS g WHERE g.customer = c.customer)",
    "contacted": "EXISTS (SELECT 1 FROM contacts AS h WHERE h.customer = c.customer AND h.category = 'data'"
    " AND h.at > TIMESTAMP '2026-10-24' AND h.at <= TIMESTAMP '2026-11-23')",
    "conflicts": "EXISTS (SELECT 1 FROM owned AS o WHERE o.customer = c.customer"
    " AND o.offer IN ('flow-10g', 'flow-20g', 'flow-unlimited')"
    " AND (o.until IS NULL OR o.until > TIMESTAMP '2026-11-23'))",
}
CELL = "CASE WHEN arpu >= 88 THEN 'high' ELSE 'base' END"
POLARS = """
import json, resource, polars as pl
from datetime import datetime
read = lambda files: pl.scan_parquet(files)
keep = read({customers}).filter((pl.col("arpu") >= 38) & (pl.col("tenure_months") > 6))
out = [read({blacklist}), read({greylist}),
  read({contacts}).filter((pl.col("category") == "data") & (pl.col("at") > datetime(2026, 10, 24))
    & (pl.col("at") <= datetime(2026, 11, 23))),
  read({owned}).filter(pl.col("offer").is_in(["flow-10g", "flow-20g", "flow-unlimited"])
    & (pl.col("until").is_null() | (pl.col("until") > datetime(2026, 11, 23))))]
for one in out:
    keep = keep.join(one.select("customer"), on="customer", how="anti")
cell = pl.when(pl.col("arpu") >= 88).then(pl.lit("high")).otherwise(pl.lit("base")).alias("cell")
keep = keep.select("customer", cell)
keep.sort("customer").sink_parquet("{out}")
usage = resource.getrusage(resource.RUSAGE_SELF)
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([usage.ru_utime + usage.ru_stime, int(peak)]))
"""
"""Without the draw of the control group: Polars has no md5."""


class Postgres:
    """The dataset's tables in a database of their own."""

    def __init__(self, url: str, dataset: Dataset) -> None:
        self.link = psycopg2.connect(url.replace("+psycopg2", ""))
        self.link.autocommit = True
        for name in READ:
            table = dataset.current().tables[name]
            self._load(name, {column.name: column.type for column in table.columns}, list(dataset.paths(table)))
        self._run("SET max_parallel_workers_per_gather = 0")
        self._run("SET work_mem = '256MB'")

    def one_statement(self, salt: str) -> tuple[float, float, int]:
        """The list alone. CPU seconds, seconds, customers."""
        where = " AND ".join(f"NOT {rule}" for rule in RULES.values())
        return self._measured(
            [
                f"CREATE TEMP TABLE listed AS SELECT customer, {CELL} AS cell, {_arm(salt)} AS arm FROM customers AS c"
                f" WHERE arpu >= 38 AND tenure_months > 6 AND {where} ORDER BY customer"
            ]
        )

    def many_statements(self, salt: str) -> tuple[float, float, int]:
        """As it is often done: a table of candidates, and for each rule what it would remove alone, then a DELETE."""
        steps = [
            "CREATE TEMP TABLE listed AS SELECT customer, arpu FROM customers WHERE arpu >= 38 AND tenure_months > 6",
            "CREATE INDEX ON listed (customer)",
            "CREATE TEMP TABLE everybody AS SELECT customer FROM listed",
            "ANALYZE listed",
            "ANALYZE everybody",
        ]
        for rule in RULES.values():
            steps += [
                f"SELECT count(*) FROM everybody AS c WHERE {rule}",
                f"DELETE FROM listed AS c WHERE {rule}",
                "SELECT count(*) FROM listed",
            ]
        steps += [
            "ALTER TABLE listed ADD cell text, ADD arm text",
            f"UPDATE listed SET cell = {CELL}, arm = {_arm(salt)}",
            "SELECT cell, arm, count(*) FROM listed GROUP BY 1, 2",
            "CREATE TEMP TABLE ordered AS SELECT customer, cell, arm FROM listed ORDER BY customer",
        ]
        return self._measured(steps)

    def close(self) -> None:
        """End the connection."""
        self.link.close()

    def _measured(self, statements: list[str]) -> tuple[float, float, int]:
        self._run("DROP TABLE IF EXISTS listed, everybody, ordered")
        process = psutil.Process(self.link.info.backend_pid)
        before, began = process.cpu_times(), time.perf_counter()
        for statement in statements:
            self._run(statement)
        seconds, after = time.perf_counter() - began, process.cpu_times()
        with self.link.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM listed")
            rows = int(cursor.fetchone()[0])
        return after.user + after.system - before.user - before.system, seconds, rows

    def _run(self, statement: str) -> None:
        with self.link.cursor() as cursor:
            cursor.execute(statement)

    def _load(self, name: str, columns: dict[str, str], files: list[Path]) -> None:
        typed = ", ".join(f'"{column}" {_type(kind)}' for column, kind in columns.items())
        self._run(f"CREATE UNLOGGED TABLE {name} ({typed})")
        for path in files:
            read, write = _pipe()
            with closing(read), self.link.cursor() as cursor:
                sender = _sending(path, list(columns), write)
                cursor.copy_expert(f"COPY {name} FROM STDIN (FORMAT csv)", read)
                sender.join()
        self._run(f"CREATE INDEX ON {name} (customer)")
        self._run(f"VACUUM ANALYZE {name}")


def polars(dataset: Dataset, scratch: Path) -> tuple[float, float, float, int]:
    """The list by Polars. CPU seconds, seconds, peak kB, customers."""
    files: dict[str, Any] = {
        name: [str(path) for path in dataset.paths(table)] for name, table in dataset.current().tables.items()
    }
    out = scratch / "polars.parquet"
    began = time.perf_counter()
    script = POLARS.format(**files, out=out)
    said = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    cpu, peak = json.loads(said)
    return cpu, time.perf_counter() - began, peak, pq.read_metadata(out).num_rows


def _arm(salt: str) -> str:
    return f"CASE WHEN substr(md5('{salt}:' || customer), 1, 8) < '1999999a' THEN 'control' ELSE 'target' END"


def _type(kind: str) -> str:
    return f"numeric(18, {kind[8:-1]})" if kind.startswith("decimal") else TYPES[kind]


def _pipe() -> tuple[Any, Any]:
    read, write = os.pipe()
    return os.fdopen(read, "rb"), os.fdopen(write, "wb")


def _sending(path: Path, columns: list[str], out: Any) -> Any:
    def send() -> None:
        with pq.ParquetFile(path) as file, out:
            for batch in file.iter_batches(100_000, columns=columns):
                table = pa.Table.from_batches([batch]).select(columns)
                pa_csv.write_csv(table, out, pa_csv.WriteOptions(include_header=False))

    thread = Thread(target=send)
    thread.start()
    return thread

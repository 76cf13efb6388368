"""B3: an audience selected, counted and frozen, beside the same list by one bare hand-written DuckDB statement.

Both read the same Parquet files with the same limits, each in a fresh process whose CPU time counts from its start.
The bare statement gives the list alone: no waterfall, no digest, no manifest. Ours is measured without and with the
balance of target and control in seven fields, which reads the customers a second time, and with smaller memory limits.
Runs alternate; figures are medians.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib import util
from pathlib import Path
from statistics import median
from types import ModuleType

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import Row
from benchmarks.selection_peers import Postgres, polars
from benchmarks.transitions import server
from engine.audience.compile import Selection, Subject, compile_audience
from engine.audience.plan import AudiencePlan
from engine.warehouse import contacts
from engine.warehouse.dataset import Column, Dataset, Table
from engine.warehouse.freeze import freeze
from engine.warehouse.row_groups import ROW_GROUP
from engine.warehouse.run import Limits
from tests.servers.postgres import create_database

AS_OF = datetime(2026, 11, 23, tzinfo=UTC)
SALT = "440111-2026-00001-1"
LIMITS = Limits(memory="400MB", threads=2)
PLAN = {
    "source": {"rule": "c.arpu >= 38 && c.tenure_months > 6"},
    "remove": ["blacklist", "greylist", {"contacted_within": "30d", "similar": "category"}, {"conflicts": "offer"}],
    "cells": {"high": "c.arpu >= 88", "base": "true"},
    "control": {"share": "10%", "min": 300},
}
BARE = """
import duckdb, resource, json, sys
db = duckdb.connect(config={{"memory_limit": "{memory}", "threads": {threads}, "temp_directory": "{scratch}/spill"}})
db.execute('''COPY (
  SELECT customer, CASE WHEN arpu >= 88 THEN 'high' ELSE 'base' END AS cell,
    CASE WHEN substr(md5('{salt}:' || customer), 1, 8) < '1999999a' THEN 'control' ELSE 'target' END AS arm
  FROM read_parquet({customers}) AS c WHERE arpu >= 38 AND tenure_months > 6
    AND NOT EXISTS (FROM read_parquet({blacklist}) b WHERE b.customer = c.customer)
    AND NOT EXISTS (FROM read_parquet({greylist}) g WHERE g.customer = c.customer)
    AND NOT EXISTS (FROM read_parquet({contacts}) h WHERE h.customer = c.customer AND h.category = 'data'
      AND h."at" > TIMESTAMP '2026-10-24' AND h."at" <= TIMESTAMP '2026-11-23')
    AND NOT EXISTS (FROM read_parquet({owned}) o WHERE o.customer = c.customer
      AND o.offer IN ('flow-10g', 'flow-20g', 'flow-unlimited')
      AND (o.until IS NULL OR o.until > TIMESTAMP '2026-11-23'))
  ORDER BY customer) TO '{scratch}/bare.parquet' (FORMAT parquet)''')
usage = resource.getrusage(resource.RUSAGE_SELF)
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([usage.ru_utime + usage.ru_stime, int(peak)]))
"""


def run(*, quick: bool) -> list[Row]:
    """Select from 1,000,000 and 10,000,000 customers with five contacts each (quick: 50,000); COUNTERSIGN_BENCH_SIZES
    names other sizes. Beyond 1,000,000 three rounds do."""
    said = os.environ.get("COUNTERSIGN_BENCH_SIZES", "50000" if quick else "1000000,10000000")
    sizes = [int(size) for size in said.split(",")]
    return [row for size in sizes for row in _of_size(size, rounds=2 if quick else 5 if size <= 1_000_000 else 3)]


def _of_size(size: int, *, rounds: int) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="benchmark-") as scratch:
        folder = Path(scratch)
        dataset = _dataset(folder, size)
        selection = _selection(dataset)
        script = _bare(dataset, folder)
        ways = {
            "countersign": (replace(selection, measured=()), LIMITS),
            "countersign, with balance": (selection, LIMITS),
            **{
                f"countersign, memory_limit {memory}": (replace(selection, measured=()), replace(LIMITS, memory=memory))
                for memory in ("200MB", "150MB")
            },
        }
        bares, ours = [], dict[str, list[Measured]]()
        for _ in range(rounds):
            bares.append(_run_bare(script))
            for name, (way, limits) in ways.items():
                ours.setdefault(name, []).append(_run_ours(dataset, way, folder, limits))
        rows = ours["countersign"][0].rows
        assert pq.read_metadata(folder / "bare.parquet").num_rows == rows, "the two lists differ"
        bare = median(one.cpu for one in bares)
        beside = _peers(dataset, folder, size, rows=rows, bare=bare)
    return [*_rows(size, bares, ours), *beside]


def _peers(dataset: Dataset, folder: Path, size: int, *, rows: int, bare: float) -> list[Row]:
    job = f"selection of {size:,} customers"
    cpu, seconds, peak, found = polars(dataset, folder)
    assert found == rows, "the list of Polars differs"
    said = [
        Row("B3", job, "Polars", cpu, "CPU s", cpu / bare, f"no control group; {seconds:.1f} s, {peak / 1000:.0f} MB")
    ]
    with server() as url:
        loaded = Postgres(create_database(url, "bench"), dataset)
        for name, way in (("one statement", loaded.one_statement), ("a statement per rule", loaded.many_statements)):
            cpu, seconds, found = way(SALT)
            assert found == rows, f"the list of PostgreSQL, {name}, differs"
            said.append(Row("B3", job, f"PostgreSQL, {name}", cpu, "CPU s", cpu / bare, f"{seconds:.1f} s"))
        loaded.close()
    return said


class Measured:
    """One run: CPU seconds of its process (and of the parent that waited), seconds, peak memory in MB."""

    def __init__(self, cpu: float, seconds: float, rss_kb: float, *, rows: int = 0, reorder: float = 0) -> None:
        self.cpu, self.seconds, self.rss, self.rows, self.reorder = cpu, seconds, rss_kb / 1000, rows, reorder


def _rows(size: int, bares: list[Measured], ours: dict[str, list[Measured]]) -> list[Row]:
    job = f"selection of {size:,} customers"
    said = [_row(job, "bare DuckDB", bares, bares, "the list alone")]
    said += [_row(job, name, bares, runs, "goal 1.3; 350 MB at 10M") for name, runs in ours.items()]
    reorder = median(one.reorder * 1000 for one in ours["countersign"])
    return [*said, Row("B3", job, "countersign, another order", reorder, "ms", None, "goal 10")]


def _row(job: str, name: str, bares: list[Measured], runs: list[Measured], remark: str) -> Row:
    ratio = median(one.cpu / bare.cpu for bare, one in zip(bares, runs, strict=True))
    seconds, peak = median(one.seconds for one in runs), median(one.rss for one in runs)
    told = f"{seconds:.1f} s, {peak:.0f} MB; {remark}"
    return Row("B3", job, name, median(one.cpu for one in runs), "CPU s", ratio, told)


def _run_bare(script: str) -> Measured:
    began = time.perf_counter()
    said = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    cpu, rss = json.loads(said.splitlines()[-1])  # a slow statement draws its progress before
    return Measured(cpu, time.perf_counter() - began, rss)


def _run_ours(dataset: Dataset, selection: Selection, folder: Path, limits: Limits = LIMITS) -> Measured:
    own, began = time.process_time(), time.perf_counter()
    target = folder / f"r{os.urandom(4).hex()}"
    frozen, selected = freeze(dataset, dataset.current(), selection, target, limits=limits)
    seconds, cpu = time.perf_counter() - began, time.process_time() - own + selected.result.cpu_seconds
    again = time.perf_counter()
    selected.cube.waterfall(tuple(reversed(selected.cube.names)))
    reorder = time.perf_counter() - again
    return Measured(cpu, seconds, selected.result.peak_rss_kb, rows=frozen.manifest.rows, reorder=reorder)


def _selection(dataset: Dataset) -> Selection:
    version = dataset.current()
    return compile_audience(
        AudiencePlan.model_validate(PLAN),
        fields={column.name: column.type for column in version.tables["customers"].columns},
        tables=frozenset(version.tables),
        subject=Subject(("flow-10g",), ("data",), ("sms",)),
        as_of=AS_OF,
        salt=SALT,
    )


def _bare(dataset: Dataset, folder: Path) -> str:
    files = {name: list(dataset.paths(table)) for name, table in dataset.current().tables.items()}
    return BARE.format(**files, salt=SALT, scratch=folder, memory=LIMITS.memory, threads=LIMITS.threads)


def _dataset(folder: Path, size: int) -> Dataset:
    """The demonstration's base at another size, as Parquet at once instead of by way of CSV."""
    raw = folder / "raw"
    raw.mkdir()
    files = _generator().generate(raw, size, AS_OF.date(), "parquet")
    dataset = Dataset(folder / "data")
    kinds = {
        "decimal128(8, 2)": "decimal(2)",
        "int32": "int",
        "int64": "int",
        "bool": "bool",
        "date32[day]": "date",
        "timestamp[us]": "timestamp",
    }
    for name, path in files.items():
        if name == "contacts":
            for month in _by_month(path):
                contacts.append(dataset, month)
            path.unlink()
            continue
        with dataset.fresh_file(name) as fresh:
            schema, count = _copied(path, fresh, with_channel=name in ("blacklist", "greylist"))
            columns = tuple(Column(field.name, kinds.get(str(field.type), "text")) for field in schema)
            dataset.replace(name, Table(columns, (dataset.keep(name, fresh, count),)))
        path.unlink()
    return dataset


def _copied(path: Path, fresh: Path, *, with_channel: bool) -> tuple[pa.Schema, int]:
    """Written as an import writes it, a row group at a time: thirty million customers do not fit into memory."""
    source = pq.ParquetFile(path)
    schema = source.schema_arrow.append(pa.field("channel", pa.string())) if with_channel else source.schema_arrow
    with pq.ParquetWriter(fresh, schema) as writer:
        for batch in source.iter_batches(ROW_GROUP):
            told = [*batch.columns, *([pa.array([""] * batch.num_rows)] if with_channel else [])]
            writer.write_batch(pa.record_batch(told, schema=schema), row_group_size=ROW_GROUP)
    return schema, source.metadata.num_rows


def _by_month(path: Path) -> Iterator[pa.Table]:
    """Fifty million contacts at once do not fit into a small machine."""
    with duckdb.connect(config={"memory_limit": "1GB"}) as db:
        months = db.sql(
            "SELECT DISTINCT date_trunc('month', \"at\") FROM read_parquet(?) ORDER BY 1", params=[str(path)]
        )
        for (month,) in months.fetchall():
            chosen = "SELECT * FROM read_parquet(?) WHERE date_trunc('month', \"at\") = ?"
            yield db.sql(chosen, params=[str(path), month]).to_arrow_table()


def _generator() -> ModuleType:
    path = Path(__file__).resolve().parents[1] / "deploy" / "dev" / "customers.py"
    spec = util.spec_from_file_location("customers", path)
    assert spec and spec.loader
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

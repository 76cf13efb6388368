"""B3, live count: how long somebody waits who builds a customer group, beside the same numbers from a warm DuckDB.

The count runs in a process of its own, which is started for it and can be killed; the warm one has its libraries
loaded already. Both read the same Parquet file and only the columns that the conditions name.
"""

import contextlib
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import duckdb

from benchmarks import Row, interleaved
from engine.audience.compile import Selection, Subject, compile_audience
from engine.audience.plan import AudiencePlan
from engine.warehouse import counting
from engine.warehouse.dataset import Column, Dataset, Table
from engine.warehouse.run import Limits

LIMITS = Limits(memory="400MB", threads=2)
COLUMNS = {
    "customer": ("text", "'C' || lpad(i::VARCHAR, 8, '0')"),
    "arpu": ("decimal(2)", "(hash(i) % 16000 / 100)::DECIMAL(8, 2)"),
    "tenure_months": ("int", "(hash(i + 1) % 120)::BIGINT"),
    "tariff": ("text", "'tariff-' || (hash(i + 2) % 5)"),
    "contract_end": ("date", "CASE WHEN hash(i + 3) % 10 > 0 THEN DATE '2026-01-01' + (hash(i + 3) % 700)::INT END"),
    "sms_consent": ("bool", "hash(i + 4) % 5 > 0"),
}
SOURCE = {
    "intersect": [
        {"rule": "c.arpu >= 38"},
        {"rule": "c.tenure_months > 6"},
        {"union": [{"rule": "c.tariff == 'tariff-1'"}, {"rule": "c.contract_end < date('2026-12-31')"}]},
        {"rule": "c.sms_consent"},
    ]
}


def run(*, quick: bool) -> list[Row]:
    """Count 10,000,000 customers by five conditions (quick: 200,000)."""
    size = 200_000 if quick else 10_000_000
    with tempfile.TemporaryDirectory(prefix="benchmark-") as scratch:
        folder = Path(scratch)
        dataset = _dataset(folder, size)
        selection = _selection(dataset)
        with contextlib.closing(_warm(dataset)) as db:
            assert selection.tally is not None
            sql, cpu = selection.tally.sql(), list[float]()
            expected = db.execute(sql).fetchone()

            def ours() -> float:
                before = _cpu()
                version = dataset.current()
                found, seconds = _timed(lambda: counting.count(dataset, version, selection, folder, limits=LIMITS))
                cpu.append(_cpu() - before)
                assert found == expected, "the two counts differ"
                return seconds

            figures = interleaved({"bare": lambda: _timed(lambda: db.execute(sql).fetchone())[1], "ours": ours})
    bare, whole = median(figures["bare"]), median(figures["ours"])
    job = f"live count of {size:,} customers, {len(COLUMNS) - 1} conditions"
    told = f"goal 2 at 10M; {median(cpu):.2f} CPU s with the start of its process"
    return [
        Row("B3", job, "warm DuckDB", bare, "s", None, "the same statement, libraries loaded"),
        Row("B3", job, "countersign", whole, "s", whole / bare, told),
    ]


def _timed(act: Callable[[], tuple[int, ...] | None]) -> tuple[tuple[int, ...] | None, float]:
    began = time.perf_counter()
    return act(), time.perf_counter() - began


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _warm(dataset: Dataset) -> duckdb.DuckDBPyConnection:
    db = duckdb.connect(config={"memory_limit": LIMITS.memory, "threads": LIMITS.threads})
    db.execute("SET enable_progress_bar = false")
    files = list(dataset.paths(dataset.current().tables["customers"]))
    db.execute(f"CREATE TEMP VIEW customers AS SELECT * FROM read_parquet({files})")
    return db


def _selection(dataset: Dataset) -> Selection:
    version = dataset.current()
    return compile_audience(
        AudiencePlan.model_validate({"source": SOURCE}),
        fields=version.columns["customers"],
        tables=frozenset(version.tables),
        subject=Subject(),
        as_of=datetime(2026, 11, 29, tzinfo=UTC),
        salt="count",
        measured=(),
    )


def _dataset(folder: Path, size: int) -> Dataset:
    dataset = Dataset(folder / "data")
    selected = ", ".join(f"{made} AS {name}" for name, (_, made) in COLUMNS.items())
    with dataset.fresh_file("customers") as fresh:
        with contextlib.closing(duckdb.connect(config={"memory_limit": "1GB"})) as db:
            db.execute("SET enable_progress_bar = false")
            db.execute(f"COPY (SELECT {selected} FROM range({size}) AS t(i)) TO '{fresh}' (FORMAT parquet)")
        kept = dataset.keep("customers", fresh, size)
        columns = tuple(Column(name, kind) for name, (kind, _) in COLUMNS.items())
        dataset.replace("customers", Table(columns, (kept,)))
    return dataset

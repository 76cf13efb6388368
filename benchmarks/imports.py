"""B4: a list of a million customers with 0.4% bad rows is imported, beside readers that do less.

Each contestant reads the same file in a fresh process; its time is that of the reading, also in CPU seconds of all its
threads, its peak memory that of the process. Ours cuts, checks every value, names every bad row and writes a published
version. Python's csv counts columns, numbers and repeated keys. Polars and DuckDB are asked to get through the file:
what they say of bad rows is counted.
"""

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import Row, interleaved, medians

HEADINGS = "customer,phone,office,tariff,arpu,tenure_months,data_gb,contract_end"
SHARE = 0.004
BEGIN = """
import json, sys, time
from pathlib import Path
path, scratch = Path(sys.argv[1]), Path(sys.argv[2])
"""
END = """
seconds, cpu = time.perf_counter() - began, time.process_time() - started
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([seconds, cpu, int(peak) / 1024, named]))
"""
CONTESTANTS = {
    "Countersign": """
from engine.warehouse.addresses import Vault
from engine.warehouse.dataset import Dataset
from engine.warehouse.imports import Wanted, import_file
from engine.warehouse.shapes import shape_of
began, started = time.perf_counter(), time.process_time()
dataset = Dataset(scratch / "data", lambda: Vault({"00000000": bytes(range(64))}))
imported, _ = import_file(dataset, shape_of(path), Wanted("customers", "customer"))
named = imported.refused
""",
    "Python csv": """
import csv
began, started = time.perf_counter(), time.process_time()
named, seen = 0, set()
with path.open(newline="", encoding="utf-8") as file:
    rows = csv.reader(file)
    width = len(next(rows))
    for row in rows:
        if len(row) != width or row[0] in seen:
            named += 1
            continue
        try:
            float(row[4]), int(row[5]), float(row[6])
        except ValueError:
            named += 1
            continue
        seen.add(row[0])
""",
    "Polars": """
import polars
began, started = time.perf_counter(), time.process_time()
types = {"arpu": polars.Float64, "tenure_months": polars.Int64, "data_gb": polars.Float64}
polars.read_csv(path, schema_overrides=types, truncate_ragged_lines=True, ignore_errors=True)
named = 0
""",
    "DuckDB": """
import duckdb
began, started = time.perf_counter(), time.process_time()
db = duckdb.connect()
types = "{'arpu': 'DOUBLE', 'tenure_months': 'BIGINT', 'data_gb': 'DOUBLE'}"
db.execute(f"CREATE TABLE c AS SELECT * FROM read_csv('{path}', header = true, store_rejects = true, types = {types})")
named = db.execute("SELECT count(DISTINCT line) FROM reject_errors").fetchone()[0]
""",
}


def run(quick: bool) -> list[Row]:
    """The rows of B4."""
    count = 20_000 if quick else 1_000_000
    with TemporaryDirectory() as folder:
        path = Path(folder) / "customers.csv"
        planted = _generate(path, count)
        told: dict[str, tuple[float, float, float, int]] = {}

        def contestant(name: str, code: str) -> Callable[[], float]:
            def measure() -> float:
                with TemporaryDirectory(dir=folder) as scratch:
                    told[name] = _measured(code, path, scratch)
                return told[name][0]

            return measure

        seconds = medians(
            interleaved({name: contestant(name, code) for name, code in CONTESTANTS.items()}, 1 if quick else 3)
        )
    base = seconds["Python csv"]
    return [
        Row(
            "B4",
            f"list of {count:,} rows, {planted:,} of them bad",
            name,
            value,
            "s",
            None if name == "Python csv" else base / value,
            f"{told[name][3]:,} bad rows told, {told[name][1]:.2f} CPU s, peak {told[name][2]:,.0f} MB",
            {"cpu": told[name][1], "peak_mb": told[name][2], "named": told[name][3], "planted": planted},
        )
        for name, value in seconds.items()
    ]


def _measured(code: str, path: Path, scratch: str) -> tuple[float, float, float, int]:
    command = [sys.executable, "-c", BEGIN + code + END, str(path), scratch]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, cpu, peak, named = json.loads(done.stdout.splitlines()[-1])  # DuckDB draws a bar
    return seconds, cpu, peak, named


def _generate(path: Path, count: int) -> int:
    """A file of customers with planted mistakes: short, long, no number, a customer who stands twice."""
    chance = random.Random(4)
    lines = [
        f"C{n:08},139{n:08},44{n % 30:04},流量王{n % 40},{n % 300}.{n % 100:02},{n % 120},{n % 60}.5"
        f",2027-{n % 12 + 1:02}-01"
        for n in range(count)
    ]
    wrong = chance.sample(range(1, count), int(count * SHARE))
    for n in wrong:
        match chance.randrange(4):
            case 0:
                lines[n] = lines[n].rpartition(",")[0]
            case 1:
                lines[n] += ",x"
            case 2:
                lines[n] = lines[n].replace(f",{n % 120},{n % 60}.5", f",many,{n % 60}.5")
            case _:
                lines[n] = lines[0]
    path.write_text("\n".join([HEADINGS, *lines]) + "\n", encoding="utf-8")
    return len(wrong)


if __name__ == "__main__":
    for row in run("--quick" in sys.argv):
        print(f"{row.contestant}: {row.value:.2f} {row.unit}, {row.remark}")

"""B11: the demo from its start to the closed case, on SQLite and 200,000 generated customers, installation excluded."""

import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import Row
from engine.cli.processes import free_port

JOB = "demo of {customers:,} customers"


def run(quick: bool) -> list[Row]:
    """One run; with `quick` a tenth of the customers."""
    customers = 20_000 if quick else 200_000
    with TemporaryDirectory(prefix="countersign-demo-") as folder:
        output = _demo(Path(folder), customers)
    job = JOB.format(customers=customers)
    figures = {"pages answer": r"ready after ([\d.]+) s", "closed case": r"is closed, ([\d.]+) s in all"}
    remarks = {"pages answer": "with a fresh base of customers", "closed case": "goal 60 s"}
    rows = []
    for name, pattern in figures.items():
        found = re.search(pattern, output)
        if found is None:
            raise RuntimeError(f"the demo did not get to: {name}\n{output[-2000:]}")
        rows.append(Row("B11", job, name, float(found[1]), "s", None, remarks[name]))
    return rows


def _demo(folder: Path, customers: int) -> str:
    options = ["--exit", "--customers", str(customers), "--dir", str(folder), "--port", str(free_port())]
    ours = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}
    done = subprocess.run(
        [sys.executable, "-m", "engine.cli.main", "demo", *options],
        capture_output=True,
        text=True,
        check=False,
        env={**ours, "COLUMNS": "160"},
    )
    return done.stdout + done.stderr

"""`python -m benchmarks [NAME ...] [--quick] [--json FILE]`: run them, print a table, keep JSON."""

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

from rich.console import Console
from rich.table import Table

from benchmarks import Row, end_on_sigterm, measure

NAMES = (
    "transitions",
    "queues",
    "selection",
    "counting",
    "imports",
    "delivery",
    "workers",
    "replay",
    "authoring",
    "expressions",
    "facts",
    "analytics",
    "demo",
)


def main() -> int:
    """Run the benchmarks asked for, all of them by default."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that they run")
    parser.add_argument("--json", type=Path, help="also write the rows here")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(NAMES):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    end_on_sigterm()
    rows: list[Row] = []
    for name in chosen.names or NAMES:
        start = perf_counter()
        # Each in a process of its own, so that the peak memory of one is not that of another.
        with get_context("spawn").Pool(1, end_on_sigterm) as pool:
            rows += pool.apply(measure, (name, chosen.quick))
        print(f"{name}: {perf_counter() - start:.0f} s", file=sys.stderr)
    _print(rows)
    if chosen.json:
        machine = {"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
        chosen.json.write_text(json.dumps({"machine": machine, "rows": [asdict(row) for row in rows]}, indent=1) + "\n")
    return 0


def _print(rows: list[Row]) -> None:
    table = Table("id", "job", "contestant", "figure", "unit", "ratio", "remark")
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        table.add_row(row.id, row.job, row.contestant, f"{row.value:,.4g}", row.unit, ratio, row.remark)
    Console(width=max(120, Console().width)).print(table)


if __name__ == "__main__":
    sys.exit(main())

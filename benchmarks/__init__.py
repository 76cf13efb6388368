"""Measurements of the figures in docs/performance.md. Not tests: they print, and fail nothing.

Machines are small and noisy, so contestants take turns in one run and their medians are compared.
"""

import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from statistics import median

ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `ratio`: how many times the base's speed (or the base's cost over ours); None for a base.

    `more` are further figures for the JSON.
    """

    id: str
    job: str
    contestant: str
    value: float
    unit: str
    ratio: float | None = None
    remark: str = ""
    more: Mapping[str, float] = field(default_factory=dict)


def interleaved(contestants: Mapping[str, Callable[[], float]], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """The figures of every contestant, one from each round; in a round they take turns in the order given."""
    figures: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, measure in contestants.items():
            figures[name].append(measure())
    return figures


def medians(figures: Mapping[str, list[float]]) -> dict[str, float]:
    """The median of each."""
    return {name: median(values) for name, values in figures.items()}


def measure(name: str, quick: bool) -> list[Row]:
    """The rows of one benchmark."""
    rows: list[Row] = import_module(f"benchmarks.{name}").run(quick=quick)
    return rows


def end_on_sigterm() -> None:
    """A benchmark that is ended still stops the servers it started."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def peak_of_this() -> float:
    """Peak memory of this process in MB. What getrusage says begins with the memory of whoever started it."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1000

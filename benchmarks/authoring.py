"""B9: how long an author waits: the check of a 200-line definition in a warm process, and the whole command."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks import ROUNDS, Row
from engine.definition.check import check
from engine.definition.diagram import picture
from engine.definition.diagram_svg import svg
from engine.definition.load import load

FILE = Path(__file__).resolve().parents[1] / "definitions" / "telecom-marketing-case.yaml"


def run(quick: bool) -> list[Row]:
    """The median of several; with `quick` of fewer."""
    rounds = 3 if quick else 4 * ROUNDS
    text = FILE.read_text(encoding="utf-8")
    lines = len(text.splitlines())
    check(text)  # the first one compiles the patterns
    definition = load(text)
    job = f"definition of {lines} lines"
    command = [sys.executable, "-m", "engine.cli.main", "definitions", "check", str(FILE)]
    return [
        Row("B9", job, "check, warm process", 1000 * _median(rounds, lambda: check(text)), "ms", None, "goal 300 ms"),
        Row("B9", job, "diagram as SVG", 1000 * _median(rounds, lambda: svg(picture(definition))), "ms"),
        Row("B9", job, "check, whole command", 1000 * _median(min(rounds, ROUNDS), lambda: _command(command)), "ms"),
    ]


def _command(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, env=dict(os.environ))


def _median(rounds: int, work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(rounds):
        began = perf_counter()
        work()
        seconds.append(perf_counter() - began)
    return median(seconds)

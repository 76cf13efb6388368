"""Where the demo's customers come from: generated, or imported from a file of real ones."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rich.console import Console

from engine.cli.demo.furnishing import furnish
from engine.errors import Unavailable
from engine.service.app import Countersign

DEV = Path(__file__).resolve().parents[3] / "deploy" / "dev"


class BaseNotMade(Unavailable):
    """The customers could not be made: {reason}"""


class Base(Protocol):
    """A way to fill an empty dataset."""

    def fill(self, data: Path, *, as_of: str, console: Console) -> None:
        """Put customers into the dataset at `data`."""

    def furnish(self, app: Countersign) -> None:
        """Make what stands beside the case of these customers; twice is once."""


@dataclass(frozen=True)
class Generated:
    """A deterministic telecom base of `customers` with five past contacts each."""

    customers: int

    def fill(self, data: Path, *, as_of: str, console: Console) -> None:
        """See Base."""
        with console.status(f"generating {self.customers:,} customers with their history"):
            _run(
                str(DEV / "customers.py"),
                "--customers",
                str(self.customers),
                "--data",
                str(data),
                "--as-of",
                as_of,
                "--usage",
                "3",
            )

    def furnish(self, app: Countersign) -> None:
        """See Base."""
        furnish(app)


@dataclass(frozen=True)
class Imported:
    """The customers of a CSV without an id of its own: its row numbers are the keys."""

    file: Path

    def fill(self, data: Path, *, as_of: str, console: Console) -> None:
        """See Base."""
        with console.status(f"importing {self.file.name}"):
            _run(
                "-m",
                "engine.cli.main",
                "data",
                "import",
                "customers",
                str(self.file),
                "--key",
                "row",
                "--data",
                str(data),
            )

    def furnish(self, app: Countersign) -> None:
        """See Base: these customers are no subscribers, so there is nothing to furnish with."""


def _run(*command: str) -> None:
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise BaseNotMade(reason=(done.stderr or done.stdout)[-2000:])

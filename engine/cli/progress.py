"""What a command says while it works, on the error output and only where somebody looks: what is done of what, or how
long it has taken where nobody knows of how much."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

Told = Callable[[int, int], None]
"""Takes how many are done, and of how many."""


@contextmanager
def counting(label: str) -> Iterator[Told]:
    """A bar with what is done of what, moved by the function that is given."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with _progress(*columns) as progress:
        bar = progress.add_task(label, total=None)
        yield lambda done, of: progress.update(bar, completed=done, total=of)


@contextmanager
def waiting(label: str) -> Iterator[None]:
    """Something turns, with the time it has taken."""
    with _progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()) as progress:
        progress.add_task(label, total=None)
        yield


def _progress(*columns: ProgressColumn) -> Progress:
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)

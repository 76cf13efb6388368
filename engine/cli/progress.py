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
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

Told = Callable[[int, int], None]
"""Takes how many are done, and of how many."""


class Counting:
    """A bar, moved by calling it with what is done and of how many (0: nobody knows)."""

    def __init__(self, progress: Progress, bar: TaskID) -> None:
        self._progress, self._bar = progress, bar

    def __call__(self, done: int, of: int) -> None:
        self._progress.update(self._bar, completed=done, total=of or None)

    def labelled(self, label: str) -> "Counting":
        """The same bar, from its beginning, for something else."""
        self._progress.update(self._bar, description=label, completed=0, total=None)
        return self


@contextmanager
def counting(label: str) -> Iterator[Counting]:
    """A bar with what is done of what, moved by the function that is given."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with _progress(*columns) as progress:
        yield Counting(progress, progress.add_task(label, total=None))


@contextmanager
def waiting(label: str) -> Iterator[None]:
    """Something turns, with the time it has taken."""
    with _progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()) as progress:
        progress.add_task(label, total=None)
        yield


def _progress(*columns: ProgressColumn) -> Progress:
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)

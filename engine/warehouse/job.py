"""What the selection's parent and its child process say to each other.

Refuses to import more than msgspec: the child starts in a tenth of a second because of it.
"""

from msgspec import Struct

from engine.audience.waterfall import Slot


class Job(Struct, frozen=True):
    """What the child is to do. `tables` maps a table to its Parquet files, `empty` an absent one to its columns.

    `seconds` is how long it may take; 0 where nobody says.
    """

    tables: dict[str, tuple[str, ...]]
    empty: dict[str, dict[str, str]]
    sql: str
    threshold: str
    control_min: int
    folder: str
    spill: str
    memory_limit: str
    threads: int
    parent: int
    seconds: float = 0


class Result(Struct, frozen=True, tag="result"):
    """What it found. `control_short` is the number of customers left where the control group wants more."""

    universe: int
    slots: tuple[Slot, ...]
    rows: int
    digest: str
    threshold: str
    engine: str
    peak_rss_kb: int
    cpu_seconds: float


class Failure(Struct, frozen=True, tag="failure"):
    """Why it found nothing. `kind` is one of memory, space, control, statement."""

    kind: str
    reason: str


Answer = Result | Failure

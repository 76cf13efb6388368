"""What the selection's parent and its child process say to each other.

Refuses to import more than msgspec: the child starts in a tenth of a second because of it.
"""

from typing import Protocol

from msgspec import Struct

from engine.audience.question import Asking
from engine.audience.waterfall import Slot
from engine.offers.figures import Rehearsed


class Job(Struct, frozen=True):
    """What the child is to do. `tables` maps a table to its Parquet files, `empty` an absent one to its columns;
    `tally`, where it is wanted, gives one row of numbers beside the selection; `cells` are all that `cell` may be.

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
    control_min_per_cell: int = 0
    is_drawn: bool = False
    measured: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    tally: str = ""
    cells: tuple[str, ...] = ()


class Balance(Struct, frozen=True):
    """How alike target and control are in one field: means, and their difference in standard deviations. None where
    nobody of the group has a value, or one value is everybody's and another the other group's."""

    field: str
    target: float | None
    control: float | None
    difference: float | None


class CellBalance(Struct, frozen=True):
    """The same of one cell: how many of its customers of each arm were looked at, and its fields; none where an arm has
    nobody."""

    target: int
    control: int
    fields: tuple[Balance, ...]


class Member(Struct, frozen=True):
    """A customer of the sample, masked; `shown` are further fields by name, addresses sealed as long as they are in the
    child."""

    customer: str
    cell: str
    arm: str
    shown: dict[str, str]


class Result(Struct, frozen=True, tag="result"):
    """What it found. `thresholds` are those of cells whose control group had to be made larger than its share gives;
    `balanced` is the number of customers that `balance` was worked out over; `balance_of_cells` is that of each cell,
    where there are several."""

    universe: int
    slots: tuple[Slot, ...]
    rows: int
    digest: str
    threshold: str
    engine: str
    peak_rss_kb: int
    cpu_seconds: float
    thresholds: dict[str, str] = {}
    balance: tuple[Balance, ...] = ()
    balanced: int = 0
    balance_of_cells: dict[str, CellBalance] = {}
    sample: tuple[Member, ...] = ()
    tally: tuple[int, ...] = ()


class Failure(Struct, frozen=True, tag="failure"):
    """Why it found nothing. `kind` is one of memory, space, control, statement."""

    kind: str
    reason: str


Answer = Result | Failure


class Question(Struct, frozen=True):
    """What the other child is to answer about one customer: who has this id, or else one of these `addresses`, which
    are one address in every form that a file may have it. `list` is the frozen list."""

    tables: dict[str, tuple[str, ...]]
    empty: dict[str, dict[str, str]]
    spill: str
    memory_limit: str
    threads: int
    parent: int
    customer: str
    asking: Asking
    list: str
    addresses: tuple[str, ...] = ()
    seconds: float = 0


class Asked(Struct, frozen=True, tag="asked"):
    """The answer, without a word about what it means; all empty where there is no such customer. `arm` and
    `listed_cell` are what the frozen list says, empty where it does not have them."""

    customer: str = ""
    is_within: bool = False
    parts: tuple[bool, ...] = ()
    bits: int = 0
    cell: str = ""
    draw: str = ""
    shown: dict[str, list[dict[str, str]]] = {}
    kept: str = ""
    arm: str = ""
    listed_cell: str = ""


Reply = Asked | Failure


class Census(Struct, frozen=True):
    """How many customers are to be counted by what. `sql` gives one row of whole numbers."""

    tables: dict[str, tuple[str, ...]]
    empty: dict[str, dict[str, str]]
    sql: str
    spill: str
    memory_limit: str
    threads: int
    parent: int
    seconds: float = 0


class Counts(Struct, frozen=True, tag="counts"):
    """The numbers of the row."""

    numbers: tuple[int, ...]


Told = Counts | Failure


class Rehearsal(Struct, frozen=True):
    """What a child is to work out: `sql` gives a row per customer of the target, over `months` months."""

    tables: dict[str, tuple[str, ...]]
    empty: dict[str, dict[str, str]]
    sql: str
    months: tuple[str, ...]
    spill: str
    memory_limit: str
    threads: int
    parent: int
    seconds: float = 0


class Found(Struct, frozen=True, tag="found"):
    """The figures of a rehearsal."""

    figures: Rehearsed


Summed = Found | Failure


class Endable(Protocol):
    """Work that somebody waits for: a child process, or statements on a server. It can be ended at any moment."""

    def kill(self) -> None:
        """End it; nothing where it has ended."""
        ...


GRANTED, LOST = "granted.parquet", "lost.parquet"
"""The two files of an allotment."""


class Allotment(Struct, frozen=True):
    """What a child is to allot among cases: statements that are run one after the other and leave `wishes`, `granted`
    and `losses`. The two files are written to `folder`."""

    tables: dict[str, tuple[str, ...]]
    empty: dict[str, dict[str, str]]
    steps: tuple[str, ...]
    folder: str
    spill: str
    memory_limit: str
    threads: int
    parent: int
    seconds: float = 0


class Loss(Struct, frozen=True, array_like=True):
    """So many customers that the case at `contender` lost, to the one at `winner` (-1: to none), by what."""

    contender: int
    winner: int
    lost_by: str
    customers: int


class Allotted(Struct, frozen=True, tag="allotted"):
    """What became of it. `wanted` and `got` are numbers of customers by the place of the case."""

    wanted: dict[int, int]
    got: dict[int, int]
    losses: tuple[Loss, ...]
    digest: str
    engine: str
    peak_rss_kb: int
    cpu_seconds: float


Shared = Allotted | Failure

"""Everything the pages say about a selection, derived from its cube: waterfall, overlaps, cells, arms.

The cube counts customers by (bits, cell, arm). It has a few hundred rows whatever the size of the base, so another
order of the exclusions, or what one of them would remove by itself, is arithmetic and takes no second scan. Refuses a
cube that does not add up: at every row, in = out + removed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from msgspec import Struct

Arm = Literal["target", "control", ""]


class Slot(Struct, frozen=True, array_like=True):
    """One row of the cube: so many customers to whom exactly these exclusions apply, in this cell and arm."""

    bits: int
    cell: str
    arm: Arm
    count: int


class Row(Struct, frozen=True):
    """One step: `entered` = `out` + `removed`. `alone`: what it would remove if it stood by itself."""

    name: str
    entered: int
    removed: int
    out: int
    alone: int


@dataclass(frozen=True, slots=True)
class Cube:
    """The counts of one selection. `universe` is the number of customers known; exclusion n owns bit n."""

    universe: int
    names: tuple[str, ...]
    slots: tuple[Slot, ...]

    def __post_init__(self) -> None:
        if not 0 <= self.base <= self.universe:
            raise ValueError(f"the source has {self.base} customers of {self.universe}")
        for slot in self.slots:
            if (slot.bits == 0) != (slot.arm != "") or slot.bits >> len(self.names) or slot.count < 0:
                raise ValueError(f"an impossible row in the cube: {slot}")

    @property
    def base(self) -> int:
        """Customers of the source, before exclusions."""
        return sum(slot.count for slot in self.slots)

    def arm(self, arm: Arm) -> int:
        """Customers left, in one arm."""
        return sum(slot.count for slot in self.slots if slot.arm == arm)

    def cells(self, names: Iterable[str] = ()) -> dict[str, tuple[int, int]]:
        """Cell -> (target, control), those of `names` first and even where empty."""
        sums: dict[str, list[int]] = {name: [0, 0] for name in names}
        for slot in self.slots:
            if slot.arm:
                sums.setdefault(slot.cell, [0, 0])[slot.arm == "control"] += slot.count
        return {cell: (target, control) for cell, (target, control) in sums.items()}

    @property
    def tells_cells(self) -> bool:
        """Whether the cell of those who are removed is known as well: an exclusion looks at it."""
        return any(slot.bits and slot.cell for slot in self.slots)

    def of_cell(self, cell: str) -> int:
        """Customers of the source in a cell, before exclusions where the cube tells the cells of those removed."""
        return sum(slot.count for slot in self.slots if slot.cell == cell)

    def alone(self, name: str) -> int:
        """Customers of the source to whom an exclusion applies, whatever else does."""
        bit = 1 << self.names.index(name)
        return sum(slot.count for slot in self.slots if slot.bits & bit)

    def overlaps(self) -> dict[tuple[str, str], int]:
        """Customers to whom both exclusions of a pair apply; pairs with none are left out."""
        found = {}
        for (a, first), (b, second) in combinations(enumerate(self.names), 2):
            both = 1 << a | 1 << b
            count = sum(slot.count for slot in self.slots if slot.bits & both == both)
            if count:
                found[first, second] = count
        return found

    def waterfall(self, order: Sequence[str] | None = None) -> tuple[Row, ...]:
        """The rows base, the exclusions in `order` (by default as declared), control, target."""
        order = self.names if order is None else tuple(order)
        if sorted(order) != sorted(self.names):
            raise ValueError(f"an order must name each of {', '.join(self.names)} once")
        outside = self.universe - self.base
        rows = [Row("base", self.universe, outside, self.base, outside)]
        earlier = 0
        for name in order:
            bit = 1 << self.names.index(name)
            removed = sum(slot.count for slot in self.slots if slot.bits & bit and not slot.bits & earlier)
            rows.append(_step(name, rows[-1].out, removed, self.alone(name)))
            earlier |= bit
        control = self.arm("control")
        rows.append(_step("control", rows[-1].out, control, control))
        rows.append(_step("target", rows[-1].out, 0, 0))
        if rows[-1].out != self.arm("target"):
            raise ValueError(f"the waterfall ends at {rows[-1].out} customers, the list has {self.arm('target')}")
        return tuple(rows)


def _step(name: str, entered: int, removed: int, alone: int) -> Row:
    return Row(name, entered, removed, entered - removed, alone)

"""The question about one customer as it is kept with a frozen list and handed to a child process: texts alone.

Refuses to import more than msgspec, because the child does not wait for what it does not need.
"""

from msgspec import Struct


class Part(Struct, frozen=True):
    """One source of the algebra as written; `depth` is how deep it stands in the others."""

    depth: int
    kind: str
    text: str


class Proof(Struct, frozen=True, omit_defaults=True):
    """The rows that show why the exclusion `rung` applies: `where` is SQL over the table. `cells` says it for customers
    of a cell, where that decides."""

    rung: str
    table: str
    columns: tuple[str, ...]
    where: str
    cells: dict[str, str] = {}

    def of_cell(self, cell: str) -> str:
        """`where` for a customer of the cell."""
        return self.cells.get(cell, self.where)


class Asking(Struct, frozen=True):
    """Everything that answers for one customer. `sql` gives a row per customer of the table `asked`; `home` is the
    household as SQL over `c`, empty where households do not matter. `narrow`: other tables may be cut down to those
    customers, which is not so where a statement of the user's own counts over all of them."""

    sql: str
    parts: tuple[Part, ...]
    proofs: tuple[Proof, ...]
    home: str
    narrow: bool

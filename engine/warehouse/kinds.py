"""The kinds of file that the dataset takes in, and what becomes of each: it replaces what was there, or is added to it.

Customers, owned offers, offers, conflicts and lists are whole states: a new file replaces the old one. Usage is a state
per month: a file replaces the months that it has. Contacts and responses are events: a file is added to the history,
and an event that is there already stays there once.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engine.definition.catalogue import Catalogue, catalogue, table_catalogue
from engine.errors import InvalidFile, Problem

LIST_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file. `needs` are the columns that must be there, `needed` those that must be filled on every row.

    A kind that is cut by the month of the column `month` has the columns of its catalogue and no others.
    """

    name: str
    unique: bool
    key_field: str = "customer"
    needs: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    with_key: tuple[str, ...] = ()
    month: str = ""
    file: Literal["replaces", "replaces months", "is added"] = "replaces"

    def fields(self, customers: str) -> Catalogue:
        """Its fields as the catalogue knows them; none for lists. `customers` names the catalogue of customers."""
        if self.name == "list":
            return Catalogue("list", {})
        found = catalogue(customers) if self.name == "customers" else table_catalogue(self.name)
        if found is None:
            message = f"there is no catalogue {customers!r}"
            raise InvalidFile([Problem("D116", message, fields={"name": customers})])
        return found


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("customers", unique=True),
        Kind("list", unique=True),
        Kind("contacts", unique=False, needs=("at",), needed=("at",), month="at", file="is added"),
        Kind("responses", unique=False, needs=("kind", "at"), needed=("kind", "at"), month="at", file="is added"),
        Kind(
            "usage",
            unique=False,
            needs=("month",),
            needed=("month",),
            with_key=("month",),
            month="month",
            file="replaces months",
        ),
        Kind("owned", unique=False, needs=("offer", "since", "until"), needed=("offer",)),
        Kind("offers", unique=True, key_field="offer", needs=("category",)),
        Kind("conflicts", unique=False, key_field="offer", needs=("other",), needed=("other",)),
    )
}


def address_columns() -> frozenset[str]:
    """The columns that hold addresses by the catalogue of customers, whatever table they stand in."""
    return frozenset(KINDS["customers"].fields("customers").addresses)

"""The kinds of file that the dataset takes in, and what becomes of each: replaced, or added to.

Customers, owned offers, offers, conflicts and lists are whole states: a new file replaces the old one. Contacts are
events: a file is added to the history, and the same file twice is there once. Refuses a file of which no row is good.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.audience.compile import KNOWN_TABLES
from engine.errors import InvalidFile, Problem
from engine.warehouse import contacts
from engine.warehouse.dataset import Dataset, Table, Version
from engine.warehouse.lists import Imported, Reading, import_csv

OFFERS = dict.fromkeys(("offer", "name", "category", "family", "tags", "requires"), "text")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file. `types` are the columns it must be read with, `needs` those that must be there."""

    name: str
    unique: bool
    key_field: str = "customer"
    types: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()


KINDS = {
    kind.name: kind
    for kind in (
        Kind("customers", unique=True),
        Kind("list", unique=True),
        Kind("contacts", unique=False, types=KNOWN_TABLES["contacts"], needs=("at",)),
        Kind("owned", unique=False, types=KNOWN_TABLES["owned"], needs=("offer", "since", "until")),
        Kind("offers", unique=True, key_field="offer", types=OFFERS, needs=("category",)),
        Kind("conflicts", unique=False, key_field="offer", types=KNOWN_TABLES["conflicts"], needs=("other",)),
    )
}


def import_file(
    dataset: Dataset,
    kind: str,
    path: Path,
    key: str,
    *,
    name: str = "",
    types: Mapping[str, str] | None = None,
) -> tuple[Imported, Version]:
    """Import a CSV file and publish the version that has it. `name` is the list's, for the kind list.

    `types` are the customer fields' types where a catalogue knows them. Bad rows are in the result, not an error;
    InvalidFile where the whole file is unusable.
    """
    known = KINDS[kind]
    table = f"list_{name}" if kind == "list" else kind
    reading = Reading(key, known.key_field, unique=known.unique, types={**(types or {}), **known.types})
    if kind != "contacts":
        imported = import_csv(dataset, table, path, reading)
        _refuse_unusable(imported, known, path)
        return imported, dataset.replace(table, imported.table)
    imported = import_csv(
        dataset, table, path, reading, keep=lambda good: contacts.write_months(dataset, good.to_arrow_table())
    )
    _refuse_unusable(imported, known, path)
    return imported, dataset.append(table, Table(contacts.COLUMNS, imported.table.files))


def _refuse_unusable(imported: Imported, kind: Kind, path: Path) -> None:
    names = [column.name for column in imported.table.columns]
    problems = [
        Problem(code="D107", message=f"there is no column {need!r}", hint=f"there are {', '.join(names)}", at=path.name)
        for need in kind.needs
        if need not in names
    ]
    if not imported.rows and imported.bad:
        first = "; ".join(str(row) for row in imported.bad[:3])
        problems.append(Problem(code="D110", message="not one row is good", hint=first, at=path.name))
    if problems:
        raise InvalidFile(problems)

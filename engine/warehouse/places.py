"""The customers that there are to select from, wherever they are: in the dataset, on a server, on a cluster.

Whoever selects, counts, explains or delivers asks here and need not know which. Refuses to choose: a setting says where
the customers are, or the option of a command.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from engine.audience.compile import Selection, Wanted
from engine.errors import SelectionFailed
from engine.warehouse import counting, customers, earlier, past
from engine.warehouse.addresses import ADDRESS
from engine.warehouse.customers import Facts, Nobody
from engine.warehouse.dataset import Column, DataFile, Dataset, Table, Version
from engine.warehouse.run import Limits, Select, Selected, Started, select
from engine.warehouse.why import Rules, Why, why

if TYPE_CHECKING:
    from engine.warehouse.elsewhere import Elsewhere

CONTACTS = "contacts"
SPARK = "spark:"
ELSEWHERE = "its customers are read where they were, and that is not where they are now"


@dataclass(frozen=True, slots=True)
class CustomerBase:
    """The customers. `version` has the tables of the `place`, where there is one, and those of the dataset."""

    dataset: Dataset
    version: Version
    place: "Elsewhere | None" = None

    @property
    def name(self) -> str:
        """What messages call where they are; empty for the dataset."""
        return self.place.called("customers") if self.place else ""

    @property
    def own(self) -> Version:
        """The same version of the dataset, without the place."""
        return self.dataset.version(self.version.number) if self.place else self.version

    @property
    def selecting(self) -> Select:
        """What `freeze` selects with."""
        return self.place.select if self.place else select

    def select(
        self,
        selection: Selection,
        folder: Path,
        *,
        beside: Mapping[str, DataFile],
        limits: Limits,
        with_parts: bool = False,
    ) -> Selected:
        """As `engine.warehouse.run.select`."""
        return self.selecting(
            self.dataset, self.version, selection, folder, beside=beside, limits=limits, with_parts=with_parts
        )

    def count(
        self,
        selection: Selection,
        folder: Path,
        *,
        beside: Mapping[str, DataFile],
        limits: Limits,
        started: Started | None = None,
    ) -> tuple[int, ...]:
        """As `engine.warehouse.counting.count`."""
        counts = self.place.count if self.place else counting.count
        return counts(self.dataset, self.version, selection, folder, beside=beside, limits=limits, started=started)

    def why(self, folder: Path, rules: Rules, customer: str, *, limits: Limits) -> Why:
        """As `engine.warehouse.why.why`. A list is explained by what it was selected from, wherever customers are now:
        SelectionFailed where that is a place which is not this one."""
        if not rules.place:
            return why(self.dataset, folder, rules, customer, limits=limits)
        if self.place is None or rules.place != self.name:
            raise SelectionFailed(reason=ELSEWHERE)
        from engine.warehouse.why_there import why_there  # noqa: PLC0415  # few ask, and it loads DuckDB

        return why_there(self, folder, rules, customer, limits=limits)

    def facts(self, wanted: str, *, limits: Limits) -> Facts | Nobody:
        """As `engine.warehouse.customers.facts`."""
        if self.place is None:
            return customers.facts(self.dataset, self.version, wanted)
        from engine.warehouse.facts_there import facts_there  # noqa: PLC0415  # as above

        return facts_there(self, wanted, limits)

    def in_history(self, wanted: Wanted, until: datetime) -> list[str] | None:
        """As `engine.warehouse.earlier.in_history`: of the dataset's history, else of the place's."""
        found = earlier.in_history(self.dataset, self.own, wanted, until)
        if found is not None or self.place is None or wanted.wave:
            return found
        from engine.warehouse import rows_there  # noqa: PLC0415  # as above

        return rows_there.in_history(self.place, self.version, wanted, until)


def history_of_wave(
    dataset: Dataset, place: "Elsewhere | None", letters: Path, since: datetime, *, today: date, limits: Limits
) -> tuple[Path, ...]:
    """Files with the contacts since then of the customers of a wave, of our own history and of the place's; see
    `past.of_wave`. Those of a place are read once a day, because it has no versions."""
    own = past.of_wave(dataset, dataset.current(), letters, since)
    found = (own,) if own else ()
    if place is None:
        return found
    made_of = hashlib.sha256(repr((place.called(CONTACTS), f"{since:%Y-%m-%d}", f"{today}")).encode()).hexdigest()[:16]
    path = letters.with_name(f"{letters.stem}-contacts-{made_of}.parquet")
    if not path.exists():
        from engine.warehouse import rows_there  # noqa: PLC0415  # as above

        version = place.version()
        there = CONTACTS in version.tables and not version.tables[CONTACTS].files
        past.keep(path, rows_there.past(place, version, letters, since, limits) if there else rows_there.NOTHING)
    return (*found, path)


def fields_there(place: "Elsewhere", limits: Limits, turn: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Fields of the customers of a wave, for `wavefiles.Turn`."""
    from engine.warehouse import rows_there  # noqa: PLC0415  # as above

    return rows_there.fields(place, turn, columns, limits)


def place_of(text: str, connections: Path) -> "Elsewhere":
    """CONNECTION or CONNECTION:SCHEMA of the connections file; on Spark a database of its catalogue or a folder.

    InvalidFile where it is not named there.
    """
    from engine.warehouse.queries import address_of  # noqa: PLC0415  # most houses have no place, and these load long
    from engine.warehouse.syncing import read_connections  # noqa: PLC0415  # as above

    name, _, source = text.partition(":")
    address = address_of(name, read_connections(connections) if connections != Path() else {})
    if address.startswith(SPARK):
        from engine.warehouse.spark import Lake  # noqa: PLC0415  # as above

        return Lake(name, address.removeprefix(SPARK), source or "default")
    from engine.warehouse.postgres import Server  # noqa: PLC0415  # as above

    return Server(name, address, source or "public")


def base_of(dataset: Dataset, place: "Elsewhere | None", addresses: Collection[str] = ()) -> CustomerBase:
    """The customers as they are now. InvalidFile where a place has none, CustomersUnavailable where it is silent. What
    is called so of `addresses` is one, as if an import had sealed it."""
    current = dataset.current()
    if place is None:
        return CustomerBase(dataset, current)
    version = place.version(current)
    table = version.tables["customers"]
    columns = tuple(Column(one.name, ADDRESS) if one.name in addresses else one for one in table.columns)
    there = version.tables | {"customers": Table(columns, table.files)}
    return CustomerBase(dataset, Version(version.number, there), place)

"""The offers of a selection: those of the catalogue, and what the dataset says of codes that the catalogue never had.

The two never speak of one code: where the catalogue knows it, it alone does. Refuses to lose a column that an imported
table has, because statements of users read it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.offers.terms import Terms
from engine.warehouse.dataset import DataFile, Dataset, Version, digest_of_file

OFFERS, CONFLICTS = "offers", "conflicts"
AMOUNT = pa.decimal128(18, 4)
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("offer", "name", "kind", "category", "family", "tags", "requires")),
        ("monthly_fee", AMOUNT),
        ("data_gb", AMOUNT),
        ("voice_minutes", pa.int64()),
        ("valid_from", pa.date32()),
        ("valid_until", pa.date32()),
        ("filing_number", pa.string()),
    ]
)
PAIRS = pa.schema([("offer", pa.string()), ("other", pa.string())])


@dataclass(frozen=True, slots=True)
class OfferTables:
    """What a selection reads of offers, ordered: the same offers are the same bytes."""

    offers: pa.Table
    conflicts: pa.Table

    @property
    def columns(self) -> dict[str, dict[str, str]]:
        """Table -> column -> type, as a version of the dataset tells them."""
        return {name: {each.name: kind_of(each.type) for each in table.schema} for name, table in self._named}

    def write(self, folder: Path) -> dict[str, DataFile]:
        """Both tables into `folder`, as evidence of what was used."""
        written = {}
        for name, table in self._named:
            path = folder / f"{name}.parquet"
            pq.write_table(table, path)
            written[name] = DataFile(path.name, table.num_rows, path.stat().st_size, digest_of_file(path))
        return written

    @property
    def _named(self) -> tuple[tuple[str, pa.Table], ...]:
        return ((OFFERS, self.offers), (CONFLICTS, self.conflicts))


def merged(dataset: Dataset, version: Version, held: Mapping[str, Terms]) -> OfferTables:
    """The offers of the catalogue (`held`), and those of the dataset whose code is not among them. What cannot stand
    beside an offer of the catalogue is told from both sides."""
    there = _imported(dataset, version, OFFERS, SCHEMA)
    there = there.filter(pc.invert(pc.is_in(there["offer"], pa.array(sorted(held), pa.string()))))
    rows = [_row(code, terms) for code, terms in sorted(held.items())]
    own = pa.table({each.name: _column([row.get(each.name) for row in rows], each.type) for each in there.schema})
    both = pa.concat_tables([there, own.cast(there.schema)]).sort_by("offer")
    pairs = _imported(dataset, version, CONFLICTS, PAIRS).select(PAIRS.names).to_pylist()
    found = {(row["offer"], row["other"]) for row in pairs if row["offer"] not in held}
    for code, terms in held.items():
        found |= {(code, other) for other in terms.incompatible} | {(other, code) for other in terms.incompatible}
    ordered = sorted(pair for pair in found if all(pair))
    columns = [pa.array([pair[n] for pair in ordered], pa.string()) for n in range(2)]
    return OfferTables(both, pa.table(columns, schema=PAIRS))


def imported_codes(dataset: Dataset, version: Version) -> dict[str, tuple[str, Any, Any]]:
    """Name and days of the offers that the dataset has, by code; what its table does not have is None."""
    rows = _imported(dataset, version, OFFERS, SCHEMA).to_pylist()
    return {
        row["offer"]: (row.get("name") or row["offer"], row.get("valid_from"), row.get("valid_until")) for row in rows
    }


def imported(dataset: Dataset, version: Version, codes: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What the dataset has of these offers, by code, column -> value."""
    table = _imported(dataset, version, OFFERS, SCHEMA)
    rows = table.filter(pc.is_in(table["offer"], pa.array(sorted(codes), pa.string()))).to_pylist()
    return {row["offer"]: row for row in rows}


def _imported(dataset: Dataset, version: Version, name: str, otherwise: pa.Schema) -> pa.Table:
    table = version.tables.get(name)
    return pq.read_table(list(dataset.paths(table))) if table and table.files else otherwise.empty_table()


def _row(code: str, terms: Terms) -> dict[str, Any]:
    written = terms.written()
    return {
        **{name: text or None for name, text in written.items()},
        "offer": code,
        "name": terms.name.in_language("zh"),
    }


def _column(values: Iterable[str | None], kind: pa.DataType) -> pa.Array:
    texts = pa.array(list(values), pa.string())
    return texts if pa.types.is_string(kind) else texts.cast(kind)


def kind_of(kind: pa.DataType) -> str:
    """The type of a column as the dataset names it."""
    if pa.types.is_decimal(kind):
        return f"decimal({kind.scale})"
    if pa.types.is_date(kind):
        return "date"
    if pa.types.is_timestamp(kind):
        return "timestamp"
    if pa.types.is_integer(kind):
        return "int"
    if pa.types.is_floating(kind):
        return "double"
    return "bool" if pa.types.is_boolean(kind) else "text"

"""What a case is about, as exclusions compare it: its offers, and what the dataset's table of offers says of them.

Refuses to invent: where the table has no such column, there is no such fact.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from engine.audience.compile import Subject
from engine.warehouse.dataset import Dataset, Version
from engine.warehouse.offers import OfferTables

COLUMNS = ("offer", "category", "family", "tags", "requires")
_BETWEEN_TAGS = re.compile(r"[\s,;，；、]+")


def subject_of(
    dataset: Dataset,
    version: Version,
    *,
    offers: tuple[str, ...],
    of_cells: tuple[str, ...] = (),
    category: tuple[str, ...] = (),
    channels: tuple[str, ...] = (),
    tags: tuple[str, ...] = (),
    catalogue: OfferTables | None = None,
) -> Subject:
    """The subject; `category` and `tags` default to those that the offers have, `of_cells` are those that cells have of
    their own. `catalogue` stands in place of the dataset's offers."""
    named, offers = offers, tuple(dict.fromkeys((*offers, *of_cells)))
    known = () if not (offers or tags) else _rows(catalogue.offers) if catalogue else _offers(dataset, version)
    own = [row for row in known if row["offer"] in offers]
    families = {row["family"] for row in own if row["family"]}
    tagged = set(tags) or {tag for row in own for tag in _tags(row)}
    return Subject(
        offer=offers,
        category=category or _sorted(row["category"] for row in own if row["category"]),
        channels=channels,
        family=_sorted(row["offer"] for row in known if row["family"] in families),
        tag=_sorted(row["offer"] for row in known if tagged & _tags(row)),
        requires={row["offer"]: row["requires"] for row in own if (row["requires"] or "").strip()},
        named=named,
    )


def _offers(dataset: Dataset, version: Version) -> list[dict[str, Any]]:
    table = version.tables.get("offers")
    if table is None:
        return []
    there = [column.name for column in table.columns if column.name in COLUMNS]
    rows = pq.read_table(list(dataset.paths(table)), columns=there).to_pylist()
    return [dict.fromkeys(COLUMNS) | row for row in rows]


def _rows(offers: pa.Table) -> list[dict[str, Any]]:
    there = [name for name in offers.schema.names if name in COLUMNS]
    return [dict.fromkeys(COLUMNS) | row for row in offers.select(there).to_pylist()]


def _tags(row: Mapping[str, Any]) -> set[str]:
    return {tag for tag in _BETWEEN_TAGS.split(row["tags"] or "") if tag}


def _sorted(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))

"""Tables that are cut by month: one file per month, so that a selection reads only the months it asks about."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from engine.warehouse.dataset import DataFile, Dataset
from engine.warehouse.row_groups import ROW_GROUP


def write_months(dataset: Dataset, name: str, rows: pa.Table, by: str) -> list[DataFile]:
    """Write `rows` as one file per month of the column `by` (a date or a time, never NULL), without publishing."""
    return [_write(dataset, name, part, month) for month, part in _cut(rows, by)]


def _cut(rows: pa.Table, by: str) -> Iterator[tuple[str, pa.Table]]:
    rows = rows.sort_by(by)
    months = rows[by].to_numpy().astype("datetime64[M]")
    for month in np.unique(months):
        first, after = np.searchsorted(months, [month, month + 1])
        yield str(month), rows.slice(first, after - first)


def _write(dataset: Dataset, name: str, rows: pa.Table, month: str) -> DataFile:
    with dataset.fresh_file(name) as path:
        pq.write_table(rows, path, row_group_size=ROW_GROUP)
        return dataset.keep(name, path, rows.num_rows, month)

"""The contact history: one file per batch, cut by month, so that a selection reads only the months it asks about.

A finished wave is appended as one batch; the nightly compaction joins the small files of a month into one. Refuses a
contact without a customer or a time.
"""

import contextlib
from collections.abc import Iterable

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from engine.audience.compile import KNOWN_TABLES
from engine.audience.later import rows_in
from engine.errors import InvalidFile, Problem
from engine.warehouse import months
from engine.warehouse.dataset import Column, DataFile, Dataset, Table, Version
from engine.warehouse.row_groups import ROW_GROUP

TABLE = "contacts"
COLUMNS = tuple(Column(name, type_) for name, type_ in KNOWN_TABLES[TABLE].items())
NAMES = ", ".join(f'"{column.name}"' for column in COLUMNS)
SCHEMA = pa.schema([(c.name, pa.timestamp("us") if c.type == "timestamp" else pa.string()) for c in COLUMNS])


def append(dataset: Dataset, batch: pa.Table) -> Version:
    """Add one batch with the columns of SCHEMA (`at`: naive UTC); one that is not there is unknown.

    Appending the same batch again adds nothing, so a retry after a crash is safe.
    """
    return dataset.append(TABLE, Table(COLUMNS, tuple(write_months(dataset, batch))))


def write_months(dataset: Dataset, batch: pa.Table) -> list[DataFile]:
    """Write a batch as one file per month, sorted by time, without publishing it."""
    for field in SCHEMA:
        if field.name not in batch.column_names:
            batch = batch.append_column(field, pa.nulls(batch.num_rows, field.type))
    batch = batch.select(SCHEMA.names).cast(SCHEMA)
    if batch["customer"].null_count or batch["at"].null_count:
        raise InvalidFile([Problem(code="D109", message="a contact needs a customer and a time")])
    return months.write_months(dataset, TABLE, batch, "at")


def compact(dataset: Dataset) -> Version:
    """Join the files of every month that has several into one."""

    def joined(tables: dict[str, Table]) -> dict[str, Table]:
        if TABLE not in tables:
            return tables
        files: list[DataFile] = []
        for month in sorted({file.month for file in tables[TABLE].files}):
            of_month = [file for file in tables[TABLE].files if file.month == month]
            files += of_month if len(of_month) == 1 else [_join(dataset, of_month, month)]
        if len(files) == len(tables[TABLE].files):
            return tables
        return tables | {TABLE: Table(COLUMNS, tuple(files))}

    return dataset.publish(joined)


def _join(dataset: Dataset, files: Iterable[DataFile], month: str) -> DataFile:
    paths = [str(dataset.path(file)) for file in files]
    with contextlib.closing(duckdb.connect(config={"memory_limit": "400MB"})) as db:
        order = 'ORDER BY "at", customer, case_number, channel'
        joined = db.sql(f"SELECT {NAMES} FROM {rows_in(TABLE, '?')} {order}", params=[paths])
        reader: pa.RecordBatchReader = joined.to_arrow_reader(ROW_GROUP)
        with dataset.fresh_file(TABLE) as path:
            rows = 0
            with pq.ParquetWriter(path, SCHEMA) as writer:
                for batch in reader:
                    writer.write_batch(batch.cast(SCHEMA), row_group_size=ROW_GROUP)
                    rows += batch.num_rows
            return dataset.keep(TABLE, path, rows, month)

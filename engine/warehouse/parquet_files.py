"""Reads a Parquet file as rows of text, and keeps what the file itself says of its columns' types.

A value of every type is written as text and read back as that type, so the same rules and the same reports hold for
all shapes. Refuses columns of lists, structures and bytes: none of them is a field of a customer.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import isnan
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import InvalidFile, Problem
from engine.warehouse.dataset import Told
from engine.warehouse.rows import MOST_UNPACKED, Records, of_columns, too_large

MAGIC = b"PAR1"
LONGEST_SCALE = 6
BATCH = 4_096


@dataclass(frozen=True, slots=True)
class ParquetFile:
    """A Parquet file; rows are counted from 1."""

    path: Path
    most_unpacked: int = MOST_UNPACKED

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.path.name

    def records(self, told: Told = lambda done, of: None) -> Records:
        """All its rows. InvalidFile for a damaged file or one too large unpacked; it names columns that no field
        can hold."""
        with self.path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        try:
            with pq.ParquetFile(self.path) as parquet:
                schema = parquet.schema_arrow
                _refuse_nested(schema, self.name)
                batches = list(self._batches(parquet, told))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
            raise InvalidFile([Problem("D120", "is no Parquet file, or a damaged one", at=self.name)]) from error
        texts = pa.schema([(str(n), pa.string()) for n in range(len(schema))])
        columns = pa.Table.from_batches(batches, texts).columns
        types = {str(n): type_ for n, field in enumerate(schema) if (type_ := _type(field.type))}
        return of_columns(tuple(schema.names), columns, sha256=sha256, types=types)

    def _batches(self, parquet: pq.ParquetFile, told: Told) -> Iterator[pa.RecordBatch]:
        """Its rows as text, and an end where they grow too large: a value that is kept once may stand in every row."""
        size = rows = 0
        for batch in parquet.iter_batches(batch_size=BATCH):
            texts = [_text(column) for column in batch.columns]
            size += sum(text.nbytes for text in texts)
            if size > self.most_unpacked:
                raise InvalidFile([too_large(self.name, self.most_unpacked)])
            rows += batch.num_rows
            told(rows, parquet.metadata.num_rows)
            yield pa.record_batch(texts, [str(n) for n in range(len(texts))])


def _refuse_nested(schema: pa.Schema, name: str) -> None:
    problems = [
        Problem("D121", f"column {field.name} holds {field.type}", "leave it out", name, fields={"column": field.name})
        for field in schema
        if pa.types.is_nested(field.type) or pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type)
    ]
    problems += [
        Problem("D106", f"the heading of column {n} is empty", at=name, fields={"column": n})
        for n, heading in enumerate(schema.names, 1)
        if not heading.strip()
    ]
    if problems or not schema.names:
        raise InvalidFile(problems or [Problem("D105", "is empty", at=name)])


def _type(type_: pa.DataType) -> str:
    """What a column is, as the dataset names it; empty where the values are to say."""
    if pa.types.is_decimal(type_):
        return f"decimal({type_.scale})" if 0 <= type_.scale <= LONGEST_SCALE else "double"
    for test, name in (
        (pa.types.is_boolean, "bool"),
        (pa.types.is_integer, "int"),
        (pa.types.is_floating, "double"),
        (pa.types.is_date, "date"),
        (pa.types.is_timestamp, "timestamp"),
        (pa.types.is_string, "text"),
        (pa.types.is_large_string, "text"),
        (pa.types.is_dictionary, "text"),
    ):
        if test(type_):
            return name
    return ""


def _text(column: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(column.type) and column.type.tz:
        column = column.cast(pa.timestamp(column.type.unit, "UTC")).cast(pa.timestamp(column.type.unit))
    if pa.types.is_floating(column.type):
        # 13800138000.0 rather than 13800138000: an identity that was kept as a number is to be seen
        texts = [None if value is None or isnan(value) else repr(value) for value in column.to_pylist()]
        return pa.array(texts, pa.string())
    return column.cast(pa.string())

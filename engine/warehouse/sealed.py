"""Files of the dataset with addresses in them: written sealed, sealed afterwards, sealed anew under the next key.

A file is written in the order of its rows by one thread, and sealing is deterministic, so the same rows are the same
bytes. Refuses to leave a file with an open address behind where it was asked to seal.
"""

import contextlib
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from engine.warehouse.addresses import ADDRESS, Vault
from engine.warehouse.dataset import Column, DataFile, Dataset, Replaced, Table, Told
from engine.warehouse.row_groups import ROW_GROUP
from engine.warehouse.wavefiles import renew

AT_ONCE = 16_384
"""Addresses that are held as values of Python at once."""


def write_sealed(good: pa.RecordBatchReader, dataset: Dataset, name: str, addresses: Collection[str]) -> DataFile:
    """The rows as one file of table `name`, the columns `addresses` sealed. Every batch is a row group, written
    while the next is sealed."""
    with dataset.fresh_file(name) as path:
        rows = 0
        with _writer(path, good.schema, addresses) as writer, ThreadPoolExecutor(1) as pool:
            written: Future[None] | None = None
            for batch in good:
                sealed = _sealed(batch, addresses, dataset.vault) if addresses else batch
                if written:
                    written.result()
                written = pool.submit(writer.write_batch, sealed, row_group_size=ROW_GROUP)
                rows += batch.num_rows
            if written:
                written.result()
        return dataset.keep(name, path, rows)


def seal_versions(
    dataset: Dataset, addresses: Collection[str], *, by: str, at: datetime, told: Told = lambda done, of: None
) -> tuple[int, int]:
    """Seal what is open, or sealed under an earlier key, in the columns `addresses` of every version's files; (files,
    addresses).

    The newest version is followed by one that says so of its columns; in older ones the file is replaced.
    """
    every = {
        file.path: (name, table, file)
        for version in dataset.versions(dataset.current().number)
        for name, table in version.tables.items()
        for file in table.files
    }
    fresh: dict[str, Replaced] = {}
    count = 0
    for done, (path, (name, table, file)) in enumerate(every.items()):
        told(done, len(every))
        after, sealed = _replacement(dataset, name, file, _columns(table, addresses), at)
        count += sealed
        if after is not None:
            fresh[path] = after

    def changed(tables: dict[str, Table]) -> dict[str, Table]:
        return {name: _sealed_table(dataset, table, fresh, addresses) for name, table in tables.items()}

    dataset.take(changed, by=by)
    for path, after in fresh.items():
        dataset.replace_file(path, after)
    return len(fresh), count


def seal_waves(dataset: Dataset, told: Told = lambda done, of: None) -> int:
    """The same in the files of waves, which no version names; how many were written again."""
    count = 0
    files = sorted(dataset.folder.glob("cases/*/waves/*.parquet"))
    for done, path in enumerate(files):
        told(done, len(files))
        count += renew(path, dataset.vault)
    return count


def sealed_texts(column: pa.StringArray, vault: Vault) -> pa.StringArray:
    """A column of addresses, each sealed; NULL stays NULL.

    From buffers to buffers, those of one length together: a text of Python for each of a million addresses takes longer
    than half their sealing, and `pa.array` and `to_numpy` bring pandas along.
    """
    if not len(column):
        return column
    offsets, data = column.buffers()[1:]
    begins = np.frombuffer(offsets, np.int32)[column.offset :][: len(column) + 1]
    raw = data.to_pybytes() if data else b""
    there = column.is_valid().cast(pa.uint8())
    valid = np.frombuffer(there.buffers()[1], np.bool_)[there.offset :][: len(column)]
    lengths = np.where(valid, np.diff(begins), -1)
    parts = []
    for length in np.unique(lengths).tolist():
        starts = begins[:-1][lengths == length].tolist()
        parts.append(
            pa.nulls(len(starts), pa.string())
            if length < 0
            else _alike(vault.seal_all([raw[start : start + length] for start in starts]), len(starts))
        )
    if len(parts) == 1:
        return parts[0]
    places = np.empty(len(column), np.int64)
    places[np.argsort(lengths, kind="stable")] = np.arange(len(column))
    return pa.concat_arrays(parts).take(pa.Array.from_buffers(pa.int64(), len(places), [None, pa.py_buffer(places)]))


def _alike(sealed: bytes, count: int) -> pa.StringArray:
    """`count` texts of one length that stand one after the other."""
    ends = np.arange(count + 1, dtype=np.int32) * np.int32(len(sealed) // count)
    return pa.StringArray.from_buffers(count, pa.py_buffer(ends), pa.py_buffer(sealed))


def _columns(table: Table, addresses: Collection[str]) -> list[str]:
    return [one.name for one in table.columns if one.type == ADDRESS or (one.type == "text" and one.name in addresses)]


def _replacement(
    dataset: Dataset, name: str, file: DataFile, columns: Collection[str], at: datetime
) -> tuple[Replaced | None, int]:
    """The file written again with its addresses sealed under the newest key; None where they are."""
    count = 0
    if not columns:
        return None, 0
    with contextlib.closing(pq.ParquetFile(dataset.path(file))) as there, dataset.fresh_file(name) as path:
        with _writer(path, there.schema_arrow, columns) as writer:
            for batch in there.iter_batches(ROW_GROUP):
                renewed, changes = _renewed(batch, columns, dataset.vault)
                writer.write_batch(renewed, row_group_size=ROW_GROUP)
                count += changes
        if not count:
            return None, 0
        kept = dataset.keep(name, path, file.rows, file.month)
    return Replaced(file.sha256, kept.path, kept.rows, kept.sha256, "sealed", at), count


def _sealed_table(dataset: Dataset, table: Table, fresh: Mapping[str, Replaced], addresses: Collection[str]) -> Table:
    columns = _columns(table, addresses)
    files = tuple(
        DataFile(after.path, after.rows, dataset.at(after.path).stat().st_size, after.sha256, file.month)
        if (after := fresh.get(file.path))
        else file
        for file in table.files
    )
    named = tuple(Column(one.name, ADDRESS, one.heading) if one.name in columns else one for one in table.columns)
    return Table(named, files)


@contextlib.contextmanager
def _writer(path: object, schema: pa.Schema, addresses: Collection[str]) -> Iterator[pq.ParquetWriter]:
    with pq.ParquetWriter(
        path,
        schema,
        compression="snappy",
        use_dictionary=[each.name for each in schema if each.name not in addresses],
    ) as writer:
        yield writer


def _sealed(batch: pa.RecordBatch, addresses: Collection[str], vault: Vault) -> pa.RecordBatch:
    for name in addresses:
        column = batch[name]
        parts = [sealed_texts(column[at : at + AT_ONCE], vault) for at in range(0, len(column), AT_ONCE)]
        sealed = pa.concat_arrays(parts) if parts else column
        batch = batch.set_column(batch.schema.get_field_index(name), batch.schema.field(name), sealed)
    return batch


def _renewed(batch: pa.RecordBatch, addresses: Collection[str], vault: Vault) -> tuple[pa.RecordBatch, int]:
    changes = 0
    for name in addresses:
        before = batch[name].to_pylist()
        after = [None if one is None else vault.renewed(one) for one in before]
        changes += sum(one != other for one, other in zip(before, after, strict=True))
        batch = batch.set_column(
            batch.schema.get_field_index(name), batch.schema.field(name), pa.array(after, pa.string())
        )
    return batch, changes

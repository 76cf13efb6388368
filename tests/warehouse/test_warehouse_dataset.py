"""Versions of the dataset: published whole, never changed, by one writer at a time without a lock."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.errors import InvalidFile
from engine.warehouse import contacts
from engine.warehouse.customers import beside
from engine.warehouse.dataset import Column, DataFile, Dataset, Table
from tests.warehouse.selecting_by_hand import written_by_an_earlier_release


def written(dataset: Dataset, name: str, values: list[str]) -> DataFile:
    with dataset.fresh_file(name) as path:
        pq.write_table(pa.table({"customer": values}), path)
        return dataset.keep(name, path, len(values))


def table(dataset: Dataset, name: str, values: list[str], kind: str = "text") -> Table:
    return Table((Column("customer", kind),), (written(dataset, name, values),))


def batch(*contacted: tuple[str, str]) -> pa.Table:
    customers, days = zip(*contacted, strict=True)
    moments = [datetime.fromisoformat(day) for day in days]
    return pa.table({"customer": customers, "at": pa.array(moments, pa.timestamp("us"))})


def test_a_new_folder_has_version_zero_without_tables(tmp_path: Path) -> None:
    assert Dataset(tmp_path / "none").current().number == 0


def test_a_version_that_someone_reads_does_not_change(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path)
    first = dataset.replace("customers", table(dataset, "customers", ["a"]))
    dataset.replace("customers", table(dataset, "customers", ["b"]))
    assert dataset.current().number == 2
    assert pq.read_table(dataset.paths(dataset.version(1).tables["customers"])[0])["customer"].to_pylist() == ["a"]
    assert dataset.version(1) == first


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    def write(number: int) -> None:
        dataset = Dataset(tmp_path)
        dataset.append("customers", table(dataset, "customers", [f"C{number}"]))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(40)))
    version = Dataset(tmp_path).current()
    assert version.number == 40 and version.tables["customers"].rows == 40


def test_a_writer_that_fails_leaves_no_file_and_no_version(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path)
    with pytest.raises(RuntimeError), dataset.fresh_file("customers") as path:
        path.write_bytes(b"half")
        raise RuntimeError
    assert list((tmp_path / "customers").iterdir()) == []
    assert dataset.current().number == 0


def test_files_with_other_columns_cannot_be_appended(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path)
    dataset.append("customers", table(dataset, "customers", ["a"]))
    with pytest.raises(InvalidFile, match="columns differ"):
        dataset.append("customers", table(dataset, "customers", ["b"], kind="int"))


def test_contacts_are_cut_by_month_and_appended_once(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path)
    one = batch(("a", "2026-10-31T23:59"), ("b", "2026-11-01"))
    contacts.append(dataset, one)
    version = contacts.append(dataset, one)
    assert [(file.month, file.rows) for file in version.tables["contacts"].files] == [("2026-10", 1), ("2026-11", 1)]


def test_compaction_joins_the_files_of_a_month_and_keeps_every_contact(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path)
    for day in (5, 3, 9):
        contacts.append(dataset, batch((f"c{day}", f"2026-11-0{day}"), ("x", f"2026-10-0{day}")))
    version = contacts.compact(dataset)
    files = version.tables["contacts"].files
    assert [(file.month, file.rows) for file in files] == [("2026-10", 3), ("2026-11", 3)]
    assert pq.read_table(dataset.path(files[1]))["customer"].to_pylist() == ["c3", "c5", "c9"]
    assert contacts.compact(dataset) == version


def test_files_without_a_purpose_stand_beside_files_with_one_until_they_are_joined(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path)
    written_by_an_earlier_release(dataset, batch(("a", "2026-11-05"), ("b", "2026-10-05")))
    before = dataset.current()
    assert contacts.compact(dataset) == before, "an old folder is left as it is"
    new = batch(("c", "2026-11-04")).append_column("purpose", pa.array(["service"]))
    version = contacts.append(dataset, new)
    assert version.tables["contacts"].columns == contacts.COLUMNS
    assert contacts.append(dataset, new) == version
    files = contacts.compact(dataset).tables["contacts"].files
    assert files[0] in before.tables["contacts"].files, "the one file of a month stays"
    rows = pq.read_table(dataset.path(files[1])).select(["customer", "purpose"]).to_pylist()
    assert [tuple(row.values()) for row in rows] == [("c", "service"), ("a", None)]
    assert beside(dataset, version, "b").rows["contacts"] == ({"at": "2026-10-05T00:00:00+00:00"},)
    (told,) = beside(dataset, version, "c").rows["contacts"]
    assert told["purpose"] == "service"


def test_a_contact_without_a_time_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="a customer and a time"):
        contacts.append(Dataset(tmp_path), pa.table({"customer": ["a"]}))

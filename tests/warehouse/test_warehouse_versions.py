"""What versions say of themselves, files changed behind the dataset's back, and many sources as one version."""

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from engine.cli.data import app as command
from engine.definition.catalogue import table_catalogue
from engine.errors import InvalidFile
from engine.warehouse.contacts import COLUMNS
from engine.warehouse.dataset import Dataset, Published, Table
from engine.warehouse.imports import Wanted, fixed_columns, import_file
from engine.warehouse.shapes import shape_of
from engine.warehouse.syncing import read_connections, sync_all
from tests.support import vault
from tests.warehouse.selecting_by_hand import written_by_an_earlier_release

PERSONS = "customer,arpu\na,1\nb,2\n,3\n"


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return Dataset(tmp_path / "data", vault)


def take(
    dataset: Dataset, content: str, kind: str = "customers", key: str = "customer", by: str = "luyan"
) -> Published:
    path = dataset.folder.parent / f"{kind}.csv"
    path.write_text(content)
    return import_file(dataset, shape_of(path), Wanted(kind, key), by=by)[1]


def rows_of(dataset: Dataset, table: str) -> list[dict[str, Any]]:
    return [row for path in dataset.paths(dataset.current().tables[table]) for row in pq.read_table(path).to_pylist()]


def _taken_out(dataset: Dataset, table: str) -> pa.Table:
    there = dataset.current().tables[table]
    dataset.replace(table, Table(there.columns, ()))
    return pa.concat_tables(pq.read_table(path) for path in dataset.paths(there))


def countersign(*arguments: str) -> str:
    done = CliRunner().invoke(command, arguments)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def test_a_version_says_when_by_whom_and_from_what_it_came(dataset: Dataset) -> None:
    version = take(dataset, PERSONS).version
    (taken,) = version.taken
    assert version.by == "luyan" and version.at is not None and version.at.tzinfo is not None
    assert (taken.table, taken.source, taken.rows, taken.refused, len(taken.sha256)) == (
        "customers", "customers.csv", 2, 1, 64,
    )  # fmt: skip


def test_the_same_file_again_is_no_version_and_says_so(dataset: Dataset, tmp_path: Path) -> None:
    take(dataset, PERSONS)
    assert not take(dataset, PERSONS).is_new
    out = countersign(
        "import", "customers", str(tmp_path / "customers.csv"), "--key", "customer", "--data", str(dataset.folder)
    )
    assert "nothing changed: version 1 holds all of it already" in out
    assert dataset.current().number == 1


def test_a_manifest_of_an_earlier_release_is_still_read(dataset: Dataset) -> None:
    (dataset.folder / "versions").mkdir(parents=True)
    old = '{"number":1,"tables":{"customers":{"columns":[{"name":"customer","type":"text","heading":""}],"files":[]}}}'
    (dataset.folder / "versions/00000001.json").write_text(old)
    assert (dataset.current().at, dataset.current().taken) == (None, ())
    assert "before times were kept" in countersign("versions", "--data", str(dataset.folder))


def test_versions_tell_what_each_changed(dataset: Dataset) -> None:
    take(dataset, PERSONS)
    take(dataset, "customer,month,arpu\na,2026-10,5\n", "usage")
    take(dataset, PERSONS + "c,4\n")
    told = json.loads(countersign("versions", "--data", str(dataset.folder), "--json"))
    assert [(one["version"], one["changes"]) for one in told] == [
        (3, [{"table": "customers", "before": 2, "after": 3}]),
        (2, [{"table": "usage", "before": None, "after": 1}]),
        (1, [{"table": "customers", "before": None, "after": 2}]),
    ]
    words = countersign("versions", "--data", str(dataset.folder), "--last", "1")
    assert "customers: 2 -> 3 rows" in words and "from customers.csv into customers: 3 rows, 1 refused" in words


def test_verify_names_the_first_file_that_differs_and_one_that_is_gone(dataset: Dataset) -> None:
    take(dataset, PERSONS)
    first = dataset.current().tables["customers"].files[0]
    assert "intact: version 1, 1 files" in countersign("verify", "--data", str(dataset.folder))
    content = bytearray(dataset.path(first).read_bytes())
    content[10] ^= 1
    dataset.path(first).write_bytes(content)
    with pytest.raises(InvalidFile, match=rf"{first.path} of version 1 differs"):
        countersign("verify", "--data", str(dataset.folder))
    dataset.path(first).unlink()
    with pytest.raises(InvalidFile, match=rf"{first.path} of version 1 is gone"):
        dataset.verify(dataset.current())
    with pytest.raises(InvalidFile, match="there is no version 9"):
        countersign("verify", "9", "--data", str(dataset.folder))


def test_what_a_writer_who_died_left_is_swept_and_nothing_else(dataset: Dataset) -> None:
    take(dataset, PERSONS)
    folder = dataset.folder / "customers"
    left = [folder / f".{'a' * 16}.new", folder / f"{'b' * 24}.parquet"]
    fresh = folder / f"{'c' * 24}.parquet"
    for path in (*left, fresh):
        path.write_bytes(b"half")
    (dataset.folder / "cases").mkdir()
    (dataset.folder / "cases" / "notes.txt").write_text("of somebody else")
    for path in (*left, *(dataset.folder / "cases").iterdir(), *dataset.paths(dataset.current().tables["customers"])):
        os.utime(path, (1, 1))
    assert dataset.sweep() == 2
    assert not any(path.exists() for path in left)
    assert fresh.exists() and (dataset.folder / "cases" / "notes.txt").exists()
    assert dataset.verify(dataset.current())


def test_usage_replaces_the_months_that_a_file_has(dataset: Dataset) -> None:
    take(dataset, "customer,month,arpu\na,2026-09,1\na,2026-10,2\nb,2026-10,3\na,202610,4\n", "usage")
    take(dataset, "customer,month,arpu\na,2026-10,20\n", "usage")
    assert [(row["month"].isoformat(), str(row["arpu"])) for row in rows_of(dataset, "usage")] == [
        ("2026-09-01", "1.00"),
        ("2026-10-01", "20.00"),
    ]
    assert [file.month for file in dataset.current().tables["usage"].files] == ["2026-09", "2026-10"]


def test_a_longer_history_adds_only_the_events_that_are_new(dataset: Dataset) -> None:
    head = "customer,case_number,kind,at\n"
    take(dataset, head + "a,N-1,response,2026-10-01\nb,,complaint,2026-11-01\n", "responses")
    take(dataset, head + "a,N-1,response,2026-10-01\nb,,complaint,2026-11-01\nc,N-1,response,2026-11-02\n", "responses")
    assert [row["customer"] for row in rows_of(dataset, "responses")] == ["a", "b", "c"]
    again = take(dataset, head + "c,N-1,response,2026-11-02\n", "responses")
    assert not again.is_new
    take(dataset, "customer,at,channel\na,2026-11-01,sms\n", "contacts")
    written_by_an_earlier_release(dataset, _taken_out(dataset, "contacts"))
    with_purposes = "customer,at,channel,purpose\na,2026-11-01,sms,marketing\n"
    assert not take(dataset, with_purposes, "contacts").is_new, "no second contact, because one says what for"
    take(dataset, with_purposes + "b,2026-11-02,sms,service\n", "contacts")
    assert [(row["customer"], row.get("purpose")) for row in rows_of(dataset, "contacts")] == [
        ("a", None),
        ("b", "service"),
    ]


def test_the_catalogues_of_tables_say_what_selections_read() -> None:
    known = table_catalogue("contacts")
    assert known is not None
    assert fixed_columns("contacts") == COLUMNS
    assert all(one.label.zh and one.label.en for one in known.fields.values())


def test_a_sync_publishes_all_of_its_sources_as_one_version(dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("编号,手机,备注\na,13800138000,x\n")
    (tmp_path / "o.csv").write_text("offer,category,kind\nflow-10g,data,package\n")
    (tmp_path / "vip.csv").write_text("customer\na\n")
    plan = tmp_path / "sync.yaml"
    plan.write_text(
        "sources:\n"
        "  - {kind: customers, source: c.csv, key: 编号, columns: {手机: phone, 备注: ~}}\n"
        "  - {kind: offers, source: o.csv, key: offer}\n"
        "  - {kind: list, name: vip, source: vip.csv, key: customer}\n"
    )
    out = countersign("sync", str(plan), "--data", str(dataset.folder))
    assert "1 rows of list_vip imported, 0 refused (dataset version 1)" in out
    (row,) = rows_of(dataset, "customers")
    assert row["customer"] == "a" and row["phone"].startswith("sealed.")
    assert [taken.table for taken in dataset.current().taken] == ["customers", "offers", "list_vip"]
    assert "nothing changed" in countersign("sync", str(plan), "--data", str(dataset.folder))


def test_a_sync_with_one_unusable_source_publishes_nothing_and_tells_of_all(dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("customer\na\n")
    plan = tmp_path / "sync.yaml"
    plan.write_text(
        "sources:\n"
        "  - {kind: customers, source: c.csv, key: customer}\n"
        "  - {kind: usage, source: c.csv, key: customer}\n"
        "  - {kind: offers, source: none.csv, key: offer}\n"
        '  - {kind: owned, source: "sql:crm:owned", key: id}\n'
    )
    with pytest.raises(InvalidFile) as refused:
        sync_all(dataset, plan, {}, by="x", label=lambda label: lambda done, of: None)
    told = str(refused.value)
    assert "no column 'month'" in told and "no file" in told and "no connection 'crm'" in told
    assert dataset.current().number == 0


def test_mistakes_of_a_sync_are_named_at_their_line(dataset: Dataset, tmp_path: Path) -> None:
    plan = tmp_path / "sync.yaml"
    plan.write_text(
        "sources:\n  - {kind: customer, source: c.csv, key: customer}\n  - {kind: list, source: a, key: b}\n"
    )
    with pytest.raises(InvalidFile, match=r"sync.yaml:2:\d+: D126"):
        sync_all(dataset, plan, {}, by="x", label=lambda label: lambda done, of: None)


def test_a_connections_file_never_tells_its_addresses(tmp_path: Path) -> None:
    path = tmp_path / "connections.yaml"
    path.write_text("crm: postgresql+psycopg2://reader:s3cret@db/crm\n")
    assert list(read_connections(path)) == ["crm"]
    path.write_text("crm: mysql://reader:s3cret@db/crm\n")
    with pytest.raises(InvalidFile, match="no list of connections") as refused:
        read_connections(path)
    assert "s3cret" not in str(refused.value)


def test_every_bad_row_is_in_the_report_and_no_cell_of_it_begins_a_formula(dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text('customer,=cmd\na,1\n"=1+1",x\n,2\n' + "".join(f"{n},{n}\n" for n in range(40)))
    report = tmp_path / "bad.csv"
    countersign(
        "import", "customers", str(tmp_path / "c.csv"), "--key", "customer", "--data", str(dataset.folder),
        "--errors", str(report),
    )  # fmt: skip
    assert report.read_text("utf-8-sig").splitlines() == [
        "line,column,reason",
        "3,'=cmd,''x' is not a number",
        "4,customer,the key is blank",
    ]


def test_a_file_without_rows_does_not_leave_the_dataset_without_customers(dataset: Dataset) -> None:
    take(dataset, PERSONS)
    with pytest.raises(InvalidFile, match="not one row is good"):
        take(dataset, "customer,arpu\n")
    assert not take(dataset, "customer,kind,at\n", "responses").is_new
    assert list(dataset.current().tables) == ["customers"]


def test_a_list_needs_a_name_that_can_be_one(dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text("customer\na\n")
    with pytest.raises(InvalidFile, match="no name of a list"):
        countersign("import", "list", str(tmp_path / "l.csv"), "--key", "customer", "--name", "../x")

"""CSV files as they come: the good rows are there, each bad row is named, nothing is repaired."""

import gzip
import random
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InvalidFile
from engine.warehouse.dataset import Dataset
from engine.warehouse.imports import Wanted, import_file
from engine.warehouse.lists import Imported, Reading, field_name, import_csv
from engine.warehouse.records import read_records
from engine.warehouse.shapes import shape_of
from tests.support import shared


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return Dataset(tmp_path / "data")


def imported(dataset: Dataset, content: str | bytes, key: str = "id", **reading: Any) -> Imported:
    path = dataset.folder.parent / "given.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return import_csv(dataset, "customers", path, Reading(key, **reading))


def rows_of(dataset: Dataset, found: Imported) -> list[dict[str, Any]]:
    return [row for path in dataset.paths(found.table) for row in pq.read_table(path).to_pylist()]


def test_every_kind_of_bad_row_is_named_with_line_column_and_reason(dataset: Dataset) -> None:
    good = "".join(f"{n},name {n},{n}\n" for n in range(10, 60))
    found = imported(dataset, "id,name,age\n1,a,10\n2,b\n3,c,30,40\n4,d,xx\n\n5,e,50\n5,e2,51\n ,f,3\n" + good)
    assert [str(row) for row in found.bad] == [
        "line 3: has 2 columns, the header has 3",
        "line 4: has 4 columns, the header has 3",
        "line 5, column age: 'xx' is not a number",
        "line 8, column id: '5' stands on line 7 already",
        "line 9, column id: the key is blank",
    ]
    assert found.rows == 52
    assert [row["customer"] for row in rows_of(dataset, found)][:3] == ["1", "5", "10"]


def test_lines_are_counted_in_the_file_even_where_values_have_line_breaks(dataset: Dataset) -> None:
    found = imported(dataset, 'id,name\n1,"two\nlines, ""quoted"""\n2\n3,c\n')
    assert [str(row) for row in found.bad] == ["line 4: has 1 columns, the header has 2"]
    assert rows_of(dataset, found)[0]["name"] == 'two\nlines, "quoted"'


def test_a_quote_that_is_never_closed_spoils_its_own_line_alone(dataset: Dataset) -> None:
    found = imported(dataset, 'id,name\n1,a\n2,"b\n3,c\n4,"d, e"\n')
    assert [str(row) for row in found.bad] == ["line 3: a quote is opened and never closed"]
    assert [row["customer"] for row in rows_of(dataset, found)] == ["1", "3", "4"]


def test_of_two_rows_with_one_key_the_first_good_one_stays(dataset: Dataset) -> None:
    good = "".join(f"{n},{n}\n" for n in range(100, 140))
    found = imported(dataset, f"id,age\n7,abc\n7,41\n7,42\n{good}")
    assert [row.line for row in found.bad] == [2, 4]
    assert rows_of(dataset, found)[0] == {"customer": "7", "age": 41}


def test_blanks_are_null_and_codes_stay_text(dataset: Dataset) -> None:
    found = imported(dataset, "id,spent,area,day,ok\n1,,0571,2026-11-01,true\n2, 3.50 ,020,,false\n")
    assert {column.name: column.type for column in found.table.columns} == {
        "customer": "text",
        "spent": "decimal(2)",
        "area": "text",
        "day": "date",
        "ok": "bool",
    }
    first, second = rows_of(dataset, found)
    assert first["spent"] is None and str(second["spent"]) == "3.50"
    assert (first["area"], second["day"], second["ok"]) == ("0571", None, False)


def test_a_fraction_in_a_column_of_whole_numbers_is_refused_not_rounded(dataset: Dataset) -> None:
    found = imported(dataset, "id,age\n1,30\n2,30.5\n", types={"age": "int"})
    assert [str(row) for row in found.bad] == ["line 3, column age: '30.5' is not a number"]


@pytest.mark.parametrize(
    "content",
    [
        "id;name;spent\r\n1;王;1,5\r\n2;李;2\r\n".encode(),
        "id,name,spent\n1,王,x\n2,李,y\n".encode("gb18030"),
        b"\xef\xbb\xbfid\tname\tspent\n1\t\xe7\x8e\x8b\tx\n2\t\xe6\x9d\x8e\ty",
        gzip.compress("id,name,spent\n1,王,x\n2,李,y\n".encode(), mtime=0),
    ],
)
def test_separators_encodings_and_packing_are_recognised(dataset: Dataset, content: bytes) -> None:
    found = imported(dataset, content)
    assert found.rows == 2 and not found.bad
    assert [row["name"] for row in rows_of(dataset, found)] == ["王", "李"]


@pytest.mark.parametrize(
    ("content", "word"),
    [(b"", "is empty"), (b"\n\n", "is empty"), (b"name,age\n1,2\n", "no column 'id'"), (b"id,,x\n1,2,3\n", "heading")],
)
def test_a_file_that_is_no_list_is_refused_in_words(dataset: Dataset, content: bytes, word: str) -> None:
    with pytest.raises(InvalidFile, match=word):
        imported(dataset, content)


def test_headings_become_names_that_expressions_can_use(dataset: Dataset) -> None:
    assert field_name("Avg Monthly GB") == "Avg_Monthly_GB"
    assert field_name("emp.var.rate") == "emp_var_rate"
    assert field_name("2nd") == "f_2nd"
    found = imported(dataset, "id,Zip Code,zip-code\n1,a,b\n")
    assert [column.name for column in found.table.columns] == ["customer", "Zip_Code", "zip_code_2"]


plain_values = st.text(alphabet='abc123.,;"\n 王', max_size=6)


@settings(max_examples=60)
@given(st.lists(st.tuples(plain_values, plain_values), max_size=20))
def test_whatever_a_csv_writer_writes_is_read_back(rows: list[tuple[str, str]]) -> None:
    import csv
    import io
    from tempfile import TemporaryDirectory

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([("id", "a", "b"), *((str(n), *row) for n, row in enumerate(rows))])
    with TemporaryDirectory() as scratch:
        dataset = Dataset(Path(scratch) / "data")
        found = imported(dataset, text.getvalue(), types={"a": "text", "b": "text"})
        assert not found.bad
        wanted = [tuple(value.strip(" \t") or None for value in row) for row in rows]
        assert [(row["a"], row["b"]) for row in rows_of(dataset, found)] == wanted


@settings(max_examples=60)
@given(st.lists(st.sampled_from([*'ab",;\n\r\0 王', "1,2\n", '"x\ny",2\r\n', "\n\n"]), max_size=40), st.integers(3, 9))
def test_records_are_the_same_in_whatever_pieces_a_file_is_read(parts: list[str], piece: int) -> None:
    from tempfile import TemporaryDirectory

    def told(size: int) -> tuple[object, ...]:
        found = read_records(path, piece=size)
        return found.headings, found.rows.to_pydict(), found.lines.tolist(), found.ordinals.tolist(), found.bad

    with TemporaryDirectory() as scratch:
        path = Path(scratch) / "given.csv"
        path.write_bytes(("id,name\n1,a\n" + "".join(parts)).encode())
        assert told(piece) == told(2**20)


def test_every_planted_mistake_of_a_large_file_is_named(dataset: Dataset) -> None:
    chance = random.Random(7)
    lines = [f"C{n:06},name {n},{n % 90},{n % 300}.25" for n in range(20_000)]
    planted: dict[int, str] = {}
    for n in chance.sample(range(1, len(lines)), 80):
        kind = chance.choice(["short", "long", "number", "twice"])
        lines[n] = {
            "short": lines[n].rpartition(",")[0],
            "long": lines[n] + ",x",
            "number": lines[n].replace(f",{n % 90},", ",abc,"),
            "twice": lines[0],
        }[kind]
        planted[n + 2] = kind
    found = imported(dataset, "id,name,age,spent\n" + "\n".join(lines) + "\n")
    assert {row.line for row in found.bad} == set(planted)
    assert found.rows == len(lines) - len(planted)


def test_the_same_file_imported_twice_is_one_version(dataset: Dataset) -> None:
    path = dataset.folder.parent / "contacts.csv"
    path.write_text("customer,at,category,offer\n1,2026-10-30 08:00:00,data,x\n2,2026-11-02 09:00:00,data,y\n")
    _, first = import_file(dataset, shape_of(path), Wanted("contacts", "customer"))
    _, second = import_file(dataset, shape_of(path), Wanted("contacts", "customer"))
    assert [file.month for file in first.version.tables["contacts"].files] == ["2026-10", "2026-11"]
    assert (first.is_new, second.is_new) == (True, False)
    assert second.version == first.version


def test_the_telco_customers_are_all_there_with_their_blanks(dataset: Dataset) -> None:
    path = shared("data/telco/telco_customer_churn.csv.gz")
    found = import_csv(dataset, "customers", path, Reading("customerID"))
    assert (found.rows, found.bad) == (7043, ())
    rows = rows_of(dataset, found)
    assert sum(row["TotalCharges"] is None for row in rows) == 11
    chosen = [
        row
        for row in rows
        if row["Contract"] == "Month-to-month"
        and row["InternetService"] == "Fiber optic"
        and row["MonthlyCharges"] >= 80
    ]
    assert len(chosen) == 1459


@pytest.mark.parametrize(
    ("file", "rows"),
    [
        ("hillstrom/hillstrom.csv.gz", 64_000),
        ("uci_bank/bank-full.csv.gz", 45_211),
        ("uci_bank/bank-additional-full.csv.gz", 41_188),
    ],
)
def test_files_without_a_key_are_numbered_by_row(dataset: Dataset, file: str, rows: int) -> None:
    found = import_csv(dataset, "customers", shared(f"data/{file}"), Reading("row"))
    assert (found.rows, found.bad) == (rows, ())
    ids = [row["customer"] for row in rows_of(dataset, found)]
    assert ids[0] == "1" and ids[-1] == str(rows)

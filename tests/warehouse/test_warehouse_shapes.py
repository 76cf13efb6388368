"""CSV, XLSX, Parquet and tables of a database: the same rows, the same reports; and files made to mislead."""

import gzip
import io
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from engine.errors import InvalidFile
from engine.warehouse.dataset import Dataset
from engine.warehouse.imports import Wanted, import_file
from engine.warehouse.lists import Imported
from engine.warehouse.queries import Query
from engine.warehouse.shapes import Shape, shape_of
from tests.servers.postgres import create_database
from tests.support import vault

NAMES = {"customer": "text", "name": "text", "arpu": "decimal(2)", "contract_end": "date", "sms_consent": "bool"}
ROWS = [
    ("13800138000", "王敏", Decimal("38.55"), date(2026, 12, 31), True),
    ("13800138001", "李强", Decimal("8.00"), None, False),
    ("13800138002", None, None, date(2027, 1, 1), None),
]


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return Dataset(tmp_path / "data", vault)


def csv_file(folder: Path) -> Shape:
    lines = [",".join("" if value is None else str(value) for value in row) for row in ROWS]
    return kept(folder, "\n".join([",".join(NAMES), *lines]).encode())


def workbook(folder: Path) -> Shape:
    cells = [[float(row[0]), row[1], row[2] and float(row[2]), row[3], row[4]] for row in ROWS]
    return kept(folder, xlsx([list(NAMES), *cells]))


def parquet(folder: Path) -> Shape:
    columns = zip(*ROWS, strict=True)
    types = [pa.string(), pa.string(), pa.decimal128(9, 2), pa.date32(), pa.bool_()]
    arrays = [pa.array(values, type_) for values, type_ in zip(columns, types, strict=True)]
    path = folder / "customers.file"
    pq.write_table(pa.table(arrays, list(NAMES)), path)
    return shape_of(path)


def kept(folder: Path, content: bytes) -> Shape:
    """A file whose name says nothing of what it is."""
    path = folder / "customers.file"
    path.write_bytes(content)
    return shape_of(path)


def xlsx(rows: list[list[Any]]) -> bytes:
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                if isinstance(value, date):
                    sheet.write_datetime(number, column, value, day)
                elif value is not None:
                    sheet.write(number, column, value)
    return data.getvalue()


def taken_in(dataset: Dataset, shape: Shape, **wanted: Any) -> Imported:
    imported, _ = import_file(
        dataset, shape, Wanted(wanted.pop("kind", "customers"), wanted.pop("key", "customer"), **wanted)
    )
    return imported


def rows_of(dataset: Dataset, table: str = "customers") -> list[tuple[Any, ...]]:
    files = dataset.paths(dataset.current().tables[table])
    return [tuple(row.values()) for path in files for row in pq.read_table(path).to_pylist()]


@pytest.mark.parametrize("made", [csv_file, workbook, parquet])
def test_the_same_rows_come_out_of_every_shape(dataset: Dataset, tmp_path: Path, made: Callable[[Path], Shape]) -> None:
    imported = taken_in(dataset, made(tmp_path))
    assert {column.name: column.type for column in imported.table.columns} == NAMES
    assert (rows_of(dataset), imported.bad) == (ROWS, ())


def test_rows_of_a_workbook_are_named_by_the_number_that_the_spreadsheet_shows(
    dataset: Dataset, tmp_path: Path
) -> None:
    rows = [[], [], ["customer", "age"], ["a", 1], [None, None], ["b", "x"], [None, 5], ["a", 2], ["c", 3, 4]]
    imported = taken_in(dataset, kept(tmp_path, xlsx(rows)))
    assert [str(row) for row in imported.bad] == [
        "row 6, column age: 'x' is not a number",
        "row 7, column customer: the key is blank",
        "row 8, column customer: 'a' stands on row 4 already",
        "row 9: has 3 columns, the header has 2",
    ]
    assert (imported.rows, imported.refused) == (1, 4)


@pytest.mark.parametrize("written", ["1.38001380000E+10", "1.38e+10", "13800138000.0"])
def test_a_customer_that_a_spreadsheet_made_a_number_of_is_named(
    dataset: Dataset, tmp_path: Path, written: str
) -> None:
    content = f"customer,phone\n{written},13900139000\nb,{written}\nc,13900139001\n"
    imported = taken_in(dataset, kept(tmp_path, content.encode()))
    assert [(row.line, row.column) for row in imported.bad] == [(2, "customer"), (3, "phone")]
    assert f"{written!r} is a number that a spreadsheet has changed" in str(imported.bad[0])


def test_an_identity_card_that_a_workbook_kept_as_a_number_is_named(dataset: Dataset, tmp_path: Path) -> None:
    imported = taken_in(dataset, kept(tmp_path, xlsx([["customer"], [440111199001011234.0], ["440111199001011235"]])))
    assert [row.line for row in imported.bad] == [2]
    assert rows_of(dataset) == [("440111199001011235",)]


def test_null_keys_and_keys_that_are_fractions_are_named_in_parquet(dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"customer": pa.array(["a", None, "b\0", None], pa.string())}), path)
    imported = taken_in(dataset, shape_of(path))
    assert [str(row) for row in imported.bad] == [
        "row 2, column customer: the key is blank",
        "row 3, column customer: holds a NUL sign",
        "row 4, column customer: the key is blank",
    ]
    pq.write_table(pa.table({"customer": pa.array([1.0, None, 3.0]), "x": [1, 2, 3]}), path)
    with pytest.raises(InvalidFile, match="not one row is good"):
        taken_in(dataset, shape_of(path))


def test_a_parquet_column_that_no_field_can_hold_is_named(dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"customer": ["a"], "calls": [[1, 2]]}), path)
    with pytest.raises(InvalidFile, match="column calls holds list"):
        taken_in(dataset, shape_of(path))
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(InvalidFile, match="damaged"):
        taken_in(dataset, shape_of(path))


def bomb(declared: int | None) -> bytes:
    """A workbook of 0.1 MB that holds 98 MB; where `declared` says so, it claims to be smaller."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        packed.writestr("xl/workbook.xml", "<workbook/>")
        packed.writestr("xl/worksheets/sheet1.xml", b" " * 98 * 1024 * 1024)
    content = data.getvalue()
    if declared is None:
        return content
    return content.replace((98 * 1024 * 1024).to_bytes(4, "little"), declared.to_bytes(4, "little"))


@pytest.mark.parametrize("declared", [None, 4096])
def test_a_workbook_that_is_a_bomb_is_refused_whatever_it_says_of_its_size(
    dataset: Dataset, tmp_path: Path, declared: int | None
) -> None:
    with pytest.raises(InvalidFile, match=r"larger than 64 MB|no XLSX workbook"):
        taken_in(dataset, kept(tmp_path, bomb(declared)))


def test_a_parquet_file_that_repeats_one_value_without_end_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"customer": pa.array(["x" * 10_000] * 20_000)}), path)
    assert path.stat().st_size < 100_000
    with pytest.raises(InvalidFile, match="larger than 20 MB unpacked"):
        taken_in(dataset, shape_of(path, most_unpacked=20 * 1024**2))


def test_a_packed_list_that_is_a_bomb_is_refused(dataset: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"customer\n" + b"a\n" * 2_000_000))
    with pytest.raises(InvalidFile, match="larger than 1 MB unpacked"):
        taken_in(dataset, shape_of(path, most_unpacked=1024**2))
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InvalidFile, match="damaged"):
        taken_in(dataset, shape_of(path))


def test_a_nul_and_a_field_of_a_megabyte_are_named(dataset: Dataset, tmp_path: Path) -> None:
    content = b"customer,note\na,x\nb,\0\nc," + b"y" * 1024**2 + b"\nd,z\n"
    imported = taken_in(dataset, kept(tmp_path, content))
    assert [str(row) for row in imported.bad] == ["line 3: holds a NUL sign", "line 4: is longer than 256 KB"]
    assert rows_of(dataset) == [("a", "x"), ("d", "z")]


def test_two_blank_keys_are_blank_and_not_the_same_customer(dataset: Dataset, tmp_path: Path) -> None:
    imported = taken_in(dataset, kept(tmp_path, b"customer,age\na,1\n,2\n,3\n"))
    assert [row.reason for row in imported.bad] == ["the key is blank", "the key is blank"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_chinese_heading_and_value_are_read_in_every_encoding(
    dataset: Dataset, tmp_path: Path, encoding: str
) -> None:
    shape = kept(tmp_path, "用户编号,姓名\n1,王敏\n".encode(encoding))
    taken_in(dataset, shape, key="用户编号", columns={"姓名": "name"})
    assert rows_of(dataset) == [("1", "王敏")]


def test_utf_16_is_no_text_that_is_read_by_guessing(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="neither UTF-8 nor GB18030"):
        taken_in(dataset, kept(tmp_path, "customer\n王\n".encode("utf-16")))


def test_a_value_that_the_catalogue_does_not_allow_names_those_it_does(dataset: Dataset, tmp_path: Path) -> None:
    content = b"customer,kind,at\na,conversion,2026-10-01 08:00:00\nb,bought,2026-10-01\nc,,2026-10-01\nd,response,\n"
    imported = taken_in(dataset, kept(tmp_path, content), kind="responses")
    assert [str(row) for row in imported.bad] == [
        "line 3, column kind: 'bought' is none of response, conversion, refused, opt_out, complaint, no_answer",
        "line 4, column kind: is blank",
        "line 5, column at: is blank",
    ]
    assert imported.rows == 1


def test_an_amount_with_more_digits_than_its_column_keeps_is_refused_not_rounded(
    dataset: Dataset, tmp_path: Path
) -> None:
    content = b"customer,month,arpu\na,2026-10,38.505\nb,2026-10,38.500\nc,202610,\nd,2026-10-15,1\ne,October,1\n"
    imported = taken_in(dataset, kept(tmp_path, content), kind="usage")
    assert [str(row) for row in imported.bad] == [
        "line 2, column arpu: '38.505' is not a number",
        "line 5, column month: '2026-10-15' is not a month; write 2026-10",
        "line 6, column month: 'October' is not a month; write 2026-10",
    ]
    assert [row[:3] for row in rows_of(dataset, "usage")] == [
        ("b", date(2026, 10, 1), Decimal("38.50")),
        ("c", date(2026, 10, 1), None),
    ]


# PostgreSQL --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crm(pg_server: str, worker: str) -> str:
    url = create_database(pg_server, f"crm_{worker}")
    link = plain_link(url)
    with link, link.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE subscribers (customer text, name text, arpu numeric(9,2), contract_end date,"
            " sms_consent boolean, seen timestamptz); CREATE SEQUENCE a_sequence"
        )
        for row in ROWS:
            cursor.execute("INSERT INTO subscribers VALUES (%s, %s, %s, %s, %s, '2026-10-01 08:00+08')", row)
        cursor.execute("INSERT INTO subscribers (customer, arpu) VALUES (NULL, 1), (NULL, 2), ('13800138000', 3)")
    link.close()
    return url


def plain_link(url: str) -> Any:
    return psycopg2.connect(url.replace("+psycopg2", ""))


def test_a_table_of_a_database_gives_the_same_rows_and_names_null_keys(dataset: Dataset, crm: str) -> None:
    imported = taken_in(dataset, Query("crm", "subscribers", crm))
    assert [row[:5] for row in rows_of(dataset)] == ROWS
    assert rows_of(dataset)[0][5] == datetime(2026, 10, 1, tzinfo=UTC).replace(tzinfo=None)
    assert [str(row) for row in imported.bad] == [
        "row 4, column customer: the key is blank",
        "row 5, column customer: the key is blank",
        "row 6, column customer: '13800138000' stands on row 1 already",
    ]
    again = import_file(dataset, Query("crm", "subscribers", crm), Wanted("customers", "customer"))[1]
    assert not again.is_new


def test_one_select_is_read_whatever_signs_it_holds(dataset: Dataset, crm: str) -> None:
    query = Query("crm", "select customer, '{%s}' as x from subscribers where name like '王%' order by 1;", crm)
    taken_in(dataset, query)
    assert rows_of(dataset) == [("13800138000", "{%s}")]


@pytest.mark.parametrize(
    "statement",
    [
        "delete from subscribers",
        "select 1; drop table subscribers",
        "with gone as (delete from subscribers returning *) select * from gone",
        "select * into copied from subscribers",
        "select customer from subscribers for update",
        "select customer from subscribers) as x; drop table subscribers; --",
        "",
        "select nextval('a_sequence') as customer",
        "select customer from nowhere",
    ],
)
def test_what_is_no_select_that_only_reads_changes_nothing(dataset: Dataset, crm: str, statement: str) -> None:
    with pytest.raises(InvalidFile, match=r"D12[35]") as refused:
        taken_in(dataset, Query("crm", statement, crm))
    assert crm not in str(refused.value) and dataset.current().number == 0
    link = plain_link(crm)
    with link, link.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM subscribers")
        assert cursor.fetchone() == (6,)
    link.close()

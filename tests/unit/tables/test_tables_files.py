"""A table as XLSX, CSV and Parquet: typed, explained, harmless, and the same in each."""

import csv
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import repeat
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from engine.service import table_files
from engine.service.table_files import FORMATS, TooManyRows, file_name, filters_said, write, written
from engine.service.tabling import Column, Table
from engine.values import Bilingual
from tests.support import ROOT

COLUMNS = (
    Column("name", Bilingual(zh="名称", en="Name"), definition=Bilingual(zh="叫什么", en="What it is called")),
    Column("count", Bilingual(zh="户数", en="Customers"), "integer", unit=Bilingual(zh="户", en="customers")),
    Column("cost", Bilingual(zh="费用", en="Cost"), "money", unit=Bilingual(zh="元", en="CNY")),
    Column("rate", Bilingual(zh="转化率", en="Conversion"), "rate"),
    Column("day", Bilingual(zh="日期", en="Day"), "date"),
    Column("at", Bilingual(zh="时刻", en="Moment"), "datetime"),
    Column("took", Bilingual(zh="用时", en="Took"), "duration"),
)
AT = datetime(2026, 12, 1, 2, 30, tzinfo=UTC)  # 10:30 in Shanghai
FULL = (Bilingual(zh="省", en="province"), 3, Decimal("1234.50"), Decimal("0.125"), date(2026, 12, 1), AT)
ROWS = ((*FULL, timedelta(hours=30)), ("=1+1", None, Decimal("-5"), None, None, None, None))
FORMULAS = (
    "=cmd|' /C calc'!A0",
    "+1",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    '=HYPERLINK("http://x","y")',
    "http://x.example",
)


def table(rows: Iterable[tuple[object, ...]] = ROWS, columns: tuple[Column, ...] = COLUMNS) -> Table:
    return Table(
        name="sample",
        title=Bilingual(zh="样表/一", en="Sample/one"),
        columns=columns,
        rows=rows,
        as_of=AT,
        zone=ZoneInfo("Asia/Shanghai"),
        asked_by="王敏",
        filters=((Bilingual(zh="状态", en="state"), Bilingual(zh="审批中", en="In approval")),),
    )


def made(form: table_files.Format, of: Table, language: str = "zh") -> bytes:
    data = io.BytesIO()
    write(of, form, "zh" if language == "zh" else "en", data)
    return data.getvalue()


def test_a_workbook_has_numbers_days_and_moments_as_such() -> None:
    book = CalamineWorkbook.from_filelike(io.BytesIO(made("xlsx", table())))
    assert book.sheet_names == ["样表 一", "说明"]
    head, first, second = book.get_sheet_by_index(0).to_python()
    assert head == ["名称", "户数", "费用", "转化率", "日期", "时刻", "用时"]
    assert first[:4] == ["省", 3, 1234.5, 0.125]
    assert first[4] == date(2026, 12, 1)
    assert first[5] == datetime(2026, 12, 1, 10, 30)  # noqa: DTZ001  the house's time, as sheets have it
    assert first[6] == timedelta(hours=30)
    assert second == ["=1+1", "", -5, "", "", "", ""]


def test_the_second_sheet_says_what_every_column_means_of_when_it_is_and_for_whom() -> None:
    book = CalamineWorkbook.from_filelike(io.BytesIO(made("xlsx", table(), "en")))
    said = book.get_sheet_by_name("Dictionary").to_python(skip_empty_area=False)
    assert said[0][0] == "Sample/one"
    assert said[1][0] == "Made for 王敏, of what they may see"
    assert said[2][0] == "As of 2026-12-01 10:30 Asia/Shanghai; filters: state = In approval"
    assert said[5] == ["Name", "name", "text", "", "What it is called"]
    assert said[7] == ["Cost", "cost", "money", "CNY", ""]
    assert len(said) == 5 + len(COLUMNS)


def test_csv_opens_in_a_spreadsheet_and_keeps_numbers_numbers() -> None:
    data = made("csv", table())
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert rows[0] == [column.key for column in COLUMNS]
    assert rows[1] == ["省", "3", "1234.50", "0.125", "2026-12-01", "2026-12-01T10:30:00+08:00", "108000"]
    assert rows[2] == ["'=1+1", "", "-5", "", "", "", ""]


def test_parquet_is_typed_and_says_what_its_columns_mean() -> None:
    read = pq.read_table(io.BytesIO(made("parquet", table(), "en")))
    first, second = read.to_pylist()
    assert first == {
        "name": "province", "count": 3, "cost": Decimal("1234.50"), "rate": 0.125, "day": date(2026, 12, 1),
        "at": AT, "took": 108000,
    }  # fmt: skip
    assert second["name"] == "=1+1"
    assert read.schema.field("cost").metadata == {
        b"title": b"Cost", b"kind": b"money", b"unit": b"CNY", b"definition": b"",
    }  # fmt: skip
    assert read.schema.metadata[b"filters"] == b"state = In approval"


def test_data_are_never_carried_out() -> None:
    harmful = table(tuple((text,) for text in FORMULAS), (COLUMNS[0],))
    rows = list(csv.reader(io.StringIO(made("csv", harmful).decode("utf-8-sig"), newline="")))
    assert all(cell.startswith("'") for (cell,) in rows[1:-1])
    harmful = table(tuple((text,) for text in FORMULAS), (COLUMNS[0],))
    with zipfile.ZipFile(io.BytesIO(made("xlsx", harmful))) as book:
        inside = {name: book.read(name).decode() for name in book.namelist()}
    assert not [name for name in inside if "externalLink" in name or ("rels" in name and "hyperlink" in inside[name])]
    assert not [name for name, text in inside.items() if "<f>" in text or "<hyperlink" in text]
    sheet = CalamineWorkbook.from_filelike(
        io.BytesIO(made("xlsx", table(tuple((t,) for t in FORMULAS), (COLUMNS[0],))))
    )
    assert [row[0] for row in sheet.get_sheet_by_index(0).to_python()[1:]][2:5] == ["-2+3", "@SUM(1)", "\t=1"]


def test_an_empty_table_is_a_file_in_every_form() -> None:
    for form in FORMATS:
        with written(table(()), form, "zh") as file:
            assert (file.rows, file.name) == (0, f"样表-一-2026-12-01.{form}")
            assert file.size == len(file.data.read())
    assert filters_said(table(), "zh") == "状态 = 审批中"
    assert file_name(table(), "csv", "en") == "Sample-one-2026-12-01.csv"


def test_more_rows_than_a_sheet_holds_are_refused_with_what_to_do() -> None:
    most = table_files.MOST_IN_SHEET
    with pytest.raises(TooManyRows, match="CSV or Parquet"):
        made("xlsx", table(repeat((None,), most + 1), COLUMNS[:1]))
    assert write(table(repeat((None,), most + 1), COLUMNS[:1]), "csv", "zh", io.BytesIO()) == most + 1


MEASURED = """
import json, re, sys, tempfile
from pathlib import Path
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo
from engine.service.table_files import write
from engine.service.tabling import Column, Table
from engine.values import Bilingual
form, rows = sys.argv[1], int(sys.argv[2])
kinds = {"a": "text", "n": "integer", "m": "money"}
columns = [Column(key, Bilingual(en=key), kind) for key, kind in kinds.items()]
cells = ((f"row {n}", n, Decimal(n)) for n in range(rows))
now = datetime.now(UTC)
with tempfile.TemporaryFile() as data:
    count = write(Table("t", Bilingual(en="T"), columns, cells, now, ZoneInfo("UTC"), "x"), form, "en", data)
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]
print(json.dumps({"rows": count, "mb": int(peak) / 1024}))
"""


@pytest.mark.parametrize("form", FORMATS)
def test_memory_does_not_grow_with_the_rows(form: str) -> None:
    def measured(rows: int) -> float:
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, form, str(rows)], cwd=ROOT, capture_output=True, text=True, check=True
        )
        told = json.loads(done.stdout)
        assert told["rows"] == rows
        return float(told["mb"])

    few, many = measured(1_000), measured(60_000)
    assert many < 300
    assert many - few < 60

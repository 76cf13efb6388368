"""Writes a table as XLSX, CSV or Parquet, row by row: a million rows take no more memory than a thousand.

Nothing of the data is ever carried out: in a workbook text is written as text whatever it begins with, in CSV what
would begin a formula has an apostrophe before it. XLSX has titles as headings and a second sheet with what each column
means; CSV and Parquet have the keys, so that a program reads them in either language. Refuses more rows than a sheet
holds: cut tables mislead.
"""

import csv
import io
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, Literal, get_args

from engine.errors import Refused
from engine.service.cells import safe
from engine.service.tabling import KINDS, Column, Kind, Table
from engine.values import Bilingual, Language

if TYPE_CHECKING:
    import pyarrow
    from xlsxwriter.format import Format as CellFormat
    from xlsxwriter.workbook import Workbook

Format = Literal["xlsx", "csv", "parquet"]
FORMATS: tuple[Format, ...] = get_args(Format)
MEDIA: dict[Format, str] = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
MOST_IN_SHEET = 1_048_575
"""Rows of a sheet under its headings."""
LONGEST_CELL = 32_767
"""Signs that a cell of a workbook holds."""
AT_ONCE = 10_000
DICTIONARY = Bilingual(zh="说明", en="Dictionary")
_NUMBERS: dict[Kind, str] = {
    "integer": "#,##0",
    "number": "#,##0.00",
    "money": "#,##0.00",
    "rate": "0.00%",
    "date": "yyyy-mm-dd",
    "datetime": "yyyy-mm-dd hh:mm:ss",
    "duration": "[h]:mm:ss",
}
_WIDE: dict[Kind, int] = {"text": 24, "datetime": 20}
_HEADS = (
    Bilingual(zh="列", en="Column"),
    Bilingual(zh="列名（CSV、Parquet）", en="Key in CSV and Parquet"),
    Bilingual(zh="类型", en="Type"),
    Bilingual(zh="单位", en="Unit"),
    Bilingual(zh="含义", en="What it means"),
)
_ASKED = Bilingual(zh="导出人：{0}，只含其有权查看的内容", en="Made for {0}, of what they may see")
_AS_OF = Bilingual(zh="数据截至：{0}；筛选：{1}", en="As of {0}; filters: {1}")
_NONE = Bilingual(zh="无", en="none")


class TooManyRows(Refused):
    """The table has more than {most} rows, and a sheet of a workbook holds no more. Take it as CSV or Parquet, or
    filter it."""


@dataclass(slots=True)
class TableFile:
    """A written table: an open temporary file at its beginning, which is gone once it is closed."""

    data: IO[bytes]
    name: str
    media: str
    rows: int
    size: int


@contextmanager
def written(table: Table, form: Format, language: Language) -> Iterator[TableFile]:
    """The table as a file. TooManyRows where a workbook cannot hold it; then nothing has left."""
    with tempfile.TemporaryFile() as data:
        rows = write(table, form, language, data)
        size = data.seek(0, io.SEEK_END)
        data.seek(0)
        yield TableFile(data, file_name(table, form, language), MEDIA[form], rows, size)


def file_name(table: Table, form: Format, language: Language) -> str:
    """What the file is called: the table's title and the day, as 营销案-2026-12-01.xlsx."""
    title = "".join(sign if sign.isalnum() else "-" for sign in table.title.in_language(language)).strip("-")
    return f"{title or table.name}-{table.as_of.astimezone(table.zone):%Y-%m-%d}.{form}"


def write(table: Table, form: Format, language: Language, data: IO[bytes]) -> int:
    """Write the table into `data`, which can be sought in; how many rows it has."""
    match form:
        case "xlsx":
            return _workbook(table, language, data)
        case "csv":
            return _csv(table, language, data)
        case "parquet":
            return _parquet(table, language, data)


def exchanged(table: Table, form: Literal["xlsx", "csv"], language: Language) -> bytes:
    """A small table that is read in again: keys as headings in both kinds, and nothing but the table."""
    data = io.BytesIO()
    if form == "csv":
        _csv(table, language, data)
    else:
        with _book(data) as book:
            _sheet(book, table, language, [column.key for column in table.columns], table.name)
    return data.getvalue()


def _csv(table: Table, language: Language, data: IO[bytes]) -> int:
    text = io.TextIOWrapper(data, "utf-8", newline="", write_through=False)
    text.write("\ufeff")  # without the mark a Chinese spreadsheet guesses another encoding
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow([column.key for column in table.columns])
    count = 0
    for row in table.rows:
        lines.writerow([_said(cell, table, language) for cell in row])
        count += 1
    text.flush()
    text.detach()
    return count


def _said(cell: object, table: Table, language: Language) -> str:
    """A cell of CSV. Numbers are no text and are not guarded; spans are seconds."""
    match cell:
        case None:
            return ""
        case str():
            return safe(cell)
        case Bilingual():
            return safe(cell.in_language(language))
        case Decimal():
            return f"{cell:f}"
        case datetime():
            return cell.astimezone(table.zone).isoformat(timespec="seconds")
        case timedelta():
            return f"{cell.total_seconds():.0f}"
        case _:
            return str(cell)


@contextmanager
def _book(data: IO[bytes]) -> "Iterator[Workbook]":
    import xlsxwriter  # noqa: PLC0415  # takes long to load, and few commands write a workbook

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(data, options) as book:
        yield book


def _workbook(table: Table, language: Language, data: IO[bytes]) -> int:
    with _book(data) as book:
        heads = [column.title.in_language(language) for column in table.columns]
        count = _sheet(book, table, language, heads, table.title.in_language(language))
        _dictionary(book, table, language)
    return count


def _sheet(book: "Workbook", table: Table, language: Language, heads: Sequence[str], title: str) -> int:
    sheet = book.add_worksheet("".join(" " if sign in "[]:*?/\\'" else sign for sign in title)[:31])
    sheet.freeze_panes(1, 0)
    bold = book.add_format({"bold": True})
    formats = [book.add_format({"num_format": _NUMBERS.get(one.kind, "@")}) for one in table.columns]
    for at, (head, column) in enumerate(zip(heads, table.columns, strict=True)):
        sheet.set_column(at, at, _WIDE.get(column.kind, 14))
        sheet.write_string(0, at, head, bold)
    count = 0
    for count, row in enumerate(table.rows, 1):
        if count > MOST_IN_SHEET:
            raise TooManyRows(most=f"{MOST_IN_SHEET:,}")
        for at, cell in enumerate(row):
            _put(sheet, (count, at), _local(cell, table, language), formats[at])
    return count


def _local(cell: object, table: Table, language: Language) -> object:
    """A cell as its reader's sheet shows it: sheets know neither languages nor zones."""
    match cell:
        case Bilingual():
            return cell.in_language(language)
        case datetime():
            return cell.astimezone(table.zone).replace(tzinfo=None)
        case _:
            return cell


def _put(sheet: Any, place: tuple[int, int], cell: object, form: "CellFormat") -> None:
    match cell:
        case None:
            return
        case str():
            sheet.write_string(*place, cell[:LONGEST_CELL])
        case date() | timedelta():
            sheet.write_datetime(*place, cell, form)
        case Decimal() | float() | int():
            sheet.write_number(*place, float(cell), form)
        case _:
            raise AssertionError(f"no cell: {cell!r}")


def _dictionary(book: "Workbook", table: Table, language: Language) -> None:
    """Title, for whom, as of when and by which filters; then every column."""
    sheet = book.add_worksheet(DICTIONARY.in_language(language))
    bold = book.add_format({"bold": True})
    for at, width in enumerate((24, 24, 18, 12, 80)):
        sheet.set_column(at, at, width)
    sheet.write_string(0, 0, table.title.in_language(language), bold)
    sheet.write_string(1, 0, _ASKED.in_language(language).format(table.asked_by))
    as_of = table.as_of.astimezone(table.zone)
    moment = f"{as_of:%Y-%m-%d %H:%M} {table.zone.key}"
    sheet.write_string(2, 0, _AS_OF.in_language(language).format(moment, filters_said(table, language)))
    for at, head in enumerate(_HEADS):
        sheet.write_string(4, at, head.in_language(language), bold)
    for row, column in enumerate(table.columns, 5):
        for at, said in enumerate(_explained(column, language)):
            sheet.write_string(row, at, said)


def _explained(column: Column, language: Language) -> tuple[str, ...]:
    words = (column.title, KINDS[column.kind], column.unit, column.definition)
    title, kind, unit, definition = (one.in_language(language) for one in words)
    return title, column.key, kind, unit, definition


def filters_said(table: Table, language: Language) -> str:
    """The filters in words, "none" where nothing was chosen."""
    said = (f"{name.in_language(language)} = {value.in_language(language)}" for name, value in table.filters)
    return "; ".join(said) or _NONE.in_language(language)


def _parquet(table: Table, language: Language, data: IO[bytes]) -> int:
    import pyarrow as pa  # noqa: PLC0415  # takes long to load, and few requests need it
    import pyarrow.parquet as pq  # noqa: PLC0415

    schema = _schema(table, language)
    count, rows = 0, iter(table.rows)
    with pq.ParquetWriter(data, schema, compression="zstd") as file:
        while part := list(islice(rows, AT_ONCE)):
            columns = zip(*part, strict=True)
            arrays = [
                pa.array([_stored(cell, field.type, language) for cell in cells], field.type)
                for cells, field in zip(columns, schema, strict=True)
            ]
            file.write_batch(pa.record_batch(arrays, schema=schema))
            count += len(part)
    return count


def _schema(table: Table, language: Language) -> "pyarrow.Schema":
    """Names and types; what a column means and what the table is of stand in the metadata."""
    import pyarrow as pa  # noqa: PLC0415

    types = {
        "text": pa.string(),
        "integer": pa.int64(),
        "money": pa.decimal128(20, 2),
        "number": pa.float64(),
        "rate": pa.float64(),
        "date": pa.date32(),
        "datetime": pa.timestamp("us", tz="UTC"),
        "duration": pa.int64(),  # seconds: other readers know no spans
    }
    fields = []
    for column in table.columns:
        title, _, kind, unit, definition = _explained(column, language)
        told = {"title": title, "kind": kind, "unit": unit, "definition": definition}
        fields.append(pa.field(column.key, types[column.kind], metadata=told))
    about = {"title": table.title.in_language(language), "as_of": table.as_of.isoformat(), "asked_by": table.asked_by}
    return pa.schema(fields, metadata={**about, "filters": filters_said(table, language)})


def _stored(cell: object, kind: "pyarrow.DataType", language: Language) -> object:
    match cell:
        case Bilingual():
            return cell.in_language(language)
        case Decimal() if str(kind) == "double":
            return float(cell)
        case Decimal():
            return cell.quantize(Decimal("0.01"))
        case datetime():
            return cell.astimezone(UTC)
        case timedelta():
            return int(cell.total_seconds())
        case _:
            return cell

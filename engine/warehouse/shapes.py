"""The shapes that rows come in: one reader class per shape, named once here.

What a file is follows from its first bytes, never from its name. Every reader gives the same `Records`, so the rules of
rows and the reports of bad ones are the same for all. Refuses a file that is not there.
"""

from collections.abc import Mapping
from pathlib import Path

from engine.errors import InvalidFile, Problem
from engine.warehouse import parquet_files, workbooks
from engine.warehouse.parquet_files import ParquetFile
from engine.warehouse.queries import PREFIX, Query, query_of
from engine.warehouse.records import CsvFile
from engine.warehouse.rows import MOST_UNPACKED
from engine.warehouse.workbooks import Workbook

Shape = CsvFile | Workbook | ParquetFile | Query


def shape_of(
    text: str | Path, *, connections: Mapping[str, str] | None = None, most_unpacked: int = MOST_UNPACKED
) -> Shape:
    """The reader of a file, or of `sql:CONNECTION:TABLE` and `sql:CONNECTION:SELECT …`."""
    if isinstance(text, str) and text.startswith(PREFIX):
        return query_of(text, connections or {})
    path = Path(text)
    if not path.is_file():
        raise InvalidFile([Problem(code="D114", message=f"there is no file {path}", fields={"file": path.name})])
    with path.open("rb") as file:
        first = file.read(4)
    if first.startswith(workbooks.PACKED):
        return Workbook(path, most_unpacked)
    return ParquetFile(path, most_unpacked) if first == parquet_files.MAGIC else CsvFile(path, most_unpacked)

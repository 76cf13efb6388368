"""Any list as a file: `?format=xlsx`, `csv` or `parquet` in a page's address gives what the page's filters name, whole
and with the same rights.

    @router.get("/cases")
    def listed(..., form: Asked = "") -> Response:
        if form:
            return exported(case_table.table(app, viewer, filters), form, visit.language)

The file is written before the answer begins, so what is refused is a page that says so, never half a file.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import Query, Response
from fastapi.responses import StreamingResponse

from engine.service.table_files import Format, TableFile, written
from engine.service.tabling import Table
from engine.values import Language

Asked = Annotated[Format | Literal[""], Query(alias="format", description="As a file; empty = the page")]
PIECE = 256 * 1024


def exported(table: Table, form: Format, language: Language) -> Response:
    """The table as a file to keep, named with its title and day."""
    with ExitStack() as opened:
        file = opened.enter_context(written(table, form, language))
        plain = f"{table.name}-{table.as_of.astimezone(table.zone):%Y-%m-%d}.{form}"
        headers = {
            "content-disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file.name)}",
            "content-length": str(file.size),
            "x-rows": str(file.rows),
        }
        return StreamingResponse(_pieces(file, opened.pop_all()), media_type=file.media, headers=headers)


def _pieces(file: TableFile, opened: ExitStack) -> Iterator[bytes]:
    with opened:
        while piece := file.data.read(PIECE):
            yield piece

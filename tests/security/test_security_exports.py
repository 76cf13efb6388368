"""What is exported opens in a spreadsheet without anything in it being carried out, whatever people typed."""

import csv
import io
import zipfile
from collections.abc import Callable

import pytest

from engine.organisation import Office
from engine.service import suppressing
from engine.service.app import Countersign
from engine.service.cells import FORMULA
from engine.service.recording import By
from engine.store import people as accounts
from tests.api.cases import viewer
from tests.api.desk import Desk

FORMULAS = (
    "=cmd|' /C calc'!A0",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    '=HYPERLINK("http://evil.example","x")',
    "=1;=2",
    "\t=1+1",
    "\r=1+1",
)


@pytest.fixture
def typed(app: Countersign) -> Countersign:
    """Formulas as names of people and offices, and as reasons in the audit."""
    with app.db.begin() as tx:
        for n, text in enumerate(FORMULAS):
            accounts.add_offices(tx, [Office(code=f"44019{n}", zh=text, en=text, level="county", parent="440100")])
            accounts.add_people(tx, [{"id": f"p{n}", "name": text, "email": "", "language": "en"}])
    for n, text in enumerate(FORMULAS):
        by = By(viewer(app, "machao"), "page", f"={n}")
        suppressing.add(app, by, kind="grey", customer=f"c{n}", reason=f"{text.strip()} reason")
    return app


def test_no_cell_of_a_csv_begins_a_formula(typed: Countersign, desk: Callable[..., Desk]) -> None:
    admin = desk("machao")
    for path in ("/admin/audit?format=csv", "/admin/export/people.csv", "/admin/export/offices.csv"):
        file = admin.get(path)
        assert file.headers["content-type"].startswith("text/csv")
        assert file.headers["content-disposition"].startswith("attachment")
        rows = list(csv.reader(io.StringIO(file.text.removeprefix("\ufeff"), newline="")))
        cells = [cell for row in rows for cell in row]
        assert [cell for cell in cells if cell.startswith(FORMULA)] == [], path
        assert sum("cmd|" in cell or "HYPERLINK" in cell for cell in cells) >= 4, path  # they are there, as text
    assert typed


def test_no_cell_of_a_workbook_is_a_formula_or_a_link(typed: Countersign, desk: Callable[..., Desk]) -> None:
    admin = desk("machao")
    for path in ("/admin/export/people.xlsx", "/admin/export/offices.xlsx"):
        with zipfile.ZipFile(io.BytesIO(admin.get(path).content)) as book:
            sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
            text = "".join(book.read(name).decode() for name in sheets)
            assert "HYPERLINK" in text, path
            assert not [name for name in book.namelist() if "externalLink" in name]
        assert "<f>" not in text and "<hyperlink" not in text, path
    assert typed

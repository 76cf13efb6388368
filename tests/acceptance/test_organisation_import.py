"""The national table of divisions, people, and back: CSV and XLSX, looked at first, nothing silently accepted."""

import io
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from engine.errors import InvalidFile, NotFound
from engine.service import forgotten, importing, personnel, sheets
from engine.service.app import Countersign
from engine.service.recording import OPERATOR, By
from engine.settings import Settings
from engine.store import trail
from engine.store.session import Database
from tests.api.cases import viewer
from tests.support import shared

PEOPLE = (
    "id,name,email,language,same_as,roles\nli,李强,li@example.org,zh,,head@440100;committee@440000*3\nchen,陈,,en,,\n"
)


@pytest.fixture
def app(db: Database, db_url: str, tmp_path: Path) -> Countersign:
    return Countersign(Settings(home=tmp_path, database_url=db_url), db)


def load(app: Countersign, data: bytes | str, name: str = "file.csv"):
    return importing.load(app, OPERATOR, data.encode() if isinstance(data, str) else data, name)


def divisions(app: Countersign) -> list[int]:
    folder = shared("data/china_divisions")
    return [
        len(load(app, (folder / f"{name}.csv").read_bytes(), name).added) for name in ("provinces", "cities", "areas")
    ]


def some_offices(app: Countersign) -> None:
    load(app, "code,name,level,parent\n440000,广东,province,\n440100,广州,city,440000\n")


def test_the_national_divisions_become_offices_and_come_back_unchanged(app: Countersign):
    assert divisions(app) == [31, 342, 2978]
    with app.db.read() as tx:
        tree = app.organisation(tx).offices
        assert len(tree) == 3351
        assert [one.code for one in tree.line("110101")] == ["110101", "11"]
        assert [one.code for one in tree.line("440106")] == ["440106", "4401", "44"]
    for form in ("csv", "xlsx"):
        plan = load(app, importing.export(app, OPERATOR, "offices", form), f"offices.{form}")
        assert (plan.added, plan.changed, plan.unchanged) == ((), (), 3351)
    with app.db.read() as tx:
        assert trail.head(tx)[0] == 3351
        assert trail.verify(tx, forgotten.keyed(app)) is None


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_people_go_out_and_come_back(app: Countersign, form: sheets.Format):
    some_offices(app)
    load(app, PEOPLE)
    with app.db.read() as tx:
        assert app.organisation(tx).weight("li", "members(committee@province)", "440100") == 3
    plan = load(app, importing.export(app, OPERATOR, "people", form), f"people.{form}")
    assert (plan.added, plan.changed, plan.unchanged) == ((), (), 2)


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_name_that_would_be_a_formula_stays_text(app: Countersign, form: sheets.Format):
    some_offices(app)
    load(
        app, "id,name\n" + "".join(f'p{n},"{text}"\n' for n, text in enumerate(["=1+1", "@x", "-5", "+86", "'quoted"]))
    )
    out = importing.export(app, OPERATOR, "people", form)
    if form == "csv":
        cells = [row.split(",")[1] for row in out.decode("utf-8-sig").splitlines()[1:]]
        assert all(cell.startswith("'") for cell in cells)
    else:
        with zipfile.ZipFile(io.BytesIO(out)) as book:
            assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")
    assert load(app, out, f"people.{form}").unchanged == 5


def test_a_file_with_one_wrong_row_changes_nothing(app: Countersign):
    some_offices(app)
    with pytest.raises(InvalidFile) as refused:
        load(app, PEOPLE + "wu,吴,,,,head@99\n")
    assert [(one.line, one.column, one.code) for one in refused.value.problems] == [(4, 6, "roster.office")]
    with app.db.read() as tx:
        assert app.organisation(tx).people == {}


def packed(**files: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in files.items():
            book.writestr(name.replace("__", "/") + ".xml", content)
    return data.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "sheet.empty"),
        (b"\xff\xd8\xff\xe0\0\0JFIF", "sheet.kind"),
        (b"PK\x03\x04 no archive", "sheet.kind"),
        (packed(word__document=b"<x/>"), "sheet.kind"),
        (packed(xl__workbook=b"<x/>", xl__sheet=b" " * 98_000_000), "sheet.large"),
        (packed(xl__workbook=b"<x/>"), "sheet.kind"),
        (b"a,b\n" * 100_002, "sheet.rows"),
        (b"id,name\nx,\"open", "sheet.csv"),
        (b"id,name\nx,y,z\n", "sheet.cells"),
        (b"id,name\nx," + b"y" * 2001, "sheet.long"),
        (b"id,nam\nx,y\n", "sheet.headings"),
        (b"id,id,name\nx,y,z\n", "sheet.headings"),
    ],
)  # fmt: skip
def test_what_is_no_such_table_is_refused(app: Countersign, data: bytes, code: str):
    with pytest.raises(InvalidFile) as refused:
        load(app, data)
    assert {one.code for one in refused.value.problems} == {code}


def test_a_code_that_a_spreadsheet_took_for_a_number_is_a_code(app: Countersign):
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["code", "name", "level", "parent"])
        sheet.write_row(1, 0, [440000, "广东", "province"])
    load(app, data.getvalue(), "offices.xlsx")
    with app.db.read() as tx:
        assert "440000" in app.organisation(tx).offices


def test_what_was_looked_at_is_what_is_done(app: Countersign):
    some_offices(app)
    load(app, "id,name,email,language,same_as,roles\nma,马,,,,administrator@440000\n")
    by = By(viewer(app, "ma"), "page", "10.0.0.9")
    seen = importing.look(app, by, PEOPLE.encode(), "people.csv")
    assert len(seen.plan.added) == 2
    with app.db.read() as tx:
        assert "li" not in app.organisation(tx).people
    personnel.add_person(app, personnel.as_member("chen", "陈", "", "en"))
    again = importing.confirm(app, by, seen.upload, seen.seen)
    assert again.upload == seen.upload
    assert len(again.plan.added) == 1
    done = importing.confirm(app, by, again.upload, again.seen)
    assert done.upload == ""
    with app.db.read() as tx:
        assert app.organisation(tx).resolve("head@city", "440100") == ("li",)
        entry = trail.about(tx, "li")[0]
        assert (entry.kind, entry.actor, entry.address) == ("person_added", "ma", "10.0.0.9")
    with pytest.raises(NotFound):
        importing.confirm(app, by, again.upload, again.seen)

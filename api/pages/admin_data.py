"""The customer dataset: its versions, and a file that is looked at first, then taken in."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.errors import problem_sentence
from api.pages.admin import NAMED, by, download, said_of, uploaded
from api.visit import Visit
from engine.errors import InvalidFile
from engine.masking import masked
from engine.service import datasets
from engine.service.app import Countersign
from engine.service.datasets import Asked, Looked
from engine.service.sheets import MEDIA
from engine.service.views import Viewer
from engine.warehouse.kinds import KINDS
from engine.warehouse.rows import BadRow

router = APIRouter(dependencies=[for_page("dataset.manage")])
Upload = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]
Blank = Annotated[str, Query(max_length=500)]
Columns = Annotated[Sequence[str], Query(max_length=500)]


@router.get("/admin/data")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, done: str = "", same: str = "") -> Response:
    """The newest versions, and where a file is chosen; `done` is the version that the last file made, or `same`."""
    return _page(app, visit, viewer, done=done if done.isdecimal() else "", same=bool(same))


@router.post("/admin/data")
def keep(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Keep a file to look at. Nothing is in the dataset yet."""
    try:
        data, name = uploaded(form, datasets.MAX_BYTES)
        upload = datasets.keep(app, by(visit, viewer, form), data, name)
    except InvalidFile as error:
        return _page(app, visit, viewer, status=422, error=said_of(error, visit))
    return visit.go(f"/admin/data/{upload}")


@router.get("/admin/data/{upload}")
def look(
    *,
    app: App,
    visit: CurrentVisit,
    viewer: CurrentViewer,
    upload: Upload,
    kind: str = "",
    key: str = "",
    name: str = "",
    blank: Blank = "",
    column: Columns = (),
) -> Response:
    """What the file would give: as it seems to be meant, or as it is asked for."""
    asked = Asked(kind, key, name.strip(), blank, tuple(filter(None, column))) if kind else None
    return _looked(visit, datasets.look(app, by(visit, viewer), upload, asked))


@router.post("/admin/data/{upload}")
def confirm(app: App, visit: CurrentVisit, viewer: CurrentViewer, upload: Upload, form: Posted) -> Response:
    """Take the file in."""
    columns = tuple(str(one) for one in form.getlist("column"))
    asked = Asked(text(form, "kind"), text(form, "as_key"), text(form, "name"), text(form, "blank"), columns)
    try:
        done = datasets.confirm(app, by(visit, viewer, form), upload, asked)
    except InvalidFile:
        return _looked(visit, datasets.look(app, by(visit, viewer), upload, asked))
    return visit.go("/admin/data", done=str(done.version), same="" if done.is_new else "1")


@router.get("/admin/data/{upload}/errors.csv")
def report(
    *,
    app: App,
    visit: CurrentVisit,
    viewer: CurrentViewer,
    upload: Upload,
    kind: str,
    key: str,
    name: str = "",
    blank: Blank = "",
    column: Columns = (),
) -> Response:
    """Every row that would be refused."""
    bad = datasets.report(app, by(visit, viewer), upload, Asked(kind, key, name.strip(), blank, tuple(column)))
    headings = (visit.words("Row"), visit.words("Column"), visit.words("Reason"))
    rows = tuple((str(row.line), row.column, _reason(row, visit)) for row in bad)
    return download(datasets.report_csv(rows, headings), "errors.csv", MEDIA["csv"])


def _page(
    app: Countersign,
    visit: Visit,
    viewer: Viewer,
    *,
    status: int = 200,
    error: str = "",
    done: str = "",
    same: bool = False,
) -> Response:
    versions = datasets.versions(app, by(visit, viewer))
    return visit.page(
        "admin_data.html",
        status=status,
        versions=versions,
        error=error,
        done=done,
        same=same,
        elsewhere=app.settings.customers,
    )


def _looked(visit: Visit, looked: Looked) -> Response:
    wrong = [(row.line, row.column, _reason(_masked(row), visit)) for row in looked.bad[:NAMED]]
    problems = [problem_sentence(problem, visit.formats) for problem in looked.problems]
    return visit.page(
        "admin_data_file.html",
        status=422 if problems else 200,
        looked=looked,
        mode=KINDS[looked.asked.kind].file if looked.asked.kind in KINDS else "",
        wrong=wrong,
        more=max(len(looked.bad) - NAMED, 0),
        problems=problems,
        choices=datasets.choices(looked.asked),
    )


def _masked(row: BadRow) -> BadRow:
    """A row as the page names it: the number of a customer or of a phone is masked. The report has it, to mend it."""
    if row.code not in ("row.key_twice", "row.key_number"):
        return row
    return replace(row, fields={**row.fields, "value": masked(row.fields["value"])})


def _reason(row: BadRow, visit: Visit) -> str:
    return problem_sentence(row.problem, visit.formats)

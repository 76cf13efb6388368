"""The cost table: its prices and versions, another one as a text or a file, the confirmation by a second person."""

from collections.abc import Sequence
from functools import partial

from fastapi import APIRouter, Response
from starlette.datastructures import FormData, UploadFile

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.pages.admin import by, download, rows_of, tried, uploaded
from api.visit import Visit
from engine.errors import InvalidFile
from engine.service import costs, sheets
from engine.service.app import Countersign
from engine.service.sheets import Format
from engine.service.views import Viewer

router = APIRouter(dependencies=[for_page("costs.read")])
Wrong = Sequence[tuple[int, int, str]]


@router.get("/costs")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer) -> Response:
    """The prices in force, and all versions."""
    return _page(app, visit, viewer)


@router.post("/costs", dependencies=[for_page("costs.keep")])
def propose(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Propose the table of the file, or the one that was written where no file was chosen."""
    table, reason = text(form, "table"), text(form, "reason")
    page = partial(_page, app, visit, viewer, typed=(table, reason))
    data, name = uploaded(form) if _is_chosen(form) else (table.encode(), "table.csv")
    wrong: list[tuple[int, int, str]] = []

    def act() -> None:
        try:
            costs.propose(app, by(visit, viewer, form), data, name, reason=reason)
        except InvalidFile as error:
            wrong.extend(rows_of(visit, error.problems))

    refused = tried(visit, act, lambda error, status: page(error=error, status=status))
    if wrong:
        return page(status=422, wrong=wrong)
    return refused or visit.go("/costs")


@router.get("/costs/{version}/export/{form}")
def export(app: App, visit: CurrentVisit, viewer: CurrentViewer, version: int, form: Format) -> Response:
    """A version as a file that can be proposed again; version 0 is the one in force."""
    data = costs.export(app, by(visit, viewer), form, min(max(version, 0), 2**31 - 1))
    return download(data, f"costs.{form}", sheets.MEDIA[form])


@router.post("/costs/{version}", dependencies=[for_page("costs.keep")])
def decide(app: App, visit: CurrentVisit, viewer: CurrentViewer, version: int, form: Posted) -> Response:
    """Confirm a table or refuse it."""
    confirm = text(form, "decision") == "confirm"
    page = partial(_page, app, visit, viewer)
    return tried(
        visit,
        lambda: costs.decide(app, by(visit, viewer, form), version, confirm=confirm),
        lambda error, status: page(error=error, status=status),
    ) or visit.go("/costs")


def _is_chosen(form: FormData) -> bool:
    file = form.get("file")
    return isinstance(file, UploadFile) and bool(file.filename)


def _page(
    app: Countersign,
    visit: Visit,
    viewer: Viewer,
    *,
    error: str = "",
    status: int = 200,
    wrong: Wrong = (),
    typed: tuple[str, str] | None = None,
) -> Response:
    asking = by(visit, viewer)
    now = costs.export(app, asking, "csv").decode("utf-8-sig") if typed is None else typed[0]
    return visit.page(
        "costs.html",
        status=status,
        view=costs.show(app, asking),
        error=error,
        wrong=wrong,
        written=now,
        reason=typed[1] if typed else "",
    )

"""The approval sheet to print (营销案审批表), the same as PDF, and the way of the case as a picture."""

import re

from fastapi import APIRouter, Response

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit
from api.formats import Formats
from engine.definition.diagram_svg import Mark, svg
from engine.service import papers
from engine.service.chain_views import Node

NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]")
router = APIRouter(dependencies=[for_page("cases.read")])


@router.get("/cases/{case_id}/approval-sheet")
def show(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str) -> Response:
    """The page to print."""
    return visit.page("paper.html", paper=papers.paper(app, viewer, case_id))


@router.get("/cases/{case_id}/approval-sheet.pdf")
def as_pdf(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str) -> Response:
    """The same as a file, named after the case number."""
    from api.paper import pdf  # noqa: PLC0415  # ReportLab takes long to load, and few ask for the file

    paper = papers.paper(app, viewer, case_id)
    headers = {"content-disposition": f'attachment; filename="{file_name(paper.case.row.number or case_id)}.pdf"'}
    return Response(pdf(paper, visit.formats), media_type="application/pdf", headers=headers)


@router.get("/cases/{case_id}/diagram.svg")
def diagram(app: App, visit: CurrentVisit, viewer: CurrentViewer, case_id: str) -> Response:
    """The chain of the case with the current step and how long each took."""
    drawn = papers.drawing(app, viewer, case_id, visit.language)
    marks = {node.id: mark for node in drawn.nodes if (mark := _mark(node, visit.formats)) is not None}
    return Response(svg(drawn.picture, marks), media_type="image/svg+xml")


def file_name(number: str) -> str:
    """A case number as a name that every file system takes."""
    return NOT_IN_NAMES.sub("-", number)


def _mark(node: Node, formats: Formats) -> Mark | None:
    count = f"{node.decided}/{node.need} · " if node.need > 1 else ""
    if node.state == "current" and node.entered_at:
        span = formats.words("waits for %(span)s", span=formats.since(node.entered_at))
        return Mark("current", count + span)
    if node.state == "done":
        took = formats.duration(node.left_at - node.entered_at) if node.left_at and node.entered_at else ""
        return Mark("done", count + (formats.words("took %(span)s", span=took) if took else ""))
    return None

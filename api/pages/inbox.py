"""What waits for the viewer, what they did, what they were copied on, their own cases: a list at a time."""

from typing import Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Response

from api import navigation
from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit
from engine.service import inbox_pages, proofs
from engine.service.authorizing import allowed
from engine.service.inbox_pages import Due, Wanted

router = APIRouter(dependencies=[for_page("account.keep")])


@router.get("/inbox")
def show(
    *,
    app: App,
    visit: CurrentVisit,
    viewer: CurrentViewer,
    list: Literal["to_do", "done", "copied", "mine"] = "to_do",
    q: str = "",
    kind: str = "",
    office: str = "",
    due: Due = "",
    after: str = "",
) -> Response:
    """One of the four lists, as the address narrows it; `after` is where the page before it ended. Every way in leads
    here: who has no inbox is led to the page where they begin."""
    if not allowed(viewer, "cases.read"):
        return visit.go(navigation.home(viewer))
    wanted = Wanted(q.strip()[:100], kind[:80], office[:12], due if list == "to_do" else "")
    chosen = {"q": wanted.text, "kind": wanted.definition, "office": wanted.office, "due": wanted.due}
    page = inbox_pages.page(app, viewer, list, wanted=wanted, after=after[:200])
    here = {"list": list if list != "to_do" else ""} | chosen
    more = urlencode({name: value for name, value in (here | {"after": page.after}).items() if value})
    return visit.page(
        "inbox.html",
        inbox=page,
        shown=list,
        chosen=chosen,
        narrowed=any(chosen.values()),
        next_page=f"/inbox?{more}" if page.after else "",  # the frame of every page has a `more` of its own
        is_first=not after,
        proofs=proofs.waiting(app, viewer) if list == "to_do" and not after else (),
    )

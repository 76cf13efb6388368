"""Saved views and scheduled reports for scripts, and any view's table as a file."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from api.declared import for_acting, for_reading
from api.deps import App, Caller, Reader
from api.exporting import exported
from api.rest.answers import BINARY, answer
from api.rest.audience import Acting
from api.rest.cases import Body
from api.rest.described import Described
from engine.service import mailings, saved_views
from engine.service.mailing_times import Every
from engine.service.mailings import Form, MailingLine, Wanted
from engine.service.saved_views import SavedViewLine, Sharing
from engine.service.table_files import MEDIA, Format
from engine.service.view_pages import PAGES

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["views"])
Number = Annotated[int, Path(ge=1, lt=2**31, examples=[1])]
FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {media.partition(";")[0]: {"schema": BINARY} for media in MEDIA.values()}}
}


class NewView(Body):
    """The filters of a page under a name; the caller's view of that name on that page is replaced."""

    name: str = Field(max_length=60, examples=["Waiting in Guangzhou"])
    page: str = Field("cases", max_length=40, examples=["cases"], json_schema_extra={"enum": list(PAGES)})
    query: str = Field(
        "", max_length=1000, examples=["state=approving"], description="What stands behind the question mark"
    )


class WithWhom(Body):
    """An office and those below it, a role, or a role there; not both empty."""

    office: str = Field("", max_length=80, examples=["440100"])
    role: str = Field("", max_length=40, examples=["analyst"])


class ChangedView(Body):
    """What a view is called and with whom it is shared: with these alone."""

    name: str = Field(max_length=60, examples=["Waiting in Guangzhou"])
    shares: list[WithWhom] = Field([], max_length=20)


class NewMailing(Body):
    """When a view is mailed, as what, to whom."""

    view: int = Field(ge=1, lt=2**31, examples=[1])
    every: Every = Field("weekly", examples=["weekly"])
    day: int = Field(0, ge=0, le=31, description="Weekly: 0 is Monday; monthly: 1 to 31; daily: 0")
    at: str = Field("08:30", max_length=5, examples=["08:30"])
    zone: str = Field("Asia/Shanghai", max_length=40, examples=["Asia/Shanghai"])
    workdays: bool = Field(False, description="Daily ones rest on days off, others go on the next working day")
    form: Form = Field("link", description="xlsx and csv only where the house allows attachments")
    recipients: list[str] = Field(min_length=1, max_length=100, examples=[["wangmin"]])


@router.get("/views", response_model=list[SavedViewLine], dependencies=[for_reading("views.read")])
def listed(app: App, caller: Reader) -> Response:
    """The caller's own, and those that are shared with them or mailed to them."""
    return answer(saved_views.listed(app, caller))


@router.post("/views", status_code=201, response_model=SavedViewLine, dependencies=[for_acting("views.keep")])
def save(app: App, caller: Caller, body: NewView) -> Response:
    """Keep the filters of a page. Filters that the page does not have are left out."""
    number = saved_views.save(app, caller, body.name, body.page, body.query)
    return answer(saved_views.mine(app, caller, number), 201)


@router.put("/views/{number}", response_model=SavedViewLine, dependencies=[for_acting("views.keep")])
def change(app: App, caller: Caller, number: Number, body: ChangedView) -> Response:
    """Rename and share one of the caller's own."""
    saved_views.change(app, caller, number, body.name, [Sharing(one.office, one.role) for one in body.shares])
    return answer(saved_views.mine(app, caller, number))


@router.delete("/views/{number}", status_code=204, dependencies=[for_acting("views.keep")])
def remove(app: App, caller: Caller, number: Number) -> None:
    """Take one of the caller's own away, with its scheduled reports."""
    saved_views.remove(app, caller, number)


@router.get("/views/{number}/table", responses=FILE, response_class=Response, dependencies=[for_reading("views.read")])
def table(app: App, caller: Reader, number: Number, form: Annotated[Format, Query(alias="format")] = "csv") -> Response:
    """What a view names as a file, of what the caller may see, in the caller's language."""
    return exported(saved_views.table(app, caller, number), form, caller.language)


@router.get("/mailings", response_model=list[MailingLine], dependencies=[for_reading("views.read")])
def mailed(app: App, caller: Reader) -> Response:
    """Scheduled reports of the caller's own views, and those that they get."""
    return answer(mailings.listed(app, caller))


@router.post("/mailings", status_code=201, response_model=MailingLine, dependencies=[for_acting("views.keep")])
def mail(app: App, by: Acting, body: NewMailing) -> Response:
    """Have one of the caller's own views mailed."""
    assert by.viewer is not None
    number = mailings.add(app, by, Wanted(**body.model_dump()))
    return answer(next(one for one in mailings.listed(app, by.viewer) if one.id == number), 201)


@router.post("/mailings/{number}/on", status_code=204, dependencies=[for_acting("views.keep")])
def switch_on(app: App, by: Acting, number: Number) -> None:
    """Switch it on, also one that was stopped: it goes on with the next period."""
    mailings.switch(app, by, number, on=True)


@router.post("/mailings/{number}/off", status_code=204, dependencies=[for_acting("views.keep")])
def switch_off(app: App, by: Acting, number: Number) -> None:
    """Switch it off."""
    mailings.switch(app, by, number, on=False)


@router.delete("/mailings/{number}", status_code=204, dependencies=[for_acting("views.keep")])
def end(app: App, by: Acting, number: Number) -> None:
    """Take it away."""
    mailings.remove(app, by, number)


@router.delete("/mailings/{number}/recipient", status_code=204, dependencies=[for_acting("views.read")])
def decline(app: App, caller: Caller, number: Number) -> None:
    """The caller gets it no longer."""
    mailings.decline(app, caller, number)

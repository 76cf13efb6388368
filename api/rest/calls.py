"""Calls for scripts: a caller's next customer, number and result; a lead's lists, results of a call centre, files."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from pydantic import Field

from api.declared import for_acting, for_reading
from api.deps import App, Reader
from api.rest.answers import BINARY, answer
from api.rest.audience import Acting
from api.rest.cases import Body, body_of
from api.rest.described import Described
from engine.delivery.calls import Disposition
from engine.service import call_files, call_lists, calling
from engine.service.call_files import CallsReport
from engine.service.call_lists import ListView
from engine.service.calling import Desk, Named, Number
from engine.service.recording import By
from engine.service.sheets import MEDIA

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["calls"])
CaseName = Annotated[str, Path(max_length=60, examples=["430102-2026-00001"], description="The id or number of a case")]
EXPORTED: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": BINARY}}}}


class Seen(Body):
    """A call as it was shown; `version` is from there."""

    wave: str = Field(max_length=48, examples=["4f1c-w1"])
    row: int = Field(ge=0, lt=2**31, examples=[0])
    version: int = Field(ge=0, lt=2**31, examples=[1])

    @property
    def named(self) -> Named:
        """The call that it names."""
        return Named(self.wave, self.row, self.version)


class CallResult(Seen):
    """What came of a call. `accepted` needs `evidence`, `call_back` needs `call_back_at`."""

    disposition: Disposition = Field(examples=["accepted"])
    evidence: str = Field("", max_length=80, examples=["rec-20261130-17"], description="The recording or the order")
    call_back_at: str = Field("", max_length=40, examples=["2026-11-30T15:00"])
    note: str = Field("", max_length=200)
    value: str = Field("", max_length=20, examples=[""], description="Money per month, where the offer has no fee")


class Assignment(Body):
    """How many calls for whom. Without a person all are divided evenly among who calls for the office."""

    person: str = Field("", max_length=40, examples=["zhangwei"])
    count: int = Field(1, ge=1, le=1_000_000, examples=[200])


class TakenBack(Body):
    """Whose open calls are taken back, and for whom; empty: for whoever takes them."""

    person: str = Field(max_length=40, examples=["zhangwei"])
    to: str = Field("", max_length=40)


class ExportOf(Body):
    """Whose calls; with a reason their numbers stand in full, which is recorded, and nobody takes them here until their
    results come or they are taken back."""

    person: str = Field("", max_length=40, examples=["zhangwei"])
    reason: str = Field("", max_length=200, examples=["for the call centre, contract 2026-17"])


@dataclass(frozen=True, slots=True)
class Lists:
    """The call lists that the caller leads."""

    lists: tuple[ListView, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """How many calls were assigned or taken back."""

    calls: int


@router.get("/calls/desk", response_model=Desk, dependencies=[for_reading("calls.make")])
def desk(app: App, caller: Reader) -> Response:
    """The customer before the caller, or how many are due now and when the next one will be."""
    return _unkept(answer(calling.desk(app, By(caller, "api"))))


@router.post("/calls/next", response_model=Desk, dependencies=[for_acting("calls.make")])
def take(app: App, by: Acting) -> Response:
    """Take the next customer; again gives the same one. `call` is null where nobody is due."""
    call = calling.take(app, by)
    return _unkept(answer(Desk(call) if call else calling.desk(app, by)))


@router.post("/calls/number", response_model=Number, dependencies=[for_acting("calls.make")])
def number(app: App, by: Acting, body: Seen) -> Response:
    """The number to dial; that it was shown is recorded. Empty where the customer opted out meanwhile."""
    return _unkept(answer(calling.show(app, by, body.named)))


@router.post("/calls/result", response_model=Desk, dependencies=[for_acting("calls.make")])
def record(app: App, by: Acting, body: CallResult) -> Response:
    """Record what came of the call. Again changes nothing; 409 where the customer is no longer with the caller."""
    told = {"evidence": body.evidence, "call_back_at": body.call_back_at, "note": body.note, "value": body.value}
    calling.record(app, by, body.named, disposition=body.disposition, **told)
    return _unkept(answer(calling.desk(app, by)))


@router.post("/calls/put-back", response_model=Desk, dependencies=[for_acting("calls.make")])
def put_back(app: App, by: Acting, body: Seen) -> Response:
    """Leave the customer to others; 409 once the number was shown."""
    calling.put_back(app, by, body.named)
    return _unkept(answer(calling.desk(app, by)))


@router.get("/calls/lists", response_model=Lists, dependencies=[for_reading("calls.lead")])
def listed(app: App, caller: Reader) -> Response:
    """How far each list is, and each caller."""
    return answer(Lists(call_lists.listed(app, By(caller, "api"))))


@router.get("/calls/lists/{case}", response_model=ListView, dependencies=[for_reading("calls.lead")])
def one(app: App, caller: Reader, case: CaseName) -> Response:
    """One list."""
    return answer(call_lists.view(app, By(caller, "api"), case))


@router.post("/calls/lists/{case}/assign", response_model=Moved, dependencies=[for_acting("calls.lead")])
def assign(app: App, by: Acting, case: CaseName, body: Assignment) -> Response:
    """Assign calls that are assigned to nobody and that nobody has before them."""
    if not body.person:
        return answer(Moved(call_lists.share_out(app, by, case)))
    return answer(Moved(call_lists.assign(app, by, case, person=body.person, count=body.count)))


@router.post("/calls/lists/{case}/take-back", response_model=Moved, dependencies=[for_acting("calls.lead")])
def take_back(app: App, by: Acting, case: CaseName, body: TakenBack) -> Response:
    """Take back what is open for somebody, also what they have before them."""
    return answer(Moved(call_lists.take_back(app, by, case, person=body.person, to=body.to)))


@router.post("/calls/results", response_model=CallsReport, dependencies=[for_acting("calls.lead")])
def load(app: App, by: Acting, body: Annotated[bytes, Depends(body_of)]) -> Response:
    """Results of a call centre, a CSV or XLSX file as the body: `case` or `wave`, `customer`, `at`, `disposition`, and
    perhaps `note`, `evidence`, `value`, `call_back_at`, `caller`,
    `reference`. Good rows count; `bad` and `parked` name the others. The same rows again change nothing."""
    return answer(call_files.load(app, by, body, "results"))


@router.post(
    "/calls/lists/{case}/export", responses=EXPORTED, response_class=Response, dependencies=[for_acting("calls.lead")]
)
def export(app: App, by: Acting, case: CaseName, body: ExportOf) -> Response:
    """The open calls as CSV, formula-safe; the header `x-sha256` is its checksum."""
    made = call_lists.export(app, by, case, person=body.person, reason=body.reason)
    headers = {"x-sha256": made.sha256, "content-disposition": f'attachment; filename="{made.name}"'}
    return _unkept(Response(made.data, media_type=MEDIA["csv"], headers=headers))


def _unkept(response: Response) -> Response:
    response.headers["cache-control"] = "no-store"
    return response

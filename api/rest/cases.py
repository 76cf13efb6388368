"""Cases for scripts: start, submit, look, and what follows the approval.

Each POST takes an `Idempotency-Key` header: the same key again gives the first result.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.declared import for_acting, for_reading
from api.deps import App, Caller, Key, Reader
from api.rest.answers import answer, tagged
from api.rest.described import Described
from api.rest.paging import Cursor, Limit, Page, of_cursor, paged
from engine.service import (
    approvals,
    cases,
    children,
    closing,
    completing,
    explaining,
    inbox_pages,
    interventions,
    papers,
    phrases,
    proposals,
    responses,
    returning,
    stages,
    widening,
)
from engine.service.app import Countersign
from engine.service.chain_views import Waiting
from engine.service.closed import Said
from engine.service.completing import CompletionView
from engine.service.explaining import Explanation
from engine.service.inbox_pages import Due, List, Wanted
from engine.service.papers import Paper
from engine.service.responses import ImportReport
from engine.service.returning import Returned
from engine.service.stage_views import EvaluationView
from engine.service.views import CaseRow, CaseView, FormView, Inbox, TaskRow, Viewer
from engine.service.widening_views import WideningForm
from engine.values import Bilingual

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["cases"])


class Body(BaseModel):
    """What every request body shares: unknown names are refused."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Opened:
    """The case that was opened."""

    id: str


@dataclass(frozen=True, slots=True)
class Evaluations:
    """The stored evaluations, by age."""

    evaluations: tuple[EvaluationView, ...]


@dataclass(frozen=True, slots=True)
class InboxList(Page):
    """A piece of one list of the inbox: its `tasks`, or cases of the caller's own (`mine`); `counts` are of all."""

    tasks: tuple[TaskRow, ...]
    mine: tuple[CaseRow, ...]
    counts: dict[str, int]
    next: str
    kinds: tuple[tuple[str, Bilingual], ...]
    offices: tuple[tuple[str, Bilingual], ...]


@dataclass(frozen=True, slots=True)
class OwnPhrases:
    """The caller's quick phrases, in their order."""

    phrases: tuple[str, ...]


class Start(Body):
    """A new case of one kind."""

    definition: str = Field(max_length=80, examples=["telecom-marketing-case"])


class Proposal(Body):
    """The proposal: every field of the definition by name. Money and decimals as text."""

    form: dict[str, Any] = Field(examples=[{"title": "Autumn data package", "budget": "48000", "reach": 9000}])
    seen: str = Field("", max_length=64, description="`seen` of the form that was changed: no newer one is overwritten")


class StartDelivery(Body):
    """The number of customers that the caller saw and confirms."""

    recipients: int = Field(ge=0, lt=10**15, examples=[48210])
    reason: str = Field("", max_length=2000, examples=[""], description="Why a stale list goes out as it is")


class Reason(Body):
    """Why."""

    reason: str = Field("", max_length=2000, examples=["The tariff is not out yet"])


class TextChoice(Body):
    """Which variant goes on instead of what the test of the wave would find, and why."""

    wave: str = Field(max_length=40, examples=["pilot"])
    variant: str = Field(max_length=20, examples=["a"])
    reason: str = Field(max_length=200, examples=["The price in b is wrong"])


class Happening(Body):
    """An event of the lifecycle that the definition declares."""

    event: str = Field(max_length=120, examples=["hold"])
    remark: str = Field("", max_length=2000)


class More(Body):
    """The fields of which more is asked for, and why."""

    values: dict[str, Any] = Field(examples=[{"budget": "48500.00"}])
    reason: str = Field("", max_length=2000, examples=["The texts came out longer than was counted"])


class Withdrawal(Reason):
    """Why, and whether the case is to be submitted again."""

    again: bool = False


class Operation(Reason):
    """What, why, and for a jump the step to go on from."""

    operation: Literal["terminate", "void", "suspend", "activate", "wake", "jump", "take_back", "convert", "urge"] = (
        Field(examples=["suspend"])
    )
    to: str = Field("", max_length=120)


class FurtherCase(Body):
    """What one more case is opened for; `place` is the state that waits for it, where several do."""

    place: str = Field("", max_length=120)
    element: Any = Field(None, examples=["440111"])


class Lessons(Body):
    """What was learned. Of a case that was evaluated `worked`, `failed`, `repeat` and the digest of the `report` that
    is signed, as GET /cases/{id}/closing gives it; of any other `lessons`."""

    lessons: str = Field("", max_length=10_000, examples=["The second wave brought nothing"])
    worked: str = Field("", max_length=2_000, examples=["Letters in the morning"])
    failed: str = Field("", max_length=2_000, examples=["The second wave brought nothing"])
    repeat: str = Field("", max_length=2_000, examples=["Customers of 38 to 88 yuan a month, before a holiday"])
    report: str = Field("", max_length=64, description="The digest of the report that is signed")


@router.post("/cases", status_code=201, response_model=Opened, dependencies=[for_acting("cases.start")])
def start(app: App, caller: Caller, key: Key, body: Start) -> Response:
    """Open a draft. Answers {"id": …}."""
    return answer(Opened(proposals.start(app, caller, body.definition, key=key)), 201)


@router.put("/cases/{case_id}/form", response_model=FormView, dependencies=[for_acting("cases.act")])
def save(app: App, caller: Caller, key: Key, case_id: str, body: Proposal) -> Response:
    """Keep what can be read of the form; `problems` lists what cannot."""
    return answer(proposals.save(app, caller, case_id, body.form, key=key, seen=body.seen))


@router.post("/cases/{case_id}/submit", response_model=CaseView, dependencies=[for_acting("cases.act")])
def submit(app: App, caller: Caller, key: Key, case_id: str, body: Proposal) -> Response:
    """Submit the whole form. 422 with one problem per wrong field."""
    proposals.submit(app, caller, case_id, body.form, key=key, seen=body.seen)
    return answer(cases.case_page(app, caller, case_id))


@router.post("/cases/{case_id}/events", response_model=CaseView, dependencies=[for_acting("cases.act")])
def perform(app: App, caller: Caller, key: Key, case_id: str, body: Happening) -> Response:
    """Do a declared event, as far as a role of the caller may. 409 says what is possible for them."""
    approvals.perform(app, caller, case_id, body.event, remark=body.remark, key=key, via="api")
    return answer(cases.case_page(app, caller, case_id))


@router.post("/cases/{case_id}/children", response_model=CaseView, dependencies=[for_acting("cases.act")])
def add_case(app: App, caller: Caller, key: Key, case_id: str, body: FurtherCase) -> Response:
    """Open one more case in a state that waits for cases, where its definition lets a role of the caller's."""
    children.add(app, caller, case_id, body.place, body.element, key=key, via="api")
    return answer(cases.case_page(app, caller, case_id))


@router.get("/cases/{case_id}", response_model=CaseView, dependencies=[for_reading("cases.read")])
def show(app: App, caller: Reader, case_id: str) -> Response:
    """Everything of the case page. The ETag is its `seq`: it changes with every entry of its history."""
    view = cases.case_page(app, caller, case_id)
    return tagged(answer(view), view.seq)


@router.get("/cases/{case_id}/explanation", response_model=Explanation, dependencies=[for_reading("cases.read")])
def explain(app: App, caller: Reader, case_id: str) -> Response:
    """Why the case is where it is, whom it waits for since when, what happens next. The number does for the id."""
    return answer(explaining.explain(app, caller, case_id))


@router.get("/inbox", response_model=Inbox, dependencies=[for_reading("cases.read")])
def inbox(app: App, caller: Reader) -> Response:
    """What waits for the caller, what they did, what they were copied on, their own cases: the first 20 of each."""
    return answer(approvals.inbox(app, caller))


@router.get("/inbox/{which}", response_model=InboxList, dependencies=[for_reading("cases.read")])
def inbox_list(
    *,
    app: App,
    caller: Reader,
    request: Request,
    which: List,
    q: Annotated[str, Query(max_length=100)] = "",
    kind: Annotated[str, Query(max_length=80)] = "",
    office: Annotated[str, Query(max_length=12)] = "",
    due: Due = "",
    limit: Limit = 20,
    cursor: Cursor = "",
) -> Response:
    """One list of the inbox, narrowed to words of the title or a case number (`q`), a definition (`kind`), an office's
    code, and what is due by then. `kinds` and `offices` are those to choose from."""
    wanted = Wanted(q.strip(), kind, office, due)
    with of_cursor():
        page = inbox_pages.page(app, caller, which, wanted=wanted, after=cursor, limit=limit)
    return paged(request, InboxList(page.tasks, page.mine, page.counts, page.after, page.kinds, page.offices))


class Phrases(BaseModel):
    """What the caller writes often."""

    model_config = ConfigDict(extra="forbid")

    phrases: list[str] = Field(max_length=100, examples=[["同意。", "Agreed; start with a small trial."]])


@router.get("/phrases", response_model=OwnPhrases, dependencies=[for_reading("cases.act")])
def own_phrases(app: App, caller: Reader) -> Response:
    """The caller's quick phrases (常用语), in their order."""
    return answer(OwnPhrases(phrases.listed(app, caller)))


@router.put("/phrases", response_model=OwnPhrases, dependencies=[for_acting("cases.act")])
def keep_phrases(app: App, caller: Caller, body: Phrases) -> Response:
    """Keep these instead; the same again changes nothing."""
    return answer(OwnPhrases(phrases.keep(app, caller, body.phrases)))


@router.get("/cases/{case_id}/paper", response_model=Paper, dependencies=[for_reading("cases.read")])
def paper(app: App, caller: Reader, case_id: str) -> Response:
    """The approval sheet (营销案审批表): the case and every opinion with office, time and for whom."""
    return answer(papers.paper(app, caller, case_id))


@router.post("/cases/{case_id}/start", response_model=Waiting, dependencies=[for_acting("cases.act")])
def start_delivery(app: App, caller: Caller, key: Key, case_id: str, body: StartDelivery) -> Response:
    """Send to the frozen audience. 409 where its list is stale and no reason says why it goes out as it is."""
    stages.start_delivery(app, caller, case_id, body.recipients, key=key, reason=body.reason)
    return _waiting(app, caller, case_id)


@router.post("/cases/{case_id}/select", response_model=Waiting, dependencies=[for_acting("cases.act")])
def select_again(app: App, caller: Caller, key: Key, case_id: str) -> Response:
    """Select the customers again: after a selection that failed, or where the list is stale by now."""
    stages.select_again(app, caller, case_id, key=key)
    return _waiting(app, caller, case_id)


@router.post("/cases/{case_id}/text", response_model=Waiting, dependencies=[for_acting("cases.act")])
def choose_text(app: App, caller: Caller, key: Key, case_id: str, body: TextChoice) -> Response:
    """Choose the text that a test would have found; the submitter alone. 409 once it is decided."""
    named = {"wave": body.wave, "variant": body.variant, "reason": body.reason}
    stages.choose_text(app, caller, case_id, **named, key=key)
    return _waiting(app, caller, case_id)


@router.post("/cases/{case_id}/pause", response_model=Waiting, dependencies=[for_acting("cases.act")])
def pause(app: App, caller: Caller, key: Key, case_id: str, body: Reason) -> Response:
    """Hold all waves."""
    stages.hold(app, caller, case_id, "pause", body.reason, key=key)
    return _waiting(app, caller, case_id)


@router.post("/cases/{case_id}/resume", response_model=Waiting, dependencies=[for_acting("cases.act")])
def resume(app: App, caller: Caller, key: Key, case_id: str, body: Reason | None = None) -> Response:
    """Go on with all waves. 409 where the list of the next one is stale and no reason says why it goes out as it is."""
    stages.hold(app, caller, case_id, "resume", body.reason if body else "", key=key)
    return _waiting(app, caller, case_id)


@router.get("/cases/{case_id}/more", response_model=WideningForm, dependencies=[for_reading("cases.act")])
def what_more(app: App, caller: Reader, case_id: str) -> Response:
    """What its submitter may ask for while the delivery is paused, filled with what would let everything go out. 409
    where nothing may be asked for now."""
    return answer(widening.form(app, caller, case_id))


@router.post("/cases/{case_id}/more", response_model=Waiting, dependencies=[for_acting("cases.act")])
def ask_for_more(app: App, caller: Caller, key: Key, case_id: str, body: More) -> Response:
    """Ask for a larger budget or a window that ends later while the delivery is paused. Approval opens again for what
    changes; granted, the delivery goes on from where it was held. POST withdraw takes it back. 422 with every field
    that cannot be asked for."""
    widening.ask(app, caller, case_id, body.values, body.reason, key=key)
    return _waiting(app, caller, case_id)


@router.post("/cases/{case_id}/withdraw", response_model=Waiting, dependencies=[for_acting("cases.act")])
def withdraw(app: App, caller: Caller, key: Key, case_id: str, body: Withdrawal) -> Response:
    """Take the case back: for good, or `again` to change it."""
    proposals.withdraw(app, caller, case_id, body.reason, key=key, again=body.again)
    return _waiting(app, caller, case_id)


@router.post("/cases/{case_id}/operations", response_model=Waiting, dependencies=[for_acting("cases.act")])
def operate(app: App, caller: Caller, key: Key, case_id: str, body: Operation) -> Response:
    """Terminate, void, suspend, activate, wake, jump (to the step `to`), take back, convert (a filing into a case for
    approval), or urge (as its submitter, once a step in four working hours). Most need a reason."""
    interventions.intervene(app, caller, case_id, body.operation, reason=body.reason, to=body.to, key=key)
    return _waiting(app, caller, case_id)


@router.post("/cases/{case_id}/close", response_model=Waiting, dependencies=[for_acting("cases.act")])
def close(app: App, caller: Caller, key: Key, case_id: str, body: Lessons) -> Response:
    """Sign the report and close the case out. 409 where the report is not the one that was read."""
    closing.close(app, caller, case_id, Said(**body.model_dump()), key=key)
    return _waiting(app, caller, case_id)


@router.get("/cases/{case_id}/completion", response_model=CompletionView, dependencies=[for_reading("cases.read")])
def completion(app: App, caller: Reader, case_id: str) -> Response:
    """How far the case is against the targets of its proposal, with a forecast for the end of the window; without those
    targets that the caller does not see."""
    return answer(completing.of_case(app, caller, case_id))


@router.get("/cases/{case_id}/evaluation", response_model=Evaluations, dependencies=[for_reading("cases.read")])
def evaluation(app: App, caller: Reader, case_id: str) -> Response:
    """The stored evaluations, as on the case page."""
    view = cases.case_page(app, caller, case_id)
    return answer(Evaluations(view.evaluations))


@router.get("/cases/{case_id}/returns", response_model=Returned, dependencies=[for_reading("cases.read")])
def returns(app: App, caller: Reader, case_id: str) -> Response:
    """What came back: replies with masked senders, followed links, orders with and without evidence."""
    return answer(returning.of_case(app, caller, case_id))


async def body_of(request: Request) -> bytes:
    """The body as it came."""
    return await request.body()


@router.post("/cases/{case_id}/responses", response_model=ImportReport, dependencies=[for_acting("cases.act")])
def import_responses(app: App, caller: Caller, case_id: str, body: Annotated[bytes, Depends(body_of)]) -> Response:
    """Import a CSV file, sent as the body. Good rows come in; `bad` names every other row by line."""
    return answer(responses.import_responses(app, caller, case_id, body))


def _waiting(app: Countersign, caller: Viewer, case_id: str) -> Response:
    """Where the case is now."""
    return answer(cases.case_page(app, caller, case_id).waiting)

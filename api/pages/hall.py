"""Recommendations in the hall: a clerk looks a customer up, tells them what is offered, and writes down the answer.
Nothing is kept by browsers, and no number stands in an address."""

from dataclasses import replace

from fastapi import APIRouter, Response
from starlette.datastructures import FormData

from api.declared import for_page
from api.deps import App, CurrentViewer, CurrentVisit, Posted, text
from api.pages.admin import by, tried
from api.visit import Visit
from engine.service import evidencing, recommended, recommending
from engine.service.app import Countersign
from engine.service.confirmations import Proof
from engine.service.recommended import AnswerView, Said
from engine.service.recommending import HallView
from engine.service.recording import By

router = APIRouter(dependencies=[for_page("hall.serve")])
FIELDS = ("id", "answer", "reason", "confirmed_by", "evidence", "value")


@router.get("/hall")
def show(visit: CurrentVisit) -> Response:
    """The question alone."""
    return _page(visit)


@router.post("/hall")
def look_up(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """What to recommend; it is recorded that somebody asked."""
    customer = text(form, "customer")
    found: list[HallView] = []

    def act() -> None:
        found.append(recommending.look_up(app, by(visit, viewer, form), customer))

    def refused(error: str, status: int) -> Response:
        return _page(visit, customer=customer, error=error, status=status)

    return tried(visit, act, refused) or _page(visit, customer=customer, found=found[0])


@router.post("/hall/answer")
def answer(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Write down what the customer said, and show what else there is for them."""
    customer, typed = text(form, "customer"), {name: text(form, name) for name in FIELDS}
    days = text(form, "days")
    said = Said(
        answer=typed["answer"],
        reason=typed["reason"],
        days=int(days[:4]) if days.isdecimal() and days.isascii() else 0,
        confirmed_by=typed["confirmed_by"] if typed["evidence"] else "",
        evidence=typed["evidence"],
        value=typed["value"],
    )
    who = by(visit, viewer, form)
    written: list[AnswerView] = []

    def act() -> None:
        written.append(recommended.answer(app, who, typed["id"], said))

    def refused(error: str, status: int) -> Response:
        wrong = dict(visit.wrong)
        found = _again(app, visit, who, customer)
        visit.wrong = wrong
        return _page(visit, customer=customer, error=error, status=status, found=found, typed=typed)

    refusal = tried(visit, act, refused)
    return refusal or _page(visit, customer=customer, found=_again(app, visit, who, customer), written=written[0])


@router.post("/hall/evidence")
def confirm(app: App, visit: CurrentVisit, viewer: CurrentViewer, form: Posted) -> Response:
    """Write down how a customer confirmed what they had accepted."""
    customer, proof = text(form, "customer"), proof_of(form)
    who = by(visit, viewer, form)

    def refused(error: str, status: int) -> Response:
        wrong = dict(visit.wrong)
        found = _again(app, visit, who, customer)
        visit.wrong = wrong
        return _page(visit, customer=customer, error=error, status=status, found=found, proof=proof)

    refusal = tried(visit, lambda: _confirm(app, who, proof), refused)
    return refusal or _page(visit, customer=customer, found=_again(app, visit, who, customer), proved=True)


def proof_of(form: FormData) -> dict[str, str]:
    """What a form says of the evidence of an acceptance."""
    return {name: text(form, name) for name in ("id", "confirmed_by", "evidence", "value")}


def _confirm(app: Countersign, who: By, proof: dict[str, str]) -> None:
    evidencing.confirm(app, who, proof["id"], Proof(proof["confirmed_by"], proof["evidence"], proof["value"]))


def _again(app: Countersign, visit: Visit, who: By, customer: str) -> HallView | None:
    """The same customer once more, which is recorded already."""
    found: list[HallView] = []
    tried(
        visit,
        lambda: found.append(recommending.look_up(app, replace(who, key=""), customer, is_new=False)),
        lambda _error, _status: _page(visit),
    )
    return found[0] if found else None


def _page(
    visit: Visit,
    *,
    status: int = 200,
    customer: str = "",
    error: str = "",
    found: HallView | None = None,
    written: AnswerView | None = None,
    typed: dict[str, str] | None = None,
    proof: dict[str, str] | None = None,
    proved: bool = False,
) -> Response:
    response = visit.page(
        "hall.html",
        status=status,
        customer=customer,
        error=error,
        found=found,
        written=written,
        typed=typed or dict.fromkeys(FIELDS, ""),
        proof=proof,
        proved=proved,
    )
    response.headers["cache-control"] = "no-store"
    return response

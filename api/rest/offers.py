"""Offers and tariffs for scripts: the catalogue with its versions, and rehearsals of tariffs over past usage."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from api.declared import for_acting, for_reading
from api.deps import App, Reader
from api.rest.answers import answer
from api.rest.audience import Acting, Version
from api.rest.cases import Body
from api.rest.described import Described
from engine.offers.terms import FIELDS
from engine.service import offers, rehearsals
from engine.service.offers import OfferPage, OfferView
from engine.service.recording import By
from engine.service.rehearsal_views import RehearsalLine, RehearsalView
from engine.service.rehearsals import Wanted

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["offers"])
Code = Annotated[str, Path(max_length=40, examples=["flow-59"])]
Word = Annotated[str, Query(max_length=100, examples=["flow"])]
EXAMPLE = {"name_en": "Flow 59", "kind": "tariff", "monthly_fee": "59.00", "data_gb": "20", "data_price": "5"}


class NewVersion(Body):
    """Another version of an offer, made from version `seen` (0: there is none yet)."""

    terms: dict[str, str] = Field(
        examples=[EXAMPLE], max_length=len(FIELDS), description=f"As text, empty where nothing: {', '.join(FIELDS)}"
    )
    seen: int = Field(0, ge=0, lt=2**31, examples=[0])


class Publication(Body):
    """Whether a version that waits shall hold."""

    publish: bool = Field(examples=[True])


class Withdrawal(Body):
    """Why an offer is withdrawn."""

    reason: str = Field(max_length=200, examples=["the regulator objects"])


class NewRehearsal(Body):
    """What to rehearse. A `case` takes its frozen list or else its form, without one `rule` says who."""

    offer: str = Field(max_length=40, examples=["flow-59"])
    version: int = Field(ge=1, lt=2**31, examples=[1])
    months: int = Field(3, ge=0, le=999, examples=[3], description="The last ones, 12 at most")
    case: str = Field("", max_length=60, examples=[""], description="The id of a case")
    rule: str = Field("", max_length=1000, examples=["c.arpu >= 38"], description="Empty: all customers")
    fixed_cost: str = Field("", max_length=20, examples=["20000.00"], description="CNY; may be empty")
    margin: str = Field("", max_length=10, examples=["40"], description="Percent; may be empty")


@dataclass(frozen=True, slots=True)
class Offers:
    """Of each code the version that holds, else the newest."""

    offers: tuple[OfferView, ...]


@dataclass(frozen=True, slots=True)
class Rehearsals:
    """Those that the caller may see, the newest first."""

    rehearsals: tuple[RehearsalLine, ...]


@router.get("/offers", response_model=Offers, dependencies=[for_reading("offers.read")])
def listed(app: App, caller: Reader, q: Word = "", state: Word = "") -> Response:
    """Offers with the words of `q` in code, names, category, family, tags or filing number; `state` is open, in_force,
    coming, expired, withdrawn or refused."""
    return answer(Offers(offers.listed(app, By(caller, "api"), q, state)))


@router.get("/offers/{code}", response_model=OfferPage, dependencies=[for_reading("offers.read")])
def show(app: App, caller: Reader, code: Code) -> Response:
    """All versions of an offer, the newest first, each with what it changed."""
    return answer(offers.show(app, By(caller, "api"), code))


@router.post("/offers/{code}", status_code=201, response_model=OfferPage, dependencies=[for_acting("offers.manage")])
def propose(app: App, by: Acting, code: Code, body: NewVersion) -> Response:
    """Propose another version, which holds once somebody else publishes it. 412 where another was proposed since."""
    offers.propose(app, by, code, body.terms, seen=body.seen)
    return answer(offers.show(app, by, code), 201)


@router.post(
    "/offers/{code}/versions/{version}/decision", response_model=OfferPage, dependencies=[for_acting("offers.manage")]
)
def decide(*, app: App, by: Acting, code: Code, version: Version, body: Publication) -> Response:
    """Publish a version that somebody else proposed, or refuse it. 404 where none waits under that number."""
    offers.decide(app, by, code, version, publish=body.publish)
    return answer(offers.show(app, by, code))


@router.post(
    "/offers/{code}/versions/{version}/withdrawal", response_model=OfferPage, dependencies=[for_acting("offers.manage")]
)
def withdraw(*, app: App, by: Acting, code: Code, version: Version, body: Withdrawal) -> Response:
    """Withdraw the published version at once; no earlier one holds again. 404 where it does not hold."""
    offers.withdraw(app, by, code, version, reason=body.reason)
    return answer(offers.show(app, by, code))


@router.get("/offers/{code}/rehearsals", response_model=Rehearsals, dependencies=[for_reading("offers.read")])
def rehearsed(app: App, caller: Reader, code: Code) -> Response:
    """The rehearsals of an offer that the caller may see: of their cases, and their own."""
    return answer(Rehearsals(rehearsals.of_offer(app, By(caller, "api"), code)))


@router.post("/rehearsals", status_code=201, response_model=RehearsalView, dependencies=[for_acting("rehearsals.run")])
def rehearse(app: App, by: Acting, body: NewRehearsal) -> Response:
    """Apply a tariff to past usage and keep what came of it. It takes seconds; 422 names months that are not there, 409
    tells that too little is known."""
    texts = {"offer": body.offer, "version": str(body.version), "months": str(body.months), "case": body.case}
    number = rehearsals.run(app, by, Wanted(**texts, rule=body.rule, fixed_cost=body.fixed_cost, margin=body.margin))
    return answer(rehearsals.show(app, by, number), 201)


@router.get("/rehearsals/{number}", response_model=RehearsalView, dependencies=[for_reading("offers.read")])
def one_rehearsal(app: App, caller: Reader, number: Version) -> Response:
    """One rehearsal with all figures; amounts in CNY as text."""
    return answer(rehearsals.show(app, By(caller, "api"), number))

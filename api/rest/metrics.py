"""Figures for scripts: the catalogue of metrics, questions in its words, and whole dashboards."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.declared import for_reading
from api.deps import App, Reader
from api.rest.answers import answer
from api.rest.described import Described
from engine.errors import InvalidForm, Problem
from engine.service import dashboards, metrics
from engine.service.dashboards import DashboardsView, DashboardView
from engine.service.metrics import Answer, MetricsView, Wanted
from engine.service.recording import By

router = APIRouter(
    route_class=Described, prefix="/api/v1", tags=["metrics"], dependencies=[for_reading("metrics.read")]
)
Names = Annotated[str, Query(max_length=400, examples=["sent,delivery_rate"], description="Metrics, with commas")]
Dimensions = Annotated[str, Query(max_length=200, examples=["office,month"], description="Dimensions, with commas")]
Where = Annotated[
    list[str] | None,
    Query(max_length=20, examples=[["office=440106"]], description="DIMENSION=VALUE[,VALUE…], repeated"),
]
Day = Annotated[str, Query(max_length=10, examples=["2026-11-01"])]


@router.get("/metrics", response_model=MetricsView)
def listed(app: App, caller: Reader) -> Response:
    """All metrics with their formulas, and the dimensions that they can be told apart by."""
    return answer(metrics.catalogue(caller))


@router.get("/metrics/query", response_model=Answer)
def query(
    app: App,
    caller: Reader,
    *,
    metric: Names,
    by: Dimensions = "",
    where: Where = None,
    since: Day = "",
    until: Day = "",
    largest: Annotated[int, Query(ge=0, le=10_000, description="Only so many rows, the largest; 0: all")] = 0,
    sql: Annotated[bool, Query(description="With the statement that was asked")] = False,
) -> Response:
    """Figures over the facts, of the cases that the caller may see. 422 names what is not known; each figure comes with
    its numerator and denominator, a rate with its 95% interval."""
    wanted = Wanted(_split(metric), _split(by), filters(where or []), since, until, largest)
    return answer(metrics.ask(app, By(caller, "api"), wanted, sql=sql))


@router.get("/dashboards", response_model=DashboardsView)
def listed_dashboards(app: App, caller: Reader) -> Response:
    """All dashboards, each with its first figure over the cases that the caller may see."""
    return answer(dashboards.listed(app, By(caller, "api")))


@router.get("/dashboards/{key}", response_model=DashboardView)
def dashboard(app: App, caller: Reader, request: Request, key: str) -> Response:
    """A dashboard with the filters of its page: each by its name, `since` and `until`."""
    return answer(dashboards.show(app, By(caller, "api"), key, dict(request.query_params)))


def filters(given: list[str]) -> dict[str, tuple[str, ...]]:
    """`office=1,2` and so on by dimension. InvalidForm for what has no sign."""
    found: dict[str, tuple[str, ...]] = {}
    for one in given:
        name, sign, values = one.partition("=")
        if not sign:
            hint = "write DIMENSION=VALUE"
            raise InvalidForm([Problem("E432", f"{one[:80]!r} is no filter", hint, "where", fields={"name": one[:80]})])
        found[name.strip()] = (*found.get(name.strip(), ()), *values.split(","))
    return found


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())

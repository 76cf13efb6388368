"""The customer dataset for scripts of administrators: versions, files that come in, whether the files are intact."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from api.declared import for_acting, for_reading
from api.deps import App
from api.rest.answers import answer
from api.rest.cases import body_of
from api.rest.described import Described
from api.rest.organisation import Acting, Reading
from engine.service import datasets
from engine.service.datasets import Asked, Done, Intact, VersionView

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["dataset"])


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions of the dataset, the newest first."""

    versions: tuple[VersionView, ...]


@router.get("/dataset/versions", response_model=Versions, dependencies=[for_reading(datasets.MANAGES)])
def versions(app: App, by: Reading, last: Annotated[int, Query(ge=1, le=200)] = datasets.LAST) -> Response:
    """The newest versions: when, by whom, from what, what each changed, and its tables with their fields."""
    return answer(Versions(datasets.versions(app, by, last)))


@router.get(
    "/dataset/versions/{number}/verification", response_model=Intact, dependencies=[for_reading(datasets.MANAGES)]
)
def verify(app: App, by: Reading, number: int) -> Response:
    """Read every file of a version again and compare its sha256. 422 names the first that differs."""
    return answer(datasets.verify(app, by, number))


@router.post("/dataset/import", response_model=Done, dependencies=[for_acting(datasets.MANAGES)])
def load(
    *,
    app: App,
    by: Acting,
    body: Annotated[bytes, Depends(body_of)],
    kind: Annotated[str, Query(max_length=20, examples=["customers"])],
    key: Annotated[str, Query(max_length=200, examples=["customer"])],
    list_name: Annotated[str, Query(max_length=40)] = "",
    name: Annotated[str, Query(max_length=120)] = "import",
    blank: Annotated[str, Query(max_length=500, examples=["NULL, pdays=-1"])] = "",
    column: Annotated[Sequence[str], Query(max_length=500, examples=[["消费=arpu", "备注=~"]])] = (),
    dry_run: bool = False,
) -> Response:
    """Import a CSV, XLSX or Parquet file of up to 20 MB, sent as the body; `key` is the heading of the customer (or
    offer), `blank` what stands for no value, `column` (several) HEADING=FIELD, or =~ to leave it
    out. Good rows come in; `bad` names every other row. `dry_run` only says what would become of it."""
    return answer(datasets.load(app, by, body, name, Asked(kind, key, list_name, blank, tuple(column)), dry=dry_run))

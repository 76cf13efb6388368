"""Event logs of cases for process mining, as files that are written while they are sent."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from api.declared import for_reading
from api.deps import App, Reader
from api.rest.answers import BINARY
from api.rest.described import Described
from engine.service import event_logs
from engine.service.event_logs import Form, Persons

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["cases"], dependencies=[for_reading("cases.read")])
Day = Annotated[str, Query(max_length=10, examples=["2026-12-01"])]
FILES = {"content": {kind.partition(";")[0]: {"schema": BINARY} for kind in event_logs.MEDIA.values()}}


@router.get("/exports/{form}", response_class=StreamingResponse, responses={200: FILES})
def export(
    app: App,
    caller: Reader,
    form: Form,
    *,
    kind: Annotated[str, Query(max_length=80, description="The name of a definition")] = "",
    state: Annotated[str, Query(max_length=24)] = "",
    office: Annotated[str, Query(max_length=80, description="A code or name; those below it with it")] = "",
    mine: Annotated[bool, Query(description="Only those that the caller submits")] = False,
    since: Day = "",
    until: Day = "",
    persons: Annotated[Persons, Query(description="accounts: for auditors and administrators")] = "pseudonyms",
) -> StreamingResponse:
    """The histories of the cases that the caller may see, as an event log: xes, ocel (2.0, JSON) or csv. `since` and
    `until` are days of the last change. No forms, titles or remarks are in it."""
    filters = {"kind": kind, "state": state, "office": office, "mine": "1" if mine else ""}
    filters |= {"since": since, "until": until}
    pieces = event_logs.export(app, caller, form, filters, persons=persons)
    name = event_logs.NAMES[form]
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(pieces, media_type=event_logs.MEDIA[form], headers=headers)

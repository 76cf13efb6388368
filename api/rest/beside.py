"""What stands beside a proposal, for scripts: copies, files, comments, the estimate of its customers."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field
from starlette.responses import FileResponse

from api.declared import for_acting, for_reading
from api.deps import App, Caller, Key, Reader
from api.rest.answers import BINARY, answer
from api.rest.cases import Body, Opened
from api.rest.described import Described
from api.uploads import CHUNK, chunks_of
from engine.service import attaching, commenting, copying, estimating, proposals
from engine.service.estimating import Estimate
from engine.service.file_types import BY_ENDING
from engine.service.views import CommentView, FormView

router = APIRouter(route_class=Described, prefix="/api/v1", tags=["proposals"])


class Comment(Body):
    """What is said about a field."""

    field: str = Field(examples=["budget"])
    text: str = Field(examples=["Can it be less than 60,000?"])


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file that was added: what the form keeps of it."""

    id: str
    name: str
    size: int
    type: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Comments:
    """The comments on the fields of a case, oldest first."""

    comments: tuple[CommentView, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """The comment that was made."""

    id: str


@router.get("/cases/{case_id}/form", response_model=FormView, dependencies=[for_reading("cases.act")])
def form(app: App, caller: Reader, case_id: str) -> Response:
    """The form of the caller's own case as saved: fields, who would approve, what runs at the same time; `seen` goes
    with what is saved next."""
    return answer(proposals.form(app, caller, case_id))


@router.post(
    "/cases/{case_id}/copies", status_code=201, response_model=Opened, dependencies=[for_acting("cases.start")]
)
def copy(app: App, caller: Caller, key: Key, case_id: str) -> Response:
    """Open a draft with what fits of this case. Answers {"id": …}."""
    return answer(Opened(copying.copy(app, caller, case_id, key=key)), 201)


@router.get("/cases/{case_id}/estimate", response_model=Estimate, dependencies=[for_reading("cases.act")])
def estimate(app: App, caller: Reader, case_id: str) -> Response:
    """Count the customers of the caller's own case as saved, in 20 seconds at most; `failed` says why there is none."""
    return answer(estimating.estimate(app, caller, case_id))


async def came(request: Request) -> AsyncIterator[SpooledTemporaryFile[bytes]]:
    """The body as a file: on the disk where it is large, and cut off one byte after what a file may have."""
    with SpooledTemporaryFile(max_size=CHUNK) as file:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size <= attaching.MOST + CHUNK:
                file.write(chunk)
        file.seek(0)
        yield file


@router.post(
    "/cases/{case_id}/files", status_code=201, response_model=FileRecord, dependencies=[for_acting("cases.act")]
)
def add_file(
    app: App,
    caller: Caller,
    case_id: str,
    field: Annotated[str, Query(max_length=48, description="The field of kind attachment")],
    name: Annotated[str, Query(max_length=200, description="The file's name, with its ending")],
    *,
    body: Annotated[SpooledTemporaryFile[bytes], Depends(came)],
) -> Response:
    """Add a file, sent as the body, to the caller's own case; twice is once. Its `id` goes into the form."""
    content: Iterator[bytes] = chunks_of(body)
    return answer(attaching.add(app, caller, case_id, field=field, name=name, chunks=content), 201)


@router.get(
    "/cases/{case_id}/files/{file_id}",
    response_class=FileResponse,
    responses={200: {"content": {kind: {"schema": BINARY} for kind in sorted(set(BY_ENDING.values()))}}},
    dependencies=[for_reading("cases.read")],
)
def download(app: App, caller: Reader, case_id: str, file_id: str) -> Response:
    """A file of a case, as a download."""
    stored, path = attaching.hand_out(app, caller, case_id, file_id)
    return FileResponse(path, media_type=stored.type, filename=stored.name, content_disposition_type="attachment")


@router.get("/cases/{case_id}/comments", response_model=Comments, dependencies=[for_reading("cases.read")])
def comments(app: App, caller: Reader, case_id: str) -> Response:
    """The comments on the fields of a case that the caller sees, oldest first."""
    return answer(Comments(commenting.of_case(app, caller, case_id)))


@router.post("/cases/{case_id}/comments", status_code=201, response_model=Said, dependencies=[for_acting("cases.act")])
def comment(app: App, caller: Caller, key: Key, case_id: str, body: Comment) -> Response:
    """Say something about a field. Answers {"id": …}."""
    return answer(Said(commenting.add(app, caller, case_id, body.field, body.text, key=key)), 201)


@router.post(
    "/cases/{case_id}/comments/{comment_id}/settle", response_model=Comments, dependencies=[for_acting("cases.act")]
)
def settle(app: App, caller: Caller, case_id: str, comment_id: str) -> Response:
    """Note that a comment is settled; twice is once."""
    commenting.settle(app, caller, case_id, comment_id)
    return answer(Comments(commenting.of_case(app, caller, case_id)))

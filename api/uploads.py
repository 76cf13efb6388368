"""Forms with files: read as they come, never as a whole in memory, and no more than a form may have.

What is larger is read to its end without being kept, so that the browser gets to see the answer.
"""

from collections.abc import Iterator
from typing import Any

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.types import Message

from api.i18n import N_
from engine.errors import InvalidForm, Problem

MOST = 64 * 1024 * 1024
DRAINED = 512 * 1024 * 1024
CHUNK = 1024 * 1024


class TooMuch(InvalidForm):
    """{summary}"""

    status = 413

    def __init__(self) -> None:
        message = N_("What was sent is larger than 64 MB. Send the files one by one; nothing was changed.")
        super().__init__([Problem("too_much", message)])


async def form_of(request: Request) -> FormData:
    """The form of a request. Raises TooMuch."""
    came = 0

    async def receive() -> Message:
        nonlocal came
        message = await request.receive()
        came += len(message.get("body", b""))
        if came <= MOST:
            return message
        while message.get("more_body") and came < DRAINED:
            message = await request.receive()
            came += len(message.get("body", b""))
        raise TooMuch

    return await Request(request.scope, receive).form()


def files_in(form: FormData) -> list[tuple[str, UploadFile]]:
    """The files that were chosen, each with the name of its field."""
    return [(name, file) for name, file in form.multi_items() if isinstance(file, UploadFile) and file.filename]


def chunks_of(file: Any) -> Iterator[bytes]:
    """The bytes of an open file, piece by piece."""
    while chunk := file.read(CHUNK):
        yield chunk

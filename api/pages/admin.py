"""What the administrators' pages share: who acts, and a page that says why something was refused."""

from collections.abc import Callable

from fastapi import Response
from starlette.datastructures import FormData, UploadFile

from api.deps import form_key
from api.errors import problem_sentence, sentence
from api.i18n import N_
from api.visit import Visit
from engine.errors import CountersignError, Invalid, InvalidFile, Problem, Refused
from engine.service import sheets
from engine.service.recording import By
from engine.service.views import Viewer

NAMED = 50  # wrong rows that a page names


def by(visit: Visit, viewer: Viewer, form: FormData | None = None) -> By:
    """The viewer at this page; with the form's key where they change something."""
    return By(viewer, "page", visit.address, form_key(form, viewer) if form is not None else "")


def tried(visit: Visit, act: Callable[[], object], page: Callable[[str, int], Response]) -> Response | None:
    """Do it; what is refused stands on `page` with its sentence and status, and at the fields that it is about. None
    where it was done."""
    try:
        act()
    except (Refused, Invalid) as error:
        problems = error.problems if isinstance(error, Invalid) else ()
        visit.wrong = {one.at: problem_sentence(one, visit.formats) for one in reversed(problems) if one.at}
        return page(sentence(error, visit.formats), error.status)
    return None


def uploaded(form: FormData, most: int = sheets.MAX_BYTES) -> tuple[bytes, str]:
    """The file of a form and its name. InvalidFile where none was chosen; one byte too many is left to the reader."""
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise InvalidFile([Problem("file", N_("Choose a file first."), at="file")])
    with file.file as opened:
        return opened.read(most + 1), file.filename[:120]


def rows_of(visit: Visit, problems: tuple[Problem, ...]) -> list[tuple[int, int, str]]:
    """Line, column and reason of wrong rows, the first of them."""
    return [(one.line, one.column, problem_sentence(one, visit.formats)) for one in problems[:NAMED]]


def said_of(error: CountersignError, visit: Visit) -> str:
    """The sentence of an error."""
    return sentence(error, visit.formats)


def download(data: bytes, name: str, media: str) -> Response:
    """A file to keep."""
    return Response(data, media_type=media, headers={"content-disposition": f'attachment; filename="{name}"'})

"""Errors as answers: a page in the visitor's language for browsers, problem+json (RFC 9457) for scripts.

What is absent and what is not yours to see give the same bytes. A failure nobody foresaw is logged under a number
that the page shows; its text is never shown.
"""

import secrets
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from api import words
from api.failures import failure
from api.formats import Formats
from api.headers import HEADERS
from api.i18n import N_
from api.kept import form_of, keep
from api.visit import Visit
from engine.errors import (
    CountersignError,
    DatabaseBusy,
    DatabaseUnavailable,
    Forged,
    Invalid,
    InvalidForm,
    NoSpace,
    NotFound,
    Problem,
    SignInAnew,
    SignInNeeded,
    TooManyTries,
    Unavailable,
)
from engine.service import providers
from engine.values import Bilingual

log = structlog.get_logger()
LOST_SESSION = N_("Your session has ended; nothing of this step was done. Sign in to go on.")
KEPT = N_("Your session has ended. What you typed is kept: sign in, and you can send it.")
NO_DATABASE = N_("The server cannot reach its database just now. Nothing was lost; try again in a minute.")
BUSY_AGAIN = 30  # seconds
BUSY = N_(
    "Something else keeps the database busy, and what you asked for waited too long. Nothing was changed; try again in"
    " a minute."
)
UNFORESEEN = N_("Something went wrong on our side. Nothing of this step was saved; try again. Tell us the number: {id}")


def sentence(error: CountersignError, formats: Formats) -> str:
    """The error's message in the language of `formats`, its codes and times in words."""
    if isinstance(error, Invalid):
        *others, last = [problem_sentence(problem, formats) for problem in error.problems] or [str(error)]
        return formats.words("; ").join([*(one.rstrip("。.") for one in others), last])
    if isinstance(error, DatabaseBusy):
        return formats.words(BUSY)
    if isinstance(error, DatabaseUnavailable | NoSpace):
        return formats.words(NO_DATABASE)  # addresses and paths are for the operator's log
    return formats.words(error.template).format(**_in_words(error.fields, formats))


def problem_sentence(problem: Problem, formats: Formats) -> str:
    """One problem in the language of `formats`: by its code, else what the definition says, else its message."""
    said = problem.fields.get("say")
    if isinstance(said, dict):
        return Bilingual(**said).in_language(formats.words.language)
    template = words.PROBLEMS.get(problem.code)
    if template is None:
        return failure(formats.words(problem.message), formats.words)
    return formats.words(template).format(**_in_words(problem.fields, formats))


def _in_words(fields: dict[str, Any], formats: Formats) -> dict[str, Any]:
    tables = {"decision": words.DECIDED, "state": words.STATES, "action": words.ACTIONS, "answer": words.HALL_ANSWERS}

    def word(name: str, value: Any) -> Any:
        if isinstance(value, datetime):
            return formats.moment(value)
        if name == "reason" and isinstance(value, str):
            return failure(value, formats.words)
        if name == "missing" and isinstance(value, str):
            told = [formats.words(words.OFFER_ELEMENTS.get(one.strip(), one.strip())) for one in value.split(",")]
            return formats.words(", ").join(told)
        if name == "possible":
            known = [words.ACTIONS.get(one.strip(), one.strip()) for one in _listed(value)]
            return formats.words(", ").join(formats.words(one) for one in known) or formats.words("nothing")
        if isinstance(value, dict) and value.keys() == {"zh", "en"}:
            return Bilingual(**value).in_language(formats.words.language)
        return formats.words(tables[name].get(value, value)) if name in tables and isinstance(value, str) else value

    return {name: word(name, value) for name, value in fields.items()}


def _listed(value: Any) -> list[str]:
    return value.split(",") if isinstance(value, str) else [str(one) for one in value]


def install(api: FastAPI) -> None:
    """Answer every error of `api`."""
    api.add_exception_handler(CountersignError, _expected)
    api.add_exception_handler(SignInNeeded, _without_session)
    api.add_exception_handler(SignInAnew, _without_session)
    api.add_exception_handler(Forged, _without_session)
    api.add_exception_handler(HTTPException, _http)
    api.add_exception_handler(RequestValidationError, _unreadable)
    api.add_exception_handler(Exception, _with_headers)


def _visit(request: Request) -> Visit:
    found = getattr(request.state, "visit", None)
    if isinstance(found, Visit):
        return found
    app = request.app.state.countersign
    try:
        return Visit(app, request)
    except CountersignError:
        return Visit(app, request, anonymous=True)


def _is_script(request: Request) -> bool:
    return request.url.path.startswith(("/api/", "/gateway/", "/health", "/ready", "/metrics"))


def _expected(request: Request, error: Exception) -> Response:
    assert isinstance(error, CountersignError)
    if isinstance(error, Unavailable):
        log.error("unavailable", route=route_of(request), reason=error.message)
    if _is_script(request):
        return problem_json(error)
    visit = _visit(request)
    if isinstance(error, SignInAnew) and request.method == "GET" and visit.viewer:
        return visit.go(f"/confirm?next={quote(visit.path)}")
    if isinstance(error, SignInNeeded) and request.method == "GET":
        return visit.go("/sign-in" if request.url.path == "/" else f"/sign-in?next={quote(visit.path)}")
    answer = visit.page(
        "error.html",
        status=error.status,
        has_forms=visit.viewer is not None,
        back="/inbox",
        message=sentence(error, visit.formats),
    )
    answer.headers.update(_waits(error))
    return answer


async def _without_session(request: Request, error: Exception) -> Response:
    """A page's form whose session ended, is another by now, or is too old for it, is kept, to be sent again after
    signing in."""
    if _is_script(request) or request.method != "POST":
        return await run_in_threadpool(_expected, request, error)
    form = getattr(request.state, "form", None)
    if form is None:
        form = await form_of(request)
    return await run_in_threadpool(_sign_in_again, request, form, error)


def _sign_in_again(request: Request, form: FormData, error: Exception) -> Response:
    visit = _visit(request)
    back = keep(request, form, visit)
    if isinstance(error, SignInAnew) and visit.viewer:
        return visit.go(f"/confirm?next={quote(back or visit.request.url.path)}")
    if visit.viewer:
        return visit.go(back) if back else _expected(request, error)
    if isinstance(error, Forged) and not back:
        return _expected(request, error)
    said = visit.words(KEPT if back else LOST_SESSION)
    return visit.page("sign_in.html", status=401, back="/sign-in", **sign_in_form(visit, back or "/inbox", error=said))


def sign_in_form(visit: Visit, next: str, *, login: str = "", error: str = "", said: str = "") -> dict[str, Any]:
    """What the sign-in page is filled with."""
    return {"next": next, "login": login, "error": error, "notice": said, "provider": providers.name(visit.app)}


def problem_json(error: CountersignError) -> JSONResponse:
    """The error as problem+json."""
    return JSONResponse(problem_body(error), error.status, _waits(error), media_type="application/problem+json")


def _waits(error: CountersignError) -> dict[str, str]:
    if isinstance(error, DatabaseBusy):
        return {"retry-after": str(BUSY_AGAIN)}
    return {"retry-after": str(error.fields["seconds"])} if isinstance(error, TooManyTries) else {}


def problem_body(error: CountersignError) -> dict[str, Any]:
    """The members of problem+json. `problems` has one entry per wrong field."""
    body: dict[str, Any] = {"type": type(error).__name__, "title": HTTPStatus(error.status).phrase}
    body |= {"status": error.status, "detail": error.message}
    if isinstance(error, DatabaseUnavailable | NoSpace):
        body["detail"] = BUSY if isinstance(error, DatabaseBusy) else NO_DATABASE
    if isinstance(error, Invalid):
        body["problems"] = [
            {"code": problem.code, "at": problem.at, "message": problem.message, "hint": problem.hint}
            | ({"line": problem.line, "column": problem.column} if problem.line else {})
            for problem in error.problems
        ]
    return body


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code in (404, 405):
        return _expected(request, NotFound())
    return _unreadable(request, error)


def _unreadable(request: Request, error: Exception) -> Response:
    if isinstance(error, RequestValidationError) and not _is_script(request):
        return _expected(request, _of_page(request, error))
    if isinstance(error, RequestValidationError):
        problems = [
            Problem("request", str(each["msg"]), at=".".join(str(part) for part in each["loc"][1:]))
            for each in error.errors()
        ]
    else:
        problems = [Problem("request", N_("The request cannot be read."))]
    return _expected(request, InvalidForm(problems))


def _of_page(request: Request, error: RequestValidationError) -> CountersignError:
    """What is said on a page: of an address that can lead nowhere that there is no such page; of what follows its
    question mark which value it was, once for each name. What a form holds is not repeated."""
    places = {each["loc"][:2]: each for each in error.errors()}
    if any(place[0] == "path" for place in places):
        return NotFound()
    if request.method != "GET":
        return InvalidForm([Problem("request", N_("The request cannot be read."))])
    return InvalidForm(
        [
            Problem("request.value", str(each["msg"]), fields={"name": place[-1], "value": str(each["input"])[:40]})
            for place, each in places.items()
        ]
    )


def _with_headers(request: Request, error: Exception) -> Response:
    """Such an answer is made outside of what sets the headers of all others."""
    answer = _unforeseen(request, error)
    answer.headers.update({**HEADERS, "cache-control": "no-store"})
    return answer


def _unforeseen(request: Request, error: Exception) -> Response:
    number = secrets.token_hex(4)
    log.error("request.failed", number=number, route=route_of(request), exc_info=error)
    if _is_script(request):
        body = {
            "type": "Unforeseen",
            "title": "Internal Server Error",
            "status": 500,
            "detail": UNFORESEEN.format(id=number),
        }
        return JSONResponse(body, 500, media_type="application/problem+json")
    visit = _visit(request)
    message = visit.words(UNFORESEEN).format(id=number)
    return visit.page("error.html", status=500, has_forms=False, message=message)


def route_of(request: Request) -> str:
    """The route's pattern: what logs name instead of the address, which may hold a token."""
    return str(getattr(request.scope.get("route"), "path", "-"))

"""Lists in pieces: `limit` and `cursor` in, a `next` cursor and a Link header out.

A cursor says behind which entry to go on, by the order of the list; entries that come or go meanwhile shift nothing.
It is text that callers hand back as it is. Refuses a cursor of another list.
"""

import base64
import binascii
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

import orjson
from fastapi import Query, Request, Response

from api.i18n import N_
from api.rest.answers import answer
from engine.errors import Invalid, InvalidForm, Problem

MOST = 100
Limit = Annotated[int, Query(ge=1, le=MOST, description="How many at most", examples=[20])]
Cursor = Annotated[str, Query(max_length=400, description="The `next` of the piece before; empty for the first")]


class Page:
    """A piece of a list; `next` is empty at its end."""

    __slots__ = ()
    next: str


def placed(behind: tuple[Any, ...] | None) -> str:
    """The cursor of what comes behind an entry; empty where nothing does."""
    return "" if behind is None else base64.urlsafe_b64encode(orjson.dumps(behind)).decode().rstrip("=")


def position(cursor: str, *kinds: Callable[..., Any]) -> tuple[Any, ...] | None:
    """The entry that a cursor names, with a value of each kind (a time, a text, a number). InvalidForm for others."""
    if not cursor:
        return None
    try:
        values = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
        if not isinstance(values, list) or len(values) != len(kinds):
            raise ValueError(cursor)
        return tuple(_read(kind, value) for kind, value in zip(kinds, values, strict=True))
    except (ValueError, TypeError, binascii.Error) as error:
        raise InvalidForm([Problem("cursor", N_("This cursor is none of this list."), at="cursor")]) from error


@contextmanager
def of_cursor(name: str = "after") -> Iterator[None]:
    """A problem of the place that a service calls `name` is one of the cursor here."""
    try:
        yield
    except Invalid as wrong:
        told = [replace(one, at="cursor") if one.at == name else one for one in wrong.problems]
        raise InvalidForm(told) from wrong


def paged(request: Request, page: Any) -> Response:
    """The piece, with a Link header to the next one."""
    response = answer(page)
    if page.next:
        others = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
        query = urlencode([*others, ("cursor", page.next)])
        response.headers["link"] = f'<{request.url.path}?{query}>; rel="next"'
    return response


def _read(kind: Callable[..., Any], value: Any) -> Any:
    if kind is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError(value)
        return moment
    if not isinstance(value, kind) or isinstance(value, bool):  # type: ignore[arg-type]  # the other kinds are types
        raise TypeError(value)
    if isinstance(value, int) and abs(value) >= 2**31:
        raise ValueError(value)
    if isinstance(value, str) and "\x00" in value:
        raise ValueError(value)
    return value

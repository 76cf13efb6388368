"""One request's surroundings: who asks, in which language, which CSRF token their forms carry; and how a page is made.

Refuses to fetch anything: a page is given the view values that a service function returned.
"""

import secrets
from datetime import date
from typing import Any, get_args
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse

from api.auth import DEVICE, KEYS, LANGUAGE, SESSION, VISITOR, Cookies, new_visitor, visitor_csrf
from api.formats import Formats
from api.i18n import Words
from api.templating import environment
from engine.errors import SignInNeeded
from engine.organisation import Workdays
from engine.service import people, restoring, workdays
from engine.service.app import Countersign
from engine.service.sessions import Browser
from engine.service.views import Viewer
from engine.values import Language

LANGUAGES: tuple[Language, ...] = get_args(Language)


class Visit:
    """A request, its viewer (None before sign-in) and their language."""

    def __init__(self, app: Countersign, request: Request, *, anonymous: bool = False) -> None:
        self.app = app
        self.request = request
        self.cookies = Cookies(app.settings)
        self.session = self.cookies.read(request, SESSION)
        self.viewer: Viewer | None = None if anonymous else self._viewer()
        self.language: Language = self._language()
        self.words = Words(self.language)
        self._calendar: Workdays | None = None
        self.visitor = self.cookies.read(request, VISITOR) or new_visitor()
        self.formats = Formats(self.words, app.settings.zone, app.now(), self._workdays)
        self.wrong: dict[str, str] = {}  # field of the form that was refused -> why

    def _viewer(self) -> Viewer | None:
        if not self.session:
            return None
        try:
            return people.viewer_of(self.app, self.session, address=self.address)
        except SignInNeeded:
            return None

    def _language(self) -> Language:
        if self.viewer:
            return self.viewer.language
        chosen = self.cookies.read(self.request, LANGUAGE) or _accepted(self.request)
        return next((known for known in LANGUAGES if known == chosen), self.app.settings.language)

    def _workdays(self, first: date, last: date) -> int:
        """Read when a page first counts with it: one that names no deadline, as that of an error, needs no calendar."""
        self._calendar = self._calendar or workdays.calendar(self.app)
        return self._calendar.between(first, last)

    @property
    def is_held(self) -> bool:
        """Whether nothing is sent, since the database was restored."""
        return restoring.held(self.app) is not None

    @property
    def csrf(self) -> str:
        """The token that forms of this visit must carry."""
        return self.viewer.csrf if self.viewer else visitor_csrf(self.app.settings, self.visitor)

    @property
    def address(self) -> str:
        """Where the request came from, for rate limits and the record."""
        return self.request.client.host if self.request.client else ""

    @property
    def browser(self) -> Browser:
        """Where somebody signs in, with the language that they chose here (not the one that their browser asks for)."""
        chosen = self.cookies.read(self.request, LANGUAGE)
        return Browser(
            address=self.address,
            name=self.request.headers.get("user-agent", ""),
            device=self.cookies.read(self.request, DEVICE),
            language=next((known for known in LANGUAGES if known == chosen), None),
        )

    @property
    def has_keys(self) -> bool:
        """Whether keys lead somewhere in this browser: unless they were turned off."""
        return self.cookies.read(self.request, KEYS) != "off"

    @property
    def path(self) -> str:
        """Path and query, to come back to."""
        return self.request.url.path + (f"?{self.request.url.query}" if self.request.url.query else "")

    def page(
        self, template: str, *, status: int = 200, has_forms: bool = True, back: str = "", **values: Any
    ) -> HTMLResponse:
        """A page. `has_forms=False` keeps it free of tokens, so that it is the same for every visitor; `back` is where
        choosing a language leads, by default this page again."""
        html = (
            environment(self.language)
            .get_template(template)
            .render(
                visit=self,
                viewer=self.viewer,
                fmt=self.formats,
                now=self.formats.now,
                has_forms=has_forms,
                back=back or self.path,
                csrf=self.csrf if has_forms else "",
                key=secrets.token_urlsafe(16),
                **values,
            )
        )
        response = HTMLResponse(html, status)
        if has_forms and not self.viewer:
            self.cookies.write(response, VISITOR, self.visitor)
        return response

    def go(self, path: str, **query: str) -> RedirectResponse:
        """Answer a form: on to the page that shows what it did."""
        return RedirectResponse(path + (f"?{urlencode(query)}" if query else ""), 303)


def _accepted(request: Request) -> str:
    """The first of our languages in the browser's order of preference; empty where it names none."""
    wanted: list[tuple[float, str]] = []
    for part in request.headers.get("accept-language", "").split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), tag.partition("-")[0].lower()))
        except ValueError:
            continue
    return next((tag for _, tag in sorted(wanted, key=lambda pair: pair[0]) if tag in LANGUAGES), "")

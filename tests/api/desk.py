"""A person at a desk: a browser without JavaScript that reads the forms of a page and sends them."""

import re
from html import unescape
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

from engine.cli.demo.people import PASSWORD

FORM = re.compile(r'<form method="post" action="([^"]*)".*?</form>', re.S)
FIELD = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


class Desk(TestClient):
    """Follows redirects like a browser; `fill_in` posts a form of the page it shows."""

    def __init__(self, api: FastAPI) -> None:
        super().__init__(api, base_url="http://testserver", raise_server_exceptions=False)

    def sign_in(self, login: str, language: str = "en") -> Response:
        """Sign in with the demo's password and choose the language."""
        answer = self.fill_in("/sign-in", "/sign-in", login=login, password=PASSWORD)
        assert answer.url.path in ("/inbox", "/hall"), answer.text
        return self.fill_in(answer.url.path, "/language", language=language)

    def fill_in(self, page: str, target: str, /, **values: Any) -> Response:
        """Open `page`, fill in its form for `target` and send it."""
        return self.post(target, data=self.form(self.get(page), target) | values)

    @staticmethod
    def form(page: Response, action: str) -> dict[str, Any]:
        """The hidden fields of a page's form."""
        forms = [match for match in FORM.finditer(page.text) if unescape(match[1]) == action]
        assert forms, f"{page.url} has no form for {action}: {[match[1] for match in FORM.finditer(page.text)]}"
        return {name: unescape(value) for name, value in FIELD.findall(forms[0][0])}

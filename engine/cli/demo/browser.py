"""A person at a browser without JavaScript: opens pages, fills forms by name, presses a button.

Refuses to know addresses of actions: it takes what the page offers, so a page without the form is a failed demo.
"""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import TracebackType
from urllib.parse import urljoin

import httpx


class NoSuchForm(Exception):
    """The page does not offer what the story needs; its text tells why."""


@dataclass
class Form:
    """A form of a page: where it goes and what it would send. `buttons` are (name, value, formaction)."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)

    def offers(self, name: str) -> bool:
        """Whether a field or button of that name is there."""
        return any(name == key for key, _ in self.fields) or any(name == key for key, _, _ in self.buttons)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.text: list[str] = []
        self._open: Form | None = None
        self._select: str | None = None
        self._area: list[str] | None = None
        self._area_name = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        if tag == "form":
            self._open = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(self._open)
        if self._open is None:
            return
        name = given.get("name", "")
        if tag == "input" and name:
            kind = given.get("type", "text")
            if kind in ("submit", "button"):
                self._open.buttons.append((name, given.get("value", ""), given.get("formaction", "")))
            elif kind not in ("checkbox", "radio") or "checked" in given:
                self._open.fields.append((name, given.get("value", "on" if kind == "checkbox" else "")))
        elif tag == "button":
            self._open.buttons.append((name, given.get("value", ""), given.get("formaction", "")))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in given:
            self._open.fields.append((self._select, given.get("value", "")))
        elif tag == "textarea":
            self._area, self._area_name = [], name

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea" and self._area is not None and self._open is not None:
            self._open.fields.append((self._area_name, "".join(self._area).removeprefix("\n")))
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._area.append(data)
        elif data.strip():
            self.text.append(data.strip())


class Page:
    """An answer of the server, with its forms."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.address = str(response.url)
        parsed = _Forms()
        parsed.feed(response.text)
        self.forms = parsed.forms
        self.words = " ".join(parsed.text)

    def form(self, *names: str) -> Form:
        """The first form that offers all of `names`."""
        for form in self.forms:
            if all(form.offers(name) for name in names):
                return form
        raise NoSuchForm(f"{self.address} ({self.status}) has no form with {', '.join(names)}: {self.words[:400]}")


class Browser:
    """One person's browser: its own cookies, one language."""

    def __init__(self, base: str, language: str = "zh") -> None:
        self._client = httpx.Client(
            base_url=base, follow_redirects=True, timeout=60, headers={"Accept-Language": language}
        )

    def __enter__(self) -> "Browser":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def open(self, address: str) -> Page:
        """GET a page."""
        return Page(self._client.get(address))

    def json(self, address: str) -> httpx.Response:
        """GET an address of the API."""
        return self._client.get(address, headers={"Accept": "application/json"})

    def press(self, page: Page, form: Form, button: tuple[str, str] | None = None, **values: str | list[str]) -> Page:
        """Send `form` with `values` in place of what stood in its fields; a failing status raises."""
        sent: list[tuple[str, str]] = [(key, value) for key, value in form.fields if key not in values]
        for key, value in values.items():
            sent += [(key, one) for one in (value if isinstance(value, list) else [value])]
        action = form.action
        if button is not None:
            sent.append(button)
            action = next((to for key, value, to in form.buttons if (key, value) == button and to), action)
        address = urljoin(page.address, action or page.address)
        body: dict[str, list[str]] = {}
        for key, value in sent:
            body.setdefault(key, []).append(value)
        response = (
            self._client.post(address, data=body) if form.method == "post" else self._client.get(address, params=body)
        )
        answer = Page(response)
        if answer.status >= 400:
            raise NoSuchForm(f"{address} answered {answer.status}: {answer.words[:600]}")
        return answer

    def upload(self, page: Page, form: Form, name: str, filename: str, content: bytes, **values: str) -> Page:
        """Send `form` with a file in its field `name`."""
        fields = {key: value for key, value in form.fields if key != name} | values
        response = self._client.post(
            urljoin(page.address, form.action or page.address),
            data=fields,
            files={name: (filename, content, "text/csv")},
        )
        answer = Page(response)
        if answer.status >= 400:
            raise NoSuchForm(f"{form.action} answered {answer.status}: {answer.words[:600]}")
        return answer

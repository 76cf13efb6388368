"""Markup typed into any field stays text on every page that shows it."""

from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from engine.service import access, approvals, cases, proposals
from engine.service.app import Countersign
from engine.store import people as accounts
from tests.acceptance.offices import key, open_task, viewer
from tests.api.desk import Desk
from tests.security import small_cases
from tests.security.signed_in import session

MARK = "xq7"
CORPUS = (
    "<script>xq7()</script>",
    "</title><script>xq7()</script>",
    "</textarea><script>xq7()</script>",
    '"><img src=x onerror=xq7()>',
    "'><svg onload=xq7()>",
    '" autofocus onfocus=xq7() x="',
    "' onmouseover=xq7() x='",
    "javascript:xq7()//",
    "<a href=javascript:xq7()>xq7</a>",
    "<iframe srcdoc='<script>xq7()</script>'>",
    "<style>@import '//xq7.example'</style>",
    "<base href=//xq7.example>",
    "<meta http-equiv=refresh content='0;url=//xq7.example'>",
    "<form action=//xq7.example><button>xq7",
    "{{ 7 * 7 }}{% raw %}xq7{{ config }}",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=xq7()>",
    "<!--><script>xq7()</script>-->",
    "&lt;script&gt;xq7()&lt;/script&gt;",
    "\\u003cscript\\u003exq7()\\u003c/script\\u003e",
    "＜script＞xq7()＜/script＞",
    "]]><script>xq7()</script>",
    "<details open ontoggle=xq7()>",
    "<object data=javascript:xq7()>",
    "%3Cscript%3Exq7()%3C/script%3E",
)
FORBIDDEN = {"iframe", "object", "embed", "base", "math", "style", "template", "frame", "applet"}


class Markup(HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Our pages have one script, of our own host, no handlers, and no address that leads elsewhere."""
        given = dict(attrs)
        if tag in FORBIDDEN or (tag == "script" and not (given.get("src") or "").startswith("/static/")):
            self.wrong.append(self.get_starttag_text() or tag)
        if tag == "meta" and "http-equiv" in given:
            self.wrong.append(self.get_starttag_text() or tag)
        for name, value in attrs:
            address = value or ""
            is_ours = address.startswith(("/", "#")) and not address.startswith("//")
            leads = name in ("href", "src", "action", "formaction") and not is_ours
            if name.startswith("on") or name in ("style", "srcdoc") or leads:
                self.wrong.append(self.get_starttag_text() or tag)

    def handle_comment(self, data: str) -> None:
        """Our pages have none, and browsers end some sooner than this parser does."""
        self.wrong.append(data)

    def handle_data(self, data: str) -> None:
        """Nothing that is typed becomes the text of a script or a style."""
        if self.cdata_elem and data.strip():
            self.wrong.append(f"<{self.cdata_elem}>{data}")


def acted_on(page: str) -> list[str]:
    """What of a page a browser would act on and should not."""
    parser = Markup()
    parser.feed(page)
    parser.close()
    return parser.wrong


def test_what_would_be_acted_on_is_found() -> None:
    quiet = {"javascript:xq7()//", "{{ 7 * 7 }}{% raw %}xq7{{ config }}"}
    quiet |= {typed for typed in CORPUS if "<" not in typed}
    for typed in CORPUS:
        if typed not in quiet:
            assert acted_on(f"<p>{typed}</p>") or acted_on(f'<p title="{typed}">'), typed


@pytest.fixture
def case_id(app: Countersign) -> str:
    """A confidential case of a submitter with a strange name, with the corpus in every field, remark and reason."""
    everything = " ".join(CORPUS)
    with app.db.begin() as tx:
        accounts.add_people(
            tx, [{"id": "strange", "name": CORPUS[3] + CORPUS[0], "email": "", "language": "en", "password_hash": ""}]
        )
        accounts.add_grants(
            tx,
            [
                {"person": "strange", "role": role, "office": office}
                for role, office in (("submitter", "440111"), ("head", "440111"), ("finance", "440100"))
            ],
        )
    small_cases.published(app, "typed-case", visibility="confidential")
    title = (CORPUS[3] + CORPUS[0] + CORPUS[5] + CORPUS[13])[:200]
    case_id = small_cases.submitted(app, "typed-case", title=title, goal=everything[:1000])
    task = open_task(app, "liguoqiang")
    approvals.decide(app, viewer(app, "liguoqiang"), task, "return", remark=everything, seen_seq=None, key=key())
    changed = small_cases.form(title=title, goal=everything[-1000:], budget="9000.00")
    proposals.submit(app, viewer(app, "wangmin"), case_id, changed, key=key())
    task = open_task(app, "liguoqiang")
    approvals.decide(app, viewer(app, "liguoqiang"), task, "approve", remark=everything, seen_seq=None, key=key())
    access.name_reader(app, viewer(app, "wangmin"), case_id, "strange")
    cases.case_page(app, viewer(app, "strange"), case_id)
    return case_id


def paths(app: Countersign, case_id: str) -> list[str]:
    """Every page that shows something of the case."""
    tabs = [f"/cases/{case_id}?tab={tab}" for tab in ("proposal", "history")]
    task = open_task(app, "zhanglan")
    searches = ["/cases?q=" + "%3Cscript%3Exq7()%3C/script%3E", "/sign-in?next=javascript:xq7()"]
    return [f"/cases/{case_id}", *tabs, f"/tasks/{task}", f"/tasks/{task}?since=3", "/inbox", "/cases", *searches]


@pytest.mark.parametrize("login", ["wangmin", "liguoqiang", "zhanglan", "xuwen", "strange"])
def test_what_was_typed_stays_text_on_every_page(
    app: Countersign, desk: Callable[..., Desk], case_id: str, login: str
) -> None:
    browser = desk()
    session(app, browser, login)
    shown = 0
    for path in (*paths(app, case_id), "/inbox?list=done", "/inbox?list=mine", f"/cases/{case_id}/edit", "/access"):
        page = browser.get(path)
        assert page.status_code < 500, path
        assert acted_on(page.text) == [], path
        shown += MARK in page.text
    assert shown >= 4


@pytest.mark.parametrize("typed", CORPUS)
def test_what_is_refused_comes_back_as_text(app: Countersign, desk: Callable[..., Desk], typed: str) -> None:
    small_cases.published(app, "typed-case", visibility="confidential")
    case_id = small_cases.drafted(app, "typed-case")
    browser = desk()
    session(app, browser, "wangmin")
    edit = f"/cases/{case_id}/edit"
    fields = dict.fromkeys(("title", "budget", "kind", "goal", "unknown"), typed)
    page = browser.fill_in(edit, edit, action="submit", **fields)
    assert page.status_code == 422
    assert acted_on(page.text) == []
    assert MARK in page.text
    sign_in = browser.post("/sign-in", data=browser.form(browser.get("/inbox"), "/sign-out") | {"login": typed})
    assert acted_on(sign_in.text) == []

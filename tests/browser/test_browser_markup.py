"""Markup in every text that anybody can type, on the pages that show it, in a real Chromium: nothing of it happens.

`xq7` is what every string of the corpus would call. Pictures that are opened by themselves look as they should.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from engine.service.app import Countersign
from engine.store.tables import cases
from tests.browser.looking import overflow
from tests.security import strange_house
from tests.security.signed_in import session

Windows = Callable[..., Any]
WATCH = """
window.happened = [];
for (const name of ["xq7", "alert", "confirm", "prompt"]) {
  window[name] = () => { window.happened.push(name + " was called"); };
}
document.addEventListener("securitypolicyviolation", (event) => {
  window.happened.push(event.effectiveDirective + " " + event.blockedURI + " " + event.sample);
});
"""
ACTED_ON = """() => {
  const found = [...window.happened];
  const tags = new Set(["IFRAME", "OBJECT", "EMBED", "BASE", "STYLE", "FRAME", "APPLET", "MATH"]);
  for (const one of document.querySelectorAll("*")) {
    const leads = ["href", "src", "action", "formaction"].map((name) => one.getAttribute(name) || "");
    if (tags.has(one.tagName) || [...one.attributes].some((each) => each.name.startsWith("on") || each.name === "style")
        || (one.tagName === "SCRIPT" && !one.src.startsWith(location.origin + "/static/"))
        || leads.some((lead) => /^\\s*(javascript|data|vbscript):|^\\/\\//i.test(lead))
        || (one.tagName === "META" && one.httpEquiv)) {
      found.push(one.outerHTML.slice(0, 200));
    }
  }
  return found;
}"""
HANDLED = """() => {
  for (const one of document.querySelectorAll("details")) { one.open = true; }
  for (const one of document.querySelectorAll("main *")) {
    for (const kind of ["mouseover", "focus", "toggle", "load", "error"]) { one.dispatchEvent(new Event(kind)); }
  }
}"""


@pytest.fixture
def pages(app: Countersign) -> Mapping[str, tuple[str, ...]]:
    """The pages of each person, in the house where everything that was typed is markup."""
    return strange_house.furnish(app)


def signed_in(app: Countersign, window: Windows, address: str, login: str) -> Any:
    page = window(320)
    page.context.add_init_script(WATCH)
    page.context.add_cookies([{"name": "session", "value": session(app, None, login), "url": address}])
    page.on("dialog", lambda dialog: pytest.fail(f"{page.url}: {dialog.message}"))
    return page


SEVEN_TIMES_SEVEN = re.compile(r"(?<![0-9:.,-])49(?![0-9:.,-])")
"""What became of {{ 7 * 7 }} where somebody carried it out; no part of a time or a figure."""
SHOW_NONE = {
    "/admin/offices", "/arbitration", "/calendar?month=2026-12", "/calls/lists", "/channels", "/customers", "/hall",
    "/league", "/league?kind=clerks", "/offers/strange/edit", "/phrases", "/rehearsals/new",
}  # fmt: skip
"""Lists of kinds and forms that may show none of it as text: what stands in a field is looked at all the same."""


def test_what_was_typed_is_text_on_every_page_that_shows_it(
    app: Countersign, window: Windows, address: str, pages: Mapping[str, tuple[str, ...]]
) -> None:
    wrong, plain = [], set()
    for login, paths in pages.items():
        page = signed_in(app, window, address, login)
        for path in paths:
            answer = page.goto(path)
            assert answer.status < 400, (login, path, answer.status)
            page.evaluate(HANDLED)
            wrong += [f"{login} {path}: {one}" for one in page.evaluate(ACTED_ON)]
            wrong += [f"{login} {path}: scrolls sideways by {over}" for over in [overflow(page)] if over > 0]
            text = page.inner_text("body")
            plain |= set() if "xq7" in text else {path}
            carried_out = SEVEN_TIMES_SEVEN.search(text.replace(strange_house.OFFICE, ""))
            assert carried_out is None or "{{ 7 * 7 }}" in text, path
        page.context.close()
    assert wrong == []
    assert plain <= SHOW_NONE


def test_what_would_happen_is_noticed(chromium: Any, address: str) -> None:
    context = chromium.new_context(base_url=address)
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto("/sign-in")
    assert page.evaluate(ACTED_ON) == []
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=/static/x.svg onerror=xq7()>')")
    page.wait_for_function("window.happened.length > 0")  # the policy refuses the handler, and that is seen
    assert len(page.evaluate(ACTED_ON)) >= 2
    context.close()


def test_a_picture_that_is_opened_by_itself_looks_as_it_should(
    app: Countersign, window: Windows, address: str, pages: Mapping[str, tuple[str, ...]]
) -> None:
    with app.db.read() as tx:
        case_id = next(iter(tx.execute(cases.select().where(cases.c.number.is_not(None)))))._mapping["id"]
    page = signed_in(app, window, address, "machao")
    of_case = [f"/cases/{case_id}/{name}.svg" for name in ("diagram", "process")]
    for path in (*of_case, f"/definitions/{strange_house.NAME}/1/diagram.svg"):
        page.goto(path)
        assert page.evaluate("window.happened") == [], path
        assert page.evaluate("document.querySelectorAll('script, style, foreignObject, [style], a').length") == 0
        text = page.evaluate("getComputedStyle(document.querySelector('text.s')).fontSize")
        assert text == "12px", path
        box = page.evaluate("getComputedStyle(document.querySelector('rect.cond')).fill")
        assert box == "rgb(255, 251, 234)", path
        assert "xq7" in page.evaluate("document.documentElement.textContent")
    page.goto(f"/cases/{case_id}/process.svg")
    assert page.evaluate("getComputedStyle(document.querySelector('rect.current')).fill") == "rgb(255, 243, 214)"
    assert len(pages) == 6

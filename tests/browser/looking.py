"""Serving an application, signing in, and what is wrong with a page as it stands: for tests that look at pages."""

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from api.app import create_app
from engine.cli.demo.people import PASSWORD
from engine.service.app import Countersign

AXE = """async more => {
  const all = [...document.querySelectorAll("body *")].filter(one => one.checkVisibility());
  const seen = more && window.seenByAxe || new Set();
  const isTop = one => one.parentElement === document.body || seen.has(one.parentElement);
  const fresh = all.filter(one => !seen.has(one) && isTop(one));
  window.seenByAxe = new Set(all);
  const asked = {resultTypes: ["violations"], elementRef: false};
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const found = seen.size === 0 ? [await axe.run({...asked, runOnly: tags})] : [
    await axe.run({...asked, runOnly: {type: "rule", values: ["target-size", "scrollable-region-focusable"]}}),
    ...fresh.length ? [await axe.run({include: fresh}, {...asked, runOnly: tags})] : [],
  ];
  return found.flatMap(each => each.violations).map(one => one.id + ": " + one.nodes[0].html.slice(0, 200));
}"""
"""Only violations are told: all that is right would be described as well, which takes as long as looking."""

COLOURS = """{
  const {prototype} = axe.commons.color.Color, {parseString} = prototype, read = new Map();
  prototype.parseString = function (text) {
    if (!read.has(text)) {
      const {r, g, b, alpha} = parseString.call(this, text);
      read.set(text, {r, g, b, alpha});
    }
    return Object.assign(this, read.get(text));
  };
}
true"""
"""A page has a dozen colours; axe reads them thousands of times, which took a tenth of its time."""

DRAWN = """() => Promise.all([...document.images].map(one => { one.loading = "eager"; return one.decode(); }))"""

TROUBLE = ("Something went wrong on our side", "系统出错")
"""What the page says that stands for one that could not be made; axe finds nothing wrong with it."""

made: list[FastAPI] = []  # once: its first request goes through all its routes, which takes seconds


@contextmanager
def serving(app: Countersign) -> Iterator[str]:
    """The application served by a thread of this process; yields its address."""
    if not made:
        made.append(create_app(app))
    made[0].state.countersign = app
    server = uvicorn.Server(uvicorn.Config(made[0], port=0, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


def sign_in(page: Any, login: str) -> None:
    page.goto("/sign-in")
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/(inbox|hall)$"))


def faults(page: Any, *, more: bool = False) -> list[str]:
    """What axe finds on the page, and whether it is the one for trouble. With `more`, on what was not to be seen when
    it was last asked. The page is scrolled to its end, where a bar that sticks to the window lies over nothing."""
    if not page.evaluate("typeof axe === 'object'"):
        from axe_playwright_python.sync_playwright import Axe

        page.evaluate(Axe().axe_script + COLOURS)  # once for a page: half a megabyte to send and to read
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    broken = [f"{page.url} could not be made" for words in TROUBLE if words in page.inner_text("main")]
    return [*broken, *(f"{page.url} {one}" for one in page.evaluate(AXE, more))]


def overflow(page: Any) -> int:
    """By how many pixels the page can be scrolled sideways."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def hidden_sideways(page: Any, part: str) -> int:
    """How many pixels of a part of the page are only seen by scrolling it."""
    return int(page.locator(part).evaluate("each => each.scrollWidth - each.clientWidth"))


def wrong_at_any_width(page: Any) -> list[str]:
    """What axe finds on a phone, and at a desk in what is wider or only there; by how much the page scrolls sideways on
    the narrowest phone. The page is loaded once and its window made wider."""
    found = []
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        if width > 320:
            found += faults(page, more=width > 390)
        elif over := overflow(page):
            found.append(f"{page.url} scrolls by {over}")
    return found


def drawn(page: Any) -> None:
    """Wait until every chart of the page is there; fails where one does not come."""
    page.evaluate(DRAWN)


def look(page: Any, name: str) -> list[str]:
    """What is wrong with the page; pictures where PICTURES names a folder for them."""
    if pictures := os.environ.get("PICTURES", ""):
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            page.screenshot(path=f"{pictures}/{name}-{width}.png", full_page=True)
    return wrong_at_any_width(page)

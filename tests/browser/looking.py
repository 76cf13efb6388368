"""Signing in, and what is wrong with a page as it stands: for every test that looks at pages."""

from typing import Any

from engine.cli.demo.people import PASSWORD


def sign_in(page: Any, login: str) -> None:
    page.goto("/sign-in")
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/inbox")


def faults(page: Any) -> list[str]:
    """What axe finds on the page as it stands."""
    from axe_playwright_python.sync_playwright import Axe

    tags = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    found = Axe().run(page, options=tags).response["violations"]
    return [f"{page.url} {one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]


def overflow(page: Any) -> int:
    """By how many pixels the page can be scrolled sideways."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def hidden_sideways(page: Any, part: str) -> int:
    """How many pixels of a part of the page are only seen by scrolling it."""
    return int(page.locator(part).evaluate("each => each.scrollWidth - each.clientWidth"))


def wrong_at_any_width(page: Any) -> list[str]:
    """What axe finds on a phone and at a desk, and by how much the page scrolls sideways on the narrowest phone: the
    page is loaded once and its window made wider."""
    found = []
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        if width > 320:
            found += faults(page)
        elif over := overflow(page):
            found.append(f"{page.url} scrolls by {over}")
    return found

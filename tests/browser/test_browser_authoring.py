"""The pages of authors in a real Chromium: faultless empty, filled and with errors in both languages; nothing that was
typed is lost, whatever the network, a colleague or the back button do."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.service import drafting, people
from engine.service.app import Countersign
from engine.store import people as store
from tests.acceptance import amending_case
from tests.api.cases import key, viewer
from tests.browser.looking import faults, sign_in, wrong_at_any_width

Windows = Callable[..., Any]
NAME = amending_case.NAME
CASE = "try&play=1&form.reach=9000"
TABS = ("diagram", f"{CASE}&form.budget=80000", f"{CASE}&form.budget=much", "scenarios", "changes")
HOSTILE = '\n# <script>alert(1)</script>\n"<img src=x onerror=alert(1)>": 1\n'


@pytest.fixture(autouse=True)
def _authors(app: Countersign) -> None:
    amending_case.publish(app)
    with app.db.begin() as tx:
        for person in ("sunli", "zhengkai"):
            store.add_grants(tx, [{"person": person, "role": "definition_author", "office": "440100"}])


def begun(app: Countersign, more: str = "", login: str = "sunli") -> str:
    """The address of the next version of the kind, with `more` at its end."""
    me = viewer(app, login)
    draft = drafting.begin(app, me, f"{NAME}@1", key=key())
    drafting.save(app, me, draft, drafting.show(app, me, draft).source + more, seen=1)
    return f"/drafts/{draft}"


def offered(app: Countersign) -> None:
    """Version 2, offered for publication by its author."""
    draft = begun(app, "# version 2\n").rpartition("/")[2]
    drafting.offer(app, viewer(app, "sunli"), draft, seen=2)


def kept(app: Countersign, place: str) -> str:
    return drafting.show(app, viewer(app, "sunli"), place.rpartition("/")[2]).source


def editor(window: Windows, place: str, login: str = "sunli") -> Any:
    page = window()
    sign_in(page, login)
    page.goto(place)
    return page


def type_at_end(page: Any, text: str) -> None:
    page.focus("#source")
    page.keyboard.press("Control+End")
    page.keyboard.type(text)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_of_authors_is_faultless_and_fits(app: Countersign, window: Windows, language: str):
    me = viewer(app, "sunli")
    people.set_language(app, me, "zh" if language == "zh" else "en")
    right, wrong = begun(app), begun(app, HOSTILE + "colour: red\n")
    empty = f"/drafts/{drafting.begin(app, me, '', key=key())}"
    version = f"/definitions/{NAME}/1"
    page = window()
    sign_in(page, "sunli")
    pages = ["/definitions", "/drafts/new", right, *(f"{right}?tab={tab}" for tab in TABS), wrong, empty]
    pages += [f"{wrong}?tab=diagram", f"{empty}?tab=scenarios", f"{empty}?tab=guarantees", f"{empty}?tab=changes"]
    pages += [f"{version}/cases"]
    found = look(page, pages)
    amending_case.started(app)
    offered(app)
    pages = [version, f"{version}?tab=try", f"{version}/cases?all=1", f"/definitions/{NAME}/2", "/definitions/none/1"]
    found += look(page, [*pages, f"/definitions/{NAME}/2/what-if"])
    people.set_language(app, viewer(app, "machao"), "zh" if language == "zh" else "en")
    page = editor(window, f"{version}/cases?all=1", "machao")
    page.click("button[value=try]")
    page.wait_for_selector(".alert.stop")
    found += wrong_at_any_width(page)
    assert found == []


def look(page: Any, paths: list[str]) -> list[str]:
    found = []
    for path in paths:
        page.goto(path)
        page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true })")
        found += wrong_at_any_width(page)
    return found


def test_what_is_typed_is_checked_and_kept_by_itself(app: Countersign, window: Windows):
    place = begun(app)
    page = editor(window, place)
    type_at_end(page, "\ncolour: red")
    page.wait_for_selector("[data-preview] [data-line]")
    page.goto("/definitions")
    page.go_back()
    assert page.input_value("#source").endswith("\ncolour: red")
    type_at_end(page, "\n# more")  # what the page builds on came back with it
    with page.expect_navigation():
        page.click("button[value=save]")
    assert page.locator("main [role=alert]").count() == 0
    assert kept(app, place).endswith("\ncolour: red\n# more")


def test_a_problem_leads_to_its_place_in_the_text(app: Countersign, window: Windows):
    page = editor(window, begun(app, "colour: red\n"))
    page.set_viewport_size({"width": 390, "height": 800})
    page.click("[data-preview] [data-line]")
    chosen = "source => [source.value.slice(source.selectionStart, source.selectionEnd), source.scrollTop > 0]"
    assert page.locator("#source").evaluate(chosen) == ["colour: red", True]
    assert page.evaluate("document.activeElement.id") == "source"


def test_who_saves_second_keeps_what_they_typed(app: Countersign, window: Windows):
    place = begun(app)
    page = editor(window, place)
    theirs = kept(app, place) + "# theirs\n"
    drafting.save(app, viewer(app, "zhengkai"), place.rpartition("/")[2], theirs, seen=1)
    type_at_end(page, "# mine")
    page.wait_for_selector("[data-saved].stop")
    assert page.input_value("#source").endswith("# mine")
    asked = []
    page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.click(".brand", no_wait_after=True)
    page.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    page.click("button[value=save]")
    page.wait_for_selector("text=# theirs")
    assert page.input_value("#source").endswith("# mine")
    assert faults(page) == []
    page.click("button[value=fork]")
    page.wait_for_url(lambda url: not url.endswith(place))
    assert page.input_value("#source").endswith("# mine")
    assert kept(app, place) == theirs


def test_a_button_waits_for_the_saving_that_is_under_way(app: Countersign, window: Windows):
    place = begun(app)
    page = editor(window, place)
    held: list[Any] = []

    def hold(route: Any) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)
            held.append(route.fetch())

    page.route(f"**{place}", hold)
    type_at_end(page, "# one")
    while len(held) < 2:
        page.wait_for_timeout(50)
    type_at_end(page, "# two")
    page.click("button[value=save]", no_wait_after=True)
    route, answer = held
    with page.expect_navigation():
        route.fulfill(response=answer)
    assert page.locator("main [role=alert]").count() == 0
    assert kept(app, place).endswith("# one# two")


def test_a_server_that_is_away_costs_nothing_that_was_typed(app: Countersign, window: Windows):
    place = begun(app)
    page = editor(window, place)
    page.route(f"**{place}", lambda route: route.abort())
    type_at_end(page, "# kept")
    page.wait_for_timeout(900)
    page.unroute(f"**{place}")
    for _ in range(100):
        if kept(app, place).endswith("# kept"):
            break
        page.wait_for_timeout(100)
    assert kept(app, place).endswith("# kept")


def test_a_huge_text_is_kept_and_told_to_be_too_large(app: Countersign, window: Windows):
    place = begun(app)
    page = editor(window, place)
    paste = "(one, text) => { one.value = text; one.dispatchEvent(new Event('input', {bubbles: true})); }"
    long = "# 很长的一行\n" * 15_000
    page.locator("#source").evaluate(paste, long)
    page.wait_for_selector("[data-preview] .stop", timeout=90_000)
    assert kept(app, place) == long
    page.locator("#source").evaluate(paste, "x" * 600_000)
    page.wait_for_selector("[data-saved].stop", timeout=90_000)
    assert page.evaluate("source.value.length") == 600_000
    assert kept(app, place) == long


def test_two_clicks_publish_once(app: Countersign, window: Windows):
    offered(app)
    page = editor(window, f"/definitions/{NAME}/2", "zhengkai")
    page.click("summary.main")
    page.dblclick("form[action$=publish] button")
    page.wait_for_selector("form[action$=retire]", state="attached")
    assert page.locator("main [role=alert]").count() == 0
    page.go_back()
    page.reload()
    assert page.locator("form[action$=publish]").count() == 0

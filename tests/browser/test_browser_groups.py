"""Customer groups in a real Chromium: the list, one group, trying an edit out, saving it, two people at once."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.service import groups, people
from engine.service.app import Countersign
from tests.acceptance.group_case import by, loaded, published, saved, submitted
from tests.api.cases import viewer
from tests.browser.looking import look, sign_in

Windows = Callable[..., Any]
TESTS = [{"in": {"arpu": 80, "age": 30}}, {"out": {"arpu": 79}}, {"out": {}}]
LONG = "<b>很长的名称</b>" + "high-value-customers-of-the-county" * 1


def filled(app: Countersign) -> None:
    """Groups of every kind, one of them in use and with versions."""
    published(app)
    saved(app, "vip", {"rule": "c.arpu >= 80"}, title="高价值客户", tests=TESTS, note="第一版")
    saved(app, "vip", {"rule": "c.arpu >= 80 && c.age >= 18"}, title="高价值客户", base=1, note="只要成年人")
    saved(app, "minors", {"rule": "c.age < 18"}, title="未成年人")
    parts = [
        {"group": "vip"},
        {"except": [{"list": "upload"}, {"group": "minors"}]},
        {"sql": "SELECT customer FROM customers"},
    ]
    saved(app, "mixed", {"union": parts}, title=LONG, note="<script>alert(1)</script>")
    saved(app, "past", {"symmetric": [{"group": "vip"}, {"list": "upload"}]}, title="去年的群")
    groups.end(app, by(app, "wangmin"), "past")
    submitted(app)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pages_of_groups_have_nothing_for_axe_and_fit(app: Countersign, window: Windows, language: str) -> None:
    loaded(app)
    people.set_language(app, viewer(app, "wangmin"), "zh" if language == "zh" else "en")
    page = window()
    sign_in(page, "wangmin")
    found = []

    def see(name: str) -> None:
        page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true })")
        found.extend(look(page, f"groups-{name}-{language}"))

    page.goto("/groups")
    see("empty")
    filled(app)
    page.goto("/groups")
    see("list")
    page.goto("/groups?q=nobody")
    see("none")
    page.goto("/groups/vip?count=1")
    see("group")
    page.goto("/groups/mixed")
    see("mixed")
    page.goto("/groups/vip?version=1")
    see("earlier")
    page.goto("/groups/new")
    see("new")
    page.fill(
        "#source", "source:\n  union:\n    - {rule: c.arpuu >= 1}\n    - {group: nobody}\ntests:\n  - {in: {x: 1}}\n"
    )
    page.click("button[value=try]")
    page.wait_for_selector("#problems")
    see("wrong")
    page.goto("/groups/vip/edit")
    page.fill("#source", "source: {rule: c.arpu >= 70}\ntests:\n  - {in: {arpu: 80}}\n")
    page.click("button[value=try]")
    page.wait_for_selector("button[value=save]")
    see("impact")
    assert found == []


def test_an_edit_is_tried_out_saved_and_seen_by_keyboard_and_without_scripts(app: Countersign, window: Windows) -> None:
    published(app)
    people.set_language(app, viewer(app, "wangmin"), "en")
    page = window(java_script_enabled=False)
    sign_in(page, "wangmin")
    page.goto("/groups/new")
    page.focus("#name")
    for typed in ("vip", "High value"):
        page.keyboard.type(typed)
        page.keyboard.press("Tab")
    page.keyboard.press("Control+A")
    page.keyboard.insert_text("source: {rule: c.arpu >= 80}\ntests:\n- in: {arpu: 80}\n- out: {arpu: 79}\n")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.inner_text("aside strong") == "10 customers"
    page.focus("button[value=save]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/groups/vip")
    page.click("text=Edit")
    page.fill("#source", "source: {rule: c.arpu >= 70}\ntests:\n- in: {arpu: 80}\n- out: {arpu: 79}\n")
    page.click("button[value=try]")
    assert "test 2 fails: arpu: 79 should be out" in page.inner_text("[role=alert]")
    page.fill("#source", "source: {rule: c.arpu >= 70}\n")
    page.click("button[value=try]")
    assert [page.inner_text(f"aside dd >> nth={n}").split()[0] for n in range(4)] == ["10", "20", "+10", "0"]
    page.fill("#source", "source: {rule: c.arpu >= 60}\n")
    page.click("button[value=save]")  # another text than the one whose numbers were shown
    assert page.inner_text("aside dd >> nth=1").split()[0] == "30"
    page.click("button[value=save]")
    page.wait_for_url("**/groups/vip")
    assert groups.find(app, viewer(app, "wangmin"), "vip").version == 2


def test_who_saves_second_sees_both_texts(app: Countersign, window: Windows) -> None:
    loaded(app)
    saved(app, "vip", {"rule": "c.arpu >= 80"})
    people.set_language(app, viewer(app, "wangmin"), "en")
    page = window()
    sign_in(page, "wangmin")
    page.goto("/groups/vip/edit")
    saved(app, "vip", {"rule": "c.arpu >= 81"}, base=1, login="machao")
    page.fill("#source", "source: {rule: c.arpu >= 82}\n")
    page.click("button[value=try]")
    page.click("button[value=save]")
    page.wait_for_selector(".changed-box")
    assert "c.arpu >= 81" in page.inner_text(".changed-box")
    assert "c.arpu >= 82" in page.input_value("#source")
    page.click("button[value=try]")
    page.click("button[value=save]")
    page.wait_for_url("**/groups/vip")
    assert groups.find(app, viewer(app, "wangmin"), "vip").version == 3

"""Saved views and scheduled reports in a real Chromium: every page at both widths, in both languages."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.service import people, saved_views
from engine.service.app import Countersign
from engine.service.saved_views import Sharing
from tests.api.cases import submitted, viewer
from tests.browser.looking import look, sign_in

Windows = Callable[..., Any]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pages_of_views_have_nothing_for_axe_and_fit(app: Countersign, window: Windows, language: str) -> None:
    submitted(app)
    me = viewer(app, "wangmin")
    people.set_language(app, me, "zh" if language == "zh" else "en")
    theirs = saved_views.save(app, viewer(app, "machao"), "全省在审", "cases", "state=approving")
    saved_views.change(app, viewer(app, "machao"), theirs, "全省在审", [Sharing("440100", "submitter")])
    page = window()
    sign_in(page, "wangmin")
    found = []

    def see(path: str, name: str) -> None:
        page.goto(path)
        page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true })")
        found.extend(look(page, f"{name}-{language}"))

    see(f"/views/{theirs}", "view-of-another")
    page.fill("[name=name]", "我的在审")
    page.click("form[action='/views'] button")
    own = next(one.id for one in saved_views.listed(app, me) if one.is_own)
    see(f"/views/{own}/edit", "view-edit")
    page.fill("[name=recipients]", "wangmin")
    page.click(f"form[action='/views/{own}/reports'] button.main")
    see(f"/views/{own}/edit", "view-mailed")
    see("/views", "views")
    assert found == []

"""The page of the process: figures with their meaning, the diagram in the heat of its times, the cases behind each."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.service import approvals, courses, people, proposals
from engine.service.app import Countersign
from tests.acceptance.offices import key, open_task, viewer
from tests.browser.looking import drawn, look, sign_in
from tests.security import small_cases

Windows = Callable[..., Any]


def decide(app: Countersign, case_id: str, remark: str) -> None:
    head = viewer(app, "liguoqiang")
    task = open_task(app, "liguoqiang")
    approvals.decide(app, head, task, "return" if remark else "approve", remark=remark, seen_seq=None, key=key())
    if remark:
        proposals.submit(app, viewer(app, "wangmin"), case_id, small_cases.form(), key=key())


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_process_is_read_filtered_and_followed_to_its_cases(app: Countersign, window: Windows, language: str):
    people.set_language(app, people.viewer_named(app, "wangmin"), "zh" if language == "zh" else "en")
    page, plain = window(1280), window(390, java_script_enabled=False)
    for each in (page, plain):
        sign_in(each, "wangmin")
    page.goto("/process")
    found = look(page, f"process-empty-{language}")
    small_cases.published(app, "small-case")
    for remark in ("", "", "the budget is too large", "", ""):
        decide(app, small_cases.submitted(app, "small-case"), remark)
    small_cases.submitted(app, "small-case", kind="filing")
    courses.refresh(app)
    plain.goto("/process?definition=small-case&version=1")
    assert plain.locator("#reasons").inner_text().count("the budget is too large") == 1
    returned = plain.locator("#steps a[href*='what=returned']").first
    assert returned.inner_text() == "1"
    returned.click()
    assert plain.locator("ul.rows li").count() == 1
    page.goto("/process?definition=small-case")
    picture = page.locator("#steps img[src*=heat]").get_attribute("src")
    assert "■" in page.request.get(picture).text()
    assert page.locator("figure.picture").count() == 2  # nothing is decided to the end
    drawn(page)
    found += look(page, f"process-{language}")
    for form, begins in (("svg", b"<svg"), ("png", b"\x89PNG")):
        link = page.locator(f"#steps figure a[href$='{form}']").get_attribute("href") or ""
        file = page.request.get(link)
        assert "definition=small-case" in link and file.body().startswith(begins)
        assert f'filename="process-steps.{form}"' in file.headers["content-disposition"]
    assert page.request.get("/process?chart=nothing&format=svg").status == 404
    assert page.request.get("/process?since=never&chart=steps&format=svg").status == 422
    assert page.request.get("/process?since=2030-01-01&chart=outcomes&format=svg").status == 404
    narrow = window(390)
    sign_in(narrow, "wangmin")
    narrow.goto("/process?definition=small-case")
    drawn(narrow)
    assert "look=narrow" in narrow.locator("#steps figure img").evaluate("each => each.currentSrc")
    found += look(narrow, f"process-narrow-{language}")
    page.locator(".facts a").first.click()
    assert page.locator("ul.rows li").count() == 6
    assert found + look(page, f"process-cases-{language}") == []

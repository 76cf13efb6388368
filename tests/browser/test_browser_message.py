"""The message as customers see it, in a real Chromium: on the form, live and by a button, and for approvers."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.definition.load import load
from engine.service import people, proposals
from engine.service.app import Countersign
from tests.acceptance.offices import in_force
from tests.acceptance.sealed_case import FORM, frozen, take_in
from tests.acceptance.test_message_content import CELLS
from tests.api.cases import key, viewer
from tests.browser.looking import faults, look, sign_in

Windows = Callable[..., Any]


def draft(app: Countersign, words: str) -> str:
    in_force(app, load(CELLS))
    take_in(app)
    me = viewer(app, "wangmin")
    made = proposals.start(app, me, "sealed-test-case", key=key())
    proposals.save(app, me, made, {**FORM, "words": words}, key=key())
    return made


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_form_and_the_page_show_the_message_and_fit(app: Countersign, window: Windows, language: str):
    made = draft(app, "{name}您好，国庆流量包8折{if arpu >= 50}" + "，月费高的客户另赠流量" * 6 + "{end}")
    people.set_language(app, viewer(app, "wangmin"), "zh" if language == "zh" else "en")
    page = window()
    sign_in(page, "wangmin")
    page.goto(f"/cases/{made}/edit")
    assert "…您好" in page.inner_text("[data-preview] .bubble")
    page.click("button[value=count]")
    page.wait_for_selector("section[aria-labelledby=estimate]")
    assert "客**您好" in page.inner_text("[data-preview] .bubble >> nth=0")
    found = look(page, f"message-form-{language}")
    page.goto(f"/cases/{made}/message")
    assert page.locator(".bubble").count() > 2
    found += look(page, f"message-{language}")
    assert found == []


def test_the_text_is_shown_while_it_is_typed_and_what_is_wrong_stands_at_the_field(app: Countersign, window: Windows):
    made = draft(app, "{name}您好")
    page = window()
    sign_in(page, "wangmin")
    page.goto(f"/cases/{made}/edit")
    page.click("button[value=count]")
    page.wait_for_selector("section[aria-labelledby=estimate]")
    page.fill("[name=words]", "{name}早上好")
    page.wait_for_selector("[data-preview] .bubble:has-text('客**早上好，回T退订')", timeout=15_000)
    page.fill("[name=words]", "{nmae}您好，稳赚不赔")
    page.click("form[data-autosave] .buttons button[value=save]")
    page.wait_for_selector(".problem:has-text('nmae')")
    assert faults(page) == []


def test_an_approver_comes_from_the_case_to_the_message(app: Countersign, window: Windows):
    made = frozen(app, CELLS, words="{name}您好")
    page = window()
    sign_in(page, "liguoqiang")
    page.goto(f"/cases/{made}")
    page.click(f"a[href='/cases/{made}/message']")
    assert "客**您好，回T退订" in page.inner_text("main")

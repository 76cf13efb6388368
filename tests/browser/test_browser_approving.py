"""The approvers' pages in a real Chromium: faultless and readable in both languages, on a phone and at a desk; what
is refused, what is asked and answered."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.service import approvals, operations, people
from engine.service.app import Countersign
from engine.service.operations import Door
from tests.api.cases import decide, key, submitted, task_of, viewer
from tests.browser.looking import faults, overflow, sign_in

Windows = Callable[..., Any]
FOCUSED = "[document.activeElement.innerText, document.activeElement.name, document.activeElement.value]"
OPEN = "document.querySelectorAll('main details').forEach(each => { each.open = true })"


def at_finance(app: Countersign) -> str:
    """A case that waits for finance, with a question, a copy, and figures unlike those of earlier cases."""
    for n in range(5):
        submitted(app, title=f"Earlier {n}", budget="20000.00", reach="9000", discount="0.9")
    case_id = submitted(app, title="国庆流量包加赠营销案")
    head = viewer(app, "liguoqiang")
    own = next(task.id for task in approvals.inbox(app, head).to_do if task.case.id == case_id)
    approvals.decide(app, head, own, "approve", remark="名单已核", seen_seq=None, key=key())
    task = task_of(app, "zhanglan").id
    door = Door(viewer(app, "zhanglan"), key())
    operations.ask(app, door, task, "wangmin", text="去年同期的办理率是多少？")
    operations.copy_to(app, Door(viewer(app, "zhanglan"), key()), task, ["sunli"], remark="")
    return task


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_is_faultless_and_fits(app: Countersign, window: Windows, language: str):
    task = at_finance(app)
    case_id = task_of(app, "zhanglan").case.id
    kinds = ("ask", "signers")
    pages = {
        "zhanglan": [
            *(f"/tasks/{task}{rest}" for rest in ("", *(f"/{kind}" for kind in kinds))),
            f"/cases/{case_id}/approval-sheet",
            "/inbox",
            "/inbox?q=nothing",
            "/phrases",
        ],
        "sunli": ["/inbox?list=copied"],
        "liguoqiang": ["/inbox"],
    }
    found = []
    for login, paths in pages.items():
        people.set_language(app, viewer(app, login), "zh" if language == "zh" else "en")
        page = window(390)
        sign_in(page, login)
        for path in paths:
            page.goto(path)
            page.evaluate(OPEN)
            for width in (320, 390, 1280):
                page.set_viewport_size({"width": width, "height": 800})
                found += [f"{path} scrolls by {over} at {width}" for over in [overflow(page)] if over > 0]
                found += faults(page, more=width > 390) if width > 320 else []
    assert found == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_refused_forms_are_faultless_and_keep_what_was_typed(app: Countersign, window: Windows, language: str):
    task = at_finance(app)
    people.set_language(app, viewer(app, "zhanglan"), "zh" if language == "zh" else "en")
    page = window(390, java_script_enabled=True)
    sign_in(page, "zhanglan")
    page.goto(f"/tasks/{task}/transfer")
    page.fill("#words", "on leave")
    page.click("form .buttons button")
    page.wait_for_selector("[role=alert]")
    assert page.input_value("#words") == "on leave"
    assert faults(page) == []
    page.goto("/phrases")
    page.fill("#phrases", "x" * 300)
    page.click("main form button")
    page.wait_for_selector("#phrases-problem")
    assert faults(page) == []
    assert overflow(page) == 0


def test_somebody_is_found_and_asked_without_scripts_and_the_answer_comes_back(app: Countersign, window: Windows):
    submitted(app)
    decide(app, "liguoqiang")
    task = task_of(app, "zhanglan").id
    page = window(390, java_script_enabled=False)
    sign_in(page, "zhanglan")
    page.goto(f"/tasks/{task}")
    page.click("text=其他操作")
    page.click(f"a[href='/tasks/{task}/ask']")
    page.fill("#words", "去年的办理率？")
    page.fill("#q", "王敏")
    page.click("button[name=find]")
    assert page.input_value("#words") == "去年的办理率？"
    page.check("[name=person][value=wangmin]")
    page.click("form .buttons button")
    assert "暂停计时" in page.inner_text("main")
    other = window(390, java_script_enabled=False)
    sign_in(other, "wangmin")
    other.click(".row-link")
    other.fill("textarea[name=text]", "百分之三")
    other.click("text=提交答复")
    page.reload()
    assert "百分之三" in page.inner_text("main")
    page.click("button[value='同意。']")
    assert page.input_value("#remark") == "同意。"
    page.click("button[value=approve]")
    assert "张岚" in page.inner_text("[role=status]")


def test_a_phrase_is_written_into_the_remark_by_a_tap(app: Countersign, window: Windows):
    submitted(app)
    page = window(390)
    sign_in(page, "liguoqiang")
    page.goto(f"/tasks/{task_of(app, 'liguoqiang').id}")
    page.fill("#remark", "已阅。")
    page.click("button[value='同意。']")
    assert page.input_value("#remark") == "已阅。 同意。"
    assert page.url.endswith(task_of(app, "liguoqiang").id)

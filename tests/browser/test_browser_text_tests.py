"""A test of texts in a real Chromium: preview, approval sheet, the delivery before and after each kind of decision."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine import clock
from engine.service import people
from engine.service.app import Countersign
from engine.settings import Settings
from tests.acceptance.text_test_case import DAYS, begun, proposed, respond, send
from tests.browser.looking import look, sign_in
from tests.servers.gateway import SECRET, RunningGateway, running_gateway

Windows = Callable[..., Any]
ANSWERS = {"winner": {"甲款": 40, "乙款": 10}, "none": {"甲款": 12, "乙款": 9}, "broken": {"甲款": 12, "乙款": 9}}


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    with running_gateway(tmp_path / "sms.log") as started:
        yield started


@pytest.fixture
def app(
    staffed: Path, tmp_path: Path, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    shutil.copy(staffed, tmp_path / "case.db")
    url = f"sqlite:///{tmp_path / 'case.db'}"
    opened = Countersign.open(Settings(home=tmp_path, database_url=url, sms_url=gateway.url, sms_secret=SECRET))
    yield opened
    opened.close()


def words(page: Any, part: str) -> str:
    return " ".join(page.inner_text(part).split())


def after_the_wait(app: Countersign, folder: Path) -> None:
    clock.move(folder / "clock", timedelta(hours=25))
    send(app)


def speaking(app: Countersign, language: str) -> None:
    for login in ("wangmin", "liguoqiang"):
        people.set_language(app, people.viewer_named(app, login), "zh" if language == "zh" else "en")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_approver_and_the_submitter_see_the_test_before_anything_is_sent(
    app: Countersign, window: Windows, language: str
) -> None:
    speaking(app, language)
    made = proposed(app, DAYS)
    page = window()
    sign_in(page, "liguoqiang")
    page.goto("/inbox")
    page.click("a[href^='/tasks/']")
    told = "低于" if language == "zh" else "With 25 customers each, a difference below"
    assert told in page.inner_text("main")
    found = look(page, f"texts-sheet-{language}")
    other = window()
    sign_in(other, "wangmin")
    other.goto(f"/cases/{made}/message")
    assert "甲款优惠" in other.inner_text("main") and "乙款优惠" in other.inner_text("main")
    found += look(other, f"texts-preview-{language}")
    assert found == []


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("outcome", ["winner", "none", "broken"])
def test_the_page_shows_counts_until_the_wait_is_over_and_then_what_came_out(
    app: Countersign, gateway: RunningGateway, window: Windows, outcome: str, language: str
) -> None:
    speaking(app, language)
    with ThreadPoolExecutor(1) as aside:  # Playwright's event loop has this thread
        made = aside.submit(begun, app).result()
        aside.submit(respond, app, made, gateway, ANSWERS[outcome]).result()
    page, found = window(), []
    if outcome == "winner":
        sign_in(page, "wangmin")
        page.goto(f"/cases/{made}?tab=delivery")
        assert "%" not in words(page, "#tests dl")
        assert page.query_selector("#tests form") is not None
        found += look(page, f"texts-waits-{language}")
    if outcome == "broken":  # the gateway refused one text
        with app.db.begin() as tx:
            refused = "UPDATE recipients SET state = 'failed', reason = 'rejected: content'"
            tx.execute(sa.text(f'{refused} WHERE wave LIKE \'%-w1\' AND "row" % 2 = 0 AND "row" < 100'))
            sums = "UPDATE wave_sums SET sent = sent - 50, failed = failed + 50 WHERE wave LIKE '%-w1'"
            tx.execute(sa.text(sums))
    with ThreadPoolExecutor(1) as aside:
        aside.submit(after_the_wait, app, Path(app.settings.home)).result()
    page = window()  # the session is over by then
    sign_in(page, "wangmin")
    page.goto(f"/cases/{made}?tab=delivery")
    said = {
        "winner": ("版本 a 优于其他各版本", "Variant a is better than every other"),
        "none": (
            "各版本分不出高下：a 为 100 户中的 12.0%，b 为 100 户中的 9.0%；以这样的户数，低于",
            "They cannot be told apart: a 12.0% of 100 and b 9.0% of 100; a difference below",
        ),
        "broken": ("各版本到达的客户数不均等", "The variants did not reach customers in equal parts"),
    }[outcome][language == "en"]
    assert said in words(page, "#tests .alert")
    assert page.query_selector("#tests form") is None
    found += look(page, f"texts-{outcome}-{language}")
    assert found == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_text_is_chosen_by_keyboard_without_scripts_and_the_second_window_is_told_who_did(
    app: Countersign, window: Windows, language: str
) -> None:
    speaking(app, language)
    with ThreadPoolExecutor(1) as aside:
        made = aside.submit(begun, app).result()
    page, late = window(390, java_script_enabled=False), window()
    for one in (page, late):
        sign_in(one, "wangmin")
        one.goto(f"/cases/{made}?tab=delivery")
        one.click("#tests details summary")
        one.select_option("#variant-pilot", "a" if one is page else "b")
        one.fill("#why-pilot", "<b>乙款缺货</b>")
    found = look(late, f"texts-form-{language}")
    page.focus("#why-pilot")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "a: <b>乙款缺货</b>" in words(page, "#tests .alert").replace("：", ": ")
    late.click("#tests form button")
    told = "王敏 已于" if language == "zh" else "王敏 chose variant a"
    late.wait_for_selector(f".alert:has-text('{told}')")
    found += look(late, f"texts-chosen-{language}")
    assert found == []

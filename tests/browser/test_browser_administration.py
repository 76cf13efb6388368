"""Administrators' pages in a real Chromium: empty, filled, refused; both languages, phone and desk, 320 px."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.organisation import StandIn
from engine.service import offices, people, standins, suppressing
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from engine.store import credentials, moves
from engine.store.tables import outbox, parked_receipts, recipients, timers, waves
from engine.values import Bilingual
from tests.api.cases import submitted, viewer
from tests.browser.looking import faults, overflow, sign_in, wrong_at_any_width

Windows = Callable[..., Any]
EMPTY = [
    "/admin/people?q=nobody-at-all", "/admin/people/new", "/admin/people/xuwen", "/admin/hand-over",
    "/admin/offices?q=nowhere", "/admin/offices/new", "/admin/groups", "/admin/import", "/stand-ins",
    "/admin/suppressions", "/admin/outbox", "/admin/sends", "/admin/timers?late=1", "/admin/receipts",
    "/admin/audit?person=nobody", "/admin/seeds",
]  # fmt: skip
FILLED = [
    "/admin/people", "/admin/people/liguoqiang", "/admin/people/liguoqiang/change?do=close",
    *(f"/admin/people/liguoqiang/change?do={do}" for do in ("reset", "factor", "sign_out")), "/admin/sends",
    "/admin/people/zhengkai/change?do=give&role=head&office=county",
    "/admin/people/zhengkai/change?do=give&role=head&office=no",
    "/admin/hand-over?leaver=liguoqiang&to=zhengkai", "/admin/offices", "/admin/offices/440106", "/admin/groups",
    "/admin/groups/440000/committee", "/stand-ins", "/admin/suppressions?customer=c1", "/admin/operation",
    "/admin/outbox?state=dead", "/admin/timers?late=1", "/admin/receipts", "/admin/audit", "/admin/audit?first=x",
    "/admin/audit/verify",
]  # fmt: skip


def fill(app: Countersign) -> None:
    case_id = submitted(app)
    offices.put_group(app, role="committee", office="440000", name=Bilingual(zh="委员会", en="Committee"))
    now = app.now()
    standins.add(app, None, StandIn("liguoqiang", "zhengkai", now, now + timedelta(days=5)))
    suppressing.add(app, OPERATOR, kind="black", customer="c1", reason="complaint")
    with app.db.begin() as tx:
        credentials.put_factor(tx, "liguoqiang", "sealed", now)
        wave = {"id": f"{case_id}-w1", "case_id": case_id, "position": 1, "name": "pilot", "channel": "sms"}
        wave |= {"state": "running", "audience": 270, "plan": '{"name": "pilot", "channel": "sms"}', "folder": "x"}
        tx.execute(sa.insert(waves).values(wave))
        doubtful = {"wave": wave["id"], "row": 1, "case_id": case_id, "customer": "c1", "channel": "sms"}
        doubtful |= {"cell": "base", "state": "unknown", "reason": "no receipt"}
        tx.execute(sa.insert(recipients).values(doubtful))
        moves.begin(tx, wave["id"], {"unknown": 1})
        tx.execute(sa.update(outbox).values(state="dead", attempts=12, error="the mail server is away"))
        tx.execute(sa.update(timers).values(due_at=now - timedelta(hours=1), fence=2))
        body = '{"id":"none-w1.1","status":"delivered","at":"2026-11-28T10:00:00+08:00"}' + "x" * 200
        tx.execute(sa.insert(parked_receipts).values(body=body, reason="no such message", at=now))


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("paths", [EMPTY, FILLED[::2], FILLED[1::2]], ids=["empty", "filled", "filled too"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    app: Countersign, window: Windows, language: str, paths: list[str]
):
    if paths is not EMPTY:
        fill(app)
    people.set_language(app, viewer(app, "machao"), "zh" if language == "zh" else "en")
    page = window()
    sign_in(page, "machao")
    found = []
    for path in paths:
        page.goto(path)
        page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true })")
        found += wrong_at_any_width(page)
    assert found == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_link_for_a_new_password_is_made_by_keyboard_and_read_on_a_phone(
    app: Countersign, window: Windows, language: str
):
    people.set_language(app, viewer(app, "machao"), "zh" if language == "zh" else "en")
    page = window(390)
    sign_in(page, "machao")
    page.goto("/admin/people/wangmin")
    page.focus("a[href$='do=reset']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/change?do=reset")
    page.fill("[name=reason]", "忘记密码")
    page.keyboard.press("Enter")
    page.wait_for_selector("main code")
    assert "/reset/" in page.inner_text("main code")
    assert wrong_at_any_width(page) == []


def test_a_refused_file_has_nothing_for_axe(app: Countersign, window: Windows):
    page = window(390)
    sign_in(page, "machao")
    page.goto("/admin/import")
    page.set_input_files("#file", {"name": "p.csv", "mimeType": "text/csv", "buffer": b"id,name\nA B,x\n"})
    page.click("main form button")
    page.wait_for_selector("[role=alert]")
    assert faults(page) == []
    page.goto("/admin/import")
    page.set_input_files(
        "#file", {"name": "p.csv", "mimeType": "text/csv", "buffer": "id,name\nzoe,佐\nwangmin,敏\n".encode()}
    )
    page.click("main form button")
    page.wait_for_selector("dl.money")
    assert faults(page) == []
    assert overflow(page) == 0

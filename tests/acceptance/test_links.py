"""Approval links as approvers and mail scanners use them, over HTTP, on both databases."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from httpx2 import Response

from api.app import create_app
from engine.cli.demo.people import PASSWORD
from engine.service.app import Countersign
from engine.store import tables
from tests.acceptance.offices import notices, opened, submitted, token_of


@pytest.fixture
def app(db_url: str, tmp_path: Path) -> Iterator[Countersign]:
    with opened(db_url, tmp_path) as application:
        yield application


@pytest.fixture
def token(app: Countersign) -> str:
    """The token mailed to the head of the county for a case that was just submitted."""
    submitted(app)
    return next(token_of(notice) for notice in notices(app) if notice.person == "liguoqiang")


def client(app: Countersign) -> TestClient:
    return TestClient(create_app(app), base_url="http://testserver")


def digest(app: Countersign) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    with app.db.read() as tx:
        return {
            name: sorted((tuple(row) for row in tx.execute(sa.select(table))), key=repr)
            for name, table in tables.metadata.tables.items()
        }


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page) or re.search(rf'value="([^"]*)" name="{name}"', page)
    assert found, page
    return found[1]


def enter(browser: TestClient, token: str, **given: str) -> Response:
    """Look at the link and send the form that its page offers."""
    csrf = hidden(browser.get(f"/l/{token}").text, "csrf")
    return browser.post(f"/l/{token}", data={"csrf": csrf, **given})


def sign_in_by_link(browser: TestClient, token: str, login: str = "liguoqiang") -> str:
    """Follow the link with a password; the sheet's address."""
    page = enter(browser, token, login=login, password=PASSWORD)
    assert page.status_code == 200, page.text
    return page.url.path


def decide(browser: TestClient, sheet: str, page: str, decision: str = "approve", remark: str = "") -> str:
    fields = {name: hidden(page, name) for name in ("csrf", "key", "seen_seq")}
    return browser.post(sheet, data={**fields, "decision": decision, "remark": remark}).text


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_looking_at_a_link_a_hundred_times_changes_nothing(app: Countersign, token: str, method: str):
    before = digest(app)
    with client(app) as browser:
        for _ in range(100):
            browser.request(method, f"/l/{token}", headers={"Purpose": "prefetch"})
    assert digest(app) == before


def test_the_token_is_nowhere_in_the_database(app: Countersign, token: str):
    assert token not in repr(digest(app))


def test_a_link_leads_over_the_sign_in_to_the_sheet_and_one_tap_decides(app: Countersign, token: str):
    with client(app) as browser:
        sheet = sign_in_by_link(browser, token)
        assert token not in sheet
        page = decide(browser, sheet, browser.get(sheet).text)
    with app.db.read() as tx:
        row = tx.execute(sa.select(tables.tasks).where(tables.tasks.c.person == "liguoqiang")).one()
    assert (row.state, row.decision, row.decided_by) == ("decided", "approve", "liguoqiang")
    assert "李国强" in page


def test_a_second_post_shows_the_first_decision(app: Countersign, token: str):
    with client(app) as browser:
        sheet = sign_in_by_link(browser, token)
        first = browser.get(sheet).text
        decide(browser, sheet, first)
        before = digest(app)
        again = re.sub(r'(name="key" value=")[^"]*', r"\1another-tap", first)
        second = decide(browser, sheet, again, decision="reject", remark="too late")
    assert digest(app) == before
    assert "李国强" in second
    assert "同意" in second


def test_two_posts_at_once_count_once(app: Countersign, token: str):
    with client(app) as one, client(app) as two:
        sheet = sign_in_by_link(one, token)
        sign_in_by_link(two, token)
        pages = [(browser, browser.get(sheet).text) for browser in (one, two)]
        barrier = threading.Barrier(2)

        def tap(browser: TestClient, page: str) -> None:
            barrier.wait()
            decide(browser, sheet, page)

        threads = [threading.Thread(target=tap, args=pair) for pair in pages]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with app.db.read() as tx:
        decided = tx.execute(sa.select(tables.history).where(tables.history.c.kind == "Decide")).all()
    assert len(decided) == 1


def test_a_remembered_device_takes_two_taps_and_no_password(app: Countersign, token: str):
    with client(app) as browser:
        sign_in_by_link(browser, token)
        browser.cookies.delete("session")
        assert 'type="password"' not in browser.get(f"/l/{token}").text
        sheet = enter(browser, token)
        assert sheet.url.path.startswith("/tasks/")
        decide(browser, sheet.url.path, sheet.text)
    with app.db.read() as tx:
        assert tx.execute(sa.select(tables.history).where(tables.history.c.kind == "Decide")).one()


def test_a_forwarded_link_does_not_let_another_person_decide(app: Countersign, token: str):
    with client(app) as browser:
        page = enter(browser, token, login="zhanglan", password=PASSWORD)
    assert page.status_code == 404


def test_tampered_and_foreign_tokens_give_one_identical_page(app: Countersign, token: str):
    with client(app) as browser:
        pages = {browser.get(f"/l/{wrong}").text for wrong in (token[:-1], token + "A", "A" * 43, token[::-1])}
        assert browser.get("/l/x").status_code == 404
    assert len(pages) == 1


def test_link_pages_are_not_stored_and_tell_no_referrer(app: Countersign, token: str):
    with client(app) as browser:
        headers = browser.get(f"/l/{token}").headers
    assert "no-store" in headers["cache-control"]
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]

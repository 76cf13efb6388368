"""Approval links as approvers, mail scanners and strangers use them, over HTTP, on both databases: DESIGN 9."""

import hashlib
import re
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import structlog
from fastapi.testclient import TestClient

from engine.cli.demo.people import PASSWORD
from engine.service import links, operations, personnel, proposals, reorganising
from engine.service.app import Countersign
from engine.service.operations import Door
from engine.store import tables
from tests.acceptance.offices import key, notices, open_task, viewer
from tests.security import small_cases
from tests.security.link_case import (
    APPROVER,
    answers,
    app,
    client,
    decide,
    decisions,
    digest,
    enter,
    hidden,
    mailed,
    sign_in_by_link,
    signed_in,
    token,
)
from tests.security.signed_in import later, session

__all__ = ["app", "token"]


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


def test_a_forwarded_link_is_refused_and_recorded(app: Countersign, token: str):
    with client(app) as browser:
        page = enter(browser, token, login="zhanglan", password=PASSWORD)
        assert page.status_code == 404
        assert "session" not in browser.cookies
    with client(app) as auditor:
        record = signed_in(app, auditor, "xuwen").get("/access").text
    assert "李国强" in record
    assert "张岚" in record
    with client(app) as browser:
        assert signed_in(app, browser, "wangmin").get("/access").status_code == 404


def test_a_link_that_somebody_else_opens_with_their_session_shows_nothing_of_the_case(app: Countersign, token: str):
    with client(app) as browser:
        page = signed_in(app, browser, "zhanglan").get(f"/l/{token}")
    assert page.status_code == 200
    assert "Autumn plan" not in page.text
    assert 'type="password"' in page.text


def test_tampered_truncated_and_foreign_tokens_give_one_identical_page(app: Countersign, token: str):
    wrong = (token[:-1], token[:-1] + "~", token + "A", "A" * 43, token[::-1], "x", token.swapcase())
    with client(app) as browser:
        pages = [browser.get(f"/l/{one}") for one in wrong]
    assert {page.status_code for page in pages} == {404}
    assert len({page.text for page in pages}) == 1


def test_expired_revoked_and_closed_links_look_like_unknown_ones(app: Countersign, token: str, tmp_path: Path):
    with client(app) as browser:
        unknown = browser.get("/l/unknown").text
        with app.db.begin() as tx:
            tx.execute(sa.update(tables.links).values(revoked_at=app.now()))
        assert browser.get(f"/l/{token}").text == unknown


def test_link_pages_are_not_stored_and_tell_no_referrer(app: Countersign, token: str):
    with client(app) as browser:
        headers = browser.get(f"/l/{token}").headers
    assert "no-store" in headers["cache-control"]
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]


def test_a_link_is_bound_to_person_case_step_round_and_revision_and_kept_as_a_hash(app: Countersign, token: str):
    assert len(token) >= 43  # 256 bits in base64
    with app.db.read() as tx:
        row = tx.execute(sa.select(tables.links)).one()
        case = tx.execute(sa.select(tables.cases)).one()
    assert row.hash == hashlib.sha256(token.encode()).hexdigest()
    assert (row.person, row.case_id, row.step, row.round, row.seq) == (
        APPROVER,
        case.id,
        "county_head",
        case.round,
        case.seq,
    )


@pytest.mark.parametrize("header", ["Purpose", "Sec-Purpose", "X-Moz", "X-Purpose"])
def test_who_fetches_ahead_gets_a_page_that_tells_nothing(app: Countersign, token: str, header: str):
    with client(app) as browser:
        signed_in(app, browser)
        page = browser.get(f"/l/{token}", headers={header: "prefetch"}, follow_redirects=False)
        unknown = browser.get("/l/unknown", headers={header: "prefetch"})
    assert page.status_code == 200
    assert "<form" not in page.text
    assert "Autumn plan" not in page.text
    assert page.text.replace(token, "") == unknown.text.replace("unknown", "")


def test_no_page_of_a_link_sends_a_form_by_itself(app: Countersign, token: str):
    with client(app) as browser:
        page = browser.get(f"/l/{token}").text
    scripts = re.findall(r"<script[^>]*>([^<]*)</script>", page)
    assert scripts == [""]  # the one file of enhancements, nothing inline
    assert not re.search(r"\bonload|http-equiv|\.submit\(\)", page + (Path("api/static/countersign.js").read_text()))


def test_looking_does_not_burn_a_link(app: Countersign, token: str):
    with client(app) as browser:
        for _ in range(5):
            browser.get(f"/l/{token}")
        assert sign_in_by_link(browser, token).startswith("/tasks/")
    assert links.follow(app, token).asks == "device"


def test_a_link_expires_on_time(app: Countersign, token: str, tmp_path: Path):
    later(tmp_path, timedelta(days=13))
    assert answers(app, token) == 200
    later(tmp_path, timedelta(days=14))
    assert answers(app, token) == 404


def test_a_decided_link_signs_nobody_in_and_shows_who_decided(app: Countersign, token: str):
    with client(app) as browser:
        sheet = sign_in_by_link(browser, token)
        decide(browser, sheet, browser.get(sheet).text)
        shown = browser.get(f"/l/{token}")
        assert "李国强" in shown.text
        assert "同意" in shown.text
        browser.cookies.delete("session")
        assert 'type="password"' in browser.get(f"/l/{token}").text  # the device alone is not enough any more
        csrf = hidden(browser.get(f"/l/{token}").text, "csrf")
        assert browser.post(f"/l/{token}", data={"csrf": csrf}).status_code == 401


def ended(app: Countersign, browser: TestClient, token: str) -> None:
    """The link signs nobody in any more, and its person sees on the sheet that nothing waits for them."""
    assert links.follow(app, token).asks == "session"
    page = signed_in(app, browser).get(f"/l/{token}")
    assert page.status_code == 200
    assert "此项已不再等待您处理" in page.text or "decide" not in page.text
    assert 'name="decision"' not in page.text


def test_a_link_is_over_when_the_case_is_withdrawn(app: Countersign, token: str):
    case_id = links.follow(app, token).case_id
    proposals.withdraw(app, viewer(app, "wangmin"), case_id, "not now", key=key())
    with client(app) as browser:
        ended(app, browser, token)


def test_a_link_is_over_when_the_task_is_transferred(app: Countersign, token: str):
    door = Door(viewer(app, APPROVER), key())
    operations.transfer(app, door, links.follow(app, token).task_id, "sunli", remark="yours")
    with client(app) as browser:
        ended(app, browser, token)


def test_a_delegated_task_waits_for_the_other_and_its_link_for_nobody(app: Countersign, token: str):
    door = Door(viewer(app, APPROVER), key())
    operations.delegate(app, door, links.follow(app, token).task_id, "sunli", remark="look first")
    with client(app) as browser:
        ended(app, browser, token)


def test_a_link_is_over_when_its_person_loses_the_role(app: Countersign, token: str):
    personnel.give_role(app, "sunli", "head", "440111")
    personnel.take_role(app, APPROVER, "head", "440111")
    reorganising.resolve_open(app)
    with client(app) as browser:
        ended(app, browser, token)


def test_a_link_is_over_when_the_account_is_closed(app: Countersign, token: str):
    personnel.close_account(app, APPROVER)
    assert answers(app, token) == 404


def test_links_from_before_a_restore_are_void_and_later_ones_work(app: Countersign, token: str):
    assert links.restored(app) == 1
    assert answers(app, token) == 404
    assert links.restored(app) == 0
    fresh = mailed(app, small_cases.submitted(app, "small-case"))
    assert answers(app, fresh) == 200


def test_links_are_revoked_by_their_person_and_by_an_administrator(app: Countersign, token: str):
    assert links.void(app, viewer(app, "wangmin")) == 0
    assert links.void(app, viewer(app, APPROVER)) == 1
    assert answers(app, token) == 404
    again = mailed(app, small_cases.submitted(app, "small-case"))
    with client(app) as browser:
        session(app, browser, "machao")
        csrf = hidden(browser.get("/access").text, "csrf")
        page = browser.post("/access/links", data={"csrf": csrf, "person": APPROVER})
        assert "1" in page.text
        assert browser.post("/access/links", data={"csrf": csrf, "person": "nobody"}).status_code == 422
    assert answers(app, again) == 404
    with client(app) as browser:
        session(app, browser, "xuwen")
        csrf = hidden(browser.get("/access").text, "csrf")
        assert browser.post("/access/links", data={"csrf": csrf, "person": APPROVER}).status_code == 404


def test_a_case_revised_after_mailing_shows_the_difference_and_asks_again(app: Countersign, token: str):
    case_id = links.follow(app, token).case_id
    submitter = viewer(app, "wangmin")
    proposals.withdraw(app, submitter, case_id, "one more look", key=key(), again=True)
    proposals.submit(app, submitter, case_id, small_cases.form(budget="9000.00"), key=key())
    target = links.follow(app, token)
    assert (target.asks, target.since > 0, target.task_id) == ("session", True, open_task(app, APPROVER))
    with client(app) as browser:
        page = signed_in(app, browser).get(f"/l/{token}")
        assert f"since={target.since}" in str(page.url)
        changed = page.text.split("changed-box")[1].split("</section>")[0]
        assert "4,000" in changed
        assert "9,000" in changed
        decide(browser, page.url.path, page.text)
    assert decisions(app) == [(APPROVER, "page")]


def test_a_sheet_opened_before_the_revision_does_not_decide_after_it(app: Countersign, token: str):
    case_id = links.follow(app, token).case_id
    with client(app) as browser:
        sheet = signed_in(app, browser).get(f"/l/{token}")
        submitter = viewer(app, "wangmin")
        proposals.withdraw(app, submitter, case_id, "one more look", key=key(), again=True)
        proposals.submit(app, submitter, case_id, small_cases.form(budget="9000.00"), key=key())
        decide(browser, sheet.url.path, sheet.text)
    assert decisions(app) == []


def test_the_address_is_clean_after_the_exchange(app: Countersign, token: str):
    with client(app) as browser:
        csrf = hidden(browser.get(f"/l/{token}").text, "csrf")
        given = {"csrf": csrf, "login": APPROVER, "password": PASSWORD}
        answer = browser.post(f"/l/{token}", data=given, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/tasks/{links.follow(app, token).task_id}"
    assert token not in str(answer.headers)


def test_tokens_are_in_no_log(app: Countersign, token: str, caplog: pytest.LogCaptureFixture):
    with structlog.testing.capture_logs() as logged, client(app) as browser:
        sign_in_by_link(browser, token)
        enter(browser, token, login="zhanglan", password=PASSWORD)
        browser.get(f"/l/{token}x")
    assert any(line.get("route") == "/l/{token}" for line in logged)
    assert token not in repr(logged) + caplog.text


@pytest.mark.parametrize(
    "back",
    [
        "//evil.example",
        "/\\evil.example",
        "https:evil.example",
        "https://evil.example",
        "/%2F/evil.example\n",
        "/a\r\nLocation: https://evil.example",
        "\t//evil.example",
        "javascript:alert(1)",
        "%2F%2Fevil.example",
    ],
)
def test_a_return_path_stays_on_this_host(app: Countersign, back: str):
    with client(app) as browser:
        csrf = hidden(browser.get("/sign-in", params={"next": back}).text, "csrf")
        given = {"csrf": csrf, "login": APPROVER, "password": PASSWORD, "next": back}
        answer = browser.post("/sign-in", data=given, follow_redirects=False)
        signed_in = browser.get("/sign-in", params={"next": back}, follow_redirects=False)
    assert answer.headers["location"] == "/inbox"
    assert signed_in.headers["location"] == "/inbox"


def test_sign_in_links_ask_each_time(app: Countersign):
    small_cases.published(app, "careful-case", link="sign_in")
    token = mailed(app, small_cases.submitted(app, "careful-case"))
    with client(app) as browser:
        sign_in_by_link(browser, token)
        assert 'type="password"' in browser.get(f"/l/{token}").text  # a session is open, the device is remembered
        csrf = hidden(browser.get(f"/l/{token}").text, "csrf")
        assert browser.post(f"/l/{token}", data={"csrf": csrf}).status_code == 401


def test_the_host_of_a_link_comes_from_the_settings(app: Countersign):
    case_id = small_cases.submitted(app, "small-case")
    link = next(one.link for one in notices(app) if one.case_id == case_id)
    assert link.startswith("http://testserver/l/")
    with client(app) as browser:
        forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
        for path in (f"/l/{token_of_link(link)}", "/sign-in", "/cases", "/nothing"):
            answer = browser.get(path, headers=forged, follow_redirects=False)
            assert "evil.example" not in answer.text + str(answer.headers)


def token_of_link(link: str) -> str:
    return link.rsplit("/", 1)[1]


def test_a_filing_link_acknowledges_and_cannot_approve(app: Countersign):
    token = mailed(app, small_cases.submitted(app, "small-case", kind="filing"), "zhengkai")
    with client(app) as browser:
        sheet = signed_in(app, browser, "zhengkai").get(f"/l/{token}")
        assert 'value="acknowledge"' in sheet.text
        assert 'value="approve"' not in sheet.text
        before = digest(app)
        decide(browser, sheet.url.path, sheet.text, decision="approve")
        assert {**digest(app), "sessions": []} == {**before, "sessions": []}
        decide(browser, sheet.url.path, sheet.text, decision="acknowledge")
    assert decisions(app) == [("zhengkai", "page")]


# --- links that decide by themselves

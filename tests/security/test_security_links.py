"""Approval links as approvers, mail scanners and strangers use them, over HTTP, on both databases: DESIGN 9."""

import hashlib
import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
import structlog
from fastapi.testclient import TestClient
from httpx2 import Response

from api.app import create_app
from engine.cli.demo.people import PASSWORD
from engine.service import links, operations, personnel, proposals, reorganising, tokens
from engine.service.app import Countersign
from engine.service.operations import Door
from engine.settings import Settings
from engine.store import tables
from tests.acceptance.offices import key, notices, open_task, opened, token_of, viewer
from tests.security import small_cases
from tests.security.signed_in import later, session

APPROVER = "liguoqiang"


@pytest.fixture
def app(db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db_url, tmp_path, shipped=False) as application:
        small_cases.published(application, "small-case")
        yield application


@pytest.fixture
def token(app: Countersign) -> str:
    """The token mailed to the head of the county for a case that was just submitted."""
    return mailed(app, small_cases.submitted(app, "small-case"))


def mailed(app: Countersign, case_id: str, person: str = APPROVER) -> str:
    """The newest token mailed to a person about a case."""
    sent = [one for one in notices(app) if (one.person, one.case_id) == (person, case_id) and "/l/" in one.link]
    return token_of(sent[-1])


def given(app: Countersign, **changes: object) -> Countersign:
    """The same database under other settings."""
    values = app.settings.model_dump() | changes
    return Countersign(Settings(**values), app.db)


def signed_in(app: Countersign, browser: TestClient, person: str = APPROVER, *, by_device: bool = False) -> TestClient:
    """The browser, with a session."""
    session(app, browser, person, by_device=by_device)
    return browser


def decisions(app: Countersign) -> list[tuple[str, str]]:
    """Who decided, and by which door."""
    with app.db.read() as tx:
        rows = tx.execute(sa.select(tables.history).where(tables.history.c.kind == "Decide"))
        return [(row.actor, row.via) for row in rows]


def answers(app: Countersign, token: str) -> int:
    """The status of a link for a visitor without a session."""
    with client(app) as browser:
        return browser.get(f"/l/{token}").status_code


def client(app: Countersign) -> TestClient:
    return TestClient(create_app(app), base_url="http://testserver", raise_server_exceptions=False)


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


def sign_in_by_link(browser: TestClient, token: str, login: str = APPROVER) -> str:
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


def test_who_tries_many_unknown_links_has_to_wait(app: Countersign, token: str):
    with client(app) as browser:
        csrf = hidden(browser.get(f"/l/{token}").text, "csrf")
        tried = [
            browser.post(f"/l/{n}", data={"csrf": csrf, "login": "x", "password": "y"}).status_code for n in range(31)
        ]
        assert tried == [404] * 30 + [429]
        page = browser.post(f"/l/{token}", data={"csrf": csrf, "login": APPROVER, "password": PASSWORD})
        assert page.status_code == 429


def test_who_looks_at_many_links_that_nobody_was_sent_has_to_wait_at_every_such_door(app: Countersign, token: str):
    doors = ("/l/{}", "/l/{}/code", "/reset/{}", "/calendar/{}.ics")
    with client(app) as browser, TestClient(create_app(app), client=("203.0.113.9", 1)) as elsewhere:
        assert browser.get(f"/l/{token}").status_code == 200
        tried = [browser.get(doors[n % len(doors)].format(f"guess-{n}")).status_code for n in range(201)]
        assert tried == [404] * 200 + [429]
        for door in doors:
            assert browser.get(door.format("one-more")).status_code == 429
        waits = browser.get(f"/l/{token}")  # a right one too, so that the answer tells no guess from another
        assert waits.status_code == 429
        assert int(waits.headers["retry-after"]) > 0
        assert elsewhere.get(f"/l/{token}").status_code == 200


def test_links_that_are_over_are_no_guesses(app: Countersign, token: str):
    links.void(app, viewer(app, APPROVER))
    before = digest(app)
    with client(app) as browser:
        assert {browser.get(f"/l/{token}").status_code for _ in range(210)} == {404}
    assert digest(app) == before


def test_wrong_passwords_behind_a_link_are_counted_as_everywhere(app: Countersign, token: str):
    with client(app) as browser:
        tried = [enter(browser, token, login=APPROVER, password="wrong").status_code for _ in range(9)]
    assert tried == [401] * 8 + [429]


def test_above_the_step_up_budget_a_device_or_an_old_session_is_not_enough(
    app: Countersign, token: str, tmp_path: Path
):
    careful = given(app, step_up_budget=Decimal(1000))
    with client(careful) as browser:
        sheet = signed_in(app, browser, by_device=True).get(f"/tasks/{links.follow(app, token).task_id}")
        refused = browser.post(
            sheet.url.path,
            data={name: hidden(sheet.text, name) for name in ("csrf", "key", "seen_seq")} | {"decision": "approve"},
        )
        assert refused.url.path == "/confirm"
        assert 'type="password"' in browser.get(f"/l/{token}").text  # and the link asks at once
        assert decisions(app) == []
        anew = {"csrf": hidden(refused.text, "csrf"), "next": refused.url.params["next"], "password": PASSWORD}
        kept = browser.post("/confirm", data=anew)
        assert kept.url.path.startswith("/resume/")
        assert decisions(app) == []  # what was sent is shown first
        names = ("csrf", "key", "seen_seq", "decision")
        browser.post(sheet.url.path, data={name: hidden(kept.text, name) for name in names})
    assert decisions(app) == [(APPROVER, "page")]


def test_a_session_grows_too_old_for_a_large_budget(app: Countersign, token: str, tmp_path: Path):
    careful = given(app, step_up_budget=Decimal(1000))
    with client(careful) as browser:
        signed_in(app, browser)
        assert browser.get(f"/l/{token}").url.path.startswith("/tasks/")
        later(tmp_path, timedelta(minutes=16))
        assert browser.get(f"/l/{token}").url.path == f"/l/{token}"


def test_the_step_up_holds_at_every_door(app: Countersign, token: str):
    careful = given(app, step_up_budget=Decimal(1000))
    task = links.follow(app, token).task_id
    with client(careful) as browser:
        signed_in(app, browser, by_device=True)
        bearer = {"Authorization": f"Bearer {browser.cookies['session']}"}
        answer = browser.post(f"/api/v1/tasks/{task}/decision", json={"decision": "approve"}, headers=bearer)
        assert (answer.status_code, answer.json()["type"]) == (401, "SignInAnew")
        page = browser.get("/inbox/decisions", params={"task": task}).text
        assert "刚刚输入过密码" in page
    assert decisions(app) == []


def test_a_token_for_scripts_never_decides_above_the_step_up_budget(app: Countersign, token: str):
    task = links.follow(app, token).task_id
    made = tokens.make(app, viewer(app, APPROVER), name="bot", scopes=["read", "act"], days=30)
    said: dict[str, object] = {"json": {"decision": "approve"}, "headers": {"Authorization": f"Bearer {made}"}}
    for limit, status, stands in ((1000, 401, []), (10**9, 200, [(APPROVER, "api")])):
        with client(given(app, step_up_budget=Decimal(limit))) as script:
            assert script.post(f"/api/v1/tasks/{task}/decision", **said).status_code == status
        assert decisions(app) == stands


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


@pytest.fixture
def direct(app: Countersign) -> Countersign:
    """The application where open cases of one kind are decided by link up to 5,000."""
    small_cases.published(app, "direct-case", link="direct")
    return given(app, direct_budget=Decimal(5000))


def open_directly(browser: TestClient, token: str) -> Response:
    return browser.post(f"/l/{token}", data={"csrf": hidden(browser.get(f"/l/{token}").text, "csrf")})


def test_direct_is_off_by_default(app: Countersign):
    small_cases.published(app, "direct-case", link="direct")
    token = mailed(app, small_cases.submitted(app, "direct-case"))
    assert links.follow(app, token).asks == "device"
    with client(app) as browser:
        assert 'type="password"' in browser.get(f"/l/{token}").text
        assert browser.get("/decide").status_code == 404


def test_a_direct_link_takes_two_taps_and_the_history_says_by_link(direct: Countersign):
    case_id = small_cases.submitted(direct, "direct-case")
    token = mailed(direct, case_id)
    with client(direct) as browser:
        page = open_directly(browser, token)
        assert page.url.path == "/decide"
        assert token not in page.text
        shown = decide(browser, "/decide", page.text)
        assert "李国强" in shown
        again = re.sub(r'(name="key" value=")[^"]*', r"\1another-tap", page.text)
        second = decide(browser, "/decide", again, decision="reject", remark="too late")
        assert "李国强" in second
        assert browser.get("/inbox", follow_redirects=False).status_code == 303  # no session came of it
    assert decisions(direct) == [(APPROVER, "link")]
    with client(direct) as browser:
        history = signed_in(direct, browser, "wangmin").get(f"/cases/{case_id}", params={"tab": "history"}).text
    assert "经链接" in history


@pytest.mark.parametrize("path", ["/l/{token}", "/decide"])
def test_looking_at_a_direct_link_a_hundred_times_changes_nothing(direct: Countersign, path: str):
    token = mailed(direct, small_cases.submitted(direct, "direct-case"))
    with client(direct) as browser:
        open_directly(browser, token)
        before = digest(direct)
        for _ in range(100):
            browser.get(path.format(token=token))
    assert digest(direct) == before


def test_a_direct_link_above_the_cap_asks_for_a_sign_in(direct: Countersign):
    token = mailed(direct, small_cases.submitted(direct, "direct-case", budget="5000.01"))
    assert links.follow(direct, token).asks == "device"


def test_a_direct_link_never_opens_a_confidential_case(direct: Countersign):
    small_cases.published(direct, "secret-case", link="direct", visibility="confidential")
    token = mailed(direct, small_cases.submitted(direct, "secret-case"))
    assert links.follow(direct, token).asks == "device"


def test_a_direct_link_to_a_revised_case_shows_the_difference_and_asks_again(direct: Countersign):
    case_id = small_cases.submitted(direct, "direct-case")
    token = mailed(direct, case_id)
    with client(direct) as browser:
        old = open_directly(browser, token)
        submitter = viewer(direct, "wangmin")
        proposals.withdraw(direct, submitter, case_id, "one more look", key=key(), again=True)
        proposals.submit(direct, submitter, case_id, small_cases.form(budget="4500.00"), key=key())
        decide(browser, "/decide", old.text)
        assert decisions(direct) == []
        page = browser.get("/decide")
        changed = page.text.split("changed-box")[1].split("</section>")[0]
        assert "4,500" in changed
        decide(browser, "/decide", page.text)
    assert decisions(direct) == [(APPROVER, "link")]


def test_a_direct_filing_link_acknowledges_and_cannot_approve(direct: Countersign):
    token = mailed(direct, small_cases.submitted(direct, "direct-case", kind="filing"), "zhengkai")
    with client(direct) as browser:
        page = open_directly(browser, token)
        assert 'value="approve"' not in page.text
        decide(browser, "/decide", page.text, decision="approve")
        assert decisions(direct) == []
        decide(browser, "/decide", page.text, decision="acknowledge")
    assert decisions(direct) == [("zhengkai", "link")]


def test_a_direct_link_that_was_made_void_decides_nothing(direct: Countersign):
    token = mailed(direct, small_cases.submitted(direct, "direct-case"))
    with client(direct) as browser:
        page = open_directly(browser, token)
        links.void(direct, viewer(direct, "machao"), APPROVER)
        fields = {name: hidden(page.text, name) for name in ("csrf", "key", "seen_seq")}
        assert browser.post("/decide", data={**fields, "decision": "approve"}).status_code == 404
        assert browser.get("/decide").status_code == 404
    assert decisions(direct) == []

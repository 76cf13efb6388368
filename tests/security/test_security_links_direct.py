"""Links that decide without a sign-in (`direct`): off unless set, capped, two taps, never of a confidential case."""

import re
from decimal import Decimal

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from engine.service import links, proposals
from engine.service.app import Countersign
from tests.acceptance.offices import key, viewer
from tests.security import small_cases
from tests.security.link_case import (
    APPROVER,
    app,
    client,
    decide,
    decisions,
    digest,
    given,
    hidden,
    mailed,
    signed_in,
)

__all__ = ["app"]


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

"""What a link does not get past: tries are counted, and a large budget asks for a password of a moment ago."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from fastapi.testclient import TestClient

from api.app import create_app
from engine.cli.demo.people import PASSWORD
from engine.service import links, tokens
from engine.service.app import Countersign
from tests.acceptance.offices import viewer
from tests.security.link_case import APPROVER, app, client, decisions, digest, enter, given, hidden, signed_in, token
from tests.security.signed_in import later

__all__ = ["app", "token"]


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

"""My account, signing in step by step, and forms that come after their session ended: by pages, without JavaScript."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pyotp
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from engine import clock
from engine.cli.demo.people import PASSWORD
from engine.service import passwords, people, sessions, tokens
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from engine.store import credentials
from tests.api.desk import Desk

NEW = "夜雨十年灯 jiang hu"
Desks = Callable[..., Desk]


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Moves the clock on."""
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    return lambda **span: clock.move(tmp_path / "clock", timedelta(**span))


def secret_of(page: Any) -> str:
    found = re.search(r"<code>([A-Z2-7]{32})</code>", page.text)
    assert found, page.text
    return found[1]


def switch_factor_on(desk: Desk, app: Countersign) -> tuple[pyotp.TOTP, list[str]]:
    page = desk.get("/account/second-factor")
    totp = pyotp.TOTP(secret_of(page))
    values = desk.form(page, "/account/second-factor")
    answer = desk.post("/account/second-factor", data=values | {"code": totp.at(app.now())})
    assert answer.status_code == 200, answer.text
    return totp, re.findall(r"<li><code>([a-z0-9-]{11})</code>", answer.text)


def test_a_newcomer_chooses_a_password_before_anything_else(app: Countersign, desk: Desks):
    with app.db.begin() as tx:
        credentials.set_password(tx, "wangmin", passwords.hashed("given-by-office"), must_change=True)
    new = desk()
    asked = new.fill_in("/sign-in?next=/cases", "/sign-in", login="wangmin", password="given-by-office")
    assert asked.url.path == "/sign-in/step"
    assert new.get("/cases", follow_redirects=False).status_code == 303
    short = new.post("/sign-in/password", data=new.form(asked, "/sign-in/password") | {"new": "kurz", "again": "kurz"})
    assert short.status_code == 422
    assert "10 characters at least" in short.text
    done = new.post("/sign-in/password", data=new.form(short, "/sign-in/password") | {"new": NEW, "again": NEW})
    assert done.url.path == "/cases"
    other = desk()
    assert other.fill_in("/sign-in", "/sign-in", login="wangmin", password=NEW).url.path == "/inbox"


def test_the_second_factor_is_set_up_and_asked_on_pages(app: Countersign, desk: Desks, later: Callable[..., None]):
    first = desk("wangmin")
    page = first.get("/account/second-factor")
    assert "<svg" in page.text
    wrong = first.post("/account/second-factor", data=first.form(page, "/account/second-factor") | {"code": "1"})
    assert wrong.status_code == 401
    assert secret_of(wrong) == secret_of(page)
    totp, codes = switch_factor_on(first, app)
    assert len(codes) == 10
    later(seconds=60)
    again = desk()
    asked = again.fill_in("/sign-in?next=/cases", "/sign-in", login="wangmin", password=PASSWORD)
    assert asked.url.path == "/sign-in/step"
    refused = again.post("/sign-in/code", data=again.form(asked, "/sign-in/code") | {"code": "nonsense"})
    assert refused.status_code == 401
    done = again.post("/sign-in/code", data=again.form(refused, "/sign-in/code") | {"code": totp.at(app.now())})
    assert done.url.path == "/cases"
    by_recovery = desk()
    asked = by_recovery.fill_in("/sign-in", "/sign-in", login="wangmin", password=PASSWORD)
    done = by_recovery.post("/sign-in/code", data=by_recovery.form(asked, "/sign-in/code") | {"code": codes[0]})
    assert done.url.path == "/inbox"
    first.post("/account/second-factor/off", data=first.form(first.get("/account"), "/account/second-factor/off"))
    assert desk("wangmin").get("/account").status_code == 200


def test_a_link_in_the_mail_asks_for_the_second_factor_as_well(
    app: Countersign, desk: Desks, later: Callable[..., None]
):
    from tests.acceptance.offices import notices, submitted, token_of

    submitted(app)
    link = next(token_of(one) for one in notices(app) if one.person == "liguoqiang")
    totp, _ = switch_factor_on(desk("liguoqiang"), app)
    later(seconds=60)
    fresh = desk()
    asked = fresh.fill_in(f"/l/{link}", f"/l/{link}", login="liguoqiang", password=PASSWORD)
    assert asked.url.path == "/sign-in/step"
    done = fresh.post("/sign-in/code", data=fresh.form(asked, "/sign-in/code") | {"code": totp.at(app.now())})
    assert done.url.path.startswith("/tasks/")
    fresh.cookies.delete("session")
    assert "/sign-in" in str(fresh.get("/inbox").url)
    tapped = fresh.fill_in(f"/l/{link}", f"/l/{link}")
    assert tapped.url.path.startswith("/tasks/")


def test_what_weighs_more_asks_again_who_it_is(app: Countersign, desk: Desks, later: Callable[..., None]):
    mine = desk("wangmin")
    later(minutes=16)
    asked = mine.get("/account/tokens/new")
    assert asked.url.path == "/confirm"
    before = mine.cookies["session"]
    wrong = mine.post("/confirm", data=mine.form(asked, "/confirm") | {"password": "wrong"})
    assert wrong.status_code == 401
    done = mine.post("/confirm", data=mine.form(wrong, "/confirm") | {"password": PASSWORD})
    assert done.url.path == "/account/tokens/new"
    assert mine.cookies["session"] != before


def test_a_token_is_made_shown_once_used_and_revoked(app: Countersign, desk: Desks):
    mine = desk("wangmin")
    page = mine.get("/account/tokens/new")
    bad = mine.post("/account/tokens/new", data=mine.form(page, "/account/tokens/new") | {"name": "x" * 99, "days": ""})
    assert bad.status_code == 422
    assert "x" * 99 in bad.text
    values = mine.form(page, "/account/tokens/new") | {"name": "<b>report</b>", "scopes": ["read"], "days": "30"}
    made = mine.post("/account/tokens/new", data=values)
    token = re.search(r"csign_[\w-]{43}", made.text)
    assert token
    assert "<b>" not in made.text
    account = mine.get("/account")
    assert token[0] not in account.text
    assert f"…{token[0][-4:]}" in account.text
    script = desk()
    sent = {"authorization": f"Bearer {token[0]}"}
    assert script.get("/api/v1/inbox", headers=sent).status_code == 200
    assert script.post("/api/v1/cases", json={"definition": "telecom-marketing-case"}, headers=sent).status_code == 404
    mine.post("/account/tokens/revoke", data=mine.form(account, "/account/tokens/revoke"))
    assert script.get("/api/v1/inbox", headers=sent).status_code == 401


def test_a_reading_token_changes_nothing_on_any_route(app: Countersign, api: FastAPI, desk: Desks):
    admin = people.viewer_named(app, "wangmin")
    token = tokens.make(app, admin, name="read", scopes=["read"], days=7)
    script, tried = desk(), 0
    for one in iter_route_contexts(api.routes):
        if not isinstance(one.original_route, APIRoute) or not one.path.startswith("/api/"):
            continue
        for method in (one.methods or set()) - {"GET", "HEAD"}:
            if one.path == "/api/v1/session" and method == "POST":
                continue  # name and password, no token
            path = re.sub(r"{[^}]*}", "1", one.path)
            answer = script.request(method, path, json={}, headers={"authorization": f"Bearer {token}"})
            assert answer.status_code in (404, 422), f"{method} {path}: {answer.status_code}"
            assert answer.status_code == 404 or "problems" in answer.json(), f"{method} {path}"
            tried += 1
    assert tried > 25


def test_a_token_is_no_session_for_pages(app: Countersign, desk: Desks):
    token = tokens.make(app, people.viewer_named(app, "wangmin"), name="all", scopes=tokens.SCOPES, days=7)
    browser = desk()
    browser.cookies.set("session", token)
    assert browser.get("/account", follow_redirects=False).status_code in (303, 404)
    assert browser.get("/account/tokens/new", follow_redirects=False).status_code in (303, 404)


def test_sessions_are_listed_in_words_and_ended(app: Countersign, desk: Desks):
    agent = (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"
    )
    old = desk()
    old.headers["user-agent"] = agent
    old.sign_in("wangmin")
    mine = desk("wangmin")
    page = mine.get("/account")
    assert "Chrome on Windows" in page.text
    assert "this browser" in page.text
    form = mine.form(page, "/account/sessions/end-others")
    done = mine.post("/account/sessions/end-others", data=form)
    assert "All other sessions were ended" in done.text
    assert old.get("/inbox").url.path == "/sign-in"
    assert mine.get("/inbox").url.path == "/inbox"


def test_the_language_chosen_on_the_sign_in_page_stays_after_signing_in(app: Countersign, desk: Desks):
    mine = desk()
    assert people.viewer_named(app, "wangmin").language == "zh"
    chosen = mine.fill_in("/sign-in", "/language", language="en")
    assert "Sign in" in chosen.text
    inbox = mine.post("/sign-in", data=mine.form(chosen, "/sign-in") | {"login": "wangmin", "password": PASSWORD})
    assert "Sign out" in inbox.text
    assert people.viewer_named(app, "wangmin").language == "en"


def test_who_chose_no_language_in_the_browser_reads_their_own(app: Countersign, desk: Desks):
    mine = desk()
    inbox = mine.fill_in("/sign-in", "/sign-in", login="wangmin", password=PASSWORD)
    assert "退出" in inbox.text


def test_a_form_sent_after_the_session_ended_is_sent_after_signing_in(
    app: Countersign, desk: Desks, later: Callable[..., None]
):
    mine = desk("wangmin")
    started = mine.post("/cases", data=mine.form(mine.get("/cases/new"), "/cases") | {"definition": TELECOM})
    form = mine.form(started, started.url.path)
    later(hours=13)
    typed = {"title": '国庆<script>alert("x")</script>', "goal": "办理率 3.0%", "action": "save"}
    expired = mine.post(started.url.path, data=form | typed)
    assert expired.status_code == 401
    assert "What you typed is kept" in expired.text
    shown = mine.post("/sign-in", data=mine.form(expired, "/sign-in") | {"login": "wangmin", "password": PASSWORD})
    assert shown.url.path.startswith("/resume/")
    assert "办理率 3.0%" in shown.text
    assert "<script>alert" not in shown.text
    before = dict(mine.form(mine.get(started.url.path), started.url.path))
    assert before
    sent = mine.post(started.url.path, data=every_field(shown, started.url.path))
    assert sent.status_code == 200
    assert "办理率 3.0%" in mine.get(started.url.path).text


def test_a_kept_form_is_its_persons_alone(app: Countersign, desk: Desks, later: Callable[..., None]):
    mine = desk("wangmin")
    started = mine.post("/cases", data=mine.form(mine.get("/cases/new"), "/cases") | {"definition": TELECOM})
    form = mine.form(started, started.url.path)
    later(hours=13)
    expired = mine.post(started.url.path, data=form | {"goal": "secret goal", "action": "save"})
    shown = mine.post("/sign-in", data=mine.form(expired, "/sign-in") | {"login": "liguoqiang", "password": PASSWORD})
    assert shown.status_code == 404
    assert "secret goal" not in shown.text


def test_a_form_from_an_earlier_session_is_offered_once_more(app: Countersign, desk: Desks):
    mine = desk("wangmin")
    started = mine.post("/cases", data=mine.form(mine.get("/cases/new"), "/cases") | {"definition": TELECOM})
    form = mine.form(started, started.url.path) | {"goal": "typed before", "action": "save"}
    mine.fill_in("/inbox", "/sign-out")
    mine.sign_in("wangmin")
    assert mine.post(started.url.path, data=form).status_code == 403
    shown = mine.post(started.url.path, data=form, headers={"sec-fetch-site": "same-origin"})
    assert shown.url.path.startswith("/resume/")
    assert "typed before" in shown.text
    assert mine.post(started.url.path, data=form, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert mine.post(started.url.path, data=form | {"csrf": "会签"}).status_code == 403


def test_a_form_from_elsewhere_is_never_kept(app: Countersign, desk: Desks):
    stranger = desk()
    for headers in ({}, {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}):
        answer = stranger.post("/cases", data={"definition": TELECOM, "goal": "planted"}, headers=headers)
        assert answer.status_code == 401
        assert "/resume/" not in answer.text


def test_passwords_and_codes_are_never_kept(app: Countersign, desk: Desks, later: Callable[..., None]):
    mine = desk("wangmin")
    form = mine.form(mine.get("/account/password"), "/account/password")
    later(hours=13)
    answer = mine.post("/account/password", data=form | {"old": PASSWORD, "new": NEW, "again": NEW})
    assert answer.status_code == 401
    assert "/resume/" not in answer.text
    assert NEW not in answer.text


def test_a_reset_link_is_looked_at_and_used_on_its_page(app: Countersign, desk: Desks):
    link = passwords.reset_link(app, OPERATOR, "wangmin")
    mine = desk()
    for _ in range(3):
        assert mine.get(f"/reset/{link.token}").status_code == 200
    page = mine.get(f"/reset/{link.token}")
    weak = mine.post(f"/reset/{link.token}", data=mine.form(page, f"/reset/{link.token}") | {"new": "1", "again": "2"})
    assert weak.status_code == 422
    assert "The two are not the same." in weak.text
    form = mine.form(weak, f"/reset/{link.token}")
    done = mine.post(f"/reset/{link.token}", data=form | {"new": NEW, "again": NEW})
    assert "Your new password counts" in done.text
    assert mine.get(f"/reset/{link.token}").status_code == 404
    assert desk().post(f"/reset/{link.token}", data={"new": NEW, "again": NEW}).status_code == 403
    signed_in = mine.post("/sign-in", data=mine.form(done, "/sign-in") | {"login": "wangmin", "password": NEW})
    assert signed_in.url.path == "/inbox"


def test_too_many_tries_say_when_to_try_again(app: Countersign, desk: Desks):
    mine = desk()
    for _ in range(8):
        assert mine.fill_in("/sign-in", "/sign-in", login="wangmin", password="wrong").status_code == 401
    told = mine.fill_in("/sign-in", "/sign-in", login="wangmin", password=PASSWORD)
    assert told.status_code == 429
    assert re.search(r"Try again after .*\d\d:\d\d", told.text)
    script = mine.post("/api/v1/session", json={"login": "wangmin", "password": PASSWORD})
    assert script.status_code == 429
    assert 1 <= int(script.headers["retry-after"]) <= 660


def test_signing_in_again_leaves_no_session_behind(app: Countersign, desk: Desks):
    mine = desk("wangmin")
    before = mine.cookies["session"]
    answer = mine.post("/sign-in", data={"csrf": people.csrf_of(app, before), "login": "wangmin", "password": PASSWORD})
    assert answer.url.path == "/inbox"
    assert mine.cookies["session"] != before
    me = people.viewer_of(app, mine.cookies["session"])
    assert len(sessions.places(app, me, "").sessions) == 1


TELECOM = "telecom-marketing-case"
HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


def every_field(page: Any, action: str) -> dict[str, list[str]]:
    """The hidden fields of the form, those that stand several times too."""
    form = next(one for one in re.findall(r"<form.*?</form>", page.text, re.S) if f'action="{action}"' in one)
    fields: dict[str, list[str]] = {}
    for name, value in HIDDEN.findall(form):
        fields.setdefault(unescape(name), []).append(unescape(value))
    return fields

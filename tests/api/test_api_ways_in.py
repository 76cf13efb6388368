"""Administrators let somebody in again, or out: a link for a new password, a lost second factor, all sessions ended.

On the page of the person, without scripts, and by API. Also: what is shown once is shown again to the same form.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine import clock
from engine.cli.demo.people import PASSWORD
from engine.service import passwords, people, sessions, tokens
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from engine.store import credentials
from engine.store.tables import organisation_history
from tests.api.cases import viewer
from tests.api.desk import Desk

Desks = Callable[..., Desk]
NEW = "夜雨十年灯 jiang hu"
PERSON = "/admin/people/wangmin"
CHANGE = f"{PERSON}/change"


def noted(app: Countersign) -> list[tuple[str, str, str]]:
    """Kind, subject and actor of what administrators did."""
    columns = (organisation_history.c.kind, organisation_history.c.subject, organisation_history.c.actor)
    with app.db.read() as tx:
        rows = tx.execute(sa.select(*columns).where(organisation_history.c.actor != "system").order_by("seq"))
        return [tuple(row) for row in rows]


def link_of(page: str) -> str:
    """The path of the link that a page shows."""
    (link,) = re.findall(r"<code>https?://[^/<]+(/reset/[\w-]+)</code>", page)
    return link


def with_factor(app: Countersign, person: str) -> None:
    with app.db.begin() as tx:
        credentials.put_factor(tx, person, "sealed", app.now())


def test_a_link_for_a_new_password_is_shown_once_works_once_and_is_written_down(app: Countersign, desk: Desks) -> None:
    admin, forgetful = desk("machao"), desk()
    assert f"{CHANGE}?do=reset" in admin.get(PERSON).text
    asked = admin.get(f"{CHANGE}?do=reset")
    assert "Whoever has it chooses their password" in asked.text
    assert noted(app) == []  # looking makes none
    form = admin.form(asked, CHANGE) | {"reason": "forgot it <b>"}
    made = admin.post(CHANGE, data=form)
    again = admin.post(CHANGE, data=form)  # a double click shows the same link
    link = link_of(made.text)
    assert link_of(again.text) == link
    assert noted(app) == [("reset_link_made", "wangmin", "machao")]
    assert link.rpartition("/")[2] not in admin.get("/admin/audit").text
    history = admin.get(PERSON).text
    assert "made a link for a new password" in history and "forgot it &lt;b&gt;" in history
    chosen = forgetful.fill_in(link, link, new=NEW, again=NEW)
    assert "Your new password counts" in chosen.text
    assert forgetful.get(link).status_code == 404
    assert link_of(admin.post(CHANGE, data=form).text) == link  # and it is still used up
    assert forgetful.get(link).status_code == 404
    assert people.sign_in(app, "wangmin", NEW, address="x").token
    newer = link_of(admin.fill_in(f"{CHANGE}?do=reset", CHANGE).text)
    assert newer != link


def test_a_lost_second_factor_is_taken_away(app: Countersign, desk: Desks) -> None:
    admin = desk("machao")
    assert "do=factor" not in admin.get(PERSON).text
    with_factor(app, "wangmin")
    assert f"{CHANGE}?do=factor" in admin.get(PERSON).text
    form = admin.form(admin.get(f"{CHANGE}?do=factor"), CHANGE) | {"reason": "phone lost"}
    for _ in range(2):
        assert admin.post(CHANGE, data=form).url.path == PERSON
    assert noted(app) == [("factor_removed", "wangmin", "machao")]
    assert desk("wangmin").get("/inbox").url.path == "/inbox"  # no code is asked for
    admin.fill_in(f"{CHANGE}?do=factor", CHANGE)
    assert len(noted(app)) == 1  # there was none any more


def test_somebody_is_signed_out_everywhere(app: Countersign, desk: Desks) -> None:
    admin, office, phone = desk("machao"), desk("wangmin"), desk("wangmin")
    token = tokens.make(app, viewer(app, "wangmin"), name="script", scopes=["read"], days=7)
    assert "Signed in 2 times now." in admin.get(PERSON).text
    assert "2 sessions end" in admin.get(f"{CHANGE}?do=sign_out").text
    form = admin.form(admin.get(f"{CHANGE}?do=sign_out"), CHANGE) | {"reason": "laptop stolen"}
    for _ in range(2):
        assert admin.post(CHANGE, data=form).url.path == PERSON
    for browser in (office, phone):
        assert browser.get("/inbox").url.path == "/sign-in"
    assert noted(app) == [("signed_out", "wangmin", "machao")]
    headers = {"authorization": f"Bearer {token}"}
    assert desk().get("/api/v1/inbox", headers=headers).status_code == 200  # tokens are revoked by closing the account
    assert "laptop stolen" in admin.get("/admin/audit?kind=signed_out").text


def test_what_lets_somebody_in_asks_first_who_the_administrator_is(
    app: Countersign, desk: Desks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_factor(app, "wangmin")
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    admin = desk("machao")
    forms = {do: admin.form(admin.get(f"{CHANGE}?do={do}"), CHANGE) for do in ("reset", "factor")}
    clock.move(tmp_path / "clock", timedelta(minutes=16))
    for do, form in forms.items():
        assert admin.post(CHANGE, data=form).url.path == "/confirm"
        assert admin.get(f"{CHANGE}?do={do}").url.path == "/confirm"
    assert noted(app) == []
    back = admin.fill_in(f"{CHANGE}?do=reset", "/confirm", password=PASSWORD)
    assert (back.url.path, back.url.query) == (CHANGE, b"do=reset")
    assert admin.get(f"{CHANGE}?do=sign_out").url.path == CHANGE  # this lets nobody in


@pytest.mark.parametrize("login", ["wangmin", "xuwen", "liguoqiang"])
def test_nobody_else_finds_these_buttons(app: Countersign, desk: Desks, login: str) -> None:
    browser = desk(login)
    hidden = browser.form(browser.get("/inbox"), "/sign-out")
    for do in ("reset", "factor", "sign_out"):
        assert browser.get(f"/admin/people/machao/change?do={do}").status_code == 404
        form = {"csrf": hidden["csrf"], "key": f"some-key-{do}", "do": do}
        assert browser.post("/admin/people/machao/change", data=form).status_code == 404
    head = {"authorization": f"Bearer {people.sign_in(app, login, PASSWORD, address='x').token}"}
    for path in ("password-reset", "second-factor/removal", "sign-out"):
        assert browser.post(f"/api/v1/people/machao/{path}", json={}, headers=head).status_code == 404
    assert noted(app) == []


def test_the_same_is_there_for_scripts(app: Countersign, desk: Desks) -> None:
    with_factor(app, "wangmin")
    at, people_ = desk(), "/api/v1/people"
    head = {"authorization": f"Bearer {people.sign_in(app, 'machao', PASSWORD, address='x').token}"}
    once = head | {"idempotency-key": "reset-key-1"}
    said = {"reason": "called back"}
    made = at.post(f"{people_}/wangmin/password-reset", json=said, headers=once)
    assert made.status_code == 201
    assert at.post(f"{people_}/wangmin/password-reset", json=said, headers=once).json() == made.json()
    assert at.get("/reset/" + made.json()["link"].rpartition("/")[2]).status_code == 200
    assert at.post(f"{people_}/wangmin/second-factor/removal", json=said, headers=head).json() == {"removed": True}
    assert at.post(f"{people_}/wangmin/second-factor/removal", json=said, headers=head).json() == {"removed": False}
    people.sign_in(app, "wangmin", PASSWORD, address="x")
    twice = head | {"idempotency-key": "sign-out-key"}
    for _ in range(2):
        assert at.post(f"{people_}/wangmin/sign-out", json={}, headers=twice).json() == {"ended": 1}
    kinds = ["reset_link_made", "factor_removed", "signed_out"]
    assert noted(app) == [(kind, "wangmin", "machao") for kind in kinds]
    for path in ("password-reset", "second-factor/removal", "sign-out"):
        assert at.post(f"{people_}/ghost/{path}", json={}, headers=head).status_code == 404
        assert at.post(f"{people_}/wangmin/{path}", json={"reason": "x" * 201}, headers=head).status_code == 422
        assert at.post(f"{people_}/wangmin/{path}", json={"why": "x"}, headers=head).status_code == 422


def test_an_api_token_lets_nobody_in(app: Countersign, desk: Desks) -> None:
    with_factor(app, "wangmin")
    admin = people.viewer_named(app, "machao")
    token = tokens.make(app, admin, name="staff system", scopes=tokens.SCOPES, days=30)
    head = {"authorization": f"Bearer {token}"}
    at = desk()
    for path in ("password-reset", "second-factor/removal"):
        assert at.post(f"/api/v1/people/wangmin/{path}", json={}, headers=head).status_code == 404
    assert noted(app) == []
    assert at.post("/api/v1/people/wangmin/sign-out", json={}, headers=head).status_code == 200


def test_nobody_signs_in_again_to_an_account_that_is_closed(app: Countersign, desk: Desks) -> None:
    admin = desk("machao")
    form = admin.form(admin.get(f"{CHANGE}?do=reset"), CHANGE)
    admin.fill_in(f"{CHANGE}?do=close", CHANGE, reason="left")
    assert "do=reset" not in admin.get(PERSON).text
    assert admin.post(CHANGE, data=form).status_code == 404
    assert [kind for kind, _, _ in noted(app)] == ["account_closed"]


def test_a_double_click_makes_one_token_and_shows_it_twice(app: Countersign, desk: Desks) -> None:
    mine = desk("wangmin")
    page = "/account/tokens/new"
    form = mine.form(mine.get(page), page) | {"name": "reports", "scopes": ["read"], "days": "30"}
    first, second = (re.findall(r"<code>(csign_[\w-]{43})</code>", mine.post(page, data=form).text) for _ in range(2))
    assert first == second != []
    assert [one.name for one in tokens.listed(app, viewer(app, "wangmin"))] == ["reports"]
    other = mine.post(page, data=form | {"key": "another-form-1"})
    assert first[0] not in other.text
    assert len(tokens.listed(app, viewer(app, "wangmin"))) == 2
    assert mine.post(page, data=form | {"key": "x"}).status_code == 422
    theirs = desk("liguoqiang")  # the same key of another person is another one
    hidden = theirs.form(theirs.get(page), page)
    assert first[0] not in theirs.post(page, data=form | {"csrf": hidden["csrf"]}).text


def test_a_double_click_changes_the_password_once_and_is_told_so(app: Countersign, desk: Desks) -> None:
    mine = desk("wangmin")
    page = "/account/password"
    form = mine.form(mine.get(page), page) | {"old": PASSWORD, "new": NEW, "again": NEW}
    for _ in range(2):
        done = mine.post(page, data=form)
        assert (done.status_code, done.url.path) == (200, "/account")
    assert passwords.reset_link(app, OPERATOR, "wangmin").token
    assert sessions.end_all(app, OPERATOR, "wangmin") == 1

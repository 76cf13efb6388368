"""One-time codes by mail: the way in from a link on a new device, and how little it opens; on both databases, with the
mails taken by a real mail server."""

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pyotp
import pytest
import sqlalchemy as sa
import structlog
from fastapi.testclient import TestClient
from httpx2 import Response

from api.app import create_app
from engine.cli.demo.people import PASSWORD
from engine.service import effects, links, passwords, personnel, second_factor
from engine.service.app import Countersign
from engine.service.channels import ChannelChoice, set_channel
from engine.settings import Settings
from engine.store import credentials, tables
from tests.acceptance.offices import notices, opened, token_of, viewer
from tests.acceptance.telling_staff import MailServer, tick
from tests.security import small_cases
from tests.security.signed_in import later

APPROVER = "liguoqiang"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    mail = MailServer(tmp_path_factory.mktemp("mail"))
    mail.start()
    yield mail
    mail.stop()


@pytest.fixture
def app(db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: MailServer) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db_url, tmp_path, shipped=False) as application:
        small_cases.published(application, "small-case")
        yield given(application, mail_url=server.url)


def given(app: Countersign, **changes: object) -> Countersign:
    """The same database under other settings."""
    return Countersign(Settings(**(app.settings.model_dump() | changes)), app.db)


def mailed(app: Countersign, kind: str = "small-case") -> str:
    """The token of a link that was mailed to the approver of a new case."""
    case_id = small_cases.submitted(app, kind)
    sent = [one for one in notices(app) if (one.person, one.case_id) == (APPROVER, case_id) and "/l/" in one.link]
    return token_of(sent[-1])


@pytest.fixture
def token(app: Countersign) -> str:
    return mailed(app)


def client(app: Countersign) -> TestClient:
    return TestClient(create_app(app), base_url="http://testserver", raise_server_exceptions=False)


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, page
    return found[1]


def ask(browser: TestClient, token: str) -> Response:
    """Tap "send me a code" on the page of the link."""
    return browser.post(f"/l/{token}/code", data={"csrf": hidden(browser.get(f"/l/{token}").text, "csrf")})


def enter(browser: TestClient, token: str, code: str) -> Response:
    page = browser.get(f"/l/{token}/code")
    return browser.post(f"/l/{token}/open", data={"csrf": hidden(page.text, "csrf"), "code": code})


def code_in_mail(app: Countersign, server: MailServer) -> str:
    """The code in the newest mail, which goes now."""
    before = len(server.mails())
    tick(app)
    mails = server.mails()
    assert len(mails) == before + 1
    body = mails[-1].get_body(("plain",))
    assert body is not None
    found = re.search(r"(?<!\d)\d{6}(?!\d)", body.get_content())
    assert found, body.get_content()
    return found[0]


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


def test_a_code_from_the_mailbox_opens_the_sheet_and_the_history_says_so(
    app: Countersign, token: str, server: MailServer
):
    with client(app) as browser:
        asked = ask(browser, token)
        assert asked.url.path == f"/l/{token}/code"
        code = code_in_mail(app, server)
        mail = server.mails()[-1]
        assert "Autumn plan" not in str(mail["Subject"])
        assert code not in str(mail["Subject"])
        sheet = enter(browser, token, f" {code[:3]} {code[3:]} ")
        assert sheet.url.path.startswith("/tasks/")
        assert token not in str(sheet.url)
        data = {name: hidden(sheet.text, name) for name in ("csrf", "key", "seen_seq")}
        data |= {"decision": "approve", "remark": ""}
        done = browser.post(sheet.url.path, data=data)
        assert "经邮件验证码" in done.text
        assert "经邮件验证码" in browser.get("/account").text
        assert 'type="password"' not in browser.get(f"/l/{mailed(app)}").text  # the device is known now
    with app.db.read() as tx:
        decided = tx.execute(sa.select(tables.history).where(tables.history.c.kind == "Decide")).one()
        assert (decided.actor, decided.via) == (APPROVER, "code")
        assert code not in repr(tx.execute(sa.select(tables.link_codes)).all())
        assert code not in repr(tx.execute(sa.select(tables.messages)).all())


def test_wrong_late_used_and_replaced_codes_open_nothing(
    app: Countersign, token: str, server: MailServer, tmp_path: Path
):
    with client(app) as browser:
        assert enter(browser, token, "123456").status_code == 401  # none was asked for
        ask(browser, token)
        code = code_in_mail(app, server)
        assert enter(browser, token, other_than(code)).status_code == 401
        later(tmp_path, timedelta(minutes=1))
        ask(browser, token)
        newer = code_in_mail(app, server)
        assert code == newer or enter(browser, token, code).status_code == 401
        later(tmp_path, timedelta(minutes=12))
        late = enter(browser, token, newer)
        assert late.status_code == 401
        assert "session" not in browser.cookies
        ask(browser, token)
        last = code_in_mail(app, server)
        assert enter(browser, token, last).status_code == 200
        browser.cookies.clear()
        assert enter(browser, token, last).status_code == 401  # it counted once


def test_a_code_counts_on_the_device_that_asked_alone(app: Countersign, token: str, server: MailServer):
    with client(app) as asking, client(app) as other:
        ask(asking, token)
        code = code_in_mail(app, server)
        assert enter(other, token, code).status_code == 401
        assert enter(asking, token, code).status_code == 200


def test_after_five_wrong_tries_the_right_code_opens_nothing(app: Countersign, token: str, server: MailServer):
    with client(app) as browser:
        ask(browser, token)
        code = code_in_mail(app, server)
        tried = [enter(browser, token, f"{(int(code) + n) % 10**6:06}").status_code for n in range(1, 6)]
        assert tried == [401] * 5
        assert enter(browser, token, code).status_code == 401


def test_codes_are_limited_for_a_person_and_for_a_link(app: Countersign, token: str, tmp_path: Path):
    with client(app) as browser:
        minutes, answers = 0, []
        for n in range(11):
            minutes += 1 if n % 5 else 11
            later(tmp_path, timedelta(minutes=minutes))
            answers.append(ask(browser, token).status_code)
        assert answers == [200] * 10 + [429]  # ten for one link, ever
        fresh = mailed(app)
        several = []
        for n in range(6):
            later(tmp_path, timedelta(minutes=minutes + 20, seconds=21 * n))
            several.append(ask(browser, fresh).status_code)
        assert several == [200] * 5 + [429]  # five for a person in ten minutes


def test_two_taps_ask_for_one_code(app: Countersign, token: str):
    with client(app) as browser:
        ask(browser, token)
        ask(browser, token)
    with app.db.read() as tx:
        codes = sa.select(sa.func.count()).where(tables.messages.c.occasion == "code")
        assert tx.execute(codes).scalar_one() == 1


@pytest.mark.parametrize("why", ["no address", "password given by another", "factor to be set up"])
def test_whoever_cannot_receive_a_code_is_answered_the_same(app: Countersign, token: str, why: str):
    with client(app) as browser:
        usual = ask(browser, token)
        right = [enter(browser, token, f"{n}").text for n in range(2)]
    other = app
    with app.db.begin() as tx:
        tx.execute(sa.delete(tables.link_codes))
        tx.execute(sa.delete(tables.messages))
        if why == "no address":
            tx.execute(sa.update(tables.people).where(tables.people.c.id == APPROVER).values(email=""))
        elif why == "password given by another":
            credentials.set_password(tx, APPROVER, passwords.hashed("given-by-office"), must_change=True)
        else:
            other = given(app, second_factor="everybody")
    with client(other) as browser:
        unusual = ask(browser, token)
        wrong = [enter(browser, token, f"{n}").text for n in range(2)]
    assert (usual.status_code, bare(usual.text)) == (unusual.status_code, bare(unusual.text))
    assert [bare(page) for page in right] == [bare(page) for page in wrong]
    with app.db.read() as tx:
        assert tx.execute(sa.select(tables.messages)).all() == []


def bare(page: str) -> str:
    """The page without what is random in it."""
    return re.sub(r'value="[^"]*"', "", page)


def test_a_closed_account_gets_no_code_and_opens_nothing_with_an_earlier_one(
    app: Countersign, token: str, server: MailServer
):
    with client(app) as browser:
        ask(browser, token)
        code = code_in_mail(app, server)
        page = browser.get(f"/l/{token}/code").text
        personnel.close_account(app, APPROVER)
        given = {"csrf": hidden(page, "csrf"), "code": code}
        assert browser.post(f"/l/{token}/open", data=given).status_code == 404
        assert browser.post(f"/l/{token}/code", data=given).status_code == 404


def test_who_has_a_second_factor_is_asked_for_it_as_well(app: Countersign, token: str, server: MailServer):
    setup = second_factor.prepare(app, APPROVER)
    totp = pyotp.TOTP(setup.secret)
    second_factor.switch_on(app, viewer(app, APPROVER), setup.sealed, totp.at(app.now() - timedelta(seconds=30)))
    with client(app) as browser:
        ask(browser, token)
        page = enter(browser, token, code_in_mail(app, server))
        assert page.url.path == "/sign-in/step"
        assert browser.get("/inbox", follow_redirects=False).status_code == 303
        given = {"csrf": hidden(page.text, "csrf"), "next": page.url.params["next"], "code": totp.at(app.now())}
        assert browser.post("/sign-in/code", data=given).url.path.startswith("/tasks/")
        with app.db.read() as tx:
            row = tx.execute(sa.select(tables.sessions)).one()
        assert (row.by_code, row.authenticated_at) == (True, None)


def test_a_code_does_not_do_for_large_budgets(app: Countersign, token: str, server: MailServer):
    careful = given(app, step_up_budget=Decimal(1000))
    assert not links.follow(careful, token).takes_code
    with client(careful) as browser:
        assert "code" not in ask(browser, token).url.path
    with client(app) as browser:
        ask(browser, token)
        assert enter(browser, token, code_in_mail(app, server)).status_code == 200
        with client(careful) as strict:
            strict.cookies.update(browser.cookies)
            sheet = strict.get(f"/tasks/{links.follow(app, token).task_id}")
            data = {name: hidden(sheet.text, name) for name in ("csrf", "key", "seen_seq")}
            data |= {"decision": "approve", "remark": ""}
            assert strict.post(sheet.url.path, data=data).url.path == "/confirm"


def test_a_code_opens_no_confidential_case_by_whatever_door(app: Countersign, token: str, server: MailServer):
    small_cases.published(app, "secret-case", visibility="confidential")
    secret = mailed(app, "secret-case")
    target = links.follow(app, secret)
    assert not target.takes_code
    with client(app) as browser:
        assert ask(browser, secret).url.path == f"/l/{secret}"
        ask(browser, token)
        enter(browser, token, code_in_mail(app, server))
        for path in (f"/cases/{target.case_id}", f"/tasks/{target.task_id}", f"/cases/{target.case_id}/approval-sheet"):
            assert browser.get(path).url.path == "/confirm", path
        page = browser.get("/account").text
        data = {"csrf": hidden(page, "csrf"), "key": "some-key-1", "decision": "approve", "seen_seq": "1", "remark": ""}
        assert browser.post(f"/tasks/{target.task_id}", data=data).url.path == "/confirm"
        # the next session that the device opens is no wider
        del browser.cookies["session"]
        browser.post(f"/l/{token}", data={"csrf": hidden(browser.get(f"/l/{token}").text, "csrf")})
        assert browser.get(f"/cases/{target.case_id}").url.path == "/confirm"
        confirm = browser.get(f"/confirm?next=/cases/{target.case_id}").text
        given = {"csrf": hidden(confirm, "csrf"), "next": f"/cases/{target.case_id}", "password": PASSWORD}
        assert browser.post("/confirm", data=given).url.path == f"/cases/{target.case_id}"
        del browser.cookies["session"]
        browser.post(f"/l/{token}", data={"csrf": hidden(browser.get(f"/l/{token}").text, "csrf")})
        assert browser.get(f"/cases/{target.case_id}").url.path == f"/cases/{target.case_id}"


def test_a_code_opens_no_page_of_administrators(app: Countersign, token: str, server: MailServer):
    personnel.give_role(app, APPROVER, "administrator", "440111")
    with client(app) as browser:
        ask(browser, token)
        enter(browser, token, code_in_mail(app, server))
        assert browser.get("/admin/people").status_code == 404
        assert browser.get("/inbox").status_code == 200
        page = browser.get("/confirm?next=/admin/people")
        given = {"csrf": hidden(page.text, "csrf"), "next": "/admin/people", "password": PASSWORD}
        assert browser.post("/confirm", data=given).status_code == 200


def test_no_code_is_offered_where_no_mail_is_sent(app: Countersign, token: str):
    set_channel(app, viewer(app, "machao"), "email", ChannelChoice(is_open=False))
    for silent in (app, given(app, mail_url="")):
        with client(silent) as browser:
            assert f"/l/{token}/code" not in browser.get(f"/l/{token}").text
            assert browser.get(f"/l/{token}/code").url.path == f"/l/{token}"


def test_looking_at_the_page_of_the_code_changes_nothing(app: Countersign, token: str, server: MailServer):
    with client(app) as browser:
        ask(browser, token)
        code = code_in_mail(app, server)
        for header in ({}, {"Purpose": "prefetch"}):
            browser.get(f"/l/{token}/code", headers=header)
        assert "<form" not in browser.get(f"/l/{token}/code", headers={"Purpose": "prefetch"}).text.split("<main")[1]
        assert enter(browser, token, code).status_code == 200


def test_a_code_that_could_not_be_mailed_in_time_is_not_mailed_late(app: Countersign, token: str, tmp_path: Path):
    with client(app) as browser:
        ask(browser, token)
    later(tmp_path, timedelta(minutes=11))
    sent: list[object] = []
    effects.work(app, sent.append)
    assert sent == []


def test_codes_are_in_no_log(app: Countersign, token: str, server: MailServer, caplog: pytest.LogCaptureFixture):
    with structlog.testing.capture_logs() as logged, client(app) as browser:
        ask(browser, token)
        code = code_in_mail(app, server)
        enter(browser, token, code)
    assert any(line.get("event") == "link.opened_by_code" for line in logged)
    assert code not in repr(logged) + caplog.text
    assert token not in repr(logged) + caplog.text


def test_the_mail_speaks_the_language_of_its_person(app: Countersign, token: str, server: MailServer):
    with app.db.begin() as tx:
        tx.execute(sa.update(tables.people).where(tables.people.c.id == APPROVER).values(language="en"))
    with client(app) as browser:
        ask(browser, token)
    code_in_mail(app, server)
    assert str(server.mails()[-1]["Subject"]) == "Your code to open a case"

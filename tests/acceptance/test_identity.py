"""Passwords, second factors, sessions, devices and API tokens, on both databases."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pyotp
import pytest
import sqlalchemy as sa

from engine import clock
from engine.cli.demo.people import PASSWORD
from engine.errors import CountersignError, InvalidForm, NotFound, SignInNeeded, TooManyTries
from engine.service import founding, passwords, people, personnel, second_factor, sessions, signing_in, tokens
from engine.service.app import Countersign
from engine.service.authorizing import authorize
from engine.service.passwords import WrongOldPassword, WrongPassword
from engine.service.recording import OPERATOR, By
from engine.service.second_factor import FactorRequired, WrongCode
from engine.service.sessions import Browser, SignedIn
from engine.service.signing_in import CodeNeeded, PageNeeded
from engine.settings import Settings
from engine.store import credentials
from engine.store.tables import api_tokens, password_resets, recovery_codes, second_factors
from tests.acceptance.offices import opened, viewer

NEW = "夜雨十年灯 jiang hu"
HERE = Browser(address="10.0.0.1", name="Mozilla/5.0")


@pytest.fixture
def app(db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db_url, tmp_path, shipped=False) as application:
        yield application


@pytest.fixture
def later(tmp_path: Path) -> Callable[..., None]:
    """Moves the clock on."""
    return lambda **span: clock.move(tmp_path / "clock", timedelta(**span))


def sign_in(app: Countersign, login: str = "wangmin", password: str = PASSWORD, **where: str) -> SignedIn:
    return people.sign_in(app, login, password, address=where.get("address", "10.0.0.1"), device=where.get("device"))


def with_factor(app: Countersign, login: str = "wangmin") -> tuple[pyotp.TOTP, tuple[str, ...]]:
    """Switch a second factor on; the app that shows its codes, and the recovery codes."""
    setup = second_factor.prepare(app, login)
    totp = pyotp.TOTP(setup.secret)
    return totp, second_factor.switch_on(app, viewer(app, login), setup.sealed, totp.at(app.now()))


def test_a_given_password_is_good_for_nothing_but_choosing_ones_own(app: Countersign):
    with app.db.begin() as tx:
        credentials.set_password(tx, "wangmin", passwords.hashed("given-by-office"), must_change=True)
    first = sign_in(app, password="given-by-office")
    assert first.stage == "password"
    with pytest.raises(SignInNeeded):
        people.viewer_of(app, first.token)
    for new, again, at in (
        ("short", "short", "new"),
        ("password123", "password123", "new"),
        ("wangmin2026", "wangmin2026", "new"),
        (NEW, "another one", "again"),
        ("given-by-office", "given-by-office", "new"),
    ):
        with pytest.raises(InvalidForm) as refused:
            signing_in.choose_password(app, first.token, new=new, again=again, browser=HERE)
        assert [problem.at for problem in refused.value.problems] == [at], new
    done = signing_in.choose_password(app, first.token, new=NEW, again=NEW, browser=HERE)
    assert people.viewer_of(app, done.token).person == "wangmin"
    with pytest.raises(SignInNeeded):
        signing_in.choose_password(app, first.token, new=NEW, again=NEW, browser=HERE)
    assert sign_in(app, password=NEW).stage == ""


def test_changing_a_password_asks_the_old_one_and_signs_out_everywhere_else(app: Countersign):
    here, elsewhere = sign_in(app), sign_in(app)
    me = people.viewer_of(app, here.token)
    with pytest.raises(WrongOldPassword):
        passwords.change(app, me, here.token, old="wrong", new=NEW, again=NEW)
    assert people.viewer_of(app, elsewhere.token)
    passwords.change(app, me, here.token, old=PASSWORD, new=NEW, again=NEW)
    assert people.viewer_of(app, here.token)
    with pytest.raises(SignInNeeded):
        people.viewer_of(app, elsewhere.token)
    assert people.device_person(app, here.device_token) == "wangmin"
    assert people.device_person(app, elsewhere.device_token) is None
    with pytest.raises(WrongPassword):
        sign_in(app)


def test_guessing_the_old_password_in_an_open_session_has_an_end(app: Countersign):
    here = sign_in(app)
    me = people.viewer_of(app, here.token)
    for _ in range(8):
        with pytest.raises(WrongOldPassword):
            passwords.change(app, me, here.token, old="wrong", new=NEW, again=NEW)
    with pytest.raises(TooManyTries):
        passwords.change(app, me, here.token, old=PASSWORD, new=NEW, again=NEW)


def test_a_reset_link_works_once_and_looking_uses_nothing_up(app: Countersign, later: Callable[..., None]):
    session = sign_in(app)
    link = passwords.reset_link(app, OPERATOR, "wangmin")
    for _ in range(100):
        assert passwords.reset_for(app, link.token).person == "wangmin"
    with pytest.raises(InvalidForm):
        passwords.reset(app, link.token, new="short", again="short", address="1")
    assert passwords.reset(app, link.token, new=NEW, again=NEW, address="1") == "wangmin"
    with pytest.raises(SignInNeeded):
        people.viewer_of(app, session.token)
    with pytest.raises(NotFound):
        passwords.reset(app, link.token, new=NEW, again=NEW, address="1")
    assert sign_in(app, password=NEW).stage == ""


def test_a_reset_link_ends_with_time_a_newer_one_and_the_account(app: Countersign, later: Callable[..., None]):
    old = passwords.reset_link(app, OPERATOR, "wangmin")
    newer = passwords.reset_link(app, OPERATOR, "wangmin")
    with pytest.raises(NotFound):
        passwords.reset_for(app, old.token)
    later(hours=25)
    with pytest.raises(NotFound):
        passwords.reset(app, newer.token, new=NEW, again=NEW, address="1")
    last = passwords.reset_link(app, OPERATOR, "wangmin")
    personnel.close_account(app, "wangmin")
    with pytest.raises(NotFound):
        passwords.reset_for(app, last.token)
    for unknown in ("wangmin", "nobody"):
        with pytest.raises(NotFound):
            passwords.reset_link(app, OPERATOR, unknown)


def test_only_administrators_make_reset_links_and_take_second_factors_away(app: Countersign):
    submitter = viewer(app, "wangmin")
    with pytest.raises(NotFound):
        passwords.reset_link(app, By(submitter), "liguoqiang")
    with pytest.raises(NotFound):
        second_factor.remove(app, By(submitter), "liguoqiang")
    with pytest.raises(NotFound):
        sessions.end_all(app, By(submitter), "liguoqiang")


def test_two_who_use_one_reset_link_at_once_are_one(app: Countersign):
    link = passwords.reset_link(app, OPERATOR, "wangmin")
    results = at_once(lambda: passwords.reset(app, link.token, new=NEW, again=NEW, address="1"), 4)
    assert sorted(map(str, results)) == sorted(["wangmin"] + [str(NotFound())] * 3)


def test_the_second_factor_is_asked_after_the_password(app: Countersign, later: Callable[..., None]):
    totp, _ = with_factor(app)
    later(seconds=60)
    first = sign_in(app)
    assert (first.stage, first.device_token) == ("code", "")
    with pytest.raises(SignInNeeded):
        people.viewer_of(app, first.token)
    with pytest.raises(WrongCode):
        signing_in.give_code(app, first.token, "000000" if totp.at(app.now()) != "000000" else "111111", HERE)
    done = signing_in.give_code(app, first.token, f"{totp.at(app.now())[:3]} {totp.at(app.now())[3:]}", HERE)
    assert people.viewer_of(app, done.token).person == "wangmin"
    assert done.token != first.token
    with pytest.raises(SignInNeeded):
        signing_in.give_code(app, first.token, totp.at(app.now()), HERE)


def test_a_code_counts_once_and_its_neighbours_in_time_count(app: Countersign, later: Callable[..., None]):
    totp, _ = with_factor(app)
    with pytest.raises(WrongCode):
        signing_in.give_code(app, sign_in(app).token, totp.at(app.now()), HERE)
    later(seconds=90)
    late = totp.at(app.now() - timedelta(seconds=30))
    assert signing_in.give_code(app, sign_in(app).token, late, HERE).stage == ""
    with pytest.raises(WrongCode):
        signing_in.give_code(app, sign_in(app).token, late, HERE)
    with pytest.raises(WrongCode):
        signing_in.give_code(app, sign_in(app).token, totp.at(app.now() + timedelta(seconds=90)), HERE)


def test_of_many_who_use_one_code_at_once_one_gets_in(app: Countersign, later: Callable[..., None]):
    totp, _ = with_factor(app)
    later(seconds=60)
    code, waiting = totp.at(app.now()), iter([sign_in(app).token for _ in range(4)])
    results = at_once(lambda: signing_in.give_code(app, next(waiting), code, HERE), 4)
    assert len([one for one in results if isinstance(one, SignedIn)]) == 1
    assert len([one for one in results if isinstance(one, WrongCode)]) == 3


def test_guessing_codes_has_an_end_also_with_new_passwords_and_addresses(app: Countersign, later: Callable[..., None]):
    totp, _ = with_factor(app)
    later(seconds=60)
    for number in range(8):
        with pytest.raises(WrongCode):
            signing_in.give_code(app, sign_in(app, address=f"10.1.1.{number}").token, "12345", HERE)
    with pytest.raises(TooManyTries) as told:
        signing_in.give_code(app, sign_in(app, address="10.2.2.2").token, totp.at(app.now()), HERE)
    wait = told.value.fields["until"] - app.now()
    assert timedelta(minutes=9) < wait <= timedelta(minutes=11)
    clock_at = told.value.fields["until"]
    later(seconds=(clock_at - app.now()).total_seconds() + 1)
    assert signing_in.give_code(app, sign_in(app).token, totp.at(app.now()), HERE).stage == ""


def test_a_recovery_code_counts_once(app: Countersign):
    _, codes = with_factor(app)
    assert len(codes) == len(set(codes)) == 10
    assert signing_in.give_code(app, sign_in(app).token, codes[3].upper(), HERE).stage == ""
    with pytest.raises(WrongCode):
        signing_in.give_code(app, sign_in(app).token, codes[3], HERE)
    assert second_factor.of(app, viewer(app, "wangmin")).codes_left == 9
    fresh = second_factor.renew_codes(app, viewer(app, "wangmin"))
    with pytest.raises(WrongCode):
        signing_in.give_code(app, sign_in(app).token, codes[4], HERE)
    assert signing_in.give_code(app, sign_in(app).token, fresh[0].replace("-", ""), HERE).stage == ""


def test_what_is_kept_of_secrets_cannot_be_used(app: Countersign):
    totp, codes = with_factor(app)
    token = tokens.make(app, viewer(app, "wangmin"), name="report", scopes=["read"], days=30)
    link = passwords.reset_link(app, OPERATOR, "wangmin")
    with app.db.read() as tx:
        kept = " ".join(
            str(tuple(row))
            for table in (second_factors, recovery_codes, api_tokens, password_resets)
            for row in tx.execute(sa.select(table))
        )
    for secret in (totp.secret, codes[0], codes[0].replace("-", ""), token, link.token):
        assert secret not in kept


def test_a_second_factor_set_up_by_another_person_or_key_is_none(app: Countersign, tmp_path: Path):
    setup = second_factor.prepare(app, "liguoqiang")
    code = pyotp.TOTP(setup.secret).at(app.now())
    with pytest.raises(WrongCode):
        second_factor.switch_on(app, viewer(app, "wangmin"), setup.sealed, code)
    with pytest.raises(WrongCode):
        second_factor.switch_on(app, viewer(app, "liguoqiang"), setup.sealed[:-2] + "AA", code)


def test_a_new_phone_replaces_the_old_one_when_its_first_code_is_right(app: Countersign, later: Callable[..., None]):
    old, _ = with_factor(app)
    later(seconds=60)
    setup = second_factor.prepare(app, "wangmin")
    assert signing_in.give_code(app, sign_in(app).token, old.at(app.now()), HERE).stage == ""
    new = pyotp.TOTP(setup.secret)
    second_factor.switch_on(app, viewer(app, "wangmin"), setup.sealed, new.at(app.now()))
    later(seconds=60)
    with pytest.raises(WrongCode):
        signing_in.give_code(app, sign_in(app).token, old.at(app.now()), HERE)
    assert signing_in.give_code(app, sign_in(app).token, new.at(app.now()), HERE).stage == ""


def test_where_it_is_required_nobody_signs_in_without_setting_it_up(app: Countersign, later: Callable[..., None]):
    strict = Countersign(replace_settings(app.settings, second_factor="everybody"), app.db)
    first = sign_in(strict)
    assert first.stage == "enrol"
    with pytest.raises(SignInNeeded):
        people.viewer_of(strict, first.token)
    setup = signing_in.factor_to_set_up(strict, first.token)
    done, codes = signing_in.enrol(strict, first.token, setup.sealed, pyotp.TOTP(setup.secret).at(strict.now()), HERE)
    assert people.viewer_of(strict, done.token).person == "wangmin"
    assert len(codes) == 10
    with pytest.raises(FactorRequired):
        second_factor.switch_off(strict, viewer(strict, "wangmin"))
    admins = Countersign(replace_settings(app.settings, second_factor="administrators"), app.db)
    assert sign_in(admins, "liguoqiang").stage == ""


def test_a_session_lasts_its_days_at_most_whatever_is_done(app: Countersign, later: Callable[..., None]):
    session = sign_in(app)
    for _ in range(2 * app.settings.session_days + 1):
        later(hours=11, minutes=55)
        sessions.prolong(app, session.token)
    with pytest.raises(SignInNeeded):
        people.viewer_of(app, session.token)


def test_ones_sessions_and_devices_are_listed_and_ended_each(app: Countersign, later: Callable[..., None]):
    phone = people.sign_in(app, "wangmin", PASSWORD, address="10.0.0.9", browser="WeChat")
    later(minutes=5)
    here = people.sign_in(app, "wangmin", PASSWORD, address="10.0.0.1", browser="Edge")
    me = people.viewer_of(app, here.token)
    places = sessions.places(app, me, here.token)
    assert [(one.browser, one.address, one.is_here) for one in places.sessions] == [
        ("Edge", "10.0.0.1", True),
        ("WeChat", "10.0.0.9", False),
    ]
    assert [one.browser for one in places.devices] == ["Edge", "WeChat"]
    with pytest.raises(NotFound):
        sessions.end(app, viewer(app, "liguoqiang"), places.sessions[1].id)
    sessions.end(app, me, places.sessions[1].id)
    with pytest.raises(SignInNeeded):
        people.viewer_of(app, phone.token)
    sessions.forget_device(app, me, places.devices[1].id)
    assert people.device_person(app, phone.device_token) is None
    third = sign_in(app)
    assert sessions.end_others(app, me, here.token) == 1
    with pytest.raises(SignInNeeded):
        people.viewer_of(app, third.token)
    assert people.viewer_of(app, here.token)


def test_proving_it_is_still_you_renews_the_session(app: Countersign, later: Callable[..., None]):
    session = sign_in(app)
    assert sessions.recently_authenticated(app, session.token, minutes=10)
    later(minutes=11)
    sessions.prolong(app, session.token)
    assert not sessions.recently_authenticated(app, session.token, minutes=10)
    me = people.viewer_of(app, session.token)
    with pytest.raises(WrongPassword):
        signing_in.confirm(app, me, session.token, password="wrong", code="")
    token = signing_in.confirm(app, me, session.token, password=PASSWORD, code="")
    assert sessions.recently_authenticated(app, token, minutes=10)
    with pytest.raises(SignInNeeded):
        people.viewer_of(app, session.token)
    totp, _ = with_factor(app)
    later(seconds=60)
    with pytest.raises(WrongCode):
        signing_in.confirm(app, me, token, password=PASSWORD, code="")
    assert signing_in.confirm(app, me, token, password=PASSWORD, code=totp.at(app.now()))


def test_a_token_may_what_it_was_given_and_its_person_still_may(app: Countersign, later: Callable[..., None]):
    me = viewer(app, "wangmin")
    reading = people.viewer_of(app, tokens.make(app, me, name="report", scopes=["read"], days=30))
    authorize(reading, "cases.read")
    for action in ("cases.start", "cases.act", "account.keep"):
        with pytest.raises(NotFound):
            authorize(reading, action)
    everything = people.viewer_of(app, tokens.make(app, me, name="all", scopes=tokens.SCOPES, days=30))
    authorize(everything, "cases.start")
    for action in ("account.keep", "organisation.manage", "definitions.write"):
        with pytest.raises(NotFound):
            authorize(everything, action)
    with pytest.raises(NotFound):
        tokens.make(app, everything, name="offspring", scopes=["read"], days=30)


def test_a_token_ends_by_time_by_hand_and_with_the_account(app: Countersign, later: Callable[..., None]):
    me = viewer(app, "wangmin")
    made = [tokens.make(app, me, name=name, scopes=["read"], days=7) for name in ("a", "b", "c")]
    assert all(token.startswith("csign_") for token in made)
    rows = {row.name: row for row in tokens.listed(app, me)}
    assert rows["a"].used_at is None
    people.viewer_of(app, made[0])
    assert {row.name: row for row in tokens.listed(app, me)}["a"].used_at is not None
    with pytest.raises(NotFound):
        tokens.revoke(app, viewer(app, "liguoqiang"), rows["a"].id)
    for wild in ("", "%", "_" * 16):
        with pytest.raises(NotFound):
            tokens.revoke(app, me, wild)
    tokens.revoke(app, me, rows["a"].id)
    with pytest.raises(SignInNeeded):
        people.viewer_of(app, made[0])
    personnel.close_account(app, "wangmin")
    personnel.open_account(app, "wangmin")
    with pytest.raises(SignInNeeded):
        people.viewer_of(app, made[1])
    last = tokens.make(app, me, name="d", scopes=["read"], days=7)
    later(days=8)
    with pytest.raises(SignInNeeded):
        people.viewer_of(app, last)


def test_a_token_without_name_scope_or_end_is_refused_with_all_that_is_wrong(app: Countersign):
    with pytest.raises(InvalidForm) as refused:
        tokens.make(app, viewer(app, "wangmin"), name="", scopes=["session"], days=9999)
    assert [problem.at for problem in refused.value.problems] == ["name", "scopes", "days"]


def test_a_script_signs_in_with_its_code_in_one_go(app: Countersign, later: Callable[..., None]):
    totp, _ = with_factor(app)
    later(seconds=60)
    with pytest.raises(CodeNeeded):
        signing_in.for_script(app, "wangmin", PASSWORD, "", HERE)
    opened_now = signing_in.for_script(app, "wangmin", PASSWORD, totp.at(app.now()), HERE)
    assert people.viewer_of(app, opened_now.token)
    with app.db.begin() as tx:
        credentials.set_password(tx, "liguoqiang", passwords.hashed("given-by-office"), must_change=True)
    with pytest.raises(PageNeeded):
        signing_in.for_script(app, "liguoqiang", "given-by-office", "", HERE)


def test_guessing_elsewhere_does_not_lock_somebody_out_of_their_own_device(app: Countersign):
    mine = sign_in(app).device_token
    for number in range(40):
        with pytest.raises(WrongPassword):
            sign_in(app, password="wrong", address=f"10.9.{number}.1")
    with pytest.raises(TooManyTries):
        sign_in(app, address="10.9.99.1")
    assert sign_in(app, device=mine).person == "wangmin"


def test_a_whole_office_mistypes_behind_one_address_and_nobody_is_locked_out(app: Countersign):
    for login in ("wangmin", "liguoqiang", "zhanglan", "chentao", "xuwen"):
        for _ in range(7):
            with pytest.raises(WrongPassword):
                sign_in(app, login, "wrong", address="10.0.0.1")
    assert sign_in(app, "wangmin", address="10.0.0.1").person == "wangmin"


def test_there_is_one_first_administrator_of_many_at_once(app: Countersign):
    logins = iter(["boss1", "boss2", "boss3"])

    def found() -> str:
        login = next(logins)
        founding.first_administrator(
            app, login, name="Boss", email="", office="999999", office_name="总部", password="given-by-office"
        )
        return login

    with app.db.begin() as tx:
        tx.execute(sa.text("DELETE FROM grants WHERE role = 'administrator'"))
    results = at_once(found, 3)
    assert len([one for one in results if isinstance(one, founding.AdministratorExists)]) == 2
    winner = next(one for one in results if isinstance(one, str))
    assert sign_in(app, winner, "given-by-office").stage == "password"


def replace_settings(settings: Settings, **changes: str) -> Settings:
    return settings.model_copy(update=changes)


def at_once(act: Callable[[], object], times: int) -> list[object]:
    """What each of several threads got, errors too."""
    results: list[object] = []
    lock = threading.Lock()

    def run() -> None:
        try:
            result: object = act()
        except CountersignError as error:
            result = error
        with lock:
            results.append(result)

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results

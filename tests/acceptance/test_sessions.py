"""How long a session lasts."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from engine import clock
from engine.cli.demo.people import PASSWORD
from engine.errors import SignInNeeded, TooManyTries
from engine.service import people, sessions
from engine.service.app import Countersign
from engine.service.passwords import WrongPassword
from engine.service.tries import OF_NAME as NAME_TRIES
from engine.service.tries import OF_ONE as TRIES
from engine.store import people as store
from engine.store import sessions as kept
from tests.acceptance.offices import opened


@pytest.fixture
def app(db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db_url, tmp_path) as application:
        yield application


def test_a_session_ends_after_its_hours_without_use_and_acting_prolongs_it(app: Countersign, tmp_path: Path):
    token = people.sign_in(app, "wangmin", PASSWORD, address="127.0.0.1").token
    hours = timedelta(hours=app.settings.session_hours)
    clock.move(tmp_path / "clock", hours - timedelta(minutes=5))
    sessions.prolong(app, token)
    clock.move(tmp_path / "clock", timedelta(minutes=10))
    assert people.viewer_of(app, token).person == "wangmin"
    clock.move(tmp_path / "clock", hours)
    sessions.prolong(app, token)
    with pytest.raises(SignInNeeded):
        people.viewer_of(app, token)


def test_after_many_wrong_passwords_the_right_one_has_to_wait(app: Countersign, tmp_path: Path):
    for _ in range(TRIES):
        with pytest.raises(WrongPassword):
            people.sign_in(app, "wangmin", "wrong", address="127.0.0.1")
    with pytest.raises(TooManyTries):
        people.sign_in(app, "wangmin", PASSWORD, address="127.0.0.1")
    clock.move(tmp_path / "clock", timedelta(minutes=11))
    assert people.sign_in(app, "wangmin", PASSWORD, address="127.0.0.2").person == "wangmin"


def test_one_persons_wrong_passwords_lock_no_colleague_behind_the_same_address_out(app: Countersign):
    for _ in range(TRIES + 2):
        with pytest.raises((WrongPassword, TooManyTries)):
            people.sign_in(app, "wangmin", "wrong", address="127.0.0.1")
    assert people.sign_in(app, "liguoqiang", PASSWORD, address="127.0.0.1").person == "liguoqiang"
    assert people.sign_in(app, "wangmin", PASSWORD, address="127.0.0.2").person == "wangmin"


def test_guessing_one_name_from_many_addresses_has_an_end(app: Countersign):
    with pytest.raises(WrongPassword):
        people.sign_in(app, "wangmin", "wrong", address="127.0.0.1")
    with app.db.begin() as tx:
        for _ in range(NAME_TRIES - 1):
            kept.note_try(tx, "name:wangmin", app.now())
    with pytest.raises(TooManyTries):
        people.sign_in(app, "wangmin", PASSWORD, address="127.0.0.2")


def test_a_closed_account_is_signed_out_at_once(app: Countersign):
    token = people.sign_in(app, "wangmin", PASSWORD, address="127.0.0.1").token
    with app.db.begin() as tx:
        store.set_active(tx, "wangmin", active=False)
    with pytest.raises(SignInNeeded):
        people.viewer_of(app, token)

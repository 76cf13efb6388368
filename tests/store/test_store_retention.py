"""What is over is deleted, on both databases; what is still to be sent and the histories stay."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine import clock
from engine.service import effects, retention
from engine.service.app import Countersign
from engine.service.messaging import ChannelDown
from engine.settings import Settings
from engine.store import history, keys, link_codes, permits, sessions, tables
from engine.store.session import Database
from tests.acceptance.offices import notices, opened, submitted

DAY = timedelta(days=1)


@pytest.fixture
def app(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db.url.render_as_string(hide_password=False), tmp_path) as application:
        yield application


def states(app: Countersign) -> list[str]:
    with app.db.read() as tx:
        return list(tx.execute(sa.select(tables.messages.c.state).order_by(tables.messages.c.id)).scalars())


def count(app: Countersign, table: sa.Table) -> int:
    with app.db.read() as tx:
        return tx.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def down(letter: object) -> None:
    raise ChannelDown(channel="e-mail", reason="refused")


def test_messages_are_deleted_when_they_are_old_and_never_before_they_went(app: Countersign, tmp_path: Path):
    submitted(app)
    notices(app)
    submitted(app)
    effects.work(app, down)
    assert sorted(set(states(app))) == ["pending", "sent"]
    waiting = states(app).count("pending")
    histories = count(app, tables.history), count(app, tables.organisation_history)
    clock.move(tmp_path / "clock", 179 * DAY)
    assert retention.catch_up(app) == 0
    assert "sent" in states(app)
    clock.move(tmp_path / "clock", 2 * DAY)
    assert retention.catch_up(app) > 0
    assert states(app) == ["pending"] * waiting
    assert (count(app, tables.history), count(app, tables.organisation_history)) == histories
    with app.db.read() as tx:
        assert all(history.verify(tx, case_id) is None for case_id in history.case_ids(tx))


def test_keys_forms_tries_and_codes_go_when_they_are_over(app: Countersign, tmp_path: Path):
    now = app.now()
    with app.db.begin() as tx:
        keys.add(tx, "wangmin:key-1", "digest", now)
        sessions.keep_form(tx, "hash", "wangmin", "sealed", now=now, expires_at=now + DAY)
        sessions.note_try(tx, "name:wangmin", now)
        link_codes.ask(tx, "link", "wangmin", "browser", at=now, expires_at=now + timedelta(minutes=10))
    tried = (tables.request_keys, tables.kept_forms, tables.sign_in_tries, tables.link_codes)
    assert retention.catch_up(app) == 0
    assert [count(app, table) for table in tried] == [1, 1, 1, 1]
    clock.move(tmp_path / "clock", 2 * DAY)
    assert retention.catch_up(app) == 2
    assert [count(app, table) for table in tried] == [1, 0, 0, 1]
    clock.move(tmp_path / "clock", 14 * DAY)
    assert retention.catch_up(app) == 1
    clock.move(tmp_path / "clock", 170 * DAY)
    assert retention.catch_up(app) == 1
    assert [count(app, table) for table in tried] == [0, 0, 0, 0]


def test_a_look_is_taken_once_an_hour_and_goes_on_while_there_is_more(app: Countersign, tmp_path: Path):
    old = app.now() - 3 * DAY
    with app.db.begin() as tx:
        for _ in range(retention.BATCH + 5):
            sessions.note_try(tx, "name:wangmin", old)
    assert [retention.catch_up(app) for _ in range(3)] == [retention.BATCH, 5, 0]
    with app.db.begin() as tx:
        sessions.note_try(tx, "name:wangmin", old)
    assert retention.catch_up(app) == 0
    clock.move(tmp_path / "clock", timedelta(hours=1))
    assert retention.catch_up(app) == 1


def test_an_operator_may_keep_messages_for_good(app: Countersign, tmp_path: Path):
    submitted(app)
    notices(app)
    keeping = Countersign(Settings(**(app.settings.model_dump() | {"retention_days": 0})), app.db)
    clock.move(tmp_path / "clock", 4000 * DAY)
    retention.catch_up(keeping)
    assert "sent" in states(app)


def test_contacts_are_deleted_when_no_cap_can_count_them(app: Countersign, tmp_path: Path):
    case_id = submitted(app)
    with app.db.begin() as tx:
        same = {"case_id": case_id, "purpose": "marketing", "category": "", "at": app.now()}
        permits.enter(tx, ["a", "b"], wave="w1", channel="sms", **same)
        permits.enter(tx, ["c"], wave="w2", channel="file", **same)
    clock.move(tmp_path / "clock", 364 * DAY)
    retention.catch_up(app)
    assert count(app, tables.permits) == 3
    clock.move(tmp_path / "clock", 2 * DAY)
    retention.catch_up(app)
    assert count(app, tables.permits) == 0

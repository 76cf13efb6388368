"""Roles, accounts and stand-ins change while cases wait: the next look asks whom the organisation names now."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from api.app import create_app
from engine import clock
from engine.cli.demo.people import PASSWORD
from engine.cli.main import app as program
from engine.organisation import StandIn
from engine.service import cases, personnel, reorganising, standins
from engine.service.app import Countersign
from engine.service.views import Entry
from tests.acceptance.offices import DAY, opened, submitted, viewer


@pytest.fixture
def app(db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db_url, tmp_path) as application:
        reorganising.catch_up(application)
        yield application


def asked(app: Countersign, case_id: str) -> set[str]:
    page = cases.case_page(app, viewer(app, "wangmin"), case_id)
    return {seat.person for node in page.waiting.for_nodes for seat in node.seats if seat.state == "open"}


def latest(app: Countersign, case_id: str) -> Entry:
    return cases.case_page(app, viewer(app, "wangmin"), case_id).history[0]


def test_a_role_that_is_given_and_taken_is_followed_and_the_history_names_both_sides(app: Countersign):
    case_id = submitted(app)
    assert reorganising.catch_up(app) == 0
    assert personnel.give_role(app, "zhengkai", "head", "440111")
    assert personnel.take_role(app, "liguoqiang", "head", "440111")
    assert not personnel.take_role(app, "liguoqiang", "head", "440111")
    assert reorganising.catch_up(app) == 1
    assert asked(app, case_id) == {"zhengkai"}
    entry = latest(app, case_id)
    assert (entry.what, entry.people, entry.gone) == ("reorganised", ("郑凯",), ("李国强",))
    assert reorganising.catch_up(app) == 0


def test_a_closed_account_is_replaced_and_asked_again_on_its_own_seat_when_it_is_opened(app: Countersign):
    case_id = submitted(app)
    assert personnel.close_account(app, "liguoqiang")
    assert not personnel.close_account(app, "liguoqiang")
    assert reorganising.catch_up(app) == 1
    assert asked(app, case_id) == {"machao"}
    assert personnel.open_account(app, "liguoqiang")
    assert reorganising.catch_up(app) == 1
    assert asked(app, case_id) == {"liguoqiang"}


def test_who_begins_to_stand_in_for_the_submitter_is_not_asked_any_more_until_it_ends(app: Countersign, tmp_path: Path):
    case_id, now = submitted(app), app.now()
    standins.add(app, None, StandIn("wangmin", "liguoqiang", now + DAY, now + 3 * DAY))
    assert reorganising.catch_up(app) == 0
    clock.move(tmp_path / "clock", timedelta(days=1, minutes=1))
    assert reorganising.catch_up(app) == 1
    assert asked(app, case_id) == {"sunli"}, "the head of the city stands above the head of the county"
    assert reorganising.catch_up(app) == 0
    clock.move(tmp_path / "clock", 2 * DAY)
    assert reorganising.catch_up(app) == 1
    assert asked(app, case_id) == {"liguoqiang"}


def test_a_look_that_was_interrupted_is_taken_up_by_the_next(app: Countersign, monkeypatch: pytest.MonkeyPatch):
    case_id = submitted(app)
    personnel.give_role(app, "zhengkai", "head", "440111")
    with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
        broken.setattr(app, "now", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
        reorganising.catch_up(app)
    assert reorganising.catch_up(app) == 1
    assert asked(app, case_id) == {"liguoqiang", "zhengkai"}


def test_what_waits_for_who_leaves_goes_over_and_the_history_says_for_whom(app: Countersign):
    case_id = submitted(app)
    with TestClient(create_app(app), raise_server_exceptions=False) as client:
        token = client.post("/api/v1/session", json={"login": "machao", "password": PASSWORD}).json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        body = {"leaver": "liguoqiang", "to": "sunli", "remark": "离职"}
        for wrong in ({"to": "nobody"}, {"to": "liguoqiang"}, {"remark": " "}):
            assert client.post("/api/v1/hand-over", json=body | wrong).status_code == 422
        done = client.post("/api/v1/hand-over", json=body).json()
        assert [one["case_id"] for one in done["done"]] == [case_id]
        assert client.post("/api/v1/hand-over", json=body).json() == {"done": [], "left": []}
    entry = latest(app, case_id)
    assert (entry.what, entry.actor, entry.on_behalf_of, entry.people) == ("handed_over", "马超", "李国强", ("孙莉",))
    personnel.close_account(app, "liguoqiang")
    assert reorganising.catch_up(app) == 0
    assert asked(app, case_id) == {"sunli"}


def test_the_operator_does_the_same_at_the_terminal(
    app: Countersign, db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("COUNTERSIGN_HOME", str(tmp_path))
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", db_url)
    case_id = submitted(app)

    def people(*arguments: str) -> str:
        return CliRunner().invoke(program, ["people", *arguments], catch_exceptions=False).output

    assert people("grant", "zhengkai", "head@440111") == "zhengkai holds head@440111.\n1 cases ask others now.\n"
    assert people("grant", "zhengkai", "head@440111") == "zhengkai holds head@440111 already.\n"
    assert people("hand-over", "liguoqiang", "sunli") == (
        "1 cases go from liguoqiang to sunli; 0 are left as they were.\n"
    )
    assert people("revoke", "zhengkai", "head@440111").endswith("1 cases ask others now.\n")
    assert asked(app, case_id) == {"sunli"}
    assert people("close", "liguoqiang") == "The account liguoqiang is closed.\n"
    refused = CliRunner().invoke(program, ["people", "hand-over", "sunli", "wangmin"], catch_exceptions=False)
    assert refused.exit_code == 1
    assert "case of their own" in refused.output

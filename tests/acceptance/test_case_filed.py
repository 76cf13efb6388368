"""What the history says when time decides: a filing that nobody answers, and a step that nobody can take."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from engine import clock
from engine.cli.demo.people import PEOPLE
from engine.service import cases
from engine.service.app import Countersign
from engine.store import people
from engine.store.session import Database
from tests.acceptance.offices import DAY, notices, opened, state_of, submitted, viewer

SMALL = {"budget": "4000.00", "reach": "900"}


@pytest.fixture
def app(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home") as app:
        yield app


def told(app: Countersign, case_id: str) -> list[str]:
    """The codes of the history, oldest first."""
    return [entry.what for entry in reversed(cases.case_page(app, viewer(app, "wangmin"), case_id).history)]


def wait(app: Countersign, tmp_path: Path, span: timedelta) -> list[str]:
    """Let time pass; the occasions of the notices."""
    clock.move(tmp_path / "clock", span)
    return [notice.occasion for notice in notices(app)]


def test_silence_first_leaves_time_for_objections_and_then_takes_effect(app: Countersign, tmp_path: Path) -> None:
    case_id = submitted(app, **SMALL)
    for _ in range(40):
        if state_of(app, case_id) != "approving":
            break
        wait(app, tmp_path, DAY)
    assert told(app, case_id)[:4] == ["created", "submitted", "objectable", "unobjected"]


def test_a_step_that_nobody_can_take_says_so_and_goes_on_once_somebody_can(app: Countersign, tmp_path: Path) -> None:
    held = [
        {"person": one.id, "role": role, "office": office}
        for one in PEOPLE
        for role, office in one.grants
        if role in ("marketing", "process_admin")
    ]
    with app.db.begin() as tx:
        assert all(people.remove_grant(tx, **grant) for grant in held)
    case_id = submitted(app, **SMALL)
    assert "unstaffed" in [notice.occasion for notice in notices(app)]
    wait(app, tmp_path, timedelta(hours=2))
    assert told(app, case_id) == ["created", "submitted", "unstaffed"]
    with app.db.begin() as tx:
        people.add_grants(tx, held)
    wait(app, tmp_path, timedelta(hours=2))
    assert told(app, case_id) == ["created", "submitted", "unstaffed", "staffed"]

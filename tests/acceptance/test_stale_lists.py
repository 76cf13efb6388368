"""A wave whose list is stale waits for a person, on both databases: selected anew, or let go with a reason."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from engine import clock
from engine.cli.main import app as program
from engine.definition.load import load
from engine.errors import ListStale, NotPossible
from engine.service import cases, delivering, groups, stages
from engine.service.app import Countersign
from engine.service.explaining import explain
from engine.service.stage_views import StaleView
from engine.warehouse.dataset import Dataset
from engine.warehouse.freeze import read_list
from tests.acceptance.group_case import DEFINITION, approved, by, loaded, saved, submitted
from tests.acceptance.offices import in_force, key, notices, opened, state_of, viewer
from tests.invariants import check_invariants
from tests.warehouse.explained_by_hand import id_of
from tests.warehouse.selecting_by_hand import add, texts

WAVES = "- {name: pilot, size: 2, channel: file, gate: {metric: failure_rate, max: 50%, wait: 20d}}\n"
STALE = (
    DEFINITION.replace("over: 100%, then: warn}", "over: 50%, then: reapprove}\n  stale_after: 30d")
    .replace("- {name: main, share: rest, channel: sms}", f"{WAVES}    - {{name: main, share: rest, channel: file}}")
    .replace('  message: {text: "Hello"}\n', "")
)
MINORS = {"union": [{"rule": "c.age < 18"}, {"list": "upload"}]}


@pytest.fixture
def hands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "clock"
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(file))
    clock.move(file, timedelta())
    return file


@pytest.fixture
def app(db_url: str, tmp_path: Path, hands: Path) -> Iterator[Countersign]:
    """90 customers, and two groups of them; nothing is sent over a gateway."""
    with opened(db_url, tmp_path / "home", shipped=False) as application:
        loaded(application)
        in_force(application, load(STALE))
        listed(application, 85)
        saved(application, "vip", {"rule": "c.arpu >= 80"})
        saved(application, "minors", MINORS)
        yield application
        check_invariants(application.db)


def listed(app: Countersign, *numbers: int) -> None:
    add(Dataset(app.settings.data), "list_upload", texts(customer=[id_of(n) for n in numbers]))


def ready(app: Countersign, **form: Any) -> str:
    case_id = submitted(app, **{"reach": 9, **form})
    approved(app)
    assert state_of(app, case_id) == "ready"
    return case_id


def stale(app: Countersign, case_id: str) -> StaleView | None:
    return cases.case_page(app, viewer(app, "wangmin"), case_id).stale


def why(app: Countersign, case_id: str) -> list[str]:
    found = stale(app, case_id)
    return [one.short for one in found.why] if found else []


def start(app: Countersign, case_id: str, count: int, **said: str) -> None:
    stages.start_delivery(app, viewer(app, "wangmin"), case_id, count, key=key(), **said)
    notices(app)


def sent(app: Countersign) -> None:
    for _ in range(4):
        delivering.work(app, "worker")
        delivering.settle(app)
        notices(app)


def waves(app: Countersign, case_id: str) -> list[str]:
    return [one.state for one in cases.case_page(app, viewer(app, "wangmin"), case_id).waves]


def test_a_list_is_stale_by_age_and_by_what_selected_it_and_never_by_newer_data_alone(
    app: Countersign, hands: Path
) -> None:
    case_id = ready(app)
    clock.move(hands, timedelta(days=29))
    loaded(app)
    listed(app, 85)
    assert why(app, case_id) == []
    saved(app, "vip", {"rule": "c.arpu >= 70"}, base=1)
    listed(app, 85, 86)
    assert why(app, case_id) == ["vip@1 → vip@2", "list upload"]
    groups.end(app, by(app, "wangmin"), "vip")
    clock.move(hands, timedelta(days=2))
    assert why(app, case_id) == ["31d > 30d", "list upload"], "a group that was ended has no newer version"


def test_nothing_goes_out_before_a_person_says_why(app: Countersign, hands: Path) -> None:
    case_id = ready(app)
    clock.move(hands, timedelta(days=31))
    with pytest.raises(ListStale, match="31d > 30d"):
        start(app, case_id, 9)
    assert state_of(app, case_id) == "ready" and waves(app, case_id) == []
    start(app, case_id, 9, reason="the offer ends tomorrow")
    assert waves(app, case_id) == ["running", "planned"]
    told = cases.case_page(app, viewer(app, "wangmin"), case_id).history[0]
    assert (told.what, told.remark) == ("started", "the offer ends tomorrow")


def test_a_wave_that_comes_too_late_holds_the_case_until_somebody_lets_it_go(app: Countersign, hands: Path) -> None:
    case_id = ready(app)
    clock.move(hands, timedelta(days=15))
    start(app, case_id, 9)
    sent(app)
    clock.move(hands, timedelta(days=21))
    sent(app)
    assert (state_of(app, case_id), waves(app, case_id)) == ("paused", ["done", "planned"])
    found = stale(app, case_id)
    assert found and (found.wave, found.may_select) == ("main", False)
    explained = explain(app, viewer(app, "wangmin"), case_id)
    assert explained.stale == found and explained.waiting.reason == "stale: 36d > 30d"
    me = viewer(app, "wangmin")
    with pytest.raises(ListStale):
        stages.hold(app, me, case_id, "resume", " ", key=key())
    sent(app)
    assert waves(app, case_id) == ["done", "planned"]
    stages.hold(app, me, case_id, "resume", "the same customers still want it", key=key())
    notices(app)
    assert waves(app, case_id) == ["done", "running"] and stale(app, case_id) is None
    sent(app)
    assert waves(app, case_id) == ["done", "done"]


def test_selected_anew_it_takes_the_newest_group_and_keeps_the_approvals(app: Countersign, hands: Path) -> None:
    case_id = ready(app)
    me = viewer(app, "wangmin")
    with pytest.raises(NotPossible):
        stages.select_again(app, me, case_id, key=key())
    saved(app, "vip", {"rule": "c.arpu >= 78"}, base=1)
    again = key()
    stages.select_again(app, me, case_id, key=again)
    stages.select_again(app, me, case_id, key=again)
    assert state_of(app, case_id) == "targeting"
    notices(app)
    seen = cases.case_page(app, me, case_id)
    assert (seen.row.state, seen.round, seen.stale) == ("ready", 1, None)
    assert seen.audience and seen.audience.target == 11 and seen.audience.groups == ("minors@1", "vip@2")
    assert len(list(read_list(app.settings.data, case_id))) == 11
    start(app, case_id, 11)
    sent(app)
    assert waves(app, case_id)[0] == "gated"


def test_another_count_than_approved_is_decided_again(app: Countersign) -> None:
    case_id = ready(app)
    saved(app, "vip", {"rule": "c.arpu >= 60"}, base=1)
    stages.select_again(app, viewer(app, "wangmin"), case_id, key=key())
    notices(app)
    seen = cases.case_page(app, viewer(app, "wangmin"), case_id)
    assert (seen.row.state, seen.round) == ("approving", 2)
    assert seen.drift and (seen.drift.declared, seen.drift.actual) == (9, 21)
    approved(app)
    saved(app, "vip", {"rule": "c.arpu >= 58"}, base=2)
    assert why(app, case_id) == ["vip@2 → vip@3"]
    stages.select_again(app, viewer(app, "wangmin"), case_id, key=key())
    notices(app)
    seen = cases.case_page(app, viewer(app, "wangmin"), case_id)
    assert (seen.row.state, seen.round, seen.audience and seen.audience.target) == ("ready", 2, 23), (
        "23 is close to the 21 that were approved, and far from the 9 that were declared"
    )


def test_the_command_tells_it_in_the_language_of_who_looks(
    app: Countersign, hands: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = ready(app)
    clock.move(hands, timedelta(days=40))
    monkeypatch.setenv("COUNTERSIGN_HOME", str(app.settings.home))
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", app.settings.database)
    told = CliRunner().invoke(program, ["cases", "explain", case_id, "--as", "wangmin"]).output
    assert "the wave pilot does not go out by itself, the list is stale" in told and "40 天" in told

"""Register numbers (备案号): without a gap and without a double, whatever happens at once."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command as alembic
from alembic.config import Config
from typer.testing import CliRunner

from engine import clock
from engine.cli.main import app as program
from engine.errors import NotPossible
from engine.machine.commands import Decide
from engine.machine.replay import replay
from engine.service import approvals, cases, running
from engine.service.app import Countersign
from engine.service.effects import fire_timers
from engine.store import cases as store
from engine.store import history, migrations
from engine.store.session import Database
from tests.acceptance.offices import key, opened, submitted, viewer
from tests.invariants import check_invariants

SMALL = {"budget": "4000.00", "reach": "900"}
MANY = 120  # so many timers at once fire in two lanes


@pytest.fixture
def app(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home") as app:
        yield app


def filed_with(app: Countersign, case_id: str) -> str:
    """The task of the city's registrar."""
    with app.db.read() as tx:
        return store.load(tx, case_id).tasks[0].id


def acknowledge(app: Countersign, case_id: str) -> None:
    registrar, task = viewer(app, "zhengkai"), filed_with(app, case_id)
    approvals.decide(app, registrar, task, "acknowledge", remark="", seen_seq=None, key=key())


def numbers(app: Countersign, case_ids: list[str]) -> list[str]:
    """The register numbers of these cases, as their histories rebuild them."""
    found = []
    with app.db.read() as tx:
        for case_id in case_ids:
            case = replay(history.load(tx, case_id))
            assert case.registered == store.load(tx, case_id).registered
            found += [one.number for one in case.registered]
    return found


def expected(count: int, app: Countersign) -> list[str]:
    year = app.now().astimezone(app.settings.zone).year
    return [f"备440100-{year}-{seq:05}" for seq in range(1, count + 1)]


def all_at_once(*acts: Callable[[], object]) -> None:
    gate = threading.Barrier(len(acts))

    def act(one: Callable[[], object]) -> None:
        gate.wait(30)
        one()

    with ThreadPoolExecutor(len(acts)) as pool:
        list(pool.map(act, acts))


def test_filings_acknowledged_and_silent_at_the_same_moment_are_numbered_without_gap_or_double(
    app: Countersign, tmp_path: Path
) -> None:
    silent = [submitted(app, **SMALL) for _ in range(MANY)]
    clock.move(tmp_path / "clock", timedelta(days=40))
    assert fire_timers(app) == MANY  # the objection window runs from when the silence was due, so it is over as well
    spoken = [submitted(app, **SMALL) for _ in range(MANY // 2)]
    halves = spoken[::2], spoken[1::2]
    all_at_once(
        *(lambda half=half: [acknowledge(app, case_id) for case_id in half] for half in halves),
        lambda: fire_timers(app),
        lambda: fire_timers(app),
    )
    assert sorted(numbers(app, [*silent, *spoken])) == expected(MANY + MANY // 2, app)


@pytest.mark.tampers
def test_a_timer_of_a_case_that_cannot_be_read_stops_no_other(app: Countersign, tmp_path: Path) -> None:
    broken, *whole = [submitted(app, **SMALL) for _ in range(3)]
    with app.db.begin() as tx:
        tx.execute(sa.text("UPDATE cases SET body = '{}' WHERE id = :id"), {"id": broken})
    clock.move(tmp_path / "clock", timedelta(days=40))
    assert (fire_timers(app), fire_timers(app)) == (3, 2)  # the silence, then the end of the objection window
    assert sorted(numbers(app, whole)) == expected(2, app)
    with app.db.read() as tx:
        left = tx.execute(sa.text("SELECT case_id FROM timers WHERE state = 'armed' AND fence > 0")).scalars().all()
    assert set(left) == {broken}


def test_what_is_rolled_back_or_refused_leaves_no_gap(app: Countersign) -> None:
    first, second = submitted(app, **SMALL), submitted(app, **SMALL)
    command = Decide(actor="zhengkai", task=filed_with(app, first), decision="acknowledge")

    def breaks(locked: store.Locked) -> store.Decided:
        decided = running.decide(app, locked, command)
        assert [one.number for one in decided.outcome.case.registered] == expected(1, app)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        store.transition(app.db, first, "", breaks)
    with pytest.raises(NotPossible):
        approvals.decide(
            app, viewer(app, "zhengkai"), filed_with(app, first), "approve", remark="", seen_seq=None, key=key()
        )
    acknowledge(app, second)
    acknowledge(app, first)
    assert numbers(app, [second, first]) == expected(2, app)


def test_a_case_is_found_by_its_register_number_by_who_may_see_it_and_by_nobody_else(
    app: Countersign, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id, other = submitted(app, **SMALL), submitted(app, **SMALL)
    acknowledge(app, case_id)
    (number,) = expected(1, app)
    for login in ("wangmin", "zhengkai"):
        assert [row.id for row in cases.listed(app, viewer(app, login), f" {number} ")] == [case_id]
    assert cases.listed(app, viewer(app, "emily"), number) == ()
    assert cases.listed(app, viewer(app, "wangmin"), number[:-1]) == ()
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", app.db.url.render_as_string(hide_password=False))
    monkeypatch.setenv("COUNTERSIGN_HOME", str(app.settings.home))
    known = cases.case_page(app, viewer(app, "wangmin"), case_id).row.number
    said = CliRunner().invoke(program, ["cases", "list", number, "--as", "wangmin"]).output
    assert known in said and "1 case" in said
    assert CliRunner().invoke(program, ["cases", "explain", number, "--as", "wangmin"]).stdout.startswith(known)
    assert other != case_id


def test_numbers_given_before_the_table_are_filled_in(app: Countersign) -> None:
    case_id = submitted(app, **SMALL)
    acknowledge(app, case_id)
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    with app.db.begin() as tx:
        config.attributes["connection"] = tx
        alembic.downgrade(config, "0005")
    app.db.migrate()
    assert [row.id for row in cases.listed(app, viewer(app, "wangmin"), *expected(1, app))] == [case_id]
    check_invariants(app.db)


def test_the_second_click_gets_the_number_of_the_first(app: Countersign) -> None:
    case_id, other = submitted(app, **SMALL), submitted(app, **SMALL)
    registrar, task, same = viewer(app, "zhengkai"), filed_with(app, case_id), key()
    click = lambda: approvals.decide(  # noqa: E731  the same act thrice
        app, registrar, task, "acknowledge", remark="", seen_seq=None, key=same
    )
    all_at_once(click, click, click)
    acknowledge(app, other)
    assert numbers(app, [case_id, other]) == expected(2, app)


def test_the_case_page_and_its_timeline_name_the_register_number(app: Countersign) -> None:
    case_id = submitted(app, **SMALL)
    acknowledge(app, case_id)
    view = cases.case_page(app, viewer(app, "wangmin"), case_id)
    (number,) = expected(1, app)
    assert [(one.number, one.office.zh, one.step.zh) for one in view.registered] == [
        (number, "广州市分公司", "市公司备案")
    ]
    assert [entry.register for entry in view.history if entry.what == "acknowledge"] == [number]

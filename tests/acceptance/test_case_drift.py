"""An audience that is not what was declared, on both databases: decided again on the real count, used as it was frozen,
and the same when a worker is killed in between."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from engine.cli.main import app as program
from engine.service import approvals, cases, proposals, selecting
from engine.service.app import Countersign
from engine.service.explaining import explain
from engine.service.views import CaseView
from engine.store.tables import outbox, snapshots
from tests.acceptance.drift_case import approve, approved, published
from tests.acceptance.offices import key, notices, open_task, opened, viewer
from tests.invariants import check_invariants
from tests.support import ROOT, kill, wait_until


@pytest.fixture
def app(db_url: str, tmp_path: Path) -> Iterator[Countersign]:
    with opened(db_url, tmp_path / "home", shipped=False) as application:
        published(application)
        yield application
        check_invariants(application.db)


def page(app: Countersign, case_id: str) -> CaseView:
    return cases.case_page(app, viewer(app, "wangmin"), case_id)


def kept(app: Countersign) -> int:
    """How many frozen lists there are."""
    with app.db.read() as tx:
        return int(tx.execute(sa.select(sa.func.count()).select_from(snapshots)).scalar_one())


def test_people_decide_on_the_real_count_and_the_list_is_used_as_it_was_frozen(app: Countersign) -> None:
    case_id = approved(app, reach=90)
    told = {(notice.person, notice.occasion): notice for notice in notices(app)}
    seen = page(app, case_id)
    assert seen.row.state == "approving"
    assert seen.drift is not None
    assert (seen.drift.declared, seen.drift.actual) == (90, 120)
    assert [step.en for step in seen.drift.voided] == ["County head"]
    assert seen.history[0].what == "drifted"
    assert (told["liguoqiang", "task"].drift, told["wangmin", "drifted"].drift) == (seen.drift, seen.drift)
    assert approvals.sheet(app, viewer(app, "liguoqiang"), open_task(app, "liguoqiang")).case.drift == seen.drift
    assert seen.row.reach == 120  # lists show what is decided on
    assert explain(app, viewer(app, "liguoqiang"), case_id).drift == seen.drift
    assert {field.name: field.raw for field in seen.fields}["reach"] == 90

    digest = seen.audience.digest if seen.audience else ""
    approve(app, "liguoqiang")
    seen = page(app, case_id)
    assert (seen.row.state, kept(app)) == ("ready", 1)
    assert seen.audience is not None
    assert (seen.audience.digest, seen.audience.target) == (digest, 120)


def test_a_real_count_of_another_row_takes_its_chain(app: Countersign) -> None:
    case_id = approved(app, reach=900)  # with the city's chain, which 120 customers do not need
    approve(app, "zhouning")
    notices(app)
    assert (page(app, case_id).row.state, page(app, case_id).route) == ("approving", "county")


def test_the_submitter_takes_it_back_and_declares_the_real_number(app: Countersign) -> None:
    case_id = approved(app, reach=90)
    notices(app)
    submitter = viewer(app, "wangmin")
    proposals.withdraw(app, submitter, case_id, "the number", key=key(), again=True)
    assert proposals.form(app, submitter, case_id).drift is not None
    form = {field.name: field.raw for field in page(app, case_id).fields} | {"reach": 115}
    proposals.submit(app, submitter, case_id, form, key=key())
    approve(app, "hejing")
    approve(app, "liguoqiang")
    seen = page(app, case_id)
    assert (seen.row.state, seen.drift, seen.row.reach, kept(app)) == ("ready", None, 115, 2)


def test_an_effect_that_is_carried_out_twice_selects_nothing_for_the_new_round(app: Countersign) -> None:
    case_id = approved(app, reach=90)
    notices(app)
    before = page(app, case_id)
    with app.db.read() as tx:
        keys = tx.execute(sa.select(outbox.c.key)).scalars().all()
    for one in keys:  # a worker that died before it could mark what it had done
        selecting.freeze_audience(app, case_id, f"effect:{one}")
    assert page(app, case_id) == before
    assert kept(app) == 1


def test_a_worker_killed_before_the_case_heard_of_it_leaves_it_to_the_next(
    app: Countersign, db_url: str, tmp_path: Path
) -> None:
    case_id = approved(app, reach=90)
    folder = app.settings.data / "cases" / case_id
    with app.db.begin() as tx:  # the case is locked, so the worker stands at the transaction that would tell it
        tx.execute(sa.text("UPDATE cases SET state = state WHERE id = :id"), {"id": case_id})
        program = [sys.executable, "-m", "tests.acceptance.drift_case", db_url, str(app.settings.home)]
        with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True) as worker:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "working\n"
            if app.db.dialect_name == "postgresql":  # on SQLite it stands earlier: the one writer is here
                wait_until(lambda: folder.exists() and kept(app) == 1, what="the list is frozen")
            time.sleep(0.5)
            kill(worker.pid)
            assert worker.wait(10) == -9
    assert (page(app, case_id).row.state, page(app, case_id).round) == ("targeting", 1)
    with app.db.begin() as tx:  # a minute passes
        tx.execute(sa.update(outbox).values(lease_until=None))
    notices(app)
    seen = page(app, case_id)
    assert (seen.row.state, seen.round, kept(app)) == ("approving", 2, 1)
    assert [entry.what for entry in seen.history].count("drifted") == 1


def test_the_command_that_explains_a_case_names_both_figures(
    app: Countersign, db_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", db_url)
    monkeypatch.setenv("COUNTERSIGN_HOME", str(app.settings.home))
    case_id = approved(app, reach=90)
    notices(app)
    said = CliRunner().invoke(program, ["cases", "explain", case_id, "--as", "wangmin"]).stdout
    assert "declared 90 customers, in fact 120 (33%)\n    no longer stands: 县公司经理\n" in said

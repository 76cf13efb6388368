"""A refresh of the facts and the signature under a report, each in a process that is killed with SIGKILL: before it is
kept, and after it is kept and before anybody is told. Nothing stands twice, and nothing is lost."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.service import closing, facts, metrics
from engine.service.app import Countersign
from engine.service.metrics import Wanted
from engine.service.recording import OPERATOR
from engine.store.session import Database
from engine.store.tables import closings, history
from tests.acceptance.email_case import handed_off, load_customers
from tests.acceptance.offices import opened, state_of, viewer
from tests.acceptance.test_closing import digest_now, evaluated, said
from tests.support import ROOT

REFRESH = """
import os, signal, sys
from engine.service import facts
from engine.service.app import Countersign
from engine.warehouse.star import Star
publish = Star.publish
def die(star, change):
    if sys.argv[1] == "after":
        publish(star, change)
    os.kill(os.getpid(), signal.SIGKILL)
Star.publish = die
facts.refresh(Countersign.open())
"""
SIGN = """
import os, signal, sys
from engine.service import closing, people
from engine.service.app import Countersign
from engine.service.closed import Said
def killed(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
when, case_id, report = sys.argv[1:]
keep = closing.keep
def kept(*given, **named):
    keep(*given, **named)
    killed()
if when == "before":
    closing.keep = kept
app = Countersign.open()
said = Said("Two letters", "The second came late", "Customers of last year", report)
closing.close(app, people.viewer_named(app, "wangmin"), case_id, said, key="sign-it-once")
killed()
"""


@pytest.fixture
def app(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    monkeypatch.setenv("COUNTERSIGN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", db.url.render_as_string(hide_password=False))
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home") as app:
        load_customers(app, tmp_path)
        yield app


def killed_in(program: str, *given: str) -> None:
    """Run a program that is killed."""
    done = subprocess.run(
        [sys.executable, "-c", program, *given], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_refresh_that_was_killed_leaves_the_facts_whole(app: Countersign, when: str) -> None:
    handed_off(app)
    killed_in(REFRESH, when)
    again = facts.refresh(app)
    assert again.deliveries == (600 if when == "before" else 0)
    whole = metrics.ask(app, OPERATOR, Wanted(("messages", "customers")))
    assert whole.only is not None and whole.as_of is not None
    assert [cell.value for cell in whole.only.cells] == [600, 600]
    assert facts.refresh(app).rows == 0


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_signature_that_was_killed_stands_once_or_not_at_all(app: Countersign, tmp_path: Path, when: str) -> None:
    case_id = evaluated(app, tmp_path)
    report = digest_now(app, case_id)
    killed_in(SIGN, when, case_id, report)
    assert state_of(app, case_id) == ("evaluating" if when == "before" else "closed")
    closing.close(app, viewer(app, "wangmin"), case_id, said(report), key="sign-it-once")
    with app.db.read() as tx:
        kept = tx.execute(sa.select(sa.func.count()).select_from(closings)).scalar_one()
        entries = sa.select(sa.func.count()).where(history.c.case_id == case_id, history.c.kind == "Close")
        written = tx.execute(entries).scalar_one()
    assert (kept, written, state_of(app, case_id)) == (1, 1, "closed")
    assert closing.verify(app, None, case_id).differs == ""

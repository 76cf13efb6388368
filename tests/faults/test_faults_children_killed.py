"""The machine stops between a child's end and its parent's move: the parent moves once, whoever comes after."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.machine.commands import ChildMoved
from engine.machine.outcome import Moved
from engine.service import approvals, interventions
from engine.service.app import Countersign
from engine.store import history
from engine.store.session import Database
from tests.acceptance.family import family, in_force, opened_family
from tests.acceptance.offices import key, notices, open_task, opened, state_of, viewer
from tests.support import ROOT, kill


@pytest.fixture
def app(db: Database, tmp_path: Path) -> Iterator[Countersign]:
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home", shipped=False) as app:
        in_force(app)
        yield app


def killed_at_a_notice(app: Countersign) -> str:
    """A worker that was killed when it had claimed what is pending, and was about to notify; the occasion."""
    url = app.db.url.render_as_string(hide_password=False)
    program = [sys.executable, "-m", "tests.faults.effects_worker", url, str(app.settings.home)]
    worker = subprocess.Popen(program, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert worker.stdout is not None
    occasion = worker.stdout.readline().strip()
    kill(worker.pid)
    assert worker.wait(10) == -9
    worker.stdout.close()
    return occasion


def end_leases(app: Countersign) -> int:
    """Minutes pass. How many effects the dead worker had taken."""
    with app.db.begin() as tx:
        return tx.execute(
            sa.text("UPDATE outbox SET lease_until = NULL WHERE state = 'pending' AND lease_until IS NOT NULL")
        ).rowcount


def end(app: Countersign, decision: str = "approve") -> None:
    """One child comes to its end; nothing of what follows is carried out."""
    finance, head = viewer(app, "zhanglan"), viewer(app, "liguoqiang")
    approvals.act(app, finance, open_task(app, "zhanglan"), "clear", remark="", seen_seq=None, key=key())
    notices(app)
    task = open_task(app, "liguoqiang")
    approvals.decide(app, head, task, decision, remark="as tried", seen_seq=None, key=key())


def news(app: Countersign, case_id: str) -> tuple[list[tuple[str, str]], list[str]]:
    """What the parent heard, and where it moved."""
    with app.db.read() as tx:
        entries = history.load(tx, case_id)
    heard = [(one.command.child, one.command.state) for one in entries if isinstance(one.command, ChildMoved)]
    moved = [event.state for one in entries for event in one.events if isinstance(event, Moved)]
    return heard, moved


def test_a_parent_moves_once_though_every_worker_is_killed_before_it_tells_it(app: Countersign) -> None:
    case_id = opened_family(app, "north", "south")
    taken = 0
    for _ in range(2):
        end(app)
        before = state_of(app, case_id)
        for _ in range(2):
            assert killed_at_a_notice(app) == "approved"
            assert state_of(app, case_id) == before == "contracts"
            taken += end_leases(app)
        notices(app)
    assert taken > 4
    heard, moved = news(app, case_id)
    assert moved == ["draft", "contracts", "closed"]
    assert sorted(state for _, state in heard if state == "approved") == ["approved"] * 2
    assert len(set(heard)) == len(heard)


def test_what_is_carried_out_again_because_nobody_wrote_that_it_was_done_changes_nothing(app: Countersign) -> None:
    case_id = opened_family(app, "north", "south")
    end(app, "reject")
    notices(app)
    assert state_of(app, case_id) == "reconsidered"
    ids = [case_id, *(child.id for child in family(app, case_id).children)]
    before = [family(app, one).seq for one in ids]
    with app.db.begin() as tx:
        again = tx.execute(
            sa.text(
                "UPDATE outbox SET state = 'pending', lease_until = NULL"
                " WHERE kind IN ('TellParent', 'OpenChild', 'CancelChild', 'HoldChild')"
            )
        ).rowcount
    assert again >= 7
    notices(app)
    assert [family(app, one).seq for one in ids] == before
    assert len(family(app, case_id).children) == 2
    with app.db.read() as tx:
        left = tx.execute(sa.text("SELECT count(*) FROM outbox WHERE state <> 'done'")).scalar_one()
        known = tx.execute(sa.text("SELECT count(*) FROM cases")).scalar_one()
    assert (left, known) == (0, 3)


def operate(app: Countersign, case_id: str, operation: str) -> None:
    """Nothing of what follows is carried out."""
    interventions.intervene(app, viewer(app, "machao"), case_id, operation, reason="audit", key=key())


def states(app: Countersign, case_id: str) -> list[str]:
    return [state_of(app, one) for one in (case_id, *(child.id for child in family(app, case_id).children))]


def test_children_follow_their_parent_though_every_worker_is_killed_before_it_tells_them(app: Countersign) -> None:
    other, case_id = opened_family(app, "north", "south"), opened_family(app, "north", "south")
    finance, children = viewer(app, "zhanglan"), [child.id for child in family(app, other).children]
    for child, operation, now in zip(children, ("suspend", "activate"), ("suspended", "figures"), strict=True):
        task = next(row.id for row in approvals.inbox(app, finance).to_do if row.case.id == child)
        approvals.act(app, finance, task, "clear", remark="", seen_seq=None, key=key())
        before = states(app, case_id)[1:]
        operate(app, case_id, operation)
        assert killed_at_a_notice(app) == "task"  # of the other case, with what follows in its hands
        assert states(app, case_id)[1:] == before
        assert end_leases(app) > 2
        notices(app)
        assert states(app, case_id)[1:] == [now, now]


def test_news_of_a_suspension_that_come_after_the_parent_went_on_suspend_nothing(app: Countersign) -> None:
    case_id = opened_family(app, "north", "south")
    operate(app, case_id, "suspend")
    with app.db.begin() as tx:  # a worker has them, and is slow
        late = tx.execute(sa.text("UPDATE outbox SET state = 'done' WHERE kind = 'HoldChild' RETURNING key")).scalars()
        keys = {"late": list(late)}
    operate(app, case_id, "activate")
    notices(app)
    with app.db.begin() as tx:
        again = sa.text("UPDATE outbox SET state = 'pending' WHERE key IN :late")
        assert tx.execute(again.bindparams(sa.bindparam("late", expanding=True)), keys).rowcount == 2
    notices(app)
    assert states(app, case_id) == ["contracts", "figures", "figures"]

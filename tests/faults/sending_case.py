"""A delivery over the real gateway: the two, what is sent, and who got what."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.service import delivering
from engine.service.app import Countersign
from engine.service.stage_views import WaveView
from tests.faults.delivering_case import CASE, delivering_case
from tests.servers.gateway import RunningGateway, running_gateway

TARGET = 270


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    """A gateway that sends no receipts."""
    with running_gateway(tmp_path / "sms.log") as started:
        yield started


Make = Callable[..., Countersign]


@pytest.fixture
def make(db_url: str, tmp_path: Path, gateway: RunningGateway) -> Iterator[Make]:
    """Opens the application with a case of 300 customers, 30 of them in the control group."""
    opened: list[Countersign] = []

    def opening(**changes: str) -> Countersign:
        settings = {"sms_url": gateway.url} | changes
        opened.append(delivering_case(db_url, tmp_path / "home", customers=300, **settings))
        return opened[-1]

    yield opening
    for app in opened:
        app.close()


def send_all(app: Countersign, *, seconds: float = 30) -> None:
    """Work, as the flow does, until nothing waits."""
    end = time.monotonic() + seconds
    while any(wave.waiting for wave in shown(app) if wave.state in ("running", "planned")):
        assert time.monotonic() < end, shown(app)
        if delivering.work(app, "test") is None:
            time.sleep(0.05)
        delivering.settle(app)


def shown(app: Countersign) -> tuple[WaveView, ...]:
    """The waves as a page shows them; their sums must always be the audience."""
    with app.db.read() as tx:
        views = delivering.waves_view(app, tx, CASE)
    for view in views:
        settled = (view.sent, view.delivered, view.failed, view.unknown, view.suppressed, view.cancelled)
        assert view.waiting + sum(settled) == view.audience
    return views


def states_of(app: Countersign) -> dict[str, int]:
    """How many recipients are in each state."""
    with app.db.read() as tx:
        return dict(tx.execute(sa.text("SELECT state, count(*) FROM recipients GROUP BY state")).all())  # type: ignore[arg-type]


def assert_each_once(app: Countersign, gateway: RunningGateway, expected: int = TARGET) -> None:
    """The gateway's own log has every recipient exactly once and nobody of the control group."""
    times = gateway.times()
    assert set(times.values()) == {1}
    assert len(times) == expected
    assert not [number for number in times if int(number[3:]) % 10 == 9]


def jump(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hours: float) -> None:
    """Move the business clock forward."""
    clock = tmp_path / "clock"
    clock.write_text(str(hours * 3600))
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(clock))

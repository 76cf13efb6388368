"""An opened house with its people, and the gateway and mail server that it sends by; a suite may have its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import clock
from engine.service.app import Countersign
from engine.settings import Settings
from engine.store.session import Database
from tests.acceptance.offices import load_people
from tests.acceptance.telling_staff import MORNING, MailServer
from tests.servers.gateway import SECRET, RunningGateway, running_gateway


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    with running_gateway(tmp_path / "sms.log") as started:
        yield started


@pytest.fixture
def hands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The business clock, set to a Tuesday morning."""
    file = tmp_path / "clock"
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(file))
    clock.move(file, MORNING - clock.now())
    return file


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MailServer]:
    mail = MailServer(tmp_path / "mail")
    yield mail
    mail.stop()


@pytest.fixture
def app(db: Database, tmp_path: Path, gateway: RunningGateway) -> Iterator[Countersign]:
    url = db.url.render_as_string(hide_password=False)
    app = Countersign.open(Settings(home=tmp_path / "home", database_url=url, sms_url=gateway.url, sms_secret=SECRET))
    load_people(app)
    yield app
    app.close()

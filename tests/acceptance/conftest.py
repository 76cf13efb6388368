"""An opened house with its people, and the SMS gateway that it sends by; a suite that needs another has its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.service.app import Countersign
from engine.settings import Settings
from engine.store.session import Database
from tests.acceptance.offices import load_people
from tests.servers.gateway import SECRET, RunningGateway, running_gateway


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    with running_gateway(tmp_path / "sms.log") as started:
        yield started


@pytest.fixture
def app(db: Database, tmp_path: Path, gateway: RunningGateway) -> Iterator[Countersign]:
    url = db.url.render_as_string(hide_password=False)
    app = Countersign.open(Settings(home=tmp_path / "home", database_url=url, sms_url=gateway.url, sms_secret=SECRET))
    load_people(app)
    yield app
    app.close()

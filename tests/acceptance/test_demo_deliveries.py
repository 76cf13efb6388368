"""What `countersign demo` leaves beside its case: every page of delivery has something to show."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from engine.cli.demo import deliveries
from engine.cli.demo.bases import Generated
from engine.cli.demo.deliveries import CALLER, FINANCE, SUBMITTER
from engine.service import budgets, calling, cases, parking
from engine.service.app import Countersign
from engine.service.recording import OPERATOR, By
from engine.settings import Settings
from tests.acceptance.hall_case import publish, targets
from tests.acceptance.offices import load_people, viewer
from tests.acceptance.widened_case import work_on
from tests.servers.gateway import SECRET, running_gateway


@pytest.fixture
def app(sqlite_url: str, tmp_path: Path) -> Iterator[Countersign]:
    with running_gateway(tmp_path / "sms.log") as gateway:
        settings = Settings(home=tmp_path, database_url=sqlite_url, sms_url=gateway.url, sms_secret=SECRET)
        opened = Countersign.open(settings)
        load_people(opened)
        yield opened
        opened.close()


def waited(app: Countersign) -> Callable[[Callable[[], bool], str], None]:
    """Carries out what the flows would, instead of waiting for them."""

    def until(holds: Callable[[], bool], what: str) -> None:
        for _ in range(5):
            if holds():
                return
            work_on(app)
        raise AssertionError(what)

    return until


def test_every_page_of_delivery_is_filled(app: Countersign, tmp_path: Path) -> None:
    Generated(2_000).fill(app.settings.data, as_of=app.now().date().isoformat(), console=Console(quiet=True))
    publish(app, "flow-10g")
    made = deliveries.furnish(app, waited(app))
    assert deliveries.furnish(app, waited(app)) == made  # twice is once

    me = viewer(app, SUBMITTER)
    hall, call, held, _ = made
    assert targets(app, hall) and cases.case_page(app, me, call).row.state == "delivering"
    assert calling.desk(app, By(viewer(app, CALLER))).due
    page = cases.case_page(app, me, held)
    assert page.row.state == "paused" and page.waves[1].held_because.startswith("budget: ")
    (line,) = budgets.listed(app, By(viewer(app, FINANCE))).budgets
    assert line.committed > 0
    assert parking.listed(app, OPERATOR).counts["reply"] == 1

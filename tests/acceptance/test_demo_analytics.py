"""What `countersign demo` leaves for analysts: every page of analysis has something to show, all of them say the same,
and docs/analytics.md can be followed by its text alone."""

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from engine import clock
from engine.cli.demo import analytics, deliveries, furnishing
from engine.cli.demo.analytics import ANALYST, ASKED, CALLED, VIEW
from engine.cli.demo.bases import Generated
from engine.cli.demo.deliveries import OTHER_SUBMITTER
from engine.cli.main import app as program
from engine.evaluation.leagues import LEAST_TRIES
from engine.service import (
    case_library,
    cases,
    closing,
    costs,
    dashboards,
    effects,
    facts,
    inbox_pages,
    leagues,
    mailing,
    metrics,
    process_figures,
    saved_views,
)
from engine.service.app import Countersign
from engine.service.closed import Said
from engine.service.metrics import Wanted
from engine.service.recording import OPERATOR, By
from engine.settings import Settings
from tests.acceptance.offices import key, load_people, notices, viewer
from tests.acceptance.test_demo_deliveries import waited
from tests.acceptance.widened_case import work_on
from tests.servers.gateway import SECRET, running_gateway
from tests.support import ROOT

TOUR = (ROOT / "docs/analytics.md").read_text(encoding="utf-8")
pytestmark = pytest.mark.timeout(400)  # the whole house, with customers and flows, is made once
NUMBER = "440111-2026-00001"  # as the tour calls the case that the demo has closed


@dataclass(frozen=True)
class House:
    """The demo's house as it stands when the demo goes on serving, in a folder of its own."""

    app: Countersign
    folder: Path

    @property
    def clock(self) -> Path:
        return self.app.settings.home / "clock"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("analytics")
    home = folder / "var/demo"
    home.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patched, running_gateway(folder / "sms.log") as gateway:
        patched.setenv("COUNTERSIGN_CLOCK_FILE", str(home / "clock"))
        app = Countersign.open(Settings(home=home, sms_url=gateway.url, sms_secret=SECRET))
        app.db.migrate()
        load_people(app)
        Generated(9_000).fill(app.settings.data, as_of=app.now().date().isoformat(), console=Console(quiet=True))
        furnishing.furnish(app)
        hall, *_, cared = deliveries.furnish(app, waited(app))
        for _ in range(2):  # twice is once
            analytics.furnish(app, hall)
        close(House(app, folder), cared)
        yield House(app, folder)
        app.close()


def close(house: House, case_id: str) -> None:
    """Live the case of the other county to its close-out."""
    app, me = house.app, viewer(house.app, OTHER_SUBMITTER)
    for _ in range(3):
        clock.move(house.clock, timedelta(days=8))
        work_on(app)
        assert effects.evaluate_due(app).failed == 0
    assert [one.case_id for one in inbox_pages.page(app, me, "to_do").to_close] == [case_id]
    frozen = closing.view(app, me, case_id).frozen
    assert frozen is not None
    closing.close(app, me, case_id, Said("到达好", "没有反馈", "老客户", report=frozen.digest), key=key())
    analytics.count(app)


def test_pages_of_analysis_are_filled_and_say_the_same(house: House) -> None:
    app = house.app
    city = viewer(app, ANALYST)
    table = costs.show(app, OPERATOR).current
    assert table is not None and {one.channel for one in table.prices} == {"sms", "hall", "call"}
    ranked, called = (leagues.table(app, city, {"kind": kind, "since": "2026-01-01"}) for kind in ("halls", "agents"))
    assert (len(ranked.rows), called.n, called.rows) == (1, CALLED, ())
    assert LEAST_TRIES <= ranked.n <= ASKED
    told = process_figures.page(app, city, {})
    assert (told.cases, told.behind, told.decided) == (4, 0, 4)
    (closed,) = case_library.page(app, city, {}).rows
    assert (closed.row.state, closed.lessons.failed) == ("closed", "没有反馈")

    asked = ("sent", "delivery_rate", "customers", "delivery_cost")
    sent = dashboards.show(app, By(city), "sends", {})
    (row,) = metrics.ask(app, By(city), Wanted(asked)).rows
    assert sent.figures == row.cells and row.cells[0].numerator > ASKED
    assert facts.refresh(app).rows == 0  # all of it was counted


def test_the_report_on_a_case_and_the_metrics_say_the_same(house: House) -> None:
    app, me = house.app, viewer(house.app, OTHER_SUBMITTER)
    (closed,) = case_library.page(app, me, {}).rows
    assert closed.report is not None and closed.report.cost
    page = cases.case_page(app, me, closed.row.id)
    where = {"case": (closed.row.id,)}
    (row,) = metrics.ask(app, By(me), Wanted(("sent", "delivered", "delivery_cost"), where=where)).rows
    out, arrived, cost = row.cells
    assert out.numerator == sum(one.count for one in closed.report.funnel if one.name == "sent") > 0
    assert arrived.numerator == sum(wave.delivered for wave in page.waves)
    assert cost.value is not None and round(cost.value, 2) == float(closed.report.cost)  # a report is in cents


def test_the_report_of_the_county_is_mailed_to_its_analyst_and_the_citys(house: House) -> None:
    app = house.app
    assert [one.name for one in saved_views.listed(app, viewer(app, ANALYST))] == [VIEW]
    clock.move(house.clock, timedelta(days=1, minutes=2))
    assert (mailing.queue_due(app), mailing.queue_due(app)) == (1, 0)
    notices(app)


def test_every_command_of_the_tour_runs(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(house.folder)
    shutil.copytree(ROOT / "docs/analytics", house.folder / "docs/analytics", dirs_exist_ok=True)
    (closed,) = case_library.page(house.app, viewer(house.app, OTHER_SUBMITTER), {}).rows
    lines = [line for block in re.findall(r"```sh\n(.*?)```", TOUR, re.DOTALL) for line in block.splitlines()]
    (setting,) = [line for line in lines if line.startswith("export ")]
    for name, value in (pair.split("=") for pair in setting.split()[1:]):
        monkeypatch.setenv(name, value)
    commands = [shlex.split(line)[1:] for line in lines if line.startswith("countersign ")]
    assert {words[0] for words in commands} == {"metrics", "facts", "cases", "evaluate", "export", "process"}
    assert len(commands) == len(lines) - 2  # and the line that enters the environment
    printed = {}
    for words in commands:
        done = CliRunner().invoke(program, [closed.row.number if one == NUMBER else one for one in words])
        assert done.exit_code == 0, f"{words}\n{done.output}\n{done.exception}"
        printed[" ".join(words[:2])] = done.output
    assert "Nothing differs." in printed["evaluate verify"]
    assert "有效" in printed["evaluate docs/analytics/outcomes.csv"]
    assert "12 个案例、52 个事件" in printed["process docs/analytics/requests.csv"]
    assert "FROM" in printed["metrics query"]
    assert (house.folder / "var/report.html").read_bytes() and (house.folder / "var/histories.xes.gz").read_bytes()


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)", TOUR))))
def test_every_link_of_the_tour_leads_somewhere(link: str) -> None:
    assert (ROOT / "docs" / link).exists()

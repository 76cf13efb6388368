"""A case against the targets of its proposal: done, planned, forecast, and not told what the reader does not see."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from engine import clock
from engine.definition.load import load
from engine.errors import NotFound
from engine.service import completing
from engine.service.app import Countersign
from engine.service.completing import TargetView
from engine.service.responses import import_responses
from engine.store.session import Database
from tests.acceptance.email_case import handed_off, load_customers
from tests.acceptance.offices import in_force, opened, viewer
from tests.support import ROOT

SHIPPED = (ROOT / "definitions/hillstrom-email-case.yaml").read_text(encoding="utf-8")
TEXT = SHIPPED.replace("\nevaluation:\n", "\nevaluation:\n  targets: {reach: form.reach, response: form.reach}\n")


@pytest.fixture
def hands(tmp_path: Path) -> Path:
    return tmp_path / "clock"


@pytest.fixture
def app(db: Database, tmp_path: Path, hands: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(hands))
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home", shipped=False) as app:
        in_force(app, load(TEXT))
        load_customers(app, tmp_path)
        yield app


def targets(app: Countersign, case_id: str, login: str = "wangmin") -> dict[str, TargetView]:
    return {one.name: one for one in completing.of_case(app, viewer(app, login), case_id).targets}


def respond(app: Countersign, case_id: str, customers: list[int], hours: float) -> None:
    """These customers respond so many hours after the delivery."""
    at = (clock.now() + timedelta(hours=hours)).isoformat()
    rows = "".join(f"{customer},response,{at},,{customer}-{hours}\n" for customer in customers)
    report = import_responses(
        app, viewer(app, "wangmin"), case_id, f"customer,kind,at,value,reference\n{rows}".encode()
    )
    assert report.bad == ()


def contacted(count: int) -> list[int]:
    """Customers of the two arms that got an e-mail: every third is of the control group."""
    return [n for n in range(1, 901) if n % 3 != 0][:count]


def test_what_was_sent_and_who_responded_stand_against_the_proposal(app: Countersign, hands: Path) -> None:
    case_id = handed_off(app)
    first = targets(app, case_id)
    assert (first["reach"].done, first["reach"].target, first["reach"].planned) == (600, 600, 600)
    assert (first["response"].done, first["response"].planned) == (0, 0)
    assert first["response"].forecast is not None and first["response"].forecast.method == "too_few"
    clock.move(hands, timedelta(days=7))
    respond(app, case_id, contacted(30), -24 * 6)
    respond(app, case_id, [*contacted(40)[25:], 3, 6, 9], -24 * 4)  # some once more, and three of the control group
    found = targets(app, case_id)["response"]
    assert found.done == 40, "each customer once, and none of the control group"
    assert found.planned == pytest.approx(300, abs=3), "half of the 14 days have passed"
    assert found.pace == pytest.approx(40 / 300, abs=0.01)


def test_the_end_is_forecast_with_an_interval_that_holds_what_comes(app: Countersign, hands: Path) -> None:
    case_id = handed_off(app)
    everybody = contacted(600)
    clock.move(hands, timedelta(days=8))
    for day in range(8):
        count, first = max(2, 60 >> day), 130 - (130 >> day)
        respond(app, case_id, everybody[first : first + count], -24 * (8 - day) + 5)
    found = targets(app, case_id)["response"]
    assert found.forecast is not None and found.forecast.method == "delay"
    low, high = found.forecast.low, found.forecast.high
    assert low is not None and high is not None
    assert found.done <= low <= high < found.done * 1.5
    clock.move(hands, timedelta(days=30))
    over = targets(app, case_id)["response"]
    assert over.forecast is not None
    assert (over.forecast.method, over.forecast.expected, over.planned) == ("over", over.done, 600)


def test_who_does_not_see_the_case_sees_no_completion(app: Countersign) -> None:
    case_id = handed_off(app)
    with pytest.raises(NotFound):
        completing.of_case(app, viewer(app, "zhaoying"), case_id)


def test_a_definition_without_targets_has_none(app: Countersign) -> None:
    in_force(app, load(SHIPPED.replace("\nversion: 1\n", "\nversion: 2\n")))
    assert targets(app, handed_off(app)) == {}

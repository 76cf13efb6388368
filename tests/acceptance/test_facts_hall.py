"""Facts of recommendations in the halls: shown, accepted, refused, by hall and clerk."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import InvalidForm
from engine.service import facts, metrics, recommended, recommending
from engine.service.app import Countersign
from engine.service.metrics import Wanted
from engine.service.recommended import Said
from engine.service.recording import OPERATOR, By
from engine.store.session import Database
from tests.acceptance.hall_case import by, placed, prepare, targets
from tests.acceptance.offices import opened, viewer


@pytest.fixture
def app(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home", shipped=False) as app:
        prepare(app)
        yield app


def test_halls_and_clerks_are_told_apart_for_who_may_know(app: Countersign) -> None:
    case_id = placed(app)
    said = (Said("accept", confirmed_by="code", evidence="483920"), Said("refuse", reason="price"))
    for customer, answer in zip(targets(app, case_id), said, strict=False):
        (one,) = recommending.look_up(app, by(app), customer).recommendations
        recommended.answer(app, by(app), one.id, answer)
    facts.refresh(app)
    (row,) = metrics.ask(app, OPERATOR, Wanted(("shown", "accepted", "refused"), ("hall", "clerk"))).rows
    assert [label.zh for label in row.labels] == ["白云区分公司", "赵颖"]
    assert [(cell.numerator, cell.denominator) for cell in row.cells] == [(2, 2), (None, 2), (None, 2)]
    (row,) = metrics.ask(app, OPERATOR, Wanted(("shown", "accepted", "refused"), ("hall",))).rows
    assert [(cell.numerator, cell.denominator) for cell in row.cells] == [(2, 2), (1, 2), (1, 2)]
    (counted,) = metrics.ask(app, OPERATOR, Wanted(("conversions", "revenue"), ("channel",))).rows
    assert (counted.keys, counted.cells[0].numerator, counted.cells[1].value) == (("hall",), 1, 59.0)
    without = By(viewer(app, "emily"))
    assert metrics.ask(app, without, Wanted(("shown",), ("hall",))).rows
    with pytest.raises(InvalidForm) as told:
        metrics.ask(app, without, Wanted(("shown",), ("clerk",)))
    assert [one.code for one in told.value.problems] == ["E432"]

"""Control customers who were messaged are counted, by whom, and withhold the verdict above the declared share."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.service import cases
from engine.service.app import Countersign
from engine.service.contaminating import contamination
from engine.service.responses import import_responses
from engine.service.verdicts import verdict_sentence
from engine.store import cases as store
from engine.store import snapshots
from engine.store.session import Database
from engine.store.tables import recipients
from tests.acceptance.email_case import base, evaluate_after, handed_off, load_customers
from tests.acceptance.offices import opened, viewer


@pytest.fixture
def app(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home") as app:
        load_customers(app, tmp_path)
        yield app


def messaged(app: Countersign, case_id: str, customers: range) -> None:
    """Rows of the case's ledger are those of control customers, as if the list had been mistaken."""
    with app.db.begin() as tx:
        mine = sa.select(recipients.c.wave, recipients.c.row).where(recipients.c.case_id == case_id)
        for (wave, row), customer in zip(tx.execute(mine.limit(len(customers))).all(), customers, strict=True):
            here = (recipients.c.wave == wave) & (recipients.c.row == row)
            tx.execute(sa.update(recipients).where(here).values(customer=str(customer)))


def test_control_customers_who_were_messaged_are_counted_and_said(app: Countersign, tmp_path: Path) -> None:
    case_id, other, person = handed_off(app), handed_off(app), viewer(app, "wangmin")
    messaged(app, case_id, range(3, 13, 3))  # every third customer is in the control group
    messaged(app, other, range(9, 31, 3))
    import_responses(app, person, case_id, base(outcomes=True).encode())
    evaluate_after(app, tmp_path / "clock")
    (found,) = cases.case_page(app, person, case_id).evaluations
    seen = found.contamination
    assert seen is not None
    assert (seen.control, seen.by_case, seen.by_others, seen.reached) == (300, 4, 8, 10)
    assert "contaminated_control" in found.warnings
    assert verdict_sentence(found).en.startswith("Works: visit: 20.83% of 600 target customers, 10.00% of 300")


def test_what_was_sent_before_the_freeze_or_after_the_report_is_no_contamination(
    app: Countersign, tmp_path: Path
) -> None:
    earlier, case_id = handed_off(app), handed_off(app)
    messaged(app, earlier, range(3, 13, 3))
    with app.db.read() as tx:
        plan = app.definition(store.load(tx, case_id).process).evaluation
        snapshot = snapshots.newest(tx, case_id)
        assert plan is not None
        assert snapshot is not None
        assert contamination(app, tx, case_id, snapshot, until=app.now(), plan=plan).all == 0
        assert contamination(app, tx, case_id, snapshot, until=snapshot.frozen_at, plan=plan).all == 0
        strict = plan.model_copy(update={"contaminated_at_most": Decimal("0.05")})
        assert contamination(app, tx, case_id, snapshot, until=app.now(), plan=strict).at_most == 0.05

"""A case with a control group from proposal to report, through the service, on both databases."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from engine import clock
from engine.errors import InvalidFile, NotFound, NotPossible
from engine.service import approvals, cases, delivering, effects, evaluating, proposals, stages
from engine.service.app import Countersign
from engine.service.responses import import_responses
from engine.service.views import EvaluationView
from engine.store import reports, suppression
from engine.store.session import Database
from engine.warehouse.dataset import Dataset
from engine.warehouse.lists import ROW_NUMBER, Reading, import_csv
from tests.acceptance.offices import key, notices, open_task, opened, state_of, viewer

ARMS = ("Mens E-Mail", "Womens E-Mail", "No E-Mail")
VISITS = {"Mens E-Mail": 4, "Womens E-Mail": 6, "No E-Mail": 10}  # every n-th customer comes
FORM = {"title": "Two e-mails", "budget": "4000", "reach": "600", "window": ["2026-12-01", "2026-12-14"]}


def base(outcomes: bool = False) -> str:
    """900 customers in three arms; with `outcomes`, what they did."""
    lines = ["recency,history_segment,history,mens,womens,zip_code,newbie,channel,segment,visit,conversion,spend"]
    for n in range(900):
        arm = ARMS[n % 3]
        came = (n // 3) % VISITS[arm] == 0
        did = f"{came:d},{came and n % 2:d},{20.5 if came and n % 2 else 0}" if outcomes else ",,"
        lines.append(f"3,1) $0 - $100,29.99,1,0,Urban,0,Web,{arm},{did}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def app(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home") as app:
        file = tmp_path / "customers.csv"
        file.write_text(base())
        dataset = Dataset(app.settings.data)
        imported = import_csv(dataset, "customers", file, Reading(ROW_NUMBER, types={"customer": "text"}))
        dataset.replace("customers", imported.table)
        yield app


@pytest.fixture
def case_id(app: Countersign) -> str:
    """A case whose two e-mails were handed off."""
    submitter = viewer(app, "wangmin")
    made = proposals.start(app, submitter, "hillstrom-email-case", key=key())
    proposals.submit(app, submitter, made, FORM, key=key())
    head = viewer(app, "liguoqiang")
    approvals.decide(app, head, open_task(app, "liguoqiang"), "approve", remark="", seen_seq=None, key=key())
    notices(app)
    stages.start_delivery(app, submitter, made, 600, key=key())
    notices(app)
    for _ in range(20):
        if state_of(app, made) == "evaluating":
            return made
        delivering.work(app, "worker")
        delivering.settle(app)
        notices(app)
    raise AssertionError("the delivery does not end")


def look(app: Countersign, case_id: str, tmp_path: Path, days: int = 15) -> EvaluationView:
    """Let the evaluation fall due."""
    clock.move(tmp_path / "clock", timedelta(days=days))
    notices(app)
    assert effects.evaluate_due(app).failed == 0
    (found,) = cases.case_page(app, viewer(app, "wangmin"), case_id).evaluations
    return found


def test_the_report_shows_the_lift_of_each_cell_over_the_control_group(
    app: Countersign, case_id: str, tmp_path: Path
) -> None:
    report = import_responses(app, viewer(app, "wangmin"), case_id, base(outcomes=True).encode())
    assert (report.rows, report.outcomes, report.bad) == (900, 2700, ())
    found = look(app, case_id, tmp_path)
    lifts = {(row.arm, row.metric): row for row in found.uplift}
    assert lifts["mens", "visit"].value == pytest.approx(0.25)
    assert lifts["womens", "visit"].lift == pytest.approx(50 / 300 - 0.1)
    assert lifts["total", "visit"].n == 600
    assert (found.srm_chi2, found.srm_p, found.verdict) == (0.0, 1.0, "works")
    funnel = {row.name: (row.count, row.of) for row in found.funnel}
    assert funnel["target"] == (600, 900)
    assert funnel["control"] == (300, 900)
    assert funnel["delivered"] == (600, 600)
    assert funnel["visit"] == (125, 600)


def test_the_same_file_again_and_the_same_evaluation_again_change_nothing(
    app: Countersign, case_id: str, tmp_path: Path
) -> None:
    person, rows = viewer(app, "wangmin"), base(outcomes=True).encode()
    import_responses(app, person, case_id, rows)
    first = look(app, case_id, tmp_path)
    import_responses(app, person, case_id, rows)
    seq = cases.case_page(app, person, case_id).seq
    evaluating.evaluate(app, case_id, "14d", True, "again")
    again = cases.case_page(app, person, case_id)
    assert again.evaluations == (first,)
    assert again.seq <= seq + 1


def test_without_any_outcome_it_is_too_early_for_a_verdict(app: Countersign, case_id: str, tmp_path: Path) -> None:
    assert look(app, case_id, tmp_path).verdict == "too_early"


def test_events_are_recorded_once_and_an_opt_out_holds_at_once(app: Countersign, case_id: str) -> None:
    person, at = viewer(app, "wangmin"), clock.now().isoformat()
    rows = f"customer,kind,at,value,reference\n1,response,{at},,o-1\n2,opt_out,{at},,r-1\n4242,response,{at},,x\n"
    first = import_responses(app, person, case_id, rows.encode())
    assert (first.recorded, first.known) == (2, 0)
    assert [str(row) for row in first.bad] == ["line 4, column customer: '4242' is not in the audience of this case"]
    second = import_responses(app, person, case_id, rows.encode())
    assert (second.recorded, second.known) == (0, 2)
    with app.db.read() as tx:
        assert suppression.suppressed(tx, ["1", "2"], app.now()) == {"2"}
        assert reports.references(tx, case_id, "response") == {"o-1"}


def test_files_are_refused_from_others_and_where_they_say_nothing(app: Countersign, case_id: str) -> None:
    with pytest.raises(NotFound):
        import_responses(app, viewer(app, "liguoqiang"), case_id, b"customer,kind,at\n")
    with pytest.raises(InvalidFile):
        import_responses(app, viewer(app, "wangmin"), case_id, b"colour\nred\n")


def test_a_draft_takes_no_responses(app: Countersign) -> None:
    submitter = viewer(app, "wangmin")
    draft = proposals.start(app, submitter, "hillstrom-email-case", key=key())
    with pytest.raises(NotPossible):
        import_responses(app, submitter, draft, b"customer,kind,at\n")

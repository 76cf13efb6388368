"""A case with a control group from proposal to report, through the service, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import clock
from engine.errors import InvalidFile, NotFound, NotPossible
from engine.service import cases, evaluating, proposals
from engine.service.app import Countersign
from engine.service.responses import import_responses
from engine.service.stage_views import EvaluationView
from engine.store import reports, suppression
from engine.store.session import Database
from tests.acceptance.email_case import base, evaluate_after, handed_off, load_customers
from tests.acceptance.offices import key, opened, viewer


@pytest.fixture
def app(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home") as app:
        load_customers(app, tmp_path)
        yield app


@pytest.fixture
def case_id(app: Countersign) -> str:
    """A case whose two e-mails were handed off."""
    return handed_off(app)


def look(app: Countersign, case_id: str, tmp_path: Path, days: int = 15) -> EvaluationView:
    """Let the evaluation fall due."""
    evaluate_after(app, tmp_path / "clock", days)
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


def test_what_a_stage_reports_comes_by_itself_and_an_evaluation_names_its_time(
    app: Countersign, case_id: str, tmp_path: Path
) -> None:
    look(app, case_id, tmp_path)
    page = cases.case_page(app, viewer(app, "wangmin"), case_id)
    entries = {entry.what: (entry.via, entry.remark) for entry in page.history}
    assert entries["evaluated"] == ("stage", "14d")
    assert entries["evaluation_due"] == ("timer", "14d")
    assert entries["delivered"] == entries["frozen"] == ("stage", "")
    (delivery,) = [node for column in page.chain.columns for node in column if node.verb == "delivery"]
    assert delivery.count == len(page.waves) == 1

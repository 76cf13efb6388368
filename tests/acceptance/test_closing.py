"""A case is closed out: the report is frozen and signed, what it was made from can be counted again, and the case
library offers it to others. Through the service, on both databases."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine import clock
from engine.definition.load import load
from engine.errors import Invalid, InvalidForm, NotFound, NotPossible, ReportChanged
from engine.service import case_library, cases, closing, copying, feedback, group_impact, inbox_pages, proposals
from engine.service.app import Countersign
from engine.service.closed import Said
from engine.service.recording import By
from engine.service.responses import import_responses
from engine.store.session import Database
from engine.store.tables import recipients, waves
from tests.acceptance.email_case import base, evaluate_after, handed_off, load_customers, sign
from tests.acceptance.offices import in_force, key, notices, opened, state_of, viewer
from tests.acceptance.test_feedback import SHIPPED

LEARNED = Said("Two letters", "The second came late", "Customers of last year")


@pytest.fixture
def app(db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home") as app:
        load_customers(app, tmp_path)
        yield app


def evaluated(app: Countersign, tmp_path: Path) -> str:
    """A case with outcomes whose every evaluation is there."""
    case_id = handed_off(app)
    import_responses(app, viewer(app, "wangmin"), case_id, base(outcomes=True).encode())
    at = (app.now() + timedelta(seconds=1)).isoformat()
    clock.move(tmp_path / "clock", timedelta(minutes=1))
    rows = f"customer,kind,at,value,reference\n1,response,{at},,o-1\n"
    import_responses(app, viewer(app, "wangmin"), case_id, rows.encode())
    evaluate_after(app, tmp_path / "clock")
    return case_id


def said(report: str) -> Said:
    return Said(LEARNED.worked, LEARNED.failed, LEARNED.repeat, report)


def digest_now(app: Countersign, case_id: str) -> str:
    frozen = closing.view(app, viewer(app, "wangmin"), case_id).frozen
    assert frozen is not None
    return frozen.digest


def test_the_submitter_signs_the_report_that_they_read(app: Countersign, tmp_path: Path) -> None:
    case_id = evaluated(app, tmp_path)
    submitter = viewer(app, "wangmin")
    assert [one.case_id for one in inbox_pages.page(app, submitter, "to_do").to_close] == [case_id]
    read = closing.view(app, submitter, case_id)
    assert read.frozen is not None and read.may_sign and read.closed_at is None
    assert {one.name: one.rows for one in read.frozen.inputs} == {
        "list": 900, "ledger": 600, "responses": 1, "outcomes": 1, "cost": read.frozen.inputs[-1].rows,
    }  # fmt: skip
    clock.move(tmp_path / "clock", timedelta(hours=1))
    assert digest_now(app, case_id) == read.frozen.digest, "time alone changes no report"
    used = key()
    closing.close(app, submitter, case_id, said(read.frozen.digest), key=used)
    closing.close(app, submitter, case_id, said(read.frozen.digest), key=used)
    done = closing.view(app, viewer(app, "liguoqiang"), case_id)
    assert done.frozen is not None and done.frozen.digest == read.frozen.digest
    assert done.frozen.report.uplift == read.frozen.report.uplift
    assert (done.signed_by, done.lessons.failed, done.may_sign) == ("王敏", "The second came late", False)
    assert inbox_pages.page(app, submitter, "to_do").to_close == ()
    page = cases.case_page(app, submitter, case_id)
    assert page.row.state == "closed"
    signed = next(entry for entry in page.history if entry.what == "closed")
    assert signed.remark == "Two letters\nThe second came late\nCustomers of last year"
    with app.db.read() as tx:
        from engine.store import cases as store

        assert store.load(tx, case_id).facts["signed"]["report"] == read.frozen.digest


def test_a_report_that_changed_is_not_signed_under_the_old_digest(app: Countersign, tmp_path: Path) -> None:
    case_id = evaluated(app, tmp_path)
    submitter, old = viewer(app, "wangmin"), digest_now(app, case_id)
    late = f"customer,kind,at,value,reference\n7,response,{app.now().isoformat()},,late\n"
    import_responses(app, submitter, case_id, late.encode())
    with pytest.raises(ReportChanged):
        closing.close(app, submitter, case_id, said(old), key=key())
    assert state_of(app, case_id) == "evaluating"
    new = digest_now(app, case_id)
    assert new != old
    closing.close(app, submitter, case_id, said(new), key=key())
    assert state_of(app, case_id) == "closed"


def test_nobody_else_signs_and_nothing_is_signed_without_lessons(app: Countersign, tmp_path: Path) -> None:
    case_id = evaluated(app, tmp_path)
    report = digest_now(app, case_id)
    with pytest.raises(NotFound):
        closing.close(app, viewer(app, "liguoqiang"), case_id, said(report), key=key())
    with pytest.raises(NotFound):
        closing.view(app, viewer(app, "liguoqiang"), case_id)
    with pytest.raises(InvalidForm) as refused:
        closing.close(app, viewer(app, "wangmin"), case_id, Said(" ", "x" * 2001, "all", report), key=key())
    assert {one.at: one.code for one in refused.value.problems} == {"worked": "lesson_missing", "failed": "lesson_long"}
    with pytest.raises(Invalid):
        closing.close(app, viewer(app, "wangmin"), case_id, LEARNED, key=key())
    assert state_of(app, case_id) == "evaluating"


def test_before_the_last_evaluation_it_cannot_be_closed(app: Countersign) -> None:
    case_id = handed_off(app)
    with pytest.raises(NotPossible):
        closing.close(app, viewer(app, "wangmin"), case_id, said("d"), key=key())
    with pytest.raises(NotFound):
        closing.view(app, viewer(app, "wangmin"), case_id)


def test_who_does_not_sign_is_reminded_three_times(app: Countersign, tmp_path: Path) -> None:
    case_id = evaluated(app, tmp_path)
    notices(app)
    told = []
    for _ in range(5):
        clock.move(tmp_path / "clock", timedelta(days=14))
        told.append(sum(one.occasion == "evaluated" for one in notices(app)))
    assert told == [1, 1, 1, 0, 0]
    assert state_of(app, case_id) == "evaluating"


def test_verifying_names_the_first_input_that_differs(app: Countersign, tmp_path: Path) -> None:
    case_id = evaluated(app, tmp_path)
    sign(app, case_id)
    clock.move(tmp_path / "clock", timedelta(days=300))
    auditor = viewer(app, "xuwen")
    assert closing.verify(app, None, case_id).differs == ""
    assert all(one.is_same for one in closing.verify(app, auditor, case_id).inputs)
    segments = sa.update(waves).where(waves.c.case_id == case_id)
    here = (recipients.c.case_id == case_id, recipients.c.row == 0)
    row = sa.update(recipients).where(*here)
    with app.db.begin() as tx:
        tx.execute(segments.values(segments=waves.c.segments + 1))
    assert closing.verify(app, None, case_id).differs == "cost"
    with app.db.begin() as tx:
        before = tx.execute(sa.select(recipients.c.cell).where(*here)).scalar_one()
        tx.execute(row.values(cell="made up"))
    found = closing.verify(app, None, case_id)
    assert found.differs == "ledger"
    assert {one.name: one.is_same for one in found.inputs} == {
        "list": True, "ledger": False, "responses": True, "outcomes": True, "cost": False,
    }  # fmt: skip
    with app.db.begin() as tx:
        tx.execute(segments.values(segments=waves.c.segments - 1))
        tx.execute(row.values(cell=before))
    assert closing.verify(app, None, case_id).differs == ""
    with pytest.raises(NotFound):
        closing.verify(app, None, "nothing")


def test_a_definition_may_close_by_itself_and_keep_the_case_to_itself(app: Countersign, tmp_path: Path) -> None:
    text = SHIPPED.replace("need: report_signed_by_submitter", "need: nothing, feedback_to: nowhere")
    assert "need: nothing" in text
    in_force(app, load(text.replace("version: 1\n", "version: 99\n", 1)))
    case_id = evaluated(app, tmp_path)
    assert state_of(app, case_id) == "closed"
    done = closing.view(app, viewer(app, "wangmin"), case_id)
    assert done.frozen is not None and done.signed_by == "" and not done.in_library
    assert closing.verify(app, None, case_id).differs == ""
    assert case_library.page(app, viewer(app, "wangmin"), {}).rows == ()


def test_the_library_finds_closed_cases_by_lessons_pinyin_verdict_and_day(app: Countersign, tmp_path: Path) -> None:
    case_id = evaluated(app, tmp_path)
    submitter, report = viewer(app, "wangmin"), digest_now(app, case_id)
    learned = Said("上午发送效果好", "The second came late", "Customers of last year", report)
    closing.close(app, submitter, case_id, learned, key=key())

    def found(**filters: str) -> list[str]:
        return [one.row.id for one in case_library.page(app, viewer(app, "liguoqiang"), filters).rows]

    (row,) = case_library.page(app, viewer(app, "liguoqiang"), {}).rows
    assert (row.n, row.report and row.report.verdict, row.channels) == (600, "works", ("file",))
    assert found(q="效果好") == found(q="shangwufasong") == found(q="swfs") == found(q="SECOND came") == [case_id]
    assert found(q="another") == found(verdict="harms") == found(channel="sms") == found(until="2020-01-01") == []
    assert found(verdict="works", channel="file", kind="hillstrom-email-case", since="2020-01-01") == [case_id]
    with pytest.raises(Invalid):
        found(since="yesterday")


def test_a_new_case_begins_from_one_of_the_library_without_its_days(app: Countersign, tmp_path: Path) -> None:
    case_id = evaluated(app, tmp_path)
    with pytest.raises(NotFound):
        copying.copy(app, viewer(app, "wangmin"), case_id, key=key(), from_library=True)
    sign(app, case_id)
    made = copying.copy(app, viewer(app, "wangmin"), case_id, key=key(), from_library=True)
    form = proposals.form(app, viewer(app, "wangmin"), made, copied_from=case_id)
    values = {field.name: field.raw for field in form.fields}
    assert (values["title"], values["window"]) == ("Two e-mails", None)
    assert form.taken is not None and [label.en for label in form.taken.left] == ["Period"]


def test_groups_for_the_next_audience_are_made_in_one_step(app: Countersign, tmp_path: Path) -> None:
    case_id = evaluated(app, tmp_path)
    by = By(viewer(app, "wangmin"), "page", "", key())
    with pytest.raises(NotFound):
        feedback.make_group(app, by, case_id, "responded")
    sign(app, case_id)
    made = feedback.make_group(app, by, case_id, "responded", title="responded")
    again = feedback.make_group(app, By(viewer(app, "wangmin"), "page", "", key()), case_id, "responded")
    assert (again.name, again.version) == (made.name, 1)
    missed = feedback.make_group(app, By(viewer(app, "wangmin"), "page", "", key()), case_id, "not_reached")
    sizes = [group_impact.size(app, By(viewer(app, "wangmin")), one.name) for one in (made, missed)]
    assert [(one.after, one.failed) for one in sizes] == [(1, ""), (0, "")]
    with pytest.raises(InvalidForm):
        feedback.make_group(app, by, case_id, "asleep")

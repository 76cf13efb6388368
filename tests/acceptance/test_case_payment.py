"""A case with a lifecycle of its own, through the service: the example of a payment, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import AlreadyDecided, InvalidForm, NotFound, NotPossible
from engine.service import approvals, cases, proposals
from engine.service.app import Countersign
from engine.store.session import Database
from tests.acceptance.offices import key, notices, open_task, opened, state_of, viewer
from tests.api.lifecycles import BILL, in_force


@pytest.fixture
def app(db: Database, tmp_path: Path) -> Iterator[Countersign]:
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home") as app:
        in_force(app)
        yield app


def submitted(app: Countersign) -> str:
    submitter = viewer(app, "wangmin")
    case_id = proposals.start(app, submitter, "payment-approval", key=key())
    assert proposals.form(app, submitter, case_id).fields[0].writable
    proposals.submit(app, submitter, case_id, BILL, key=key())
    return case_id


def act(app: Countersign, login: str, event: str, task: str = "", *, remark: str = "") -> None:
    who = viewer(app, login)
    approvals.act(app, who, task or open_task(app, login), event, remark=remark, seen_seq=None, key=key())


def test_a_payment_goes_from_the_form_to_paid(app: Countersign) -> None:
    case_id = submitted(app)
    told = {notice.person for notice in notices(app) if notice.occasion == "task"}
    assert {"linfang", "zhouning"} <= told
    sheet = approvals.sheet(app, viewer(app, "linfang"), open_task(app, "linfang"))
    assert [(one.event, one.label.zh, one.needs_reason) for one in sheet.acts] == [
        ("approve", "同意", False),
        ("reject", "拒绝", True),
    ]
    act(app, "linfang", "approve")
    act(app, "chensi", "approve")
    act(app, "zhouning", "final_approve")
    act(app, "zhanglan", "request_payment")
    act(app, "hejing", "pay")
    view = cases.case_page(app, viewer(app, "wangmin"), case_id)
    assert (view.row.state, view.row.state_label.en, view.waiting.for_nodes) == ("paid", "Paid", ())
    said = [(one.event.en, one.step.en) for one in view.history if one.what == "performed"]
    assert said[::-1][:2] == [("Approve", "Submitted"), ("Approve", "Approved by administration")]
    assert approvals.inbox(app, viewer(app, "zhanglan")).counts["to_do"] == 0


def test_a_rejected_payment_is_taken_back_changed_and_submitted_again(app: Countersign) -> None:
    case_id = submitted(app)
    with pytest.raises(InvalidForm):
        act(app, "zhouning", "reject")
    act(app, "zhouning", "reject", remark="no bill")
    act(app, "wangmin", "take_back")
    assert state_of(app, case_id) == "returned"
    proposals.save(app, viewer(app, "wangmin"), case_id, BILL | {"amount": "900.00"}, key=key())
    proposals.submit(app, viewer(app, "wangmin"), case_id, BILL | {"amount": "800.00"}, key=key())
    assert cases.case_page(app, viewer(app, "wangmin"), case_id).round == 2


def test_what_is_not_theirs_nobody_does(app: Countersign) -> None:
    case_id = submitted(app)
    late = open_task(app, "zhouning")
    with pytest.raises(NotPossible, match="possible: approve, reject"):
        act(app, "linfang", "final_approve")
    act(app, "linfang", "approve")
    with pytest.raises(AlreadyDecided, match="林芳"):
        act(app, "zhouning", "approve", late)
    with pytest.raises(NotFound):
        act(app, "zhouning", "approve", "no-such-task")
    with pytest.raises(NotFound):
        approvals.perform(app, viewer(app, "emily"), case_id, "approve", remark="", key=key(), via="api")
    with pytest.raises(NotPossible):
        approvals.perform(app, viewer(app, "wangmin"), case_id, "approve", remark="", key=key(), via="api")
    assert state_of(app, case_id) == "admin_approved"


def test_an_event_without_a_task_is_done_on_the_case(app: Countersign) -> None:
    submitter = viewer(app, "wangmin")
    case_id = proposals.start(app, submitter, "payment-approval", key=key())
    approvals.perform(app, submitter, case_id, "save", remark="", key=key(), via="api")
    assert state_of(app, case_id) == "draft"
    assert not proposals.form(app, submitter, case_id).fields[0].writable

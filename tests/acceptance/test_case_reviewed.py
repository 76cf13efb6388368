"""A case whose definition extends the usual lifecycle, through the service, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.service import approvals, cases, interventions, proposals, publishing
from engine.service.app import Countersign
from engine.store import people
from engine.store.session import Database
from tests.acceptance.offices import PROPOSAL, key, notices, open_task, opened, state_of, viewer

REVIEWED = Path(__file__).resolve().parents[2] / "definitions/examples/reviewed-marketing-case.yaml"


@pytest.fixture
def app(db: Database, tmp_path: Path) -> Iterator[Countersign]:
    with opened(db.url.render_as_string(hide_password=False), tmp_path / "home") as app:
        with app.db.begin() as tx:
            roles = (("machao", "definition_author"), ("wuqian", "definition_author"), ("chensi", "legal"))
            people.add_grants(tx, [{"person": one, "role": role, "office": "440100"} for one, role in roles])
        publishing.save_draft(app, viewer(app, "machao"), REVIEWED.read_text("utf-8"))
        publishing.publish(app, viewer(app, "wuqian"), "reviewed-marketing-case", 3)
        yield app


def submitted(app: Countersign) -> str:
    submitter = viewer(app, "wangmin")
    case_id = proposals.start(app, submitter, "reviewed-marketing-case", key=key())
    assert state_of(app, case_id) == "draft"
    small = {"budget": "4000.00", "reach": "900", "discount": "0.9"}
    proposals.submit(app, submitter, case_id, PROPOSAL | small, key=key())
    notices(app)
    return case_id


def filed(app: Countersign) -> str:
    case_id = submitted(app)
    approvals.decide(
        app,
        viewer(app, "zhengkai"),
        open_task(app, "zhengkai"),
        "acknowledge",
        remark="",
        seen_seq=None,
        key=key(),
    )
    notices(app)
    return case_id


def act(app: Countersign, event: str, remark: str = "") -> None:
    task = open_task(app, "chensi")
    approvals.act(app, viewer(app, "chensi"), task, event, remark=remark, seen_seq=None, key=key())
    notices(app)


def test_what_was_filed_waits_for_the_review_and_is_then_selected(app: Countersign) -> None:
    case_id = filed(app)
    view = cases.case_page(app, viewer(app, "wangmin"), case_id)
    assert (view.row.state, view.row.state_label.en) == ("legal_review", "Legal review")
    assert [(node.id, node.state) for column in view.chain.columns for node in column] == [
        ("city_register", "done"),
        ("legal_review", "current"),
        ("audience", "ahead"),
        ("delivery", "ahead"),
        ("evaluation", "ahead"),
        ("closed", "ahead"),
    ]
    assert "withdraw" in view.waiting.possible
    sheet = approvals.sheet(app, viewer(app, "chensi"), open_task(app, "chensi"))
    assert [one.event for one in sheet.acts] == ["clear", "send_back"]
    act(app, "clear")
    assert state_of(app, case_id) == "targeting"


def test_what_the_review_sends_back_is_submitted_again_and_keeps_its_number(app: Countersign) -> None:
    case_id = filed(app)
    number = cases.case_page(app, viewer(app, "wangmin"), case_id).row.number
    act(app, "send_back", "wrong words")
    view = cases.case_page(app, viewer(app, "wangmin"), case_id)
    assert (view.row.state, view.waiting.reason) == ("returned", "wrong words")
    proposals.submit(app, viewer(app, "wangmin"), case_id, PROPOSAL | {"budget": "4000.00", "reach": "900"}, key=key())
    view = cases.case_page(app, viewer(app, "wangmin"), case_id)
    assert (view.row.state, view.row.number, view.round) == ("approving", number, 2)


def test_a_case_stands_still_in_the_review_and_is_withdrawn_from_there(app: Countersign) -> None:
    case_id = filed(app)
    admin = viewer(app, "machao")
    interventions.intervene(app, admin, case_id, "suspend", reason="wait", key=key())
    assert state_of(app, case_id) == "suspended"
    assert cases.case_page(app, viewer(app, "wangmin"), case_id).chain.columns
    interventions.intervene(app, admin, case_id, "activate", reason="", key=key())
    assert state_of(app, case_id) == "legal_review"
    proposals.withdraw(app, viewer(app, "wangmin"), case_id, reason="no more", key=key())
    assert state_of(app, case_id) == "withdrawn"
    interventions.intervene(app, viewer(app, "wangmin"), case_id, "wake", reason="after all", key=key())
    assert state_of(app, case_id) == "returned"


def test_a_reviewed_case_is_void_on_the_word_of_its_submitter(app: Countersign) -> None:
    case_id = filed(app)
    act(app, "clear")
    interventions.intervene(app, viewer(app, "wangmin"), case_id, "void", reason="the offer is gone", key=key())
    assert state_of(app, case_id) == "voided"

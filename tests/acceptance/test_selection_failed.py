"""A selection that cannot be made is told to the submitter, who has it tried again from the case page."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.service import approvals, cases, stages
from engine.service.app import Countersign
from tests.acceptance.offices import key, notices, open_task, opened, submitted, viewer


@pytest.fixture
def app(db_url: str, tmp_path: Path) -> Iterator[Countersign]:
    with opened(db_url, tmp_path) as application:
        yield application


def test_without_customers_the_case_says_so_and_can_be_tried_again(app: Countersign):
    case_id = submitted(app, budget="4000.00", reach="900", discount="0.9")
    registrar = viewer(app, "zhengkai")
    approvals.decide(app, registrar, open_task(app, "zhengkai"), "acknowledge", remark="", seen_seq=None, key=key())
    assert "failed" in [notice.occasion for notice in notices(app) if notice.person == "wangmin"]
    page = cases.case_page(app, viewer(app, "wangmin"), case_id)
    assert page.row.state == "targeting"
    assert page.waiting.reason.startswith("There are no customers yet")
    assert "select" in page.waiting.possible

    stages.select_again(app, viewer(app, "wangmin"), case_id, key=key())

    page = cases.case_page(app, viewer(app, "wangmin"), case_id)
    assert page.waiting.reason == ""
    assert "select" not in page.waiting.possible
    notices(app)
    page = cases.case_page(app, viewer(app, "wangmin"), case_id)
    assert [entry.what for entry in page.history[:3]] == ["selection_failed", "selecting", "selection_failed"]

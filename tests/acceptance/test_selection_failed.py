"""A selection that cannot be made is told to the submitter, who has it tried again from the case page."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from api.failures import failure
from api.i18n import Words
from engine.definition.load import load
from engine.service import approvals, cases, stages
from engine.service.app import Countersign
from tests.acceptance.explained_case import DEFINITION, everybody, frozen
from tests.acceptance.offices import in_force, key, notices, open_task, opened, submitted, viewer
from tests.warehouse.explained_by_hand import dataset_of


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


def selecting(app: Countersign, rule: str, control: str = "") -> str:
    """A case of 400 customers that is approved and selects by the rule whoever agreed to SMS."""
    head, _, rest = DEFINITION.partition("audience:")
    audience = f"""audience:
  source: {{rule: "{rule}"}}
  remove: [{{consent: sms}}]
  {control}
delivery:"""
    dataset_of(app.settings.data, everybody(), told_at=app.now())
    in_force(app, load(head + audience + rest.partition("delivery:")[2]))
    return frozen(app)


@pytest.mark.parametrize(
    ("rule", "control", "told"),
    [
        ("c.arpu > 1000", "", "the source has none of the 400 customers"),
        ("!c.sms_consent", "", "the exclusions leave nobody of the 37 customers of the source"),
        ("c.arpu > 105", "control: {share: 1%, min: 14}", "all 14 customers who are left are in the control group"),
        ("c.arpu > 105", "control: {share: 1%, min: 15}", "the control group needs 15 customers, 14 are left"),
    ],
)
def test_a_list_that_would_reach_nobody_is_told(app: Countersign, rule: str, control: str, told: str):
    page = cases.case_page(app, viewer(app, "wangmin"), selecting(app, rule, control))
    assert (page.row.state, page.audience) == ("targeting", None)
    assert page.waiting.reason == f"The selection ended without a result: {told}."
    chinese = failure(page.waiting.reason, Words("zh"))
    assert chinese.startswith("筛选没有得出结果：") and not any("a" <= sign <= "z" for sign in chinese)


def test_who_was_missing_is_imported_and_selected(app: Countersign):
    case_id = selecting(app, "c.arpu > 1000")
    rich = [replace(one, arpu=2000) for one in everybody()]
    dataset_of(app.settings.data, rich, told_at=app.now())
    stages.select_again(app, viewer(app, "wangmin"), case_id, key=key())
    notices(app)
    page = cases.case_page(app, viewer(app, "wangmin"), case_id)
    assert page.audience is not None and page.audience.target == 400 - 37
    assert page.row.state == "ready"

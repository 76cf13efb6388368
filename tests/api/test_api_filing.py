"""Filings on the pages: their register numbers, and the button of a superior."""

from collections.abc import Callable

from engine.service import cases
from engine.service.app import Countersign
from tests.api.cases import decide, submitted, task_of, viewer
from tests.api.desk import Desk

Desks = Callable[..., Desk]


def test_a_superior_requires_approval_of_a_filing_from_its_page(desk: Desks, app: Countersign):
    case = submitted(app, budget="4000.00", reach="900")
    superior = desk("sunli")
    assert "Make it a case for approval" not in desk("wangmin").get(f"/cases/{case}").text
    done = superior.fill_in(f"/cases/{case}", f"/cases/{case}/convert", reason="clashes with the province")
    assert done.status_code == 200
    assert "made the filing a case for approval" in done.text
    assert "clashes with the province" in done.text
    assert f'action="/cases/{case}/convert"' not in done.text


def test_the_register_number_stands_on_the_case_the_sheet_and_in_the_timeline(desk: Desks, app: Countersign):
    case = submitted(app, budget="4000.00", reach="900")
    task = task_of(app, "zhengkai").id
    decide(app, "zhengkai", "acknowledge")
    (number,) = [one.number for one in cases.case_page(app, viewer(app, "wangmin"), case).registered]
    chinese = desk("zhengkai", "zh")
    page = chinese.get(f"/cases/{case}").text
    assert f"备案号{number}（广州市分公司）" in page
    assert f'<span class="num">备案号{number}</span>' in page
    assert f"备案号{number}（广州市分公司）" in chinese.get(f"/tasks/{task}").text
    assert f"register number {number}" in desk("wangmin").get(f"/cases/{case}").text

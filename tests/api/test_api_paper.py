"""The approval sheet on paper (营销案审批表): to print and as PDF, only what and for whom it may be."""

from collections.abc import Callable
from io import BytesIO

from pypdf import PdfReader

from engine.organisation import StandIn
from engine.service import approvals, proposals, standins
from engine.service.app import Countersign
from tests.api.cases import decide, drafted, key, submitted, task_of, viewer
from tests.api.desk import Desk

Desks = Callable[..., Desk]


def read(answer: object) -> list[str]:
    """The text of each page."""
    content = getattr(answer, "content", b"")
    return [page.extract_text() for page in PdfReader(BytesIO(content)).pages]


def test_every_opinion_stands_on_it_with_office_and_for_whom(desk: Desks, app: Countersign):
    case_id = submitted(app, title="国庆流量包加赠营销案")
    decide(app, "liguoqiang", remark="名单已核，建议先发试点。")
    now = app.now()
    away = StandIn(person="zhanglan", by="linfang", starts=now, ends=now.replace(year=now.year + 1))
    standins.add(app, viewer(app, "zhanglan"), away)
    task = next(row for row in approvals.inbox(app, viewer(app, "linfang")).to_do if row.on_behalf_of == "张岚")
    approvals.decide(app, viewer(app, "linfang"), task.id, "approve", remark="代签", seen_seq=None, key=key())
    browser = desk("wangmin", "zh")
    answer = browser.get(f"/cases/{case_id}/approval-sheet.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"].endswith('-00001.pdf"')
    text = "".join(read(answer)).replace("\n", "")
    for said in (
        "营销案审批表",
        "国庆流量包加赠营销案",
        "¥80,000",
        "李国强白云区分公司",
        "名单已核，建议先发试点。",
        "保密",
    ):
        assert said in text
    assert "林芳广州市分公司代 张岚" in text
    assert "第 1 页，共 1 页" in text
    page = browser.get(f"/cases/{case_id}/approval-sheet").text
    for said in ("营销案审批表", "名单已核，建议先发试点。", "代 张岚", "广州市分公司"):
        assert said in page


def test_many_pages_are_numbered_and_hold_long_and_strange_text(desk: Desks, app: Countersign):
    strange = "<b>&amp; <script>alert(1)</script> 𠮷 “—”"
    case_id = submitted(app, title="Large", message="很长" * 200)
    decide(app, "liguoqiang", remark=strange + "\n" + "理由很多。" * 500)
    pages = read(desk("wangmin").get(f"/cases/{case_id}/approval-sheet.pdf"))
    assert len(pages) > 2
    for number, page in enumerate(pages, start=1):
        assert f"Page {number} of {len(pages)}" in page
        assert "confidential" in page
    assert "".join(strange.split()) in "".join("".join(pages).split())


def test_it_is_there_for_who_may_see_the_case_once_it_was_submitted(desk: Desks, app: Countersign):
    case_id, draft = submitted(app), drafted(app)
    submitter, stranger, nobody = desk("wangmin"), desk("emily"), desk()
    for path in ("approval-sheet", "approval-sheet.pdf", "diagram.svg"):
        assert submitter.get(f"/cases/{case_id}/{path}").status_code == 200
        assert submitter.get(f"/cases/{draft}/{path}").status_code == 404
        assert stranger.get(f"/cases/{case_id}/{path}").status_code == 404
        assert nobody.get(f"/cases/{case_id}/{path}").url.path == "/sign-in"


def test_the_diagram_shows_where_the_case_is(desk: Desks, app: Countersign):
    case_id = submitted(app)
    decide(app, "liguoqiang")
    assert task_of(app, "zhanglan")
    drawn = desk("wangmin").get(f"/cases/{case_id}/diagram.svg")
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    assert "took less than a minute" in drawn.text
    assert "waits for less than a minute" in drawn.text
    proposals.withdraw(app, viewer(app, "wangmin"), case_id, "", key=key())
    assert "waits for" not in desk("wangmin").get(f"/cases/{case_id}/diagram.svg").text

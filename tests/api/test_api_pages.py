"""Pages as their people use them, without JavaScript, on the real application."""

from collections.abc import Callable

import pytest
from fastapi import FastAPI

from engine.cli.demo.people import PASSWORD
from engine.machine.commands import AudienceFrozen
from engine.service import approvals
from engine.service.app import Countersign
from engine.service.running import carry_out
from tests.api.cases import FORM, decide, drafted, submitted, task_of, viewer
from tests.api.desk import Desk

Desks = Callable[..., Desk]


def test_without_a_session_every_page_asks_for_it_and_then_goes_where_it_was_going(desk: Desks):
    browser = desk()
    answer = browser.get("/cases")
    assert answer.url.path == "/sign-in"
    fields = browser.form(answer, "/sign-in")
    after = browser.post("/sign-in", data={**fields, "login": "wangmin", "password": PASSWORD})
    assert after.url.path == "/cases"


def test_a_wrong_password_says_so_and_keeps_the_name(desk: Desks):
    answer = desk().fill_in("/sign-in", "/sign-in", login="wangmin", password="guess")
    assert answer.status_code == 401
    assert "The name or the password is wrong." in answer.text
    assert 'value="wangmin"' in answer.text


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "https:evil.example", "/%0d%0aSet-Cookie:x"])
def test_a_return_path_never_leads_off_this_host(desk: Desks, path: str):
    browser = desk()
    fields = browser.form(browser.get("/sign-in"), "/sign-in") | {"next": path}
    answer = browser.post("/sign-in", data={**fields, "login": "wangmin", "password": PASSWORD}, follow_redirects=False)
    assert answer.headers["location"] in ("/inbox", "/%0d%0aSet-Cookie:x")
    assert answer.headers["location"].startswith("/")


def test_a_form_without_the_token_of_its_session_is_refused(desk: Desks, app: Countersign):
    browser = desk("liguoqiang")
    submitted(app)
    task = task_of(app, "liguoqiang")
    fields = browser.form(browser.get(f"/tasks/{task.id}"), f"/tasks/{task.id}")
    foreign = desk("zhanglan")
    stolen = foreign.form(foreign.get("/inbox"), "/sign-out")["csrf"]
    for token in ("", "wrong", stolen):
        answer = browser.post(f"/tasks/{task.id}", data={**fields, "csrf": token, "decision": "approve"})
        assert answer.status_code == 403
    assert task_of(app, "liguoqiang").decision is None


def test_every_answer_forbids_foreign_content_and_storing(desk: Desks):
    for path in ("/sign-in", "/inbox", "/nowhere", "/health"):
        headers = desk().get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"


def test_what_is_not_yours_looks_like_what_is_not_there(desk: Desks, app: Countersign):
    case_id = submitted(app)
    stranger = desk("emily")
    answers = {
        stranger.get(path).text
        for path in (f"/cases/{case_id}", "/cases/0000000000000000", f"/tasks/{task_of(app, 'liguoqiang').id}", "/no")
    }
    assert len(answers) == 1
    assert stranger.get(f"/cases/{case_id}").status_code == 404


def test_a_proposal_comes_back_with_every_problem_beside_its_field_and_nothing_lost(desk: Desks, app: Countersign):
    browser, case_id = desk("wangmin"), drafted(app)
    edit = f"/cases/{case_id}/edit"
    wrong = FORM | {
        "title": "Kept title",
        "budget": "many",
        "reach": "-5",
        "window[to]": "2026-11-01",
        "channels[]": [""],
    }
    answer = browser.fill_in(edit, edit, action="submit", **wrong)
    assert answer.status_code == 422
    for said in ("4 things to correct", "“many” is not a number.", "At least 1.", "It ends before it begins."):
        assert said in answer.text
    for typed in ("Kept title", "many", "-5", "2026-11-01"):
        assert f'value="{typed}"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert 'value="Kept title"' in browser.get(edit).text


def test_a_whole_proposal_is_submitted_and_the_case_says_who_it_waits_for(desk: Desks, app: Countersign):
    browser, case_id = desk("wangmin"), drafted(app)
    edit = f"/cases/{case_id}/edit"
    answer = browser.fill_in(edit, edit, action="submit", **FORM)
    assert answer.url.path == f"/cases/{case_id}"
    assert "Waiting for <strong>County head 李国强</strong>" in " ".join(answer.text.split())
    assert 'aria-current="step"' in answer.text
    assert "2 waves" in answer.text
    assert "Budget ¥80,000 &gt; ¥50,000" in answer.text


def test_saving_a_draft_shows_who_would_approve_before_submitting(desk: Desks, app: Countersign):
    browser, case_id = desk("wangmin"), drafted(app)
    edit = f"/cases/{case_id}/edit"
    assert "Fill in the required fields" in browser.get(edit).text
    answer = browser.fill_in(edit, edit, action="save", **FORM)
    assert answer.status_code == 200
    assert "County head" in answer.text
    assert "Fill in the required fields" not in answer.text


def test_a_cleared_field_stays_cleared(desk: Desks, app: Countersign):
    browser, case_id = desk("wangmin"), drafted(app)
    edit = f"/cases/{case_id}/edit"
    browser.fill_in(edit, edit, action="save", **FORM | {"goal": "three percent"})
    browser.fill_in(edit, edit, action="save", **FORM | {"goal": "", "channels[]": [""]})
    page = browser.get(edit).text
    assert "three percent" not in page
    assert "checked" not in page


def test_the_same_form_sent_twice_starts_one_case(desk: Desks, app: Countersign):
    browser = desk("wangmin")
    fields = browser.form(browser.get("/cases/new"), "/cases") | {"definition": "telecom-marketing-case"}
    first, second = (browser.post("/cases", data=fields) for _ in range(2))
    assert first.url == second.url


def test_the_inbox_names_amount_reach_and_deadline(desk: Desks, app: Countersign):
    submitted(app)
    page = desk("liguoqiang").get("/inbox").text
    assert "Autumn data package" in page
    assert "¥80,000" in page
    assert "60,000 customers" in page
    assert "working days left" in page


def test_returning_without_a_reason_asks_for_it_and_decides_nothing(desk: Desks, app: Countersign):
    submitted(app)
    browser, task = desk("liguoqiang"), task_of(app, "liguoqiang")
    answer = browser.fill_in(f"/tasks/{task.id}", f"/tasks/{task.id}", decision="return", remark="  ")
    assert answer.status_code == 422
    assert "Say why: the others read it." in answer.text
    assert task_of(app, "liguoqiang").decision is None


def test_after_approving_the_sheet_says_what_happens_next(desk: Desks, app: Countersign):
    submitted(app)
    browser, task = desk("liguoqiang"), task_of(app, "liguoqiang")
    answer = browser.fill_in(f"/tasks/{task.id}", f"/tasks/{task.id}", decision="approve", remark="")
    text = " ".join(answer.text.split())
    assert answer.status_code == 200
    assert "<strong>李国强</strong> approved on" in text
    assert "What happens next: Waiting for <strong>City finance (any 1 of 2)</strong>" in text


def test_whoever_is_second_reads_who_was_first(desk: Desks, app: Countersign):
    submitted(app)
    decide(app, "liguoqiang")
    task = task_of(app, "zhanglan")
    browser = desk("zhanglan")
    sheet = browser.get(f"/tasks/{task.id}")
    decide(app, "hejing")
    answer = browser.post(
        f"/tasks/{task.id}", data={**browser.form(sheet, f"/tasks/{task.id}"), "decision": "reject", "remark": "no"}
    )
    assert answer.status_code == 409
    assert "何静" in answer.text
    assert "approved" in answer.text


def test_a_returned_case_opens_at_the_reason(desk: Desks, app: Countersign):
    case_id = submitted(app)
    decide(app, "liguoqiang", "return", "Budget too low")
    browser = desk("wangmin")
    assert "Budget too low" in browser.get(f"/cases/{case_id}/edit").text
    assert "Returned by 李国强" in " ".join(browser.get(f"/cases/{case_id}").text.split())


def test_an_approver_sees_what_changed_since_they_looked(desk: Desks, app: Countersign):
    case_id = submitted(app)
    decide(app, "liguoqiang", "return", "Budget too low")
    submitter, edit = desk("wangmin"), f"/cases/{case_id}/edit"
    submitter.fill_in(edit, edit, action="submit", **FORM | {"budget": "90000"})
    page = " ".join(desk("liguoqiang").get(f"/tasks/{task_of(app, 'liguoqiang').id}").text.split())
    assert "1 change since you last looked:" in page
    assert "<del>¥80,000</del>" in page
    assert "<ins>¥90,000</ins>" in page


@pytest.mark.parametrize("tab", ["proposal", "customers", "delivery", "evaluation", "history"])
def test_every_tab_of_a_case_opens_in_both_languages(desk: Desks, app: Countersign, tab: str):
    case_id = submitted(app)
    for language in ("zh", "en"):
        assert desk("wangmin", language).get(f"/cases/{case_id}?tab={tab}").status_code == 200


def test_withdrawing_ends_the_case_with_its_reason(desk: Desks, app: Countersign):
    case_id = submitted(app)
    answer = desk("wangmin").fill_in(f"/cases/{case_id}", f"/cases/{case_id}/withdraw", reason="Tariff changed")
    assert "Withdrawn" in answer.text
    assert "Tariff changed" in answer.text


def test_starting_what_is_not_ready_is_refused_in_a_sentence(desk: Desks, app: Countersign):
    case_id = submitted(app)
    browser = desk("wangmin")
    fields = browser.form(browser.get(f"/cases/{case_id}"), f"/cases/{case_id}/withdraw")
    answer = browser.post(f"/cases/{case_id}/start", data={**fields, "recipients": "10"})
    assert answer.status_code == 409
    assert "Cannot" in answer.text


def test_the_case_list_finds_by_title(desk: Desks, app: Countersign):
    submitted(app)
    browser = desk("wangmin")
    assert "Autumn data package" in browser.get("/cases?q=Autumn").text
    assert "No case of yours matches" in browser.get("/cases?q=Winter").text


def test_the_language_of_a_person_holds_for_their_next_session(desk: Desks):
    desk("wangmin", "zh").get("/inbox")
    browser = desk()
    browser.fill_in("/sign-in", "/sign-in", login="wangmin", password=PASSWORD)
    assert '<html lang="zh-CN">' in browser.get("/inbox").text


def test_signing_out_ends_the_session_on_the_server(desk: Desks, app: Countersign):
    browser = desk("wangmin")
    session = browser.cookies["session"]
    browser.fill_in("/inbox", "/sign-out")
    browser.cookies.set("session", session, domain="testserver.local")
    assert browser.get("/inbox").url.path == "/sign-in"
    assert viewer(app, "wangmin").person == "wangmin"


def test_what_is_typed_is_text_never_markup(desk: Desks, app: Countersign):
    case_id = submitted(app, title="<script>alert(1)</script>")
    page = desk("liguoqiang").get(f"/cases/{case_id}").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_failure_nobody_foresaw_shows_a_number_and_no_details(api: FastAPI, desk: Desks):
    @api.get("/broken")
    def broken() -> None:
        raise RuntimeError("secret detail")

    answer = desk().get("/broken")
    assert answer.status_code == 500
    assert "Tell us the number:" in answer.text
    assert "secret detail" not in answer.text


@pytest.mark.parametrize(
    ("wanted", "heading"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "登录"),
        ("en-GB,zh;q=0.5", "Sign in"),
        ("fr;q=1,zh;q=0.2", "登录"),
        ("?;q=x", "Sign in"),
    ],
)
def test_a_first_visit_speaks_the_language_the_browser_asks_for(desk: Callable[..., Desk], wanted: str, heading: str):
    answer = desk().get("/sign-in", headers={"accept-language": wanted})
    assert f">{heading}</h1>" in answer.text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_case_page_explains_why_it_is_there_and_what_happens_next(desk: Desks, app: Countersign, language: str):
    case_id = submitted(app)
    page = " ".join(desk("wangmin", language).get(f"/cases/{case_id}").text.split())
    told = {
        "en": ("holds the role head at Baiyun", "<strong>Approve</strong> → In approval", "a reminder goes out"),
        "zh": ("任 head", "<strong>同意</strong> → 审批中", "发出催办"),
    }
    for part in told[language]:
        assert part in page


def test_an_audience_that_is_not_what_was_declared_names_both_figures(desk: Desks, app: Countersign):
    case_id = submitted(app, budget="4000.00", reach="9000")
    for login in ("liguoqiang", "zhanglan", "linfang", "zhouning"):
        decide(app, login, "approve")
    decide(app, "wuqian", "acknowledge")
    frozen = AudienceFrozen(actor="system", via="timer", snapshot="s", digest="d", target=11_200, control=1_000)
    carry_out(app, case_id, frozen, key="frozen")
    figures = "申报 9,000 户，实际 11,200 户，超出 24%。"
    case = desk("wangmin", "zh").get(f"/cases/{case_id}").text
    assert case.count(figures) == 2  # above the chain, and in the history
    assert "以下环节的意见作废：县公司经理、市公司市场副总、省公司备案。" in case
    assert "冻结了目标客户，人数与申报不符" in case
    assert figures in desk("liguoqiang", "zh").get(f"/tasks/{task_of(app, 'liguoqiang').id}").text
    assert "Declared 9,000 customers, in fact 11,200: 24% more." in desk("wangmin").get(f"/cases/{case_id}").text


def test_the_sheet_tells_of_cases_just_under_a_limit_and_the_submitters_page_does_not(desk: Desks, app: Countersign):
    first = submitted(app, title="First piece", budget="49000.00")
    submitted(app, title="Second piece", budget="48000.00")
    third = submitted(app, title="Third piece", budget="47000.00")
    browser = desk("liguoqiang")
    assert browser.get("/inbox").text.count("Possibly split") == 1
    task = next(one for one in approvals.inbox(app, viewer(app, "liguoqiang")).to_do if one.case.id == third)
    sheet = " ".join(browser.get(f"/tasks/{task.id}").text.split())
    assert "with this one, 3 cases of this office" in sheet
    assert "Budget from ¥40,000 up to the limit of ¥50,000, together ¥144,000." in sheet
    assert f'href="/cases/{first}"' in sheet
    assert "疑似拆分" in desk("liguoqiang", "zh").get(f"/cases/{third}").text
    assert "split" not in desk("wangmin").get(f"/cases/{third}").text

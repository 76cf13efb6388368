"""What approvers do on the sheet besides approving, as they do it: without scripts, over HTTP."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from httpx2 import Response

from engine.service import approvals, interventions, operations, phrases
from engine.service.app import Countersign
from engine.service.operations import Door
from tests.api.cases import decide, key, submitted, task_of, viewer
from tests.api.desk import Desk

Desks = Callable[..., Desk]
XSS = "<script>alert(1)</script>"


def plain(page: Response) -> str:
    main = page.text.partition("<main")[2]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", main)).split())


def at_finance(app: Countersign, **changes: Any) -> str:
    """A case that waits for the city's finance, network and service; the task of 张岚."""
    submitted(app, **changes)
    decide(app, "liguoqiang", remark="checked")
    return task_of(app, "zhanglan").id


def send(browser: Desk, path: str, page: str = "", /, **values: Any) -> Response:
    return browser.fill_in(page or path, path, **values)


@pytest.mark.parametrize(
    ("slug", "said"), [("transfer", "passed it on to 林芳"), ("delegate", "林芳 looks at it first")]
)
def test_a_task_is_passed_on_to_somebody_who_was_searched_for(desk: Desks, app: Countersign, slug: str, said: str):
    task = at_finance(app)
    browser = desk("zhanglan")
    path = f"/tasks/{task}/{slug}"
    assert path in browser.get(f"/tasks/{task}").text
    found = send(browser, path, find="1", q="陈", words="on leave")
    assert "陈思" in plain(found)
    assert "on leave" in found.text
    nobody = send(browser, path, find="1", q=XSS)
    assert "Nobody was found" in plain(nobody)
    assert XSS not in nobody.text
    wrong = send(browser, path, words="on leave")
    assert wrong.status_code == 422
    assert "on leave" in wrong.text
    without = send(browser, path, person="linfang")
    assert without.status_code == 422
    assert "Say why" in plain(without)
    assert re.search(r'value="linfang" checked', without.text)
    assert said in plain(send(browser, path, person="linfang", words="on leave"))
    assert task_of(app, "linfang").case.title == "Autumn data package"


def test_the_same_form_sent_twice_passes_on_once(desk: Desks, app: Countersign):
    task = at_finance(app)
    browser = desk("zhanglan")
    path = f"/tasks/{task}/transfer"
    form = browser.form(browser.get(path), path) | {"person": "linfang", "words": "on leave"}
    first, second = browser.post(path, data=form), browser.post(path, data=form)
    assert first.status_code == second.status_code == 200
    history = plain(browser.get(f"/cases/{task_of(app, 'linfang').case.id}?tab=history"))
    assert history.count("passed the task on") == 1


def test_who_cannot_be_chosen_is_not_offered(desk: Desks, app: Countersign):
    task = at_finance(app)
    browser = desk("zhanglan")
    offered = plain(browser.get(f"/tasks/{task}/transfer"))
    assert "李国强" in offered
    assert "王敏" not in offered  # whose case it is
    assert "王敏" in plain(browser.get(f"/tasks/{task}/ask"))


def test_a_question_stops_the_clock_is_answered_and_stands_on_the_sheet(desk: Desks, app: Countersign):
    task = at_finance(app)
    asking, answering = desk("zhanglan"), desk("wangmin")
    asked = send(asking, f"/tasks/{task}/ask", person="wangmin", words=f"How many last year? {XSS}")
    assert "The clock of this step stands still until 王敏 answers." in plain(asked)
    assert XSS not in asked.text
    to_answer = task_of(app, "wangmin").id
    sheet = answering.get(f"/tasks/{to_answer}")
    assert "How many last year?" in plain(sheet)
    (path,) = set(re.findall(rf"/tasks/{to_answer}/questions/[\w-]+", sheet.text))
    empty = send(answering, path, f"/tasks/{to_answer}", text=" ")
    assert empty.status_code == 422
    send(answering, path, f"/tasks/{to_answer}", text="Three in a hundred")
    read = plain(asking.get(f"/tasks/{task}"))
    assert "Three in a hundred" in read
    assert "stands still" not in read


def test_a_copy_says_who_has_read_it(desk: Desks, app: Countersign):
    task = at_finance(app)
    browser, reader = desk("zhanglan"), desk("sunli")
    assert "0 of 1 has read it" in plain(send(browser, f"/tasks/{task}/copies", person="sunli", words=""))
    inbox = reader.get("/inbox?list=copied")
    assert "1 unread" in plain(inbox)
    copy = re.findall(r'href="/tasks/([\w-]+)"', inbox.text)[0]
    send(reader, f"/tasks/{copy}", decision="read")
    assert "unread" not in plain(reader.get("/inbox?list=copied")).lower()
    assert "1 of 1 has read it" in plain(browser.get(f"/tasks/{task}"))


def test_signers_are_added_and_removed(desk: Desks, app: Countersign):
    task = at_finance(app)
    browser = desk("zhanglan")
    path = f"/tasks/{task}/signers"
    waits = plain(send(browser, path, person=["zhengkai"], place="before", words="please check"))
    assert "First those sign whom you brought in: 郑凯" in waits
    seat = re.findall(r'name="seat" value="([\w-]+)"', browser.get(f"/tasks/{task}/remove-signer").text)
    assert len(seat) == 1
    send(browser, f"/tasks/{task}/remove-signer", seat=seat[0], words="not needed")
    assert task_of(app, "zhanglan").id == task


def test_a_return_says_where_it_goes_and_goes_there(desk: Desks, app: Countersign):
    task = at_finance(app)
    browser = desk("zhanglan")
    sheet = browser.get(f"/tasks/{task}")
    assert "to the step before decides again at once: County head 李国强" in plain(sheet)
    kept = send(browser, f"/tasks/{task}", decision="return", to="previous", remark="")
    assert kept.status_code == 422
    assert re.search(r'value="previous" checked', kept.text)
    send(browser, f"/tasks/{task}", decision="return", to="previous", remark="Check the list again")
    again = plain(desk("liguoqiang").get(f"/tasks/{task_of(app, 'liguoqiang').id}"))
    assert "Round 1 Return 张岚 · City finance" in again
    assert again.index("Return 张岚") < again.index("Approve 李国强")


def test_a_decision_is_taken_back_as_long_as_nobody_built_on_it(desk: Desks, app: Countersign):
    submitted(app)
    task = task_of(app, "liguoqiang").id
    browser = desk("liguoqiang")
    send(browser, f"/tasks/{task}", decision="approve")
    path = f"/tasks/{task}/take-back"
    assert path in browser.get(f"/tasks/{task}").text
    send(browser, path, words="a slip")
    assert approvals.inbox(app, viewer(app, "liguoqiang")).counts["to_do"] == 1
    assert approvals.inbox(app, viewer(app, "zhanglan")).counts["to_do"] == 0


def test_a_phrase_comes_back_in_the_remark_and_decides_nothing(desk: Desks, app: Countersign):
    task = at_finance(app)
    browser = desk("zhanglan")
    page = send(browser, f"/tasks/{task}", phrase="Agreed.", remark="Well done.", to="previous")
    assert "Well done. Agreed.</textarea>" in page.text
    assert re.search(r'value="previous" checked', page.text)
    assert task_of(app, "zhanglan").id == task


def test_phrases_of_ones_own_replace_those_of_everybody(desk: Desks, app: Countersign):
    task = at_finance(app)
    browser, other = desk("zhanglan"), desk("hejing")
    assert 'value="Agreed."' in browser.get(f"/tasks/{task}").text
    send(browser, "/phrases", phrases=f"Fine by finance\n\n Fine  by finance \n{XSS}")
    assert phrases.listed(app, viewer(app, "zhanglan")) == ("Fine by finance", XSS)
    page = browser.get(f"/tasks/{task}").text
    assert 'value="Fine by finance"' in page
    assert 'value="Agreed."' not in page
    assert XSS not in page
    assert "Fine by finance" not in other.get("/phrases").text
    long = send(browser, "/phrases", phrases="x" * 201)
    assert long.status_code == 422
    assert "x" * 201 in long.text
    send(browser, "/phrases", phrases="")
    assert phrases.listed(app, viewer(app, "zhanglan")) == ()


def test_after_deciding_the_next_one_is_a_tap_away(desk: Desks, app: Countersign):
    submitted(app, title="First")
    submitted(app, title="Second")
    browser = desk("liguoqiang")
    first = task_of(app, "liguoqiang").id
    done = send(browser, f"/tasks/{first}", decision="approve")
    (following,) = re.findall(r'class="button main" href="(/tasks/[\w-]+)"', done.text)
    assert "Next: Second" in plain(done)
    assert "Approve" in plain(browser.get(following))


def test_who_comes_second_is_told_who_was_first_and_goes_on(desk: Desks, app: Countersign):
    task = at_finance(app)
    late, other = desk("zhanglan"), desk("hejing")
    form = late.form(late.get(f"/tasks/{task}"), f"/tasks/{task}") | {"decision": "approve", "remark": "typed"}
    send(other, f"/tasks/{task_of(app, 'hejing').id}", decision="approve")
    answer = late.post(f"/tasks/{task}", data=form)
    assert answer.status_code == 409
    said = plain(answer)
    assert '何静 already decided "approved"' in said
    assert "One decision is enough here, and 何静 was first." in said


def test_a_task_that_was_passed_on_says_to_whom(desk: Desks, app: Countersign):
    task = at_finance(app)
    browser = desk("zhanglan")
    form = browser.form(browser.get(f"/tasks/{task}"), f"/tasks/{task}") | {"decision": "approve"}
    operations.transfer(app, Door(viewer(app, "zhanglan"), key()), task, "linfang", remark="on leave")
    answer = browser.post(f"/tasks/{task}", data=form)
    assert answer.status_code == 409
    assert "did not count" in plain(answer)
    assert "张岚 passed it on to 林芳." in plain(answer)


def test_an_operation_that_is_not_possible_leads_to_the_sheet(desk: Desks, app: Countersign):
    task = at_finance(app)
    browser = desk("zhanglan")
    assert browser.get(f"/tasks/{task}/release").url.path == f"/tasks/{task}"
    assert browser.get(f"/tasks/{task}/nothing").status_code == 404
    other = desk("fangjun")  # may see the case, and the sheet; the task is not theirs
    sheet = other.get(f"/tasks/{task}/transfer")
    assert sheet.url.path == f"/tasks/{task}"
    form = {"csrf": other.form(sheet, "/sign-out")["csrf"], "key": key(), "person": "linfang", "words": "mine now"}
    assert other.post(f"/tasks/{task}/transfer", data=form).status_code == 404


def test_nothing_is_unusual_beside_fewer_than_five_or_like_the_others(desk: Desks, app: Countersign):
    for n in range(6):
        submitted(app, title=f"Earlier {n}", budget="20000.00", reach="9000", discount="0.9")
    browser = desk("liguoqiang")
    assert "Unusual" not in plain(browser.get(f"/tasks/{task_of(app, 'liguoqiang').id}"))


def test_the_unusual_case_is_marked(desk: Desks, app: Countersign):
    for n in range(5):
        submitted(app, title=f"Earlier {n}", budget=f"2000{n}.00", reach="9000", discount="0.9")
    case_id = submitted(app)
    task = next(row.id for row in approvals.inbox(app, viewer(app, "liguoqiang")).to_do if row.case.id == case_id)
    said = plain(desk("liguoqiang").get(f"/tasks/{task}"))
    assert "Budget ¥80,000: the most of 5 similar cases of this office in the past year is ¥20,004" in said
    assert "Discount 0.8: the least of 5 similar cases of this office in the past year is 0.9" in said


def test_what_an_administrator_holds_is_not_taken_back(desk: Desks, app: Countersign):
    submitted(app)
    task, case_id = task_of(app, "liguoqiang").id, task_of(app, "liguoqiang").case.id
    decide(app, "liguoqiang")
    interventions.intervene(app, viewer(app, "machao"), case_id, "suspend", reason="wait", key=key())
    assert "take-back" not in desk("liguoqiang").get(f"/tasks/{task}").text

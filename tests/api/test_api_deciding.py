"""The rare buttons of a sheet: claim, ask further people, acknowledge, object, vote; over HTTP, without scripts.

Each by the right person, by the wrong one, twice, and too late.
"""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from httpx2 import Response

from engine.definition.load import load
from engine.service import approvals, cases, proposals
from engine.service.app import Countersign
from tests.acceptance.offices import in_force
from tests.api.cases import key, submitted, task_of, viewer
from tests.api.desk import Desk

Desks = Callable[..., Desk]
TEXT = """
apiVersion: countersign/v1
kind: CaseDefinition
name: board-case
version: 1
title: {{zh: 审议案, en: Board case}}
proposal:
  visibility: open
  fields:
    title: {{type: text, label: {{zh: 标题, en: Title}}, required: true, max: 80}}
    budget: {{type: money, label: {{zh: 预算, en: Budget}}, required: true, min: "0"}}
  material: [budget]
approval:
  route: [{{else: only}}]
  chains:
    only:
      - {{approve: board, label: {{zh: 审议, en: Board}}, who: "members(committee@province)", {more}}}
      - {{approve: head, label: {{zh: 经理, en: Head}}, who: "head@county"}}
"""
VOTE = 'decide: {mode: vote, quorum: "votes.cast == votes.total", pass: "votes.yes * 2 > votes.cast"}'


def plain(page: Response) -> str:
    main = page.text.partition("<main")[2]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", main)).split())


def board(app: Countersign, more: str) -> str:
    """A case that waits for the committee: 邓丽 and 方军."""
    in_force(app, load(TEXT.format(more=more)))
    case_id = proposals.start(app, viewer(app, "wangmin"), "board-case", key=key())
    proposals.submit(app, viewer(app, "wangmin"), case_id, {"title": "For the board", "budget": "100.00"}, key=key())
    return case_id


def sheet(browser: Desk, task: str) -> tuple[Response, dict[str, Any]]:
    """A sheet, and the hidden fields of its form as they stood when it was opened."""
    page = browser.get(f"/tasks/{task}")
    return page, browser.form(page, f"/tasks/{task}")


def buttons(page: Response) -> list[str]:
    return re.findall(r'name="decision" value="(\w+)"', page.text)


def lately(app: Countersign, case_id: str) -> list[str]:
    """What happened to the case, the newest first."""
    return [entry.what for entry in cases.case_page(app, viewer(app, "xuwen"), case_id).history]


def posted_by_a_stranger(desk: Desks, login: str, path: str, **values: str) -> int:
    """The status of a form that somebody sends whose page has none like it."""
    browser = desk(login)
    hidden = browser.form(browser.get("/inbox"), "/sign-out")
    return browser.post(path, data={"csrf": hidden["csrf"], "key": key(), **values}).status_code


def test_who_takes_a_task_on_sets_the_others_aside_until_they_give_it_back(desk: Desks, app: Countersign) -> None:
    case_id = board(app, "claim: true")
    mine, theirs = task_of(app, "dengli").id, task_of(app, "fangjun").id
    first, second = desk("dengli"), desk("fangjun")
    path, later = f"/tasks/{mine}/claim", f"/tasks/{theirs}/claim"
    assert path in first.get(f"/tasks/{mine}").text
    form, late = first.form(first.get(path), path), second.form(second.get(later), later)
    _, typed = sheet(second, theirs)
    assert first.post(path, data=form).url.path == f"/tasks/{mine}"
    assert first.post(path, data=form).status_code == 200
    assert lately(app, case_id).count("claimed") == 1
    told = second.post(later, data=late)
    assert told.status_code == 409
    assert "邓丽" in plain(told)
    refused = second.post(f"/tasks/{theirs}", data=typed | {"decision": "approve"})
    assert refused.status_code == 409
    assert "did not count" in plain(refused)
    for stranger in ("zhanglan", "wangmin"):
        assert posted_by_a_stranger(desk, stranger, path) == 404
    back = f"/tasks/{mine}/release"
    first.fill_in(back, back)
    assert second.get(later).url.path == later  # it waits for both again
    second.fill_in(later, later)
    assert lately(app, case_id)[:3] == ["claimed", "released", "claimed"]


def test_a_step_is_made_to_ask_further_people(desk: Desks, app: Countersign) -> None:
    case_id = board(app, "decide: {mode: all}")
    task = task_of(app, "dengli").id
    path = f"/tasks/{task}/append"
    browser = desk("dengli")
    assert path in browser.get(f"/tasks/{task}").text
    form = browser.form(browser.get(path), path)
    unsaid = browser.post(path, data=form | {"person": "linfang"})
    assert unsaid.status_code == 422
    assert re.search(r'value="linfang" checked', unsaid.text)
    assert browser.post(path, data=form | {"words": "knows the matter"}).status_code == 422
    own = browser.post(path, data=form | {"person": "wangmin", "words": "x"})
    assert own.status_code in (409, 422)  # whose case it is
    done = form | {"person": ["linfang", "chensi"], "words": "they know the matter"}
    assert browser.post(path, data=done).url.path == f"/tasks/{task}"
    assert browser.post(path, data=done).status_code == 200
    assert lately(app, case_id).count("appended") == 1
    assert posted_by_a_stranger(desk, "zhanglan", path, person="wuqian", words="me too") == 404
    asked = desk("linfang")
    page, typed = sheet(asked, task_of(app, "linfang").id)
    assert "For the board" in plain(page)
    assert asked.post(str(page.url.path), data=typed | {"decision": "approve"}).status_code == 200
    for login in ("chensi", "dengli", "fangjun"):
        at = desk(login)
        page, typed = sheet(at, task_of(app, login).id)
        at.post(str(page.url.path), data=typed | {"decision": "approve"})
    assert task_of(app, "liguoqiang").case.id == case_id  # all of the five were needed, and the next step is asked
    too_late = browser.post(path, data=form | {"key": key(), "person": "wuqian", "words": "one more"})
    assert too_late.status_code == 409


def test_a_filing_is_acknowledged_once_and_an_objection_comes_too_late(desk: Desks, app: Countersign) -> None:
    case_id = submitted(app, budget="4000.00", reach="900")
    task = task_of(app, "zhengkai").id
    browser = desk("zhengkai")
    page, form = sheet(browser, task)
    assert set(buttons(page)) == {"acknowledge", "object"}
    assert posted_by_a_stranger(desk, "zhanglan", f"/tasks/{task}", decision="acknowledge", seen_seq="1") == 404
    assert posted_by_a_stranger(desk, "wangmin", f"/tasks/{task}", decision="acknowledge", seen_seq="1") == 404
    assert browser.post(f"/tasks/{task}", data=form | {"decision": "approve"}).status_code in (409, 422)
    done = browser.post(f"/tasks/{task}", data=form | {"decision": "acknowledge"})
    assert "郑凯 acknowledged" in plain(done)
    assert browser.post(f"/tasks/{task}", data=form | {"decision": "acknowledge"}).status_code == 200
    late = browser.post(f"/tasks/{task}", data=form | {"key": key(), "decision": "object", "remark": "too late"})
    assert late.status_code == 409
    assert "already decided" in plain(late)
    assert lately(app, case_id).count("acknowledge") == 1
    assert "object" not in lately(app, case_id)


def test_an_objection_needs_a_reason_and_makes_the_filing_a_case_for_approval(desk: Desks, app: Countersign) -> None:
    case_id = submitted(app, budget="4000.00", reach="900")
    task = task_of(app, "zhengkai").id
    browser = desk("zhengkai")
    _, form = sheet(browser, task)
    silent = browser.post(f"/tasks/{task}", data=form | {"decision": "object", "remark": " "})
    assert silent.status_code == 422
    said = form | {"decision": "object", "remark": "clashes with <b>ours</b>"}
    done = browser.post(f"/tasks/{task}", data=said)
    assert done.status_code == 200
    assert "郑凯 objected" in plain(done)
    assert "<b>ours" not in done.text
    assert browser.post(f"/tasks/{task}", data=said).status_code == 200
    assert lately(app, case_id).count("object") == 1
    assert task_of(app, "liguoqiang").case.id == case_id
    late = browser.post(f"/tasks/{task}", data=form | {"key": key(), "decision": "acknowledge"})
    assert late.status_code == 409


@pytest.mark.parametrize(("second", "state"), [("approve", "approving"), ("reject", "rejected")])
def test_a_vote_is_cast_once_by_each_and_counted_when_all_have_voted(
    desk: Desks, app: Countersign, second: str, state: str
) -> None:
    case_id = board(app, VOTE)
    tasks = {login: task_of(app, login).id for login in ("dengli", "fangjun")}
    at = {login: desk(login) for login in tasks}
    page, form = sheet(at["dengli"], tasks["dengli"])
    assert {"approve", "reject", "abstain"} <= set(buttons(page))
    path = f"/tasks/{tasks['dengli']}"
    assert posted_by_a_stranger(desk, "zhanglan", path, decision="approve", seen_seq="1") == 404
    assert posted_by_a_stranger(desk, "fangjun", path, decision="reject", seen_seq="1", remark="x") == 404
    at["dengli"].post(path, data=form | {"decision": "approve"})
    again = at["dengli"].post(path, data=form | {"key": key(), "decision": "reject", "remark": "after all not"})
    assert again.status_code == 409
    assert 'already decided "approved"' in plain(again)
    assert cases.case_page(app, viewer(app, "xuwen"), case_id).row.state == "approving"
    _, form = sheet(at["fangjun"], tasks["fangjun"])
    at["fangjun"].post(f"/tasks/{tasks['fangjun']}", data=form | {"decision": second, "remark": "no money"})
    assert cases.case_page(app, viewer(app, "xuwen"), case_id).row.state == state
    if state == "approving":
        assert approvals.inbox(app, viewer(app, "liguoqiang")).counts["to_do"] == 1


def test_who_abstains_counts_as_having_voted_and_for_nobody(desk: Desks, app: Countersign) -> None:
    case_id = board(app, VOTE)
    for login, decision in (("dengli", "approve"), ("fangjun", "abstain")):
        browser = desk(login)
        page, form = sheet(browser, task_of(app, login).id)
        done = browser.post(str(page.url.path), data=form | {"decision": decision})
        assert done.status_code == 200
    assert "方军 abstained" in plain(done)
    row = cases.case_page(app, viewer(app, "xuwen"), case_id).row
    assert row.state == "rejected"  # one of two cast: not more than a half

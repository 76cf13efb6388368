"""Deciding on several tasks at once, as people do it: tick, read what is left out, confirm, read what came of it."""

import re
from collections.abc import Callable
from html import unescape

from engine.service import approvals, proposals
from engine.service.app import Countersign
from tests.api.cases import PROPOSAL, key, submitted, task_of, viewer
from tests.api.desk import Desk

Desks = Callable[..., Desk]
ASKED = re.compile(r'<input type="hidden" name="task" value="([^"]*)">')


def plain(text: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


def test_tasks_are_ticked_listed_confirmed_and_told_one_by_one(desk: Desks, app: Countersign):
    for title in ("First small", "Second small"):
        submitted(app, title=title, budget="30000.00")
    submitted(app, title="A large one")
    browser = desk("liguoqiang")
    tasks = re.findall(r'<input type="checkbox" name="task" value="([^"]*)">', browser.get("/inbox").text)
    assert len(tasks) == 3
    page = browser.get("/inbox/decisions", params={"task": tasks})
    said = plain(page.text)
    assert "2 cases included · ¥60,000" in said
    assert "1 task is left out A large one" in said
    assert "It is above the limit for deciding on several at once. Budget ¥80,000 > ¥50,000" in said
    form = browser.form(page, "/inbox/decisions") | {"task": ASKED.findall(page.text), "remark": "agreed"}
    moved = next(
        task.case.id for task in approvals.inbox(app, viewer(app, "liguoqiang")).to_do if "First" in task.case.title
    )
    proposals.withdraw(app, viewer(app, "wangmin"), moved, "", key=key())
    after = browser.post("/inbox/decisions", data=form)
    said = plain(after.text)
    assert "1 case decided Second small" in said
    assert "1 task was left out First small" in said
    assert plain(browser.post("/inbox/decisions", data=form).text).split("Sign out")[1] == said.split("Sign out")[1]
    assert len(approvals.inbox(app, viewer(app, "liguoqiang")).to_do) == 1
    history = plain(browser.get(f"/cases/{task_of(app, 'zhanglan').case.id}?tab=history").text)
    assert "李国强 approved County head “agreed”" in history
    assert "together with others" in history


def test_in_chinese_and_for_a_task_that_is_not_ones_own(desk: Desks, app: Countersign):
    submitted(app, budget="30000.00")
    task = task_of(app, "liguoqiang").id
    browser = desk("zhanglan", "zh")
    said = plain(browser.get("/inbox/decisions", params={"task": [task, "nothing"]}).text)
    assert "未列入 2 件" in said
    assert PROPOSAL["title"] not in said
    assert "批量审批" in plain(browser.get("/inbox/decisions").text)


def test_one_task_alone_has_nothing_to_tick(desk: Desks, app: Countersign):
    submitted(app)
    assert "checkbox" not in desk("liguoqiang").get("/inbox").text


def test_a_form_of_another_session_decides_nothing(desk: Desks, app: Countersign):
    submitted(app, budget="30000.00")
    task = task_of(app, "liguoqiang").id
    browser = desk("liguoqiang")
    answer = browser.post("/inbox/decisions", data={"task": f"{task}:2", "key": "a-key-of-mine", "csrf": "stolen"})
    assert answer.status_code == 403
    assert task_of(app, "liguoqiang").id == task

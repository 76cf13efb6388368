"""The inbox as people leaf through it: searched, narrowed, a page at a time, with what waits for others."""

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape

import pytest
import sqlalchemy as sa

from engine.errors import Invalid
from engine.organisation import StandIn
from engine.service import approvals, inbox_pages, returning, standins
from engine.service.app import Countersign
from engine.service.inbox_pages import Wanted
from engine.store.tables import replies
from tests.api.cases import decide, submitted, viewer
from tests.api.desk import Desk

Desks = Callable[..., Desk]
TITLE = re.compile(r'<span class="row-title">([^<]*)</span>')


def titles(page: str) -> list[str]:
    return [unescape(one) for one in TITLE.findall(page)]


def test_replies_that_nobody_read_are_told_to_the_submitter_alone(desk: Desks, app: Countersign):
    case = submitted(app, title="Autumn")
    at = {"case_id": case, "wave": f"{case}-w1", "at": app.now(), "taken_at": app.now()}
    with app.db.begin() as tx:
        for n in range(3):
            told = {"reference": f"r{n}", "row": n, "customer": f"c{n}", "shown": "138****0000", "meaning": "other"}
            tx.execute(sa.insert(replies).values(**at, **told, text=""))
    mine = desk("wangmin").get("/inbox").text
    assert "3 new replies" in mine
    assert "3 replies of customers to your cases are not read yet" in mine
    assert f'href="/cases/{case}?tab=delivery#returned">Autumn' in mine
    assert "new replies" not in desk("liguoqiang").get("/inbox").text
    assert returning.mark_read(app, viewer(app, "wangmin"), case) == 3
    assert "new replies" not in desk("wangmin").get("/inbox").text


def test_every_task_is_on_one_of_the_pages_once(desk: Desks, app: Countersign):
    for n in range(23):
        submitted(app, title=f"Case {n}")
    browser = desk("liguoqiang")
    first = browser.get("/inbox").text
    (more,) = re.findall(r'href="([^"]*)" rel="next"', first)
    second = browser.get(unescape(more)).text
    assert len(titles(first)) == 20
    assert len(titles(second)) == 3
    assert set(titles(first)) | set(titles(second)) == {f"Case {n}" for n in range(23)}
    assert 'rel="next"' not in second
    assert "First page" in second
    wrong = browser.get("/inbox?after=rubbish")
    assert wrong.status_code == 422
    assert "begin at its first page" in wrong.text


def test_a_list_is_searched_and_narrowed_and_says_when_nothing_fits(desk: Desks, app: Countersign):
    submitted(app, title="Autumn gift")
    submitted(app, title="Winter gift")
    browser = desk("liguoqiang")
    assert titles(browser.get("/inbox?q=autumn").text) == ["Autumn gift"]
    assert len(titles(browser.get("/inbox?kind=telecom-marketing-case&office=440111").text)) == 2
    nothing = browser.get("/inbox", params={"q": "<script>alert(1)</script>"}).text
    assert "Nothing here fits that." in nothing
    assert "<script>alert(1)" not in nothing
    assert titles(browser.get("/inbox?due=overdue").text) == []
    assert len(titles(browser.get("/inbox?due=week").text)) == 2
    decide(app, "liguoqiang")
    assert titles(browser.get("/inbox?list=done&q=gift").text)
    assert titles(browser.get("/inbox?list=done&q=spring").text) == []


def test_what_waits_for_others_is_among_it_and_says_for_whom(desk: Desks, app: Countersign):
    for n in range(13):
        submitted(app, title=f"Case {n}")
    for _ in range(12):
        decide(app, "liguoqiang")
    now = app.now()
    away = StandIn(person="liguoqiang", by="zhanglan", starts=now, ends=now.replace(year=now.year + 1))
    standins.add(app, viewer(app, "liguoqiang"), away)
    browser = desk("zhanglan")
    assert "for 李国强" in browser.get("/inbox").text
    seen: list[str] = []
    after = ""
    while True:
        page = inbox_pages.page(app, viewer(app, "zhanglan"), "to_do", after=after, limit=5)
        seen += [row.id for row in page.tasks]
        after = page.after
        if not after:
            break
    assert len(seen) == len(set(seen)) == 13
    assert page.counts["to_do"] == 13


def test_a_cursor_that_is_none_is_refused(app: Countersign):
    without_time = base64.urlsafe_b64encode(b'["2026-01-01T00:00:00+00:00", null, "t"]').decode()
    for wrong in ("x", "W10", "WyIyMDI2LTAxLTAxIiwgbnVsbCwgInQiXQ", "é", without_time):
        with pytest.raises(Invalid):
            inbox_pages.page(app, viewer(app, "zhanglan"), "to_do", after=wrong)


def test_a_narrowed_list_goes_on_where_its_page_ended(app: Countersign):
    for n in range(7):
        submitted(app, title=f"{'Even' if n % 2 == 0 else 'Odd'} {n}")
    who, wanted = viewer(app, "liguoqiang"), Wanted(text="even")
    first = inbox_pages.page(app, who, "to_do", wanted=wanted, limit=3)
    second = inbox_pages.page(app, who, "to_do", wanted=replace(wanted), after=first.after, limit=3)
    assert [row.case.title for row in (*first.tasks, *second.tasks)] == ["Even 0", "Even 2", "Even 4", "Even 6"]
    assert approvals.inbox(app, who).counts["to_do"] == 7

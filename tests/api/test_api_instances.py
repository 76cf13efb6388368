"""The running cases of a version in the browser: where they rest, which do not go on, and what is done with several."""

from collections.abc import Callable
from html import unescape

import pytest
import sqlalchemy as sa

from engine.service import cases as service
from engine.service.app import Countersign
from engine.store import people as store
from engine.store.tables import outbox, tasks
from tests.api.cases import decide, submitted, viewer
from tests.api.desk import Desk

Desks = Callable[..., Desk]
OLD = "/definitions/telecom-marketing-case/3/cases"


def history_of(app: Countersign, case_id: str) -> list[tuple[str, str, str]]:
    page = service.case_page(app, viewer(app, "machao"), case_id)
    return [(one.actor, one.what, one.remark) for one in page.history]


def test_cases_are_counted_where_they_rest(app: Countersign, desk: Desks):
    submitted(app)
    submitted(app)
    decide(app, "liguoqiang")
    page = desk("machao").get(OLD).text
    for said in ("County head", "City finance", "City network", "Half are older than"):
        assert said in page
    assert 'name="case"' in page
    assert "No running case" not in desk("machao").get("/definitions/hillstrom-email-case/1").text
    assert "oldest" in desk("machao").get(f"{OLD.removesuffix('/cases')}/diagram.svg?cases=1").text


def test_tasks_go_to_another_person_after_a_look_at_what_would_happen(app: Countersign, desk: Desks):
    one, other = submitted(app), submitted(app)
    browser = desk("machao")
    asked = {"case": [one, other], "deed": "reassign", "to-reassign": "zhanglan", "reason": "Li is away"}
    looked = browser.fill_in(OLD, OLD, **asked, action="try")
    assert "Do it with 2 cases" in looked.text
    assert ("李国强" in looked.text, "张岚" in looked.text) == (True, True)
    assert [one for one in history_of(app, one) if one[2] == "Li is away"] == []
    form = Desk.form(looked, OLD)
    done = browser.post(OLD, data=form | {"case": [one, other], "action": "do"})
    assert "✓ done" in done.text
    again = browser.post(OLD, data=form | {"case": [one, other], "action": "do"})
    assert again.status_code == 200
    handed = [entry for entry in history_of(app, one) if entry[2] == "Li is away"]
    assert len(handed) == 1
    assert handed[0][0] == "马超"


def test_a_jump_names_the_cases_that_it_leaves_out(app: Countersign, desk: Desks):
    one = submitted(app)
    with app.db.read() as tx:
        waits = tx.execute(sa.select(tasks.c.step).where(tasks.c.case_id == one, tasks.c.state == "open")).scalar_one()
    assert waits == "county_head"
    browser = desk("machao")
    draft = submitted(app)
    decide(app, "liguoqiang", "return", "Budget")
    asked = {"case": [one, draft, "nothing"], "deed": "jump", "to-jump": "city_vp", "reason": "agreed by phone"}
    looked = unescape(browser.fill_in(OLD, OLD, **asked, action="try").text)
    assert looked.count("left out: ") == 2
    assert "Do it with 1 case" in looked


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"deed": "jump", "to-jump": "city_vp", "reason": "x"}, "Choose cases first."),
        ({"case": ["a"], "deed": "jump", "to-jump": "city_vp"}, "Say why"),
        ({"case": ["a"], "deed": "jump", "reason": "x"}, "Say where to."),
        ({"case": ["a"], "deed": "migrate", "to-migrate": "x", "reason": "x"}, "Say where to."),
    ],
)
def test_what_is_lacking_is_said(app: Countersign, desk: Desks, sent: dict[str, object], said: str):
    submitted(app)
    answer = desk("machao").fill_in(OLD, OLD, **sent, action="try")
    assert answer.status_code == 422
    assert said in answer.text


def test_an_effect_that_was_given_up_is_told_and_tried_again(app: Countersign, desk: Desks):
    case_id = submitted(app)
    with app.db.begin() as tx:
        tx.execute(sa.update(outbox).where(outbox.c.case_id == case_id).values(state="dead"))
    browser = desk("machao")
    assert "a notice or job was given up" in browser.get(OLD).text
    asked = {"case": [case_id], "deed": "retry", "reason": "the mail server is back"}
    looked = browser.fill_in(OLD, OLD, **asked, action="try")
    browser.post(OLD, data=Desk.form(looked, OLD) | {"case": [case_id], "action": "do"})
    assert "a notice or job was given up" not in browser.get(OLD).text


def test_who_writes_definitions_and_manages_no_processes_may_only_look(app: Countersign, desk: Desks):
    case_id = submitted(app)
    with app.db.begin() as tx:
        store.add_grants(tx, [{"person": "sunli", "role": "definition_author", "office": "440100"}])
    author = desk("sunli")
    assert "Account of the other person" not in author.get(OLD).text
    form = Desk.form(author.get("/drafts/new"), "/drafts")
    sent = form | {"case": case_id, "deed": "jump", "to-jump": "city_vp", "reason": "x", "action": "do"}
    assert author.post(OLD, data=sent).status_code == 404
    assert desk("wangmin").get(OLD).status_code == 404


def test_a_draft_is_tried_on_the_cases_so_far(app: Countersign, desk: Desks):
    submitted(app)
    decide(app, "liguoqiang")
    browser = desk("machao")
    place = browser.fill_in("/drafts/new", "/drafts", based_on="telecom-marketing-case@3").url.path
    source = unescape(browser.get(place).text.split("<textarea")[1].split(">", 1)[1].split("</textarea>")[0]).lstrip(
        "\n"
    )
    browser.fill_in(place, place, source=source.replace("head@county", "role:marketing@city"), action="offer")
    shown = unescape(browser.get("/definitions/telecom-marketing-case/4/what-if").text)
    assert "1 of 1 cases told again" in shown
    assert "Of these 1, 1 would have gone otherwise" in shown
    assert "liguoqiang would not have been asked" in shown

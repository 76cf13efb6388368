"""Authors in the browser: write a text, have it checked, offer it; another person publishes it; it is retired."""

from collections.abc import Callable
from html import unescape

import pytest

from engine.service import drafting, people
from engine.service.app import Countersign
from engine.store import people as store
from tests.api.cases import submitted, viewer
from tests.api.desk import Desk

Desks = Callable[..., Desk]
PLACE = "/definitions/telecom-marketing-case/4"


@pytest.fixture(autouse=True)
def _authors(app: Countersign) -> None:
    with app.db.begin() as tx:
        for person in ("sunli", "zhengkai"):
            store.add_grants(tx, [{"person": person, "role": "definition_author", "office": "440100"}])


def begun(desk: Desk, based_on: str = "telecom-marketing-case@3") -> str:
    """The address of a text that was begun."""
    opened = desk.fill_in("/drafts/new", "/drafts", based_on=based_on)
    assert opened.status_code == 200, opened.text
    return opened.url.path


def text_of(app: Countersign, place: str) -> str:
    return drafting.show(app, viewer(app, "sunli"), place.rpartition("/")[2]).source


def send(desk: Desk, place: str, source: str, action: str = "save"):
    return desk.fill_in(place, place, source=source, action=action)


def offered(app: Countersign, desk: Desk) -> str:
    place = begun(desk)
    changed = text_of(app, place).replace("head@county", "role:marketing@city")
    done = send(desk, place, changed, "offer")
    assert done.url.path == PLACE, done.text
    return place


def test_a_text_is_begun_with_its_version_raised_and_offered_to_another_person(app: Countersign, desk: Desks):
    author, second = desk("sunli"), desk("zhengkai")
    place = offered(app, author)
    assert author.get(place).status_code == 404  # no longer under work
    own = author.get(PLACE).text
    assert "You wrote it, so another author publishes it." in own
    assert f'action="{PLACE}/publish"' not in own
    shown = second.get(PLACE)
    assert "asks role:marketing@city instead of head@county" in unescape(shown.text)
    published = second.fill_in(PLACE, f"{PLACE}/publish")
    assert "published by 郑凯" in published.text
    assert "v3" in second.get("/definitions").text


def test_nobody_publishes_a_text_that_they_had_a_hand_in(app: Countersign, desk: Desks):
    author, second = desk("sunli"), desk("zhengkai")
    place = begun(author)
    send(second, place, text_of(app, place).replace("head@county", "role:marketing@city"))
    assert send(author, place, text_of(app, place), "offer").url.path == PLACE
    form = Desk.form(author.get(PLACE), "/drafts")
    refused = second.post(f"{PLACE}/publish", data=form | {"csrf": Desk.form(second.get(PLACE), "/drafts")["csrf"]})
    assert refused.status_code == 409
    assert "zhengkai is its author" in refused.text


def test_who_saves_second_is_told_and_has_both_texts(app: Countersign, desk: Desks):
    author, second = desk("sunli"), desk("zhengkai")
    place = begun(author)
    opened = Desk.form(second.get(place), place)
    source = text_of(app, place)
    send(author, place, source + "# theirs\n")
    answer = second.post(place, data=opened | {"source": source + "# mine\n", "action": "save"})
    assert answer.status_code == 412
    assert "孙莉 saved another text of this draft" in answer.text
    assert "# mine" in answer.text
    assert "# theirs" in answer.text
    assert text_of(app, place).endswith("# theirs\n")
    kept = second.post(place, data=opened | {"source": source + "# mine\n", "action": "fork"})
    assert kept.url.path != place
    assert text_of(app, kept.url.path).endswith("# mine\n")
    assert text_of(app, place).endswith("# theirs\n")


def test_a_text_with_errors_is_kept_and_says_each_at_its_line(app: Countersign, desk: Desks):
    author = desk("sunli", "zh")
    place = begun(author)
    broken = text_of(app, place).replace("use: to_province}", "use: to_provinz}", 1)
    answer = send(author, place, broken)
    assert "没有审批链 to_provinz" in answer.text
    assert "应为 to_province" in answer.text or "to_province" in answer.text
    assert text_of(app, place) == broken
    refused = send(author, place, broken, "offer")
    assert refused.status_code == 422
    assert "没有审批链 to_provinz" in refused.text
    assert "to_provinz" in author.get(f"{place}?tab=diagram").text


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("", 200),
        ("a: &x [*x]", 200),
        ("<script>alert(1)</script>: {", 200),
        ("x" * 300_000, 200),
        ("y" * 600_000, 422),
    ],
)
def test_a_hostile_text_is_shown_as_text(desk: Desks, source: str, status: int):
    author = desk("sunli")
    answer = send(author, begun(author, ""), source)
    assert answer.status_code == status
    assert "<script>alert" not in answer.text
    assert "error" in answer.text


def test_a_sign_that_cannot_be_kept_is_refused_and_the_text_stays(app: Countersign, desk: Desks):
    author = desk("sunli")
    place = begun(author)
    before = text_of(app, place)
    answer = send(author, place, "a: \x00")
    assert answer.status_code == 422
    assert "a sign that cannot be kept; it was not saved" in answer.text
    assert text_of(app, place) == before


def test_check_all_proves_and_plays(app: Countersign, desk: Desks):
    author = desk("sunli")
    place = begun(author)
    answer = send(author, place, text_of(app, place), "check")
    assert "43 of 43 scenarios pass" in answer.text


TABS = {
    "diagram": "The same in words",
    "try&play=1&form.budget=80000&form.reach=9000&form.discount=0.8": "It takes the chain to_city",
    "try&play=1&form.budget=80000&form.reach=60000&form.discount=0.8&office=440111": "郑凯",
    "try&play=1&form.budget=viel": "“viel” is not a number.",
    "try&play=1&office=9999": "There is no office 9999",
    "try&play=1&at=gestern": "“gestern” is not a day",
    "scenarios": "43 of 43 scenarios pass",
    "guarantees": "proved, over",
    "changes": "asks role:marketing@city instead of head@county",
    "changes&since=77": "There is no such page",
    "nonsense": "tab",
}


def test_every_tab_of_a_version_answers(app: Countersign, desk: Desks):
    author = desk("sunli")
    offered(app, author)
    missing = {tab for tab, said in TABS.items() if said not in unescape(author.get(f"{PLACE}?tab={tab}").text)}
    assert missing == set()


def test_a_guarantee_that_does_not_hold_is_told_by_a_case_that_breaks_it(app: Countersign, desk: Desks):
    author = desk("sunli")
    place = begun(author)
    said = '  - {never: approved, before: "committee approved"}\n'
    send(author, place, text_of(app, place).replace("guarantees:\n", "guarantees:\n" + said))
    shown = unescape(author.get(f"{place}?tab=guarantees").text)
    assert "does not hold. The machine did this:" in shown
    assert "county_head approve" in shown


def test_a_retired_version_starts_no_case_and_its_cases_go_on(app: Countersign, desk: Desks):
    case_id = submitted(app)
    author, place = desk("sunli"), "/definitions/telecom-marketing-case/3"
    empty = author.fill_in(place, f"{place}/retire", reason=" ")
    assert empty.status_code == 422
    done = author.fill_in(place, f"{place}/retire", reason="a new tariff law")
    assert "“a new tariff law”" in done.text
    office = desk("wangmin")
    assert "Telecom marketing case" not in office.get("/cases/new").text
    assert office.get(f"/cases/{case_id}").status_code == 200


def test_the_same_beginning_twice_is_one_text(app: Countersign, desk: Desks):
    author = desk("sunli")
    form = Desk.form(author.get("/drafts/new"), "/drafts")
    both = {author.post("/drafts", data=form | {"based_on": ""}).url.path for _ in range(2)}
    assert len(both) == 1


@pytest.mark.parametrize("path", ["/definitions", PLACE, "/drafts/new", "/drafts/x", f"{PLACE}/diagram.svg"])
def test_for_others_there_is_nothing(app: Countersign, desk: Desks, path: str):
    offered(app, desk("sunli"))
    for login in ("wangmin", "liguoqiang"):
        assert desk(login).get(path).status_code == 404


def test_the_names_of_writers_are_those_of_people(app: Countersign, desk: Desks):
    people.set_language(app, viewer(app, "sunli"), "en")
    offered(app, desk("sunli"))
    page = desk("zhengkai").get("/definitions").text
    assert "孙莉" in page
    assert "Countersign" in page

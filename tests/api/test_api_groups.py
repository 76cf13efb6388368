"""Customer groups through pages without JavaScript and by script: tried out, saved, edited, ended, and whose."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI

from engine.service import groups
from engine.service.app import Countersign
from tests.acceptance.group_case import loaded, published, saved, submitted
from tests.api.cases import viewer
from tests.api.desk import Desk
from tests.api.test_api_rest import script

Desks = Callable[..., Desk]
VIP = {"rule": "c.arpu >= 80"}
TEXT = "source: {rule: c.arpu >= 80}\ntests:\n- in: {arpu: 80}\n"


def tried(me: Desk, path: str, **typed: str) -> dict[str, str]:
    """The form of the page that shows what it does, filled in as it was sent."""
    answer = me.fill_in(path, path, action="try", **typed)
    assert answer.status_code == 200, answer.text
    return me.form(answer, path) | typed


def test_a_group_is_tried_out_and_saved_once(app: Countersign, desk: Desks) -> None:
    loaded(app)
    me = desk("wangmin")
    assert "No customer group was saved yet" in me.get("/groups").text
    parts = {"name": "vip", "title": "High value", "note": "first", "source": TEXT}
    form = tried(me, "/groups/new", **parts)
    assert groups.listed(app, viewer(app, "wangmin")) == ()
    for _ in range(2):  # a double click
        assert me.post("/groups/new", data=form | {"action": "save"}).url.path == "/groups/vip"
    (one,) = groups.listed(app, viewer(app, "wangmin"))
    assert (one.version, one.title, one.tests) == (1, "High value", ({"in": {"arpu": 80}},))
    page = me.get("/groups?q=HIGH&kind=rules").text
    assert "High value" in page and "not used" in page
    assert "No group matches" in me.get("/groups?q=other").text
    assert "10 customers" in me.get("/groups/vip?count=1").text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"source": "source: {rule: c.arpuu >= 1}"}, "Line 1"),
        ({"source": "source: {rule: c.arpu >= 80}\ntests:\n- out: {arpu: 80}"}, "test 1 fails"),
        ({"source": "source: [unclosed"}, "Line 1"),
        ({"source": ""}, "Problems"),
        ({"source": "sauce: {rule: 'true'}"}, "did you mean source?"),
        ({"source": "source: {group: form.x}"}, "a saved group knows no form"),
        ({"source": "source: {rule: 'true'}\ntests: 5"}, "a list is expected"),
        ({"source": "source: {rule: 'true'}\ntests:\n- in: {arpu: many}"}, "is no value for arpu"),
        ({"source": "x" * 70_000}, "too large"),
    ],
)
def test_what_is_wrong_stands_beside_what_was_typed(
    app: Countersign, desk: Desks, typed: dict[str, str], said: str
) -> None:
    loaded(app)
    answer = desk("wangmin").fill_in("/groups/new", "/groups/new", name="vip", title="<b>x</b>", action="try", **typed)
    assert answer.status_code == 422
    assert said in answer.text and "&lt;b&gt;x&lt;/b&gt;" in answer.text and "<b>x" not in answer.text


def test_a_name_and_a_title_are_asked_for_when_it_is_saved(app: Countersign, desk: Desks) -> None:
    loaded(app)
    me = desk("wangmin")
    form = tried(me, "/groups/new", name="Vip", title="", note="", source=TEXT)
    answer = me.post("/groups/new", data=form | {"action": "save"})
    assert answer.status_code == 422
    assert "Small letters, digits" in answer.text and "A title of 60 characters" in answer.text


def test_without_customers_the_page_says_so_and_keeps_the_text(app: Countersign, desk: Desks) -> None:
    answer = desk("wangmin").fill_in("/groups/new", "/groups/new", name="vip", title="VIP", source=TEXT, action="try")
    assert answer.status_code == 409
    assert "no customers" in answer.text and "c.arpu &gt;= 80" in answer.text


def test_an_edit_is_saved_only_after_its_numbers_were_shown(app: Countersign, desk: Desks) -> None:
    published(app)
    saved(app, "vip", VIP)
    saved(app, "minors", {"rule": "c.age < 18"})
    submitted(app)
    me = desk("wangmin")
    parts = {"title": "VIP", "note": "less", "source": "source: {rule: c.arpu >= 85}"}
    first = me.fill_in("/groups/vip/edit", "/groups/vip/edit", action="save", **parts)
    assert "Save as version 2" in first.text and "高价值客户回馈" in first.text
    assert groups.find(app, viewer(app, "wangmin"), "vip").version == 1
    form = me.form(first, "/groups/vip/edit") | parts
    page = me.post("/groups/vip/edit", data=form | {"action": "save"})
    assert page.url.path == "/groups/vip" and "<del>-   rule: c.arpu &gt;= 80</del>" in page.text
    assert "This is an earlier version" in me.get("/groups/vip?version=1").text


def test_who_may_not_sees_no_group(app: Countersign, desk: Desks, api: FastAPI) -> None:
    loaded(app)
    saved(app, "vip", VIP, login="machao")
    head = desk("liguoqiang")
    for path in ("/groups", "/groups/vip", "/groups/new", "/groups/vip/edit"):
        assert head.get(path).status_code == 404
    assert 'href="/groups"' not in head.get("/inbox").text
    me = desk("wangmin")
    page = me.get("/groups/vip").text
    assert "/groups/vip/edit" not in page and "End the group" not in page
    form = me.form(me.get("/groups/new"), "/groups/new")
    assert me.post("/groups/vip/end", data=form).status_code == 404
    typed = {"title": "x", "source": "source: {rule: c.arpu >= 1}", "base": "1", "action": "try"}
    assert me.post("/groups/vip/edit", data=form | typed).status_code == 404
    assert me.get("/groups/vip?version=7").status_code == 404
    assert me.get("/groups/nobody").status_code == 404
    assert script(api, "liguoqiang").get("/api/v1/customer-groups").status_code == 404


def test_a_group_is_ended_and_offered_again(app: Countersign, desk: Desks) -> None:
    loaded(app)
    saved(app, "vip", VIP)
    me = desk("wangmin")
    assert "offered no more" in me.fill_in("/groups/vip", "/groups/vip/end", action="end").text
    assert "offered no more" in me.get("/groups").text
    assert "offered no more" not in me.fill_in("/groups/vip", "/groups/vip/end", action="offer").text


def test_groups_by_script(app: Countersign, api: FastAPI) -> None:
    loaded(app)
    me = script(api, "wangmin")
    body: dict[str, Any] = {"title": "High value", "source": VIP, "tests": [{"in": {"arpu": 80}}], "note": "first"}
    first = me.post("/api/v1/customer-groups/vip", json=body, headers={"Idempotency-Key": "save-vip-1"})
    again = me.post("/api/v1/customer-groups/vip", json=body, headers={"Idempotency-Key": "save-vip-1"})
    assert (first.status_code, again.status_code, again.json()["version"]) == (201, 201, 1)
    edit = {"source": {"union": [VIP, {"list": "upload"}]}}
    seen = me.post("/api/v1/customer-groups/vip/impact", json=edit).json()
    assert (seen["before"], seen["after"], seen["joined"], seen["left"], seen["universe"]) == (10, 10, 0, 0, 90)
    assert me.post("/api/v1/customer-groups/vip", json={**body, **edit, "base": 1}).json()["version"] == 2
    late = me.post("/api/v1/customer-groups/vip", json={**body, "base": 1})
    assert late.status_code == 412 and "version 2" in late.json()["detail"]
    wrong = me.post("/api/v1/customer-groups/vip", json={**body, "source": {"rule": "c.x"}, "base": 2})
    assert (wrong.status_code, wrong.json()["problems"][0]["at"]) == (422, "source.rule")
    assert [one["version"] for one in me.get("/api/v1/customer-groups/vip/versions").json()["groups"]] == [2, 1]
    assert me.get("/api/v1/customer-groups/vip", params={"version": 1}).json()["source"] == VIP
    assert me.get("/api/v1/customer-groups/vip/size").json()["after"] == 10
    assert me.post("/api/v1/customer-groups/vip/end", json={"ended": True}).json()["ended"] is True
    assert me.get("/api/v1/customer-groups").json()["groups"][0]["ended"] is True
    assert me.post("/api/v1/customer-groups/nobody/end", json={"ended": True}).status_code == 404

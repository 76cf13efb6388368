"""A selection explained through pages and API: any order, one customer, who may ask, the holdout with its four eyes."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from engine.service import access, cases, holdouts
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from engine.store.tables import organisation_history
from tests.acceptance.explained_case import FORM, drafted, frozen, published
from tests.acceptance.offices import viewer
from tests.api.cases import decide, submitted
from tests.api.desk import Desk
from tests.api.test_api_rest import script
from tests.warehouse.explained_by_hand import NUMBER, id_of

Desks = Callable[..., Desk]
opened: list[str] = []
watching: list[bool] = []


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if watching and event in ("open", "subprocess.Popen", "os.posix_spawn", "os.fork"):
        opened.append(f"{event} {arguments[0]}")


@contextmanager
def listening() -> Iterator[list[str]]:
    """Files and processes that this process opens meanwhile. An audit hook cannot be taken away, so there is one."""
    if not getattr(listening, "installed", False):
        sys.addaudithook(_heard)
        listening.installed = True  # type: ignore[attr-defined]
    opened.clear()
    watching.append(True)
    yield opened
    watching.clear()


def plain(text: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())


@pytest.fixture
def case_id(app: Countersign) -> str:
    published(app)
    return frozen(app)


def test_another_order_opens_no_file_and_starts_no_process(app: Countersign, case_id: str) -> None:
    me = viewer(app, "wangmin")
    declared = cases.case_page(app, me, case_id).audience
    assert declared is not None and not declared.is_reordered
    order = declared.order[::-1]
    with listening() as seen:
        (app.settings.data / "probe").write_text("heard")
        changed = cases.case_page(app, me, case_id, order).audience
    assert [one for one in seen if "probe" in one] and not [one for one in seen if "parquet" in one or "spawn" in one]
    assert not [one for one in seen if one.startswith(("subprocess", "os."))]
    assert changed is not None and changed.is_reordered and changed.order == order
    assert [row.name for row in changed.waterfall[1:-2]] == list(order)
    assert changed.waterfall[0] == declared.waterfall[0] and changed.waterfall[-2:] == declared.waterfall[-2:]
    assert {row.name: row.alone for row in changed.waterfall} == {row.name: row.alone for row in declared.waterfall}
    for row in changed.waterfall:
        assert row.entered == row.removed + row.out


def test_the_page_shows_overlaps_balance_sample_and_what_the_control_group_can_show(
    app: Countersign, desk: Desks, case_id: str
) -> None:
    audience = cases.case_page(app, viewer(app, "wangmin"), case_id).audience
    assert audience is not None and audience.detection is not None and audience.holdout == 1
    assert audience.detection.rise is not None and audience.detection.cases == 0
    said = plain(desk("wangmin").get(f"/cases/{case_id}?tab=customers").text)
    assert f"does not show a rise of conversion below {audience.detection.rise * 100:.2f} percentage points" in said
    assert "It assumes a rate of 2.00%" in said and "95% confidence, power 80%" in said
    assert "Overlaps of two exclusions" in said and "Average monthly spending" in said and "欧**" in said
    assert "138****0" in said and "1380013" not in said
    me = desk("wangmin")
    for hostile in ("x" * 3000, "<script>", "a,,b", "household,household"):
        assert me.get(f"/cases/{case_id}", params={"tab": "customers", "order": hostile}).status_code == 200


def test_whoever_sees_the_case_may_ask_about_a_customer_and_that_is_recorded_once(
    app: Countersign, desk: Desks, case_id: str
) -> None:
    me = desk("wangmin")
    page, why = f"/cases/{case_id}?tab=customers", f"/cases/{case_id}/why"
    sent = me.form(me.get(page), why) | {"customer": id_of(39)}
    for _ in range(2):  # the second click
        answer = plain(me.post(why, data=sent).text)
        assert "Removed" in answer and "Contacted within 60 days by a case of the same offer family" in answer
        assert NUMBER in answer and "C0****39" in answer and id_of(39) not in answer
    assert noted(app) == [("wangmin", f"customer {id_of(39)}")]
    black = plain(me.fill_in(page, why, customer="13800130034").text)
    assert "Blacklist" in black and "complaint" in black and "Since" in black
    for wrong in ("", "C0****39", "two words", "x" * 61):
        refused = me.fill_in(page, why, customer=wrong)
        assert refused.status_code == 422 and "whole number" in refused.text
    assert "No such customer" in me.fill_in(page, why, customer="<script>alert(1)</script>").text
    assert "<script>alert" not in me.fill_in(page, why, customer="<script>alert(1)</script>").text


def test_a_case_that_they_may_not_see_is_not_named(app: Countersign, desk: Desks) -> None:
    submitted(app)  # a confidential one, with the number that the history of contacts names
    decide(app, "liguoqiang")
    published(app)
    made = frozen(app)
    access.name_reader(app, viewer(app, "wangmin"), made, "emily")
    answers = {
        login: plain(desk(login).fill_in(f"/cases/{made}?tab=customers", f"/cases/{made}/why", customer=id_of(39)).text)
        for login in ("wangmin", "emily")
    }
    assert NUMBER in answers["wangmin"]
    assert NUMBER not in answers["emily"]
    assert "a case that is not yours to see" in answers["emily"]


def noted(app: Countersign) -> list[tuple[str, str]]:
    table = organisation_history
    asked = sa.select(table.c.actor, table.c.subject).where(table.c.kind == "customer_explained")
    with app.db.read() as tx:
        return [tuple(row) for row in tx.execute(asked.order_by(table.c.seq))]


def test_nothing_of_a_case_that_is_not_theirs_is_answered(app: Countersign, desk: Desks, case_id: str) -> None:
    draft = drafted(app)
    me = desk("wangmin")
    form = me.form(me.get(f"/cases/{case_id}?tab=customers"), f"/cases/{case_id}/why") | {"customer": id_of(1)}
    assert me.post("/cases/nothing/why", data=form).status_code == 404
    head = script(app_of(desk), "liguoqiang")
    assert head.post(f"/api/v1/cases/{draft}/audience/why", json={"customer": id_of(1)}).status_code == 404
    assert head.post(f"/api/v1/cases/{case_id}/audience/why", json={"customer": id_of(1)}).status_code == 200
    assert head.get(f"/api/v1/cases/{draft}/audience").status_code == 404


def app_of(desk: Desks) -> FastAPI:
    api = desk().app
    assert isinstance(api, FastAPI)
    return api


def test_scripts_get_the_same(app: Countersign, api: FastAPI, case_id: str) -> None:
    me = script(api, "wangmin")
    rows = me.get(f"/api/v1/cases/{case_id}/audience", params={"order": "holdout"}).json()
    assert rows["order"][0] == "holdout" and rows["waterfall"][1]["name"] == "holdout"
    answer = me.post(f"/api/v1/cases/{case_id}/audience/why", json={"customer": id_of(39)}).json()
    assert answer["outcome"] == "removed"  # the draw of the holdout is random, so it may name this customer as well
    assert "contacted_60d_family" in [removal["name"] for removal in answer["removals"]]
    draft = drafted(app)
    estimate = me.get(f"/api/v1/cases/{draft}/estimate").json()
    assert len(estimate["sample"]) == 10 and estimate["overlaps"] and estimate["balance"]
    assert estimate["detection"]["is_declared"] is False
    asked = me.post(f"/api/v1/cases/{draft}/audience/why", json={"customer": id_of(39)}).json()
    assert asked["is_estimate"] and asked["outcome"] == "removed"


def test_an_estimate_in_another_order_reads_no_customer_and_loses_nothing_typed(app: Countersign, desk: Desks) -> None:
    published(app)
    draft, me = drafted(app), desk("wangmin")
    edit = f"/cases/{draft}/edit"
    page = me.fill_in(edit, edit, action="count", **FORM)
    declared = rows_of(page.text)
    assert [name for name, *_ in declared][1] == "Blacklist"
    (carried,) = re.findall(r'form="proposal" name="counted" value="([^"]+)"', page.text)
    order = re.findall(r'name="action" value="(order:[^"]+)"', page.text)[-1]
    assert order.index("household") < order.index("consent_sms"), "the last but one, moved behind the last"
    turned = "order:" + ",".join(reversed(order.removeprefix("order:").split(",")))
    with listening() as seen:
        (app.settings.data / "probe").write_text("heard")
        sent = me.form(page, edit) | FORM | {"title": "Typed meanwhile"}
        again = me.post(edit, data=sent | {"action": turned, "counted": carried})
    assert [one for one in seen if "probe" in one] and not [one for one in seen if "parquet" in one]
    assert not [one for one in seen if one.startswith(("subprocess", "os."))]
    assert 'value="Typed meanwhile"' in again.text
    changed = rows_of(again.text)
    *names, consent, household = (name for name, *_ in declared[1:-2])
    assert [name for name, *_ in changed[1:-2]] == [consent, household, *reversed(names)]
    assert (changed[0], changed[-2:]) == (declared[0], declared[-2:])
    assert {name: alone for name, *_, alone in changed} == {name: alone for name, *_, alone in declared}
    other = {"action": "order:<script>,holdout", "counted": carried[:-9] + "x" * 9}
    counted_anew = me.post(edit, data=me.form(again, edit) | FORM | other)
    assert counted_anew.status_code == 200 and rows_of(counted_anew.text) == declared


def rows_of(page: str) -> list[tuple[str, ...]]:
    """The table of the waterfall: rule, in, removed, left, alone."""
    body = page.partition('id="order"')[2].partition("<tbody>")[2].partition("</tbody>")[0]
    cell = r'(?:<th scope="row">|<span class="small soft">|<td[^>]*>)([^<]*)<'
    return [tuple(found.strip() for found in re.findall(cell, row)) for row in body.split("</tr>") if row.strip()]


def test_a_share_of_the_holdout_takes_two_administrators(app: Countersign, desk: Desks) -> None:
    admin = desk("machao")
    for wrong in ("much", "-1", "51", "NaN", "1e99", ""):
        refused = admin.fill_in("/admin/holdout", "/admin/holdout", percent=wrong, reason="measure")
        assert refused.status_code == 422 and "0 to 50" in refused.text
    waits = admin.fill_in("/admin/holdout", "/admin/holdout", percent="5", reason="measure")
    assert "waits for its confirmation" in waits.text
    decided = admin.form(admin.get("/admin/holdout"), "/admin/holdout/1") | {"decision": "confirm"}
    own = admin.post("/admin/holdout/1", data=decided)
    assert own.status_code == 409 and "Another administrator must confirm it" in own.text
    twice = admin.post("/admin/holdout", data=decided | {"key": "another-key-1", "percent": "6", "reason": "z"})
    assert twice.status_code == 409 and "waits for a decision" in twice.text
    holdouts.decide(app, OPERATOR, 1, confirm=True)
    with app.db.read() as tx:
        first = holdouts.in_force(tx, app.now())
    admin.fill_in("/admin/holdout", "/admin/holdout", percent="10", reason="more")
    holdouts.decide(app, OPERATOR, 2, confirm=True)
    with app.db.read() as tx:
        second = holdouts.in_force(tx, app.now())
    assert first and second and first.salt == second.salt and first.share < second.share
    assert desk("wangmin").get("/admin/holdout").status_code == 404
    assert script(app_of(desk), "wangmin").get("/api/v1/holdout").status_code == 404


def test_the_holdout_by_script(app: Countersign, api: FastAPI) -> None:
    admin = script(api, "machao")
    made = admin.post("/api/v1/holdout", json={"percent": "2.5", "reason": "measure"})
    assert made.status_code == 201 and made.json()["versions"][0]["state"] == "open"
    assert admin.post("/api/v1/holdout/1/decision", json={"confirm": True}).status_code == 409
    taken_back = admin.post("/api/v1/holdout/1/decision", json={"confirm": False})
    assert taken_back.json()["versions"][0]["state"] == "refused"
    assert admin.post("/api/v1/holdout/1/decision", json={"confirm": False}).status_code == 404

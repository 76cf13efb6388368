"""Administrators at their pages, without JavaScript: people, offices, groups, lists, operation; and who may not."""

import base64
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from api import words
from engine.machine import commands, outcome
from engine.service import people, standins, watching
from engine.service.app import Countersign
from engine.service.recording import OPERATOR
from engine.store import parked, suppression, trail
from engine.store.tables import organisation_history, outbox, parked_receipts, timers
from tests.api.cases import submitted, task_of, viewer
from tests.api.desk import Desk
from tests.support import THIS_YEAR

Desks = Callable[..., Desk]
XSS = "<script>alert(1)</script>"
PAGES = (
    "/admin/people", "/admin/people/new", "/admin/people/wangmin", "/admin/people/wangmin/change?do=close",
    "/admin/hand-over", "/admin/offices", "/admin/offices/new", "/admin/offices/440111", "/admin/groups",
    "/admin/import", "/admin/export/people.csv", "/admin/suppressions", "/admin/operation", "/admin/outbox",
    "/admin/sends", "/admin/timers", "/admin/receipts", "/admin/audit", "/admin/audit?format=csv",
    "/admin/audit/verify",
)  # fmt: skip


def entries(app: Countersign) -> list[tuple[str, str, str]]:
    """Kind, subject and actor of every change since the people were loaded, the newest last."""
    columns = (organisation_history.c.kind, organisation_history.c.subject, organisation_history.c.actor)
    with app.db.read() as tx:
        rows = tx.execute(sa.select(*columns).where(organisation_history.c.actor != "system").order_by("seq"))
        return [tuple(row) for row in rows]


@pytest.mark.parametrize("login", ["wangmin", "xuwen"])
def test_who_is_no_administrator_finds_nothing_there(desk: Desks, login: str):
    at = desk(login)
    allowed = {"/admin/audit", "/admin/audit?format=csv", "/admin/audit/verify"} if login == "xuwen" else set()
    assert {path for path in PAGES if at.get(path).status_code != 404} == allowed
    assert 'href="/admin/people"' not in at.get("/inbox").text


def test_closing_an_account_shows_who_takes_each_task_and_moves_them(app: Countersign, desk: Desks):
    submitted(app)
    at = desk("machao")
    path = "/admin/people/liguoqiang/change"
    seen = at.get(f"{path}?do=close")
    assert "1 open task goes to others" in seen.text
    assert "→ 马超" in seen.text
    done = at.fill_in(f"{path}?do=close", path, reason="left")
    assert done.url.path == "/admin/people/liguoqiang"
    assert "Closed" in done.text
    assert task_of(app, "machao").case.title == "Autumn data package"
    assert entries(app) == [("account_closed", "liguoqiang", "machao")]


def test_a_role_is_given_at_an_office_that_is_found_by_a_part_of_its_name(app: Countersign, desk: Desks):
    at = desk("machao")
    found = at.get("/admin/people/zhengkai/change?do=give&role=head&office=county")
    assert re.findall(r'name="office" value="(\d+)"', found.text) == ["440106", "440111"]
    path = "/admin/people/zhengkai/change"
    at.fill_in(f"{path}?do=give&role=head&office=440106", path, weight="2")
    with app.db.read() as tx:
        assert app.organisation(tx).resolve("head@county", "440106") == ("zhengkai",)
        assert trail.about(tx, "zhengkai")[0].said["after"] == {"role": "head", "office": "440106", "weight": 2}
    wrong = at.fill_in(f"{path}?do=give&role=head&office=440106", path, role="Big Boss", weight="x")
    assert wrong.status_code == 422
    assert "is no role" in wrong.text
    assert "A weight is a whole number" in wrong.text


def test_the_last_administrator_stays(app: Countersign, desk: Desks):
    at = desk("machao")
    path = "/admin/people/machao/change"
    for query in ("do=close", "do=take&role=administrator&office=440000"):
        refused = at.fill_in(f"{path}?{query}", path)
        assert refused.status_code == 422
        assert "Nobody else is an administrator" in refused.text
    assert at.get("/admin/people").status_code == 200


def test_people_are_added_and_changed_and_what_was_typed_stays(app: Countersign, desk: Desks):
    at = desk("machao")
    wrong = at.fill_in("/admin/people/new", "/admin/people", id="New One", name=XSS, email="x", language="en")
    assert wrong.status_code == 422
    assert XSS not in wrong.text
    assert 'value="New One"' in wrong.text
    at.fill_in("/admin/people/new", "/admin/people", id="newone", name=XSS, email="", language="en")
    page = at.fill_in(
        "/admin/people/newone", "/admin/people/newone", name="新人", email="", language="zh", same_as="wangmin"
    )
    assert page.status_code == 200
    with app.db.read() as tx:
        assert app.organisation(tx).accounts("newone") == {"newone", "wangmin"}
    twice = at.fill_in("/admin/people/new", "/admin/people", id="newone", name="x", email="", language="en")
    assert "taken" in twice.text
    assert [kind for kind, _, _ in entries(app)] == ["person_added", "person_changed"]


def test_a_hand_over_shows_what_moves_and_then_moves_it(app: Countersign, desk: Desks):
    submitted(app)
    at = desk("machao")
    query = "/admin/hand-over?leaver=liguoqiang&to=zhengkai"
    assert "1 task moves to zhengkai" in at.get(query).text
    assert "Say why" in at.fill_in(query, "/admin/hand-over", reason="").text
    done = at.fill_in(query, "/admin/hand-over", reason="left")
    assert "1 case was handed over" in done.text
    assert task_of(app, "zhengkai").case.title == "Autumn data package"
    own = at.get("/admin/hand-over?leaver=zhengkai&to=wangmin")
    assert "stays" in own.text
    assert "Nobody decides on a case of their own" in own.text
    assert "Nobody active" in at.get("/admin/hand-over?leaver=wangmin&to=ghost").text


def test_an_office_shows_what_nobody_holds(desk: Desks):
    at = desk("machao")
    assert "head@county" in at.get("/admin/offices/440106").text
    assert "head@county" not in at.get("/admin/offices/440111").text


def test_offices_are_added_where_they_fit(app: Countersign, desk: Desks):
    at = desk("machao")
    typed = {"code": "440112", "name": "黄埔", "name_en": "", "level": "county", "parent": "440111"}
    refused = at.fill_in("/admin/offices/new", "/admin/offices", **typed)
    assert refused.status_code == 422
    assert 'value="黄埔"' in refused.text
    assert at.fill_in("/admin/offices/new", "/admin/offices", **typed | {"parent": "440100"}).status_code == 200
    sunk = at.fill_in(
        "/admin/offices/440100", "/admin/offices/440100", name="广州", name_en="", level="county", parent="440000"
    )
    assert sunk.status_code == 422
    assert entries(app) == [("office_added", "440112", "machao")]


def test_a_group_has_members_with_weights(app: Countersign, desk: Desks):
    at = desk("machao")
    at.fill_in("/admin/groups", "/admin/groups", role="committee", office="440000", zh="委员会", en="Committee")
    path = "/admin/groups/440000/committee"
    assert "2 members, votes of 2 together" in at.get(path).text
    at.fill_in(path, f"{path}/members", person="dengli", weight="3")
    assert "2 members, votes of 4 together" in at.get(path).text
    assert at.fill_in(path, f"{path}/members", person="ghost", weight="3").status_code == 422
    at.fill_in(path, f"{path}/dissolve")
    assert at.get(path).status_code == 404
    with app.db.read() as tx:
        assert len(app.organisation(tx).resolve("members(committee@province)", "440111")) == 2


def test_a_file_is_looked_at_and_then_confirmed(app: Countersign, desk: Desks):
    at = desk("machao")
    data = at.form(at.get("/admin/import"), "/admin/import")
    bad = at.post("/admin/import", data=data, files={"file": ("p.csv", b"id,name\nA B,x\n", "text/csv")})
    assert bad.status_code == 422
    assert "Line 2, column 1:" in bad.text
    data = at.form(at.get("/admin/import"), "/admin/import")
    table = f"id,name,roles\nnew1,{XSS},finance@440100\nwangmin,王敏敏,submitter@440111\n".encode()
    seen = at.post("/admin/import", data=data, files={"file": (XSS, table, "text/csv")})
    assert seen.status_code == 200
    assert XSS not in seen.text
    assert "analyst@440111, submitter@440111" in seen.text
    assert "Make 2 changes" in seen.text
    done = at.post("/admin/import/confirm", data=at.form(seen, "/admin/import/confirm"))
    assert "2 changes were made" in done.text
    again = at.post("/admin/import/confirm", data=at.form(seen, "/admin/import/confirm"))
    assert again.status_code == 404
    assert at.post("/admin/import", data=at.form(at.get("/admin/import"), "/admin/import")).status_code == 422


def test_everybody_keeps_their_own_stand_ins_and_sees_no_others(app: Countersign, desk: Desks):
    now = app.now()
    at, other = desk("liguoqiang"), desk("zhanglan")
    days = {"first": f"{now:%Y-%m-%d}", "last": f"{now + timedelta(days=3):%Y-%m-%d}"}
    form = at.form(at.get("/stand-ins"), "/stand-ins") | days | {"by": "郑凯"}
    assert "郑凯 stands in for 李国强" in at.post("/stand-ins", data=form).text
    at.post("/stand-ins", data=form)
    assert len(standins.listed(app, None)) == 1
    assert "郑凯" not in other.get("/stand-ins").text
    forged = other.form(other.get("/stand-ins"), "/stand-ins") | days | {"person": "liguoqiang", "by": "zhanglan"}
    assert other.post("/stand-ins", data=forged).status_code == 404
    wrong = at.fill_in("/stand-ins", "/stand-ins", by="liguoqiang", first=days["first"], last="x", budget="many")
    assert wrong.status_code == 422
    assert "not a day" in wrong.text
    assert "not an amount" in wrong.text
    assert re.search(r'id="last"[^>]*aria-describedby="last-problem" aria-invalid="true"', wrong.text)
    blank = at.fill_in("/stand-ins", "/stand-ins", by="郑凯", first=days["first"], last="")
    assert re.search(r'id="last-problem">This is needed', blank.text)
    assert 'id="first-problem"' not in blank.text
    at.fill_in("/stand-ins", "/stand-ins/1/end")
    assert standins.listed(app, None)[0].state == "over"


def test_a_stand_in_is_told_on_which_cases_they_do_not_decide(app: Countersign, desk: Desks):
    submitted(app)
    at = desk("liguoqiang")
    day = f"{app.now() + timedelta(hours=8):%Y-%m-%d}"
    told = at.fill_in("/stand-ins", "/stand-ins", by="wangmin", first=day, last=day)
    assert "there 王敏 does not decide: 440111-" in told.text


def test_a_customer_is_put_on_a_list_and_taken_off_with_reasons(app: Countersign, desk: Desks):
    at = desk("machao")
    page = "/admin/suppressions"
    typed = {"list": "grey", "customer": "c1", "reason": "asked for peace", "channel": "", "last": "2099-01-01"}
    shown = at.fill_in(page, page, **typed)
    assert "asked for peace" in shown.text
    assert at.fill_in(page, page, **typed | {"last": "2001-01-01"}).status_code == 422
    assert at.fill_in(page, page, **typed | {"reason": ""}).status_code == 422
    assert at.fill_in(f"{page}?customer=c1", f"{page}/end", reason="").status_code == 422
    ended = at.fill_in(f"{page}?customer=c1", f"{page}/end", reason="she calls herself")
    assert "she calls herself" in ended.text
    assert [kind for kind, _, _ in entries(app)] == ["suppression_added", "suppression_ended"]
    data = at.form(at.get(page), f"{page}/import")
    bad = at.post(
        f"{page}/import", data=data, files={"file": ("s.csv", b"list,customer,reason\nred,a b,\n", "text/csv")}
    )
    assert bad.text.count("Line 2, column") == 3
    good = at.post(
        f"{page}/import", data=data, files={"file": ("s.csv", b"list,customer,reason\nblack,c7,x\n", "text/csv")}
    )
    assert "1 entry was made" in good.text


def test_complaints_of_a_file_are_taken_in_once_and_their_customers_left_alone(app: Countersign, desk: Desks):
    at = desk("machao")
    page = "/admin/suppressions"
    data = at.form(at.get(page), f"{page}/complaints")

    def load(content: bytes) -> str:
        return at.post(f"{page}/complaints", data=data, files={"file": ("c.csv", content, "text/csv")}).text

    rows = b"id,at,customer,case\nk1,2026-11-20 09:30,c1,\nk2,2026-11-20 10:00,c2,\n"
    assert load(b"id,at,customer\nk1,,c1\n").count("Line 2, column") == 1
    assert "Complaints: 0 counted, 0 known already, 2 belong to no message" in load(rows)
    load(rows)
    shown = at.get(f"{page}?customer=c1").text
    assert shown.count("by a complaint") == 1
    assert "complained" in shown
    with app.db.read() as tx:
        assert suppression.counts(tx, app.now()) == {"black": 2}
        assert parked.counts(tx)["complaint"] == 2


def test_an_effect_is_tried_again_or_given_up(app: Countersign, desk: Desks):
    submitted(app)
    with app.db.begin() as tx:
        tx.execute(sa.update(outbox).values(state="dead", attempts=12, error="the mail server is away"))
    at = desk("machao")
    assert "the mail server is away" in at.get("/admin/outbox").text
    at.fill_in("/admin/outbox", "/admin/outbox")
    with app.db.read() as tx:
        assert [tuple(row) for row in tx.execute(sa.select(outbox.c.state, outbox.c.attempts))] == [("pending", 0)]
    form = at.form(at.get("/admin/outbox?state=pending"), "/admin/outbox") | {"action": "give_up"}
    assert at.post("/admin/outbox", data=form).status_code == 422
    at.post("/admin/outbox", data=form | {"reason": "told by telephone", "key": "another-key-1"})
    assert watching.outbox(app, OPERATOR, "dead").counts["dead"] == 1
    assert [kind for kind, _, _ in entries(app)] == ["effect_retried", "effect_given_up"]


def test_a_late_timer_is_fired_once_more(app: Countersign, desk: Desks):
    submitted(app)
    with app.db.begin() as tx:
        late = {"due_at": app.now() - timedelta(hours=1), "lease_until": app.now() + timedelta(hours=1), "fence": 3}
        tx.execute(sa.update(timers).values(late))
    at = desk("machao")
    assert "failed 3 times" in at.get("/admin/timers?late=1").text
    at.fill_in("/admin/timers?late=1", "/admin/timers")
    assert watching.timers(app, OPERATOR, late=True).rows == ()


def test_a_receipt_that_belongs_to_nothing_is_put_aside_with_a_reason(app: Countersign, desk: Desks):
    with app.db.begin() as tx:
        body = '{"id":"none-w1.1","status":"delivered","at":"2026-11-28T10:00:00+08:00"}'
        tx.execute(sa.insert(parked_receipts).values(body=body, reason="no such message", at=app.now()))
    at = desk("machao")
    assert at.fill_in("/admin/receipts", "/admin/receipts").status_code == 409
    form = at.form(at.get("/admin/receipts"), "/admin/receipts") | {"action": "aside", "reason": "a test of theirs"}
    at.post("/admin/receipts", data=form)
    assert "Everything that came back belongs to a message" in at.get("/admin/receipts").text


def test_a_checkpoint_goes_out_and_is_compared(app: Countersign, desk: Desks):
    submitted(app)
    at = desk("xuwen")
    page = "/admin/audit/verify"
    assert "every history is what was written" in at.fill_in(page, page).text
    made = at.fill_in(page, "/admin/audit/checkpoint")
    assert made.headers["content-disposition"].startswith("attachment")
    data = at.form(at.get(page), "/admin/audit/compare")
    same = at.post("/admin/audit/compare", data=data, files={"file": ("c", made.content)})
    assert "is there unchanged: 1 cases" in same.text
    assert at.post("/admin/audit/compare", data=data, files={"file": ("c", b"{}")}).status_code == 422


def test_the_same_is_there_for_scripts(app: Countersign, desk: Desks):
    at = desk()
    for login, status in (("wangmin", 404), ("machao", 200)):
        token = people.sign_in(app, login, "huiqian-demo", address="x").token
        head = {"authorization": f"Bearer {token}"}
        for path in ("people", "people/wangmin", "offices", "offices/440111", "groups", "outbox", "timers", "audit",
                     "operation/health", "sends-in-doubt", "parked-receipts", "suppressions?customer=c1",
                     "audit/verification", "organisation/export/people.csv", "hand-over?leaver=wangmin&to=emily",
                     ):  # fmt: skip
            assert at.get(f"/api/v1/{path}", headers=head).status_code == status, path
    role = {"role": "finance", "office": "440100"}
    assert at.post("/api/v1/people/emily/roles", json=role, headers=head).json()["grants"][0]["role"] == "finance"
    assert at.post("/api/v1/people/emily/roles", json=role | {"role": "A B"}, headers=head).status_code == 422
    table = b"id,name\nzoe,Zoe\n"
    told = at.post("/api/v1/organisation/import?dry_run=true", content=table, headers=head).json()
    assert told == {"kind": "people", "added": 1, "changed": 0, "unchanged": 0}
    wrong = at.post("/api/v1/organisation/import", content=b"id,name\nA,\n", headers=head)
    assert [(one["line"], one["column"]) for one in wrong.json()["problems"]] == [(2, 2), (2, 1)]
    made = at.post("/api/v1/audit/checkpoint", headers=head).json()
    same = at.post("/api/v1/audit/compare", content=base64.b64decode(made["checkpoint"]), headers=head)
    assert same.json()["broken"] == []
    entry = {"list": "black", "customer": "c9", "reason": "complaint"}
    assert at.post("/api/v1/suppressions", json=entry, headers=head).status_code == 201
    assert at.post("/api/v1/suppressions/end", json=entry, headers=head).status_code == 200
    assert at.post("/api/v1/suppressions/end", json=entry, headers=head).status_code == 404


@pytest.mark.parametrize(
    ("path", "more"), [("people", {}), ("outbox", {"state": "pending"}), ("parked-receipts", {}), ("audit", {})]
)
def test_lists_come_in_pieces_as_large_as_asked_for(app: Countersign, desk: Desks, path: str, more: dict[str, str]):
    for _ in range(3):
        submitted(app)
        with app.db.begin() as tx:
            tx.execute(sa.insert(parked_receipts).values(body="{}", reason="no such message", at=app.now()))
    at = desk()
    at.headers["authorization"] = f"Bearer {people.sign_in(app, 'machao', 'huiqian-demo', address='x').token}"
    address = f"/api/v1/{path}"
    whole = at.get(address, params=more | {"limit": "100"}).json()
    assert whole["next"] == ""
    assert len(whole["rows"]) >= 3
    found, cursor = [], ""
    for _ in whole["rows"]:
        piece = at.get(address, params=more | {"limit": "2", "cursor": cursor}).json()
        assert len(piece["rows"]) <= 2
        found += piece["rows"]
        cursor = piece["next"]
        if not cursor:
            break
    assert found == whole["rows"]
    for wrong in ("0", "101", "x"):
        assert at.get(address, params=more | {"limit": wrong}).status_code == 422
    for wrong in ("rubbish", "2026-01-01~case~1~x", "2026-01-01T00:00:00+00:00~nowhere~1~x", "W10", "😀"):
        told = at.get(address, params=more | {"cursor": wrong})
        assert told.status_code == 422, wrong
        assert [one["at"] for one in told.json()["problems"]] == ["cursor"]


def test_a_wrong_place_in_the_audit_is_told_and_does_not_begin_anew(app: Countersign, desk: Desks):
    submitted(app)
    at = desk("xuwen")
    told = at.get("/admin/audit?cursor=rubbish")
    assert told.status_code == 422
    assert "not known" in told.text
    assert f"440111-{THIS_YEAR}-" in at.get("/admin/audit").text
    assert f"440111-{THIS_YEAR}-" not in told.text


def test_ready_says_which_schema_it_has(desk: Desks):
    at = desk()
    assert at.get("/ready").status_code == 200
    assert at.get("/ready").json()["database"] == "ok"


def test_the_tables_of_words_name_what_there_is(app: Countersign):
    kinds = {
        one.__name__ for one in vars(commands).values() if isinstance(one, type) and issubclass(one, commands.Command)
    }
    assert set(words.COMMANDS) == kinds - {"Command", "OnTask"}
    effects = {
        one.__name__ for one in vars(outcome).values() if isinstance(one, type) and issubclass(one, outcome.Effect)
    }
    assert set(words.EFFECTS) == effects - {"Effect"}
    assert viewer(app, "machao").has("administrator")

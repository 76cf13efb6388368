"""The sheet of a state that a definition declares: its events are the buttons, and a reason is asked for."""

import re
from collections.abc import Callable

from fastapi import FastAPI

from engine.service import approvals, proposals
from engine.service.app import Countersign
from tests.acceptance import family
from tests.acceptance.offices import key, notices, open_task, viewer
from tests.api.cases import drafted
from tests.api.desk import Desk
from tests.api.lifecycles import BILL, in_force
from tests.api.test_api_rest import script


def submitted(app: Countersign) -> str:
    in_force(app)
    case_id = proposals.start(app, viewer(app, "wangmin"), "payment-approval", key=key())
    proposals.submit(app, viewer(app, "wangmin"), case_id, BILL, key=key())
    return case_id


def test_the_sheet_offers_the_events_and_takes_one(app: Countersign, desk: Callable[..., Desk]):
    case_id = submitted(app)
    page = f"/tasks/{open_task(app, 'zhouning')}"
    chinese = desk("zhouning", "zh")
    sheet = chinese.get(page).text
    assert [word in sheet for word in ("终审同意", "拒绝", "已提交")] == [True, True, True]
    assert "已提交" in chinese.get("/inbox").text
    refused = chinese.fill_in(page, page, decision="reject", remark="")
    assert refused.status_code == 422
    assert chinese.fill_in(page, page, decision="reject", remark="缺发票").status_code == 200
    assert "已拒绝" in chinese.get(f"/cases/{case_id}").text
    history = chinese.get(f"/cases/{case_id}").text
    assert "缺发票" in history


def test_scripts_do_events_as_well(app: Countersign, api: FastAPI):
    case_id = submitted(app)
    task = open_task(app, "linfang")
    answer = script(api, "linfang").post(f"/api/v1/tasks/{task}/decision", json={"decision": "approve"})
    assert (answer.status_code, answer.json()["case"]["row"]["state"]) == (200, "admin_approved")
    refused = script(api, "linfang").post(f"/api/v1/cases/{case_id}/events", json={"event": "final_approve"})
    assert (refused.status_code, "nothing" in refused.json()["detail"]) == (409, True)
    done = script(api, "zhouning").post(f"/api/v1/cases/{case_id}/events", json={"event": "final_approve"})
    assert done.json()["row"]["state"] == "final_approved"
    assert approvals.inbox(app, viewer(app, "zhouning")).counts["to_do"] == 0


def test_the_pages_of_a_parent_and_its_children_lead_to_each_other(app: Countersign, desk: Callable[..., Desk]):
    family.in_force(app)
    case_id = family.opened_family(app, "north", "south")
    children = family.family(app, case_id).children
    page = desk("wangmin", "zh").get(f"/cases/{case_id}").text
    assert "本案的子案：2 件" in page
    assert all(f'href="/cases/{child.id}"' in page for child in children)
    assert page.count("办理中") >= 2
    below = desk("wangmin", "en").get(f"/cases/{children[0].id}").text
    assert re.search(rf'Opened by <a href="/cases/{case_id}">', below)


def test_who_may_not_see_a_child_gets_no_link(app: Countersign, desk: Callable[..., Desk], api: FastAPI):
    family.in_force(app)
    case_id = family.opened_family(app, "north")
    (child,) = family.family(app, case_id).children
    proposals.withdraw(app, viewer(app, "wangmin"), child.id, reason="no more", key=key())
    notices(app)
    page = desk("emily", "en").get(f"/cases/{case_id}").text
    assert ("contract-review" in page, f"/cases/{child.id}" in page) == (True, False)
    (told,) = script(api, "emily").get(f"/api/v1/cases/{case_id}").json()["children"]
    assert (told["id"], told["row"], told["state"], told["outcome"]) == ("", None, "withdrawn", "failed")
    seen = script(api, "wangmin").get(f"/api/v1/cases/{child.id}").json()
    assert (seen["parent"], seen["parent_row"]["state"]) == (case_id, "reconsidered")


def test_a_case_has_tabs_for_the_stages_of_its_kind_alone(app: Countersign, desk: Callable[..., Desk]):
    stages, payment, telecom = ("customers", "delivery", "evaluation"), submitted(app), drafted(app)
    browser = desk("wangmin")
    shown = [[f"?tab={tab}" in browser.get(f"/cases/{case}").text for tab in stages] for case in (payment, telecom)]
    assert shown == [[False] * 3, [True] * 3]

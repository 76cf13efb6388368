"""The sheet of a state that a definition declares: its events are the buttons, and a reason is asked for."""

from collections.abc import Callable

from fastapi import FastAPI

from engine.service import approvals, proposals
from engine.service.app import Countersign
from tests.acceptance.offices import key, open_task, viewer
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

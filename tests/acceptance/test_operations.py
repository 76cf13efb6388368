"""What approvers do with their tasks through the API, on both databases: pass on, share, ask, hand over."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.app import create_app
from engine.cli.demo.people import PASSWORD
from engine.service import cases
from engine.service.app import Countersign
from tests.acceptance.offices import notices, open_task, opened, submitted, viewer


@pytest.fixture
def app(db_url: str, tmp_path: Path) -> Iterator[Countersign]:
    with opened(db_url, tmp_path) as application:
        yield application


@pytest.fixture
def api(app: Countersign) -> FastAPI:
    return create_app(app)


def script(api: FastAPI, login: str) -> TestClient:
    client = TestClient(api, raise_server_exceptions=False)
    answer = client.post("/api/v1/session", json={"login": login, "password": PASSWORD})
    client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    return client


def asked(app: Countersign, case_id: str) -> set[str]:
    page = cases.case_page(app, viewer(app, "wangmin"), case_id)
    return {seat.person for node in page.waiting.for_nodes for seat in node.seats if seat.state == "open"}


def test_a_task_is_passed_on_and_the_history_says_by_whom_to_whom_and_why(app: Countersign, api: FastAPI):
    case_id = submitted(app)
    head = script(api, "liguoqiang")
    task = open_task(app, "liguoqiang")
    answer = head.post(f"/api/v1/tasks/{task}/transfer", json={"to": "sunli", "remark": "出差"})
    assert answer.status_code == 200, answer.text
    assert asked(app, case_id) == {"sunli"}
    entry = cases.case_page(app, viewer(app, "wangmin"), case_id).history[0]
    assert (entry.what, entry.actor, entry.people, entry.remark) == ("transferred", "李国强", ("孙莉",), "出差")
    assert "sunli" in {notice.person for notice in notices(app)}
    again = head.post(f"/api/v1/tasks/{task}/transfer", json={"to": "linfang", "remark": "出差"})
    assert again.status_code == 409
    back = script(api, "sunli").post(
        f"/api/v1/tasks/{open_task(app, 'sunli')}/transfer", json={"to": "liguoqiang", "remark": "back"}
    )
    assert back.status_code == 422


def test_a_question_stops_the_clock_and_its_answer_starts_it(app: Countersign, api: FastAPI):
    case_id = submitted(app)
    head, office = script(api, "liguoqiang"), script(api, "wangmin")
    task = open_task(app, "liguoqiang")
    sheet = head.post(f"/api/v1/tasks/{task}/questions", json={"person": "wangmin", "text": "为什么选五月?"}).json()
    (question,) = sheet["questions"]
    assert question["answered_at"] is None
    told = [(notice.person, notice.occasion, notice.by, notice.remark) for notice in notices(app)]
    assert ("wangmin", "question", "李国强", "为什么选五月?") in told
    answered = office.post(f"/api/v1/cases/{case_id}/questions/{question['id']}/answer", json={"text": "合同到期"})
    assert answered.status_code == 200, answered.text
    told = [(notice.person, notice.occasion, notice.by, notice.remark) for notice in notices(app)]
    assert ("liguoqiang", "answer", "王敏", "合同到期") in told
    sheet = head.get(f"/api/v1/tasks/{task}").json()
    assert sheet["questions"][0]["answer"] == "合同到期"
    assert [entry["what"] for entry in sheet["case"]["history"][:2]] == ["answered", "asked"]


def test_a_signer_added_before_me_signs_first_and_may_be_taken_back(app: Countersign, api: FastAPI):
    case_id = submitted(app)
    head = script(api, "liguoqiang")
    task = open_task(app, "liguoqiang")
    added = {"people": ["linfang"], "place": "before", "remark": "先看服务"}
    assert "add_signer" in head.get(f"/api/v1/tasks/{task}").json()["operations"]
    assert head.post(f"/api/v1/tasks/{task}/signers", json=added).status_code == 200
    assert asked(app, case_id) == {"linfang"}
    sheet = head.get(f"/api/v1/tasks/{task}").json()
    assert sheet["operations"] == ["remove_signer"]
    seat = open_task(app, "linfang")
    removed = head.post(f"/api/v1/tasks/{task}/signers/remove", json={"seat": seat, "remark": "不必了"})
    assert removed.status_code == 200, removed.text
    assert asked(app, case_id) == {"liguoqiang"}


def test_who_leaves_hands_every_task_over_and_what_cannot_go_says_why(app: Countersign, api: FastAPI):
    for _ in range(2):
        submitted(app)
    admin, office = script(api, "machao"), script(api, "wangmin")
    body = {"leaver": "liguoqiang", "to": "sunli", "remark": "离职"}
    assert office.post("/api/v1/hand-over", json=body).status_code == 404
    refused = admin.post("/api/v1/hand-over", json={**body, "to": "wangmin"}).json()
    assert [len(refused["done"]), len(refused["left"])] == [0, 2]
    assert "case of their own" in refused["left"][0]["refused"]
    handed = admin.post("/api/v1/hand-over", json=body).json()
    assert [len(handed["done"]), len(handed["left"])] == [2, 0]
    client = script(api, "sunli")
    gone = client.get("/api/v1/tasks/decisions", params={"task": [one["task"] for one in handed["done"]]}).json()
    assert [one["because"]["type"] for one in gone["left"]] == ["NotFound"] * 2, "those went with their first person"
    todo = client.get("/api/v1/inbox").json()["to_do"]
    assert len(todo) == 2

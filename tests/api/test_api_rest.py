"""The REST API as a script uses it."""

import hashlib
import hmac
import json
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.app import create_app
from engine.cli.demo.people import PASSWORD
from engine.service.app import Countersign
from engine.settings import Settings
from tests.api.cases import PROPOSAL, submitted, task_of
from tests.api.desk import Desk


def script(api: FastAPI, login: str) -> TestClient:
    """A client that sends the bearer token of `login`."""
    client = TestClient(api, base_url="http://testserver", raise_server_exceptions=False)
    answer = client.post("/api/v1/session", json={"login": login, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    return client


def test_a_case_is_started_submitted_and_approved_by_scripts(api: FastAPI, app: Countersign):
    office, head = script(api, "wangmin"), script(api, "liguoqiang")
    case = office.post("/api/v1/cases", json={"definition": "telecom-marketing-case"}).json()["id"]
    answer = office.post(f"/api/v1/cases/{case}/submit", json={"form": PROPOSAL})
    assert answer.status_code == 200, answer.text
    assert answer.json()["row"]["state"] == "approving"
    task = head.get("/api/v1/inbox").json()["to_do"][0]["id"]
    decided = head.post(f"/api/v1/tasks/{task}/decision", json={"decision": "approve"})
    assert decided.json()["task"]["decision"] == "approve"
    assert decided.json()["case"]["row"]["budget"] == "80000.00"


def test_one_key_counts_once(api: FastAPI):
    office = script(api, "wangmin")
    ids = {
        office.post(
            "/api/v1/cases", json={"definition": "telecom-marketing-case"}, headers={"Idempotency-Key": "same-key-1"}
        ).json()["id"]
        for _ in range(3)
    }
    assert len(ids) == 1


def test_wrong_fields_are_named_each_with_its_problem(api: FastAPI):
    office = script(api, "wangmin")
    case = office.post("/api/v1/cases", json={"definition": "telecom-marketing-case"}).json()["id"]
    answer = office.post(f"/api/v1/cases/{case}/submit", json={"form": {"budget": "much", "nonsense": 1}})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    wrong = {problem["at"] for problem in answer.json()["problems"]}
    assert {"title", "budget", "reach", "nonsense"} <= wrong


def test_the_second_decision_is_told_who_was_first(api: FastAPI, app: Countersign):
    submitted(app)
    task = task_of(app, "liguoqiang").id
    head = script(api, "liguoqiang")
    head.post(f"/api/v1/tasks/{task}/decision", json={"decision": "approve"})
    again = head.post(f"/api/v1/tasks/{task}/decision", json={"decision": "reject", "remark": "late"})
    assert again.status_code == 409
    assert again.json()["type"] == "AlreadyDecided"
    assert "李国强" in again.json()["detail"]


def test_a_cookie_may_look_but_not_act(desk: Callable[..., Desk], app: Countersign):
    browser, case_id = desk("wangmin"), submitted(app)
    assert browser.get(f"/api/v1/cases/{case_id}").status_code == 200
    answer = browser.post(f"/api/v1/cases/{case_id}/withdraw", json={})
    assert answer.status_code == 401
    assert answer.json()["type"] == "SignInNeeded"


def test_what_is_not_yours_is_not_there(api: FastAPI, app: Countersign):
    case_id = submitted(app)
    emily = script(api, "emily")
    theirs, absent = (emily.get(f"/api/v1/cases/{one}") for one in (case_id, "0000000000000000"))
    assert theirs.status_code == absent.status_code == 404
    assert theirs.content == absent.content


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"definition": 7}', b'{"definition": "x", "more": 1}'])
def test_a_body_that_cannot_be_read_is_422(api: FastAPI, body: bytes):
    answer = script(api, "wangmin").post("/api/v1/cases", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["problems"]


def test_receipts_need_the_signature(api: FastAPI, app: Countersign):
    client = TestClient(api, raise_server_exceptions=False)
    body = json.dumps({"receipts": []}).encode()
    assert client.post("/gateway/receipts", content=body).status_code == 403
    wrong = {"X-Signature": "sha256=" + "0" * 64}
    assert client.post("/gateway/receipts", content=body, headers=wrong).status_code == 403
    signature = hmac.new(app.settings.sms_secret.encode(), body, hashlib.sha256).hexdigest()
    right = client.post("/gateway/receipts", content=body, headers={"X-Signature": f"sha256={signature}"})
    assert right.status_code == 200
    assert right.json()["parked"] == 0


def test_health_is_503_and_names_no_address_when_the_database_is_gone(tmp_path: object):
    url = "postgresql://nobody:secret@127.0.0.1:9/none"
    gone = Countersign.open(Settings(database_url=url))
    client = TestClient(create_app(gone), raise_server_exceptions=False)
    for path in ("/health", "/inbox"):
        client.cookies.set("session", "x")
        answer = client.get(path)
        assert answer.status_code == 503
        assert "127.0.0.1:9" not in answer.text
        assert "secret" not in answer.text
    gone.close()


def test_the_openapi_document_lists_the_doors(api: FastAPI):
    paths = TestClient(api).get("/api/v1/openapi.json").json()["paths"]
    assert {"/api/v1/cases", "/api/v1/tasks/{task_id}/decision", "/gateway/receipts", "/health"} <= set(paths)
    assert not any(path.startswith("/l/") for path in paths)


def test_a_superior_converts_a_filing_and_is_told_so_in_the_case(api: FastAPI, app: Countersign):
    case = submitted(app, budget="4000.00", reach="900")
    city, office = script(api, "sunli"), script(api, "wangmin")
    assert city.get(f"/api/v1/cases/{case}").json()["waiting"]["possible"] == ["convert"]
    place = f"/api/v1/cases/{case}/operations"
    assert office.post(place, json={"operation": "convert", "reason": "no"}).status_code == 404
    assert city.post(place, json={"operation": "convert"}).status_code == 422
    answer = city.post(place, json={"operation": "convert", "reason": "a clash"})
    assert (answer.status_code, answer.json()["possible"]) == (200, [])
    again = city.post(place, json={"operation": "convert", "reason": "a clash"})
    assert (again.status_code, again.json()["type"]) == (409, "NotPossible")
    shown = city.get(f"/api/v1/cases/{case}").json()
    assert (shown["route"], shown["reasons"]) == ("to_city", ["city_register: conversion"])


def test_the_register_number_is_part_of_the_case_and_its_history(api: FastAPI, app: Countersign):
    case = submitted(app, budget="4000.00", reach="900")
    task = task_of(app, "zhengkai").id
    city = script(api, "zhengkai")
    assert city.post(f"/api/v1/tasks/{task}/decision", json={"decision": "acknowledge"}).status_code == 200
    shown = city.get(f"/api/v1/cases/{case}").json()
    (registered,) = shown["registered"]
    assert registered["number"].startswith("备440100-")
    assert registered["office"]["zh"] == "广州市分公司"
    assert shown["history"][0]["register"] == registered["number"]

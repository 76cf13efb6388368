"""The OpenAPI document is whole and true: every route in it, every answer documented, examples that are taken."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from openapi_spec_validator import validate

from engine.service.app import Countersign
from engine.store import people as store
from tests.api.cases import submitted
from tests.api.desk import Desk
from tests.api.test_api_rest import script

FOR_SCRIPTS = ("/api/", "/gateway", "/health", "/ready", "/metrics")
OPEN = (
    "/api/v1/session",
    "/gateway/receipts",
    "/gateway/mails",
    "/gateway/replies",
    "/gateway/complaints",
    "/gateway/orders",
    "/health",
    "/ready",
    "/healthz",
    "/readyz",
    "/metrics",
)


@pytest.fixture
def document(api: FastAPI) -> dict[str, Any]:
    return api.openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def test_the_document_is_valid_openapi(document: dict[str, Any]):
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_no_route_for_scripts_is_left_out(api: FastAPI, document: dict[str, Any]):
    there = {
        (method.lower(), one.path)
        for one in iter_route_contexts(api.routes)
        if isinstance(one.original_route, APIRoute) and str(one.path).startswith(FOR_SCRIPTS)
        for method in one.methods or ()
    }
    assert there == {(method, path) for method, path, _ in operations(document)}


def test_every_operation_says_what_it_does_and_what_it_answers(document: dict[str, Any]):
    lacking = []
    for method, path, operation in operations(document):
        if not operation.get("summary") or not operation.get("description"):
            lacking.append(f"{method} {path}: no description")
        for status, answer in operation["responses"].items():
            content = answer.get("content", {})
            told = bool(content) and all(one.get("schema") for one in content.values())
            if status.startswith("2") and status != "204" and not told:
                lacking.append(f"{method} {path}: {status} without a schema")
            if not status.startswith("2") and "application/problem+json" not in content:
                lacking.append(f"{method} {path}: {status} without problem details")
        wanted = {"503"} if path in OPEN else {"401", "404", "422", "503"}
        lacking += [f"{method} {path}: {status} is missing" for status in wanted - set(operation["responses"])]
    assert lacking == []


def test_every_post_takes_a_key(document: dict[str, Any]):
    lacking = [
        path
        for method, path, operation in operations(document)
        if method == "post" and path not in OPEN
        if "idempotency-key" not in {one["name"].lower() for one in operation.get("parameters", ())}
    ]
    assert lacking == []


def test_money_is_text_and_times_have_a_zone(api: FastAPI, app: Countersign, document: dict[str, Any]):
    case_id = submitted(app)
    row = script(api, "wangmin").get(f"/api/v1/cases/{case_id}").json()["row"]
    assert row["budget"] == "80000.00"
    assert row["updated_at"].endswith("Z") or "+" in row["updated_at"]
    budget = document["components"]["schemas"]["CaseRow"]["properties"]["budget"]
    assert {one["type"] for one in budget["anyOf"]} == {"string", "null"}


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _example(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    schema = _resolved(document, schema)
    if schema.get("examples"):
        return schema["examples"][0]
    if schema.get("type") == "array":
        return [_example(document, schema["items"])]
    if schema.get("type") == "object":
        required = schema.get("required", ())
        properties = schema.get("properties", {}).items()
        return {name: _example(document, each) for name, each in properties if name in required or each.get("examples")}
    return schema.get("default")


def test_every_example_of_a_body_is_taken(api: FastAPI, app: Countersign, document: dict[str, Any]):
    caller, refused = script(api, "machao"), []
    for method, path, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None or path in OPEN:
            continue
        at = path
        for one in operation.get("parameters", ()):
            if one["in"] == "path":
                example = one.get("examples") or one["schema"].get("examples") or ["nothing"]
                at = at.replace(f"{{{one['name']}}}", str(next(iter(example))))
        headers = {"If-Match": '"1"'}
        answer = caller.request(method, at, json=_example(document, content["schema"]), headers=headers)
        problems = answer.json().get("problems", ()) if answer.content else ()
        refused += [f"{method} {path}: {one}" for one in problems if one["code"] == "request"]
        assert answer.status_code < 500, (path, answer.text)
    assert refused == []


def test_a_key_that_stood_for_another_request_is_refused(api: FastAPI):
    office = script(api, "wangmin")
    keyed = {"Idempotency-Key": "one-key-for-one"}
    first = office.post("/api/v1/cases", json={"definition": "telecom-marketing-case"}, headers=keyed)
    again = office.post("/api/v1/cases", json={"definition": "telecom-marketing-case"}, headers=keyed)
    other = office.post("/api/v1/cases", json={"definition": "hillstrom-email-case"}, headers=keyed)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert (other.status_code, other.json()["type"]) == (409, "KeyUsed")
    assert (
        script(api, "emily")
        .post("/api/v1/cases", json={"definition": "hillstrom-email-case"}, headers=keyed)
        .status_code
        == 201
    )  # another person's keys are their own


def test_a_refused_request_may_be_mended_under_its_key(api: FastAPI):
    office, keyed = script(api, "wangmin"), {"Idempotency-Key": "mended-key"}
    assert office.post("/api/v1/cases", json={"definition": "nothing"}, headers=keyed).status_code == 404
    mended = office.post("/api/v1/cases", json={"definition": "telecom-marketing-case"}, headers=keyed)
    assert mended.status_code == 201


def test_lists_come_in_pieces_that_lead_on(api: FastAPI, app: Countersign):
    wanted = {submitted(app, title=f"Case {n}") for n in range(3)}
    office, at, found = script(api, "wangmin"), "/api/v1/cases?limit=1", []
    while at:
        answer = office.get(at)
        found += [one["id"] for one in answer.json()["cases"]]
        at = answer.links["next"]["url"] if "next" in answer.links else ""
        assert bool(at) == bool(answer.json()["next"])
    assert (set(found), len(found)) == (wanted, 3)
    assert office.get("/api/v1/stand-ins?cursor=WyJ4Il0").json()["problems"][0]["at"] == "cursor"
    versions = script(api, "machao").get("/api/v1/definitions?limit=1").json()
    rest = script(api, "machao").get("/api/v1/definitions", params={"cursor": versions["next"]}).json()
    assert [one["name"] for one in versions["definitions"] + rest["definitions"]] == [
        "hillstrom-email-case", "telecom-marketing-case",
    ]  # fmt: skip


def test_who_saves_a_draft_names_the_text_it_was_made_from(api: FastAPI, app: Countersign):
    with app.db.begin() as tx:
        store.add_grants(tx, [{"person": "sunli", "role": "definition_author", "office": "440100"}])
    one, other = script(api, "sunli"), script(api, "machao")
    place = f"/api/v1/drafts/{one.post('/api/v1/drafts', json={'based_on': ''}).json()['id']}"
    etag = other.get(place).headers["etag"]
    saved = one.put(place, json={"source": "a: 1"}, headers={"If-Match": etag})
    assert saved.headers["etag"] != etag
    late = other.put(place, json={"source": "b: 1"}, headers={"If-Match": etag})
    assert (late.status_code, late.json()["type"]) == (412, "DraftChanged")
    assert other.put(place, json={"source": "b: 1"}).status_code == 422
    verdict = one.post("/api/v1/definitions/check", json={"source": "a: 1"}).json()
    assert not verdict["valid"]
    assert {"code", "line", "column", "message"} <= verdict["problems"][0].keys()


@pytest.mark.parametrize("sign", ["\\u0000", "\\ud800"])
def test_a_sign_that_no_database_keeps_is_refused(api: FastAPI, desk: Callable[..., Desk], sign: str):
    office = script(api, "wangmin")
    body = f'{{"definition": "tele{sign}com"}}'.encode()
    answer = office.post("/api/v1/cases", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert office.get("/api/v1/cases/a%00b").status_code == 404
    assert desk("wangmin").get("/cases?q=%00").status_code == 404

"""Proofs and seeds by the doors that people and scripts use, on both databases."""

import re
from html import unescape

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response
from typer.testing import CliRunner

from api.app import create_app
from engine.cli.main import app as program
from engine.service import delivering
from engine.service.app import Countersign
from tests.acceptance.offices import notices, state_of
from tests.acceptance.proved_case import NUMBERS, SEEDS, begun, ready, seeded
from tests.security.signed_in import session
from tests.servers.gateway import RunningGateway

SEED = {"office": "440111", "name": "质检", "channel": "sms", "address": "139 1111 0001"}


@pytest.fixture
def api(app: Countersign) -> FastAPI:
    return create_app(app)


def script(app: Countersign, api: FastAPI, login: str) -> TestClient:
    client = TestClient(api)
    client.headers["Authorization"] = f"Bearer {session(app, None, login)}"
    return client


def browser(app: Countersign, api: FastAPI, login: str) -> TestClient:
    client = TestClient(api)
    session(app, client, login)
    return client


def plain(answer: Response) -> str:
    text = re.sub(r"<(script|style)\b.*?</\1>", " ", answer.text, flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def posted(client: TestClient, page: str, action: str, **typed: str) -> Response:
    """Fill in the form of a page that leads to `action`."""
    shown = client.get(page).text
    form = shown[shown.index(f'action="{action}"') :]
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form[: form.index("</form>")]))
    return client.post(action, data=hidden | typed)


def codes(answer: Response) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return [(one["code"], one["at"]) for one in answer.json()["problems"]]


def test_scripts_send_proofs_and_only_who_got_one_answers(
    app: Countersign, api: FastAPI, gateway: RunningGateway
) -> None:
    made = ready(app)
    door = f"/api/v1/cases/{made}/proofs"
    office, asked, other = (script(app, api, login) for login in ("wangmin", "zhanglan", "hejing"))
    sent = office.post(door, json={}, headers={"Idempotency-Key": "proofs-1"})
    assert (sent.status_code, sent.json()["need"], sent.json()["fits"], sent.json()["named"]) == (
        201, 1, 0, ["hejing", "zhanglan"],
    )  # fmt: skip
    again = office.post(door, json={}, headers={"Idempotency-Key": "proofs-1"})
    assert len(again.json()["proofs"]) == 2
    delivering.work(app, "test")
    assert sorted(one["to"] for one in gateway.messages()) == sorted(NUMBERS.values())
    (mine,) = asked.get("/api/v1/proofs").json()["proofs"]
    assert (mine["person"], mine["address"], mine["state"], mine["is_current"]) == (
        "zhanglan", "139****0001", "sent", True,
    )  # fmt: skip
    answer = f"/api/v1/proofs/{mine['name']}/answer"
    nowhere = other.post("/api/v1/proofs/proof.000000000000.0/answer", json={"fits": True})
    stranger = other.post(answer, json={"fits": True})
    assert stranger.status_code == nowhere.status_code == 404
    assert stranger.json() == nowhere.json()
    assert browser(app, api, "wangmin").get(f"/proofs/{mine['name']}").status_code == 404
    assert codes(asked.post(answer, json={"fits": False, "because": " "})) == [("reason_missing", "because")]
    first = asked.post(answer, json={"fits": False, "because": "价格是上月的"}).json()
    assert (first["answer"], first["because"], office.get(door).json()["fits"]) == ("unfit", "价格是上月的", 0)
    second = asked.post(answer, json={"fits": True}).json()  # again: the later answer counts
    assert (second["answer"], second["because"], office.get(door).json()["fits"]) == ("fits", "", 1)
    assert asked.get("/api/v1/proofs").json()["proofs"] == []


def test_what_cannot_be_sent_is_refused_with_the_field_and_who(app: Countersign, api: FastAPI) -> None:
    made = ready(app)
    door = f"/api/v1/cases/{made}/proofs"
    office = script(app, api, "wangmin")
    refused = office.post(door, json={"to": ["zhanglan", "nobody", "linfang"]})
    assert codes(refused) == [("E411", "to"), ("E411", "to")]  # one is no account, the other has no number
    for turn in range(30):
        assert office.post(door, json={}, headers={"Idempotency-Key": f"turn-{turn:04}"}).status_code == 201
    assert codes(office.post(door, json={"to": ["zhanglan"]})) == [("E412", "to")]
    assert office.get(door).json()["left_today"] == 0
    page = posted(browser(app, api, "wangmin"), f"/cases/{made}/proofs", f"/cases/{made}/proofs", to="zhanglan")
    assert page.status_code == 422
    assert "60 条样张" in plain(page)
    for login in ("emily", "zhaoying"):
        assert script(app, api, login).post(door, json={}).status_code in (403, 404)
        assert script(app, api, login).get(door).status_code == 404


def test_without_a_wave_to_come_nothing_is_tried(app: Countersign, api: FastAPI) -> None:
    made = ready(app)
    office, asked = script(app, api, "wangmin"), script(app, api, "zhanglan")
    office.post(f"/api/v1/cases/{made}/proofs", json={})
    (mine,) = asked.get("/api/v1/proofs").json()["proofs"]
    asked.post(f"/api/v1/proofs/{mine['name']}/answer", json={"fits": True})
    begun(app, made)
    assert codes(office.post(f"/api/v1/cases/{made}/proofs", json={})) == [("E413", "to")]
    assert script(app, api, "hejing").get("/api/v1/proofs").json()["proofs"] == []  # nothing waits for it any more
    assert "发送样张" not in plain(browser(app, api, "wangmin").get(f"/cases/{made}/proofs"))


def test_the_case_waits_for_the_answer_and_goes_on_by_itself(
    app: Countersign, api: FastAPI, gateway: RunningGateway
) -> None:
    made = ready(app)
    seeded(app)
    begun(app, made)
    office, asked = browser(app, api, "wangmin"), browser(app, api, "zhanglan")
    told = notices(app)
    assert state_of(app, made) == "paused"
    waits = "首个波次等待样张：每段消息文字均须 1 人认为合适，目前 0 人。"
    assert waits in plain(office.get(f"/cases/{made}?tab=delivery")), told
    sent = posted(office, f"/cases/{made}/proofs", f"/cases/{made}/proofs", to="zhanglan，hejing")
    assert "正在发出 2 条样张。" in plain(sent)
    delivering.work(app, "test")
    inbox = asked.get("/inbox").text
    (link,) = re.findall(r'href="(/proofs/proof\.[^"]+)"', inbox)
    assert codes_on_page(posted(asked, link, link, answer="unfit", because=""))
    said = posted(asked, link, link, answer="fits")
    assert "您的答复" in plain(said)
    assert state_of(app, made) == "delivering"
    notices(app)
    while delivering.work(app, "test") is not None:
        delivering.settle(app)
    messages = gateway.messages()
    assert {one["to"] for one in messages if one["id"].startswith("seed.")} == set(SEEDS)
    page = plain(office.get(f"/cases/{made}?tab=delivery"))
    assert "种子号码 2 个：0 送达，2 无回执" in page
    assert link not in asked.get("/inbox").text
    history = plain(office.get(f"/cases/{made}?tab=history"))
    assert waits in history


def codes_on_page(answer: Response) -> bool:
    return answer.status_code == 422 and "aria-invalid" in answer.text


def test_seeds_are_kept_by_administrators_and_wrong_ones_named(app: Countersign, api: FastAPI) -> None:
    admin = script(app, api, "machao")
    for wrong, found in (
        ({"address": "1391111000"}, [("E414", "address")]),  # a digit is missing
        ({"channel": "email", "address": "a@b@c"}, [("E414", "address")]),
        ({"office": "999999"}, [("office_parent", "office")]),
        ({"name": "  ", "last": "2020-01-01"}, [("person_name", "name"), ("expires_past", "last")]),
    ):
        assert codes(admin.post("/api/v1/seeds", json=SEED | wrong)) == found
    assert admin.post("/api/v1/seeds", json=SEED | {"channel": "call"}).status_code == 422
    kept = admin.post("/api/v1/seeds", json=SEED, headers={"Idempotency-Key": "seed-one"})
    (one,) = kept.json()["seeds"]
    assert (kept.status_code, one["address"], one["in_force"]) == (201, "139****0001", True)
    assert admin.post("/api/v1/seeds", json=SEED, headers={"Idempotency-Key": "seed-one"}).json() == kept.json()
    assert codes(admin.post("/api/v1/seeds", json=SEED)) == [("E414", "address")]  # the office has it
    page = browser(app, api, "machao")
    wrong = posted(page, "/admin/seeds", "/admin/seeds", **(SEED | {"address": "1391111"}))
    assert wrong.status_code == 422
    assert 'value="1391111"' in wrong.text and "aria-invalid" in wrong.text
    ended = posted(page, "/admin/seeds", f"/admin/seeds/{one['id']}/end")
    assert "1391111" not in ended.text and ended.status_code == 200
    assert admin.get("/api/v1/seeds").json()["seeds"] == []
    assert admin.post("/api/v1/seeds/77/end").status_code == 404
    for login in ("wangmin", "liguoqiang"):
        assert script(app, api, login).get("/api/v1/seeds").status_code in (403, 404)
        assert script(app, api, login).post("/api/v1/seeds", json=SEED).status_code in (403, 404)


def test_operators_do_the_same(app: Countersign, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    made = ready(app)
    monkeypatch.setenv("COUNTERSIGN_HOME", str(app.settings.home))
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", app.settings.database_url)

    def run(*words: str) -> str:
        done = CliRunner().invoke(program, ["delivery", *words])
        return done.output + str(done.exception or "")

    assert "2 proofs go out" in run("proofs", made, "--to", "zhanglan", "--to", "hejing")
    delivering.work(app, "test")
    assert "139****0001" in run("proofs", made) and "sent" in run("proofs", made)
    assert "nobody" in run("proofs", made, "--to", "nobody")
    assert run("seeds", "list").strip() == "There are no seeds."
    assert run("seeds", "add", "440111", "sms", SEEDS[0], "--name", "质检").strip() == "seed 1"
    assert "no number or address" in run("seeds", "add", "440111", "sms", "1391111000", "--name", "质检")
    assert "there is no office" in run("seeds", "add", "999999", "sms", SEEDS[0], "--name", "质检")
    assert "139****0001" in run("seeds", "list")
    assert "seed 1 has ended" in run("seeds", "end", "1")
    assert run("seeds", "end", "1").strip() != "seed 1 has ended"

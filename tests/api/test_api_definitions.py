"""Definitions over REST: a draft by one session, its publication by another."""

from pathlib import Path

import pytest
from fastapi import FastAPI

from engine.service.app import Countersign
from engine.store import people as store
from tests.api.test_api_rest import script

SHIPPED = (Path(__file__).resolve().parents[2] / "definitions" / "telecom-marketing-case.yaml").read_text()
SECOND = SHIPPED.replace("\nversion: 3\n", "\nversion: 4\n").replace("head@county", "role:marketing@city")
PLACE = "/api/v1/definitions"


@pytest.fixture
def _author(app: Countersign) -> None:
    with app.db.begin() as tx:
        store.add_grants(tx, [{"person": "sunli", "role": "definition_author", "office": "440100"}])


@pytest.mark.usefixtures("_author")
def test_one_session_saves_a_draft_and_another_publishes_it(api: FastAPI):
    author, second = script(api, "sunli"), script(api, "machao")
    saved = author.post(PLACE, json={"source": SECOND})
    assert saved.status_code == 201, saved.text
    fingerprint = saved.json()["fingerprint"]
    own = author.post(f"{PLACE}/telecom-marketing-case/4/publish", json={"fingerprint": fingerprint})
    assert own.status_code == 409
    assert "sunli is its author" in own.json()["detail"]
    changes = second.get(f"{PLACE}/telecom-marketing-case/4/changes", params={"since": 3}).json()["changes"]
    message = "step county_head (chain to_city): asks role:marketing@city instead of head@county"
    assert {"message": message, "affects_approvers": True}.items() <= changes[1].items()
    assert second.get(f"{PLACE}/telecom-marketing-case/4").json()["source"] == SECOND
    done = second.post(f"{PLACE}/telecom-marketing-case/4/publish", json={"fingerprint": fingerprint})
    assert (done.status_code, done.json()["published_by"]) == (200, "machao")
    states = [
        (row["version"], row["state"])
        for row in second.get(PLACE, params={"name": "telecom-marketing-case"}).json()["definitions"]
    ]
    assert states == [(3, "published"), (4, "published")]


@pytest.mark.usefixtures("_author")
@pytest.mark.parametrize(
    ("source", "code"),
    [
        (SECOND.replace("version: 4", "version: " + "9" * 5_000), "E112"),
        (SECOND.replace('max: "1"', "max: 1e999999999"), "E112"),
        (SECOND.replace("title: {zh: 电信营销案", 'title: {zh: "\\ud800"'), "E101"),
        (SECOND + "#" + "x" * 300_000, "request"),
        ("a: " + "[" * 10_000, "E107"),
        ("", "E108"),
        ("name：x\nb: 1", "E101"),
        ("apiVersion: countersign/v1\nkind: CaseDefinition\nname: itself\nversion: 1\nextends: itself\n", "E210"),
    ],
)
def test_a_hostile_text_is_refused_by_its_code_and_nothing_is_kept(api: FastAPI, source: str, code: str):
    author = script(api, "sunli")
    before = author.get(PLACE).json()
    answer = author.post(PLACE, json={"source": source})
    assert answer.status_code == 422, answer.text[:500]
    assert code in [problem["code"] for problem in answer.json()["problems"]]
    assert author.get(PLACE).json() == before


@pytest.mark.usefixtures("_author")
def test_every_error_of_a_draft_has_its_line_and_column(api: FastAPI):
    answer = script(api, "sunli").post(PLACE, json={"source": SECOND.replace("numbering:", "numbring:")})
    assert answer.status_code == 422
    (problem,) = answer.json()["problems"]
    assert (problem["code"], problem["line"], problem["column"]) == ("E111", 25, 3)


def test_who_may_not_write_definitions_finds_none(api: FastAPI):
    stranger = script(api, "wangmin")
    answers = [
        stranger.post(PLACE, json={"source": SECOND}),
        stranger.get(PLACE),
        stranger.get(f"{PLACE}/telecom-marketing-case/3"),
        stranger.post(f"{PLACE}/telecom-marketing-case/3/publish", json={}),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4

"""Several decisions at once, on both databases: what is included, what is left out and why, each case by itself."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.app import create_app
from engine.cli.demo.people import PASSWORD
from engine.definition.load import load
from engine.machine.commands import AudienceFrozen
from engine.organisation import StandIn
from engine.service import approvals, bulk, cases, operations, proposals, standins
from engine.service.app import Countersign
from engine.service.operations import Door
from engine.service.running import carry_out
from engine.store import definitions, history
from tests.acceptance.offices import DAY, key, open_task, opened, submitted, viewer
from tests.support import ROOT

SMALL = {"budget": "30000.00"}


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


def tasks(app: Countersign, login: str) -> dict[str, str]:
    """The open tasks of an account by case."""
    return {task.case.id: task.id for task in approvals.inbox(app, viewer(app, login)).to_do}


def looked(client: TestClient, wanted: list[str]) -> dict[str, Any]:
    answer = client.get("/api/v1/tasks/decisions", params={"task": wanted})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def decided(client: TestClient, chosen: dict[str, int], **headers: str) -> dict[str, Any]:
    body = {"tasks": [{"task": task, "seen_seq": seen} for task, seen in chosen.items()], "remark": "一并同意"}
    answer = client.post("/api/v1/tasks/decisions", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def publish(app: Countersign, text: str) -> None:
    """Publish the text of a definition."""
    definition = load(text, prove=False)
    with app.db.begin() as tx:
        definitions.publish(
            tx,
            name=definition.name,
            version=definition.version,
            fingerprint=definition.fingerprint,
            source=text,
            author="wuqiang",
            by="machao",
            at=app.now(),
        )


def codes(left: dict[str, Any]) -> list[str]:
    because = left["because"]
    return [problem["code"] for problem in because.get("problems", ())] or [because["type"]]


def waits_for(app: Countersign, case_id: str) -> set[str]:
    page = cases.case_page(app, viewer(app, "wangmin"), case_id)
    return {node.id for node in page.waiting.for_nodes}


def test_those_within_the_limit_are_decided_and_the_others_say_why_not(app: Countersign, api: FastAPI):
    small, other, large = submitted(app, **SMALL), submitted(app, **SMALL), submitted(app)
    asked = submitted(app, **SMALL)
    todo = tasks(app, "liguoqiang")
    operations.ask(app, Door(viewer(app, "liguoqiang"), key()), todo[asked], "wangmin", text="为什么?")
    head = script(api, "liguoqiang")
    shown = looked(head, [*todo.values(), "no-such-task"])
    included = {row["id"]: row["seen_seq"] for row in shown["included"]}
    assert set(included) == {todo[small], todo[other]}
    assert {row["decision"] for row in shown["included"]} == {"approve"}
    left = {row["id"]: row for row in shown["left"]}
    assert codes(left[todo[large]]) == ["bulk.limit"]
    assert left[todo[large]]["reasons"] == ["form.budget 80000.00 <= params.city_budget 50000.00: false"]
    assert codes(left[todo[asked]]) == ["bulk.question"]
    assert codes(left["no-such-task"]) == ["NotFound"]
    assert waits_for(app, small) == {"county_head"}, "looking decides nothing"
    outcome = decided(head, included | {todo[large]: 2, todo[asked]: 3})
    assert {one["id"] for one in outcome["done"]} == set(included)
    assert {one["id"]: codes(one) for one in outcome["left"]} == {
        todo[large]: ["bulk.limit"],
        todo[asked]: ["bulk.question"],
    }
    assert waits_for(app, small) == waits_for(app, other) == {"city_finance", "city_network", "city_service"}
    assert waits_for(app, large) == {"county_head"}
    entry = cases.case_page(app, viewer(app, "wangmin"), small).history[0]
    assert (entry.what, entry.actor, entry.via, entry.remark) == ("approve", "李国强", "bulk", "一并同意")


def test_a_case_that_moved_on_after_the_list_was_shown_is_left_out(app: Countersign, api: FastAPI):
    moved, still = submitted(app, **SMALL), submitted(app, **SMALL)
    todo = tasks(app, "liguoqiang")
    head = script(api, "liguoqiang")
    included = {row["id"]: row["seen_seq"] for row in looked(head, list(todo.values()))["included"]}
    submitter = viewer(app, "wangmin")
    proposals.withdraw(app, submitter, moved, "数目不对", key=key(), again=True)
    form = {field.name: field.raw for field in proposals.form(app, submitter, moved).fields if field.raw is not None}
    proposals.submit(app, submitter, moved, form | {"budget": "45000.00"}, key=key())
    outcome = decided(head, included)
    assert [one["id"] for one in outcome["done"]] == [todo[still]]
    assert [codes(one) for one in outcome["left"]] == [["NotPossible"]], "that task went when the case was taken back"
    renewed = tasks(app, "liguoqiang")[moved]
    outcome = decided(head, {renewed: 2})
    assert [codes(one) for one in outcome["left"]] == [["bulk.moved_on"]]
    assert waits_for(app, moved) == {"county_head"}


def test_what_others_did_meanwhile_counts_as_moved_on(app: Countersign, api: FastAPI):
    case_id = submitted(app, **SMALL)
    head = script(api, "liguoqiang")
    decided(head, {open_task(app, "liguoqiang"): 2})
    finance = script(api, "zhanglan")
    (row,) = looked(finance, [tasks(app, "zhanglan")[case_id]])["included"]
    script(api, "linfang").post(
        f"/api/v1/tasks/{tasks(app, 'linfang')[case_id]}/decision", json={"decision": "approve"}
    )
    for seen in (row["seen_seq"], 10**6):
        outcome = decided(finance, {row["id"]: seen})
        assert [codes(one) for one in outcome["left"]] == [["bulk.moved_on"]]


def test_the_same_key_gives_the_first_outcome_again_and_writes_nothing(app: Countersign, api: FastAPI):
    case_id = submitted(app, **SMALL)
    head = script(api, "liguoqiang")
    chosen = {open_task(app, "liguoqiang"): 2}
    first = decided(head, chosen, **{"Idempotency-Key": "the-same-key"})
    with app.db.read() as tx:
        before = len(history.load(tx, case_id))
    again = decided(head, chosen, **{"Idempotency-Key": "the-same-key"})
    assert (first, len(first["done"])) == (again, 1)
    other = decided(head, chosen, **{"Idempotency-Key": "another-key"})
    assert [codes(one) for one in other["left"]] == [["AlreadyDecided"]]
    assert "李国强" in other["left"][0]["because"]["detail"]
    with app.db.read() as tx:
        assert len(history.load(tx, case_id)) == before


def test_nobody_decides_on_tasks_of_others_and_the_two_look_the_same(app: Countersign, api: FastAPI):
    case_id = submitted(app, **SMALL)
    task = open_task(app, "liguoqiang")
    outcome = decided(script(api, "zhanglan"), {task: 2, "no-such-task": 2})
    assert [one["because"] for one in outcome["left"]] == [outcome["left"][1]["because"]] * 2
    assert {(one["case_id"], one["number"]) for one in outcome["left"]} == {("", "")}
    assert waits_for(app, case_id) == {"county_head"}


def test_a_case_whose_audience_is_not_what_was_declared_is_looked_at_alone(app: Countersign, api: FastAPI):
    case_id = submitted(app, budget="4000.00", reach="9000")
    for login in ("liguoqiang", "zhanglan", "linfang", "zhouning", "wuqian"):
        client = script(api, login)
        (task,) = tasks(app, login).values()
        included = {row["id"]: row["seen_seq"] for row in looked(client, [task])["included"]}
        assert len(decided(client, included)["done"]) == 1
    frozen = AudienceFrozen(actor="system", via="timer", snapshot="s", digest="d", target=11_200, control=1_000)
    carry_out(app, case_id, frozen, key="frozen")
    (row,) = looked(script(api, "liguoqiang"), [tasks(app, "liguoqiang")[case_id]])["left"]
    assert codes(row) == ["bulk.drift"]


def test_who_stands_in_decides_for_the_other_and_the_history_says_so(app: Countersign, api: FastAPI):
    case_id = submitted(app, **SMALL)
    away = StandIn("liguoqiang", "emily", app.now() - DAY, app.now() + DAY)
    standins.add(app, viewer(app, "liguoqiang"), away)
    (task,) = tasks(app, "emily").values()
    deputy = script(api, "emily")
    (row,) = looked(deputy, [task])["included"]
    assert row["task"]["on_behalf_of"] == "李国强"
    assert len(decided(deputy, {task: row["seen_seq"]})["done"]) == 1
    standins.end(app, viewer(app, "liguoqiang"), 1)
    other = submitted(app, **SMALL)
    (gone,) = looked(deputy, [tasks(app, "liguoqiang")[other]])["left"]
    assert (codes(gone), gone["task"]) == (["NotFound"], None), "who stands in no longer is told nothing"
    entry = cases.case_page(app, viewer(app, "wangmin"), case_id).history[0]
    assert (entry.what, entry.actor, entry.on_behalf_of, entry.via) == ("approve", "Emily Chen", "李国强", "bulk")


def test_two_who_decide_on_the_same_cases_at_once_share_them_and_each_is_decided_once(app: Countersign):
    ids = [submitted(app, **SMALL) for _ in range(6)]
    chosen = dict.fromkeys(tasks(app, "liguoqiang").values(), 2)
    bulk.decide(app, Door(viewer(app, "liguoqiang"), key()), chosen)
    together = Barrier(2)

    def all_of(login: str) -> list[str]:
        rows = bulk.listed(app, viewer(app, login), list(tasks(app, login).values()))
        together.wait()
        chosen = {row.id: row.seen_seq for row in rows if row.left is None}
        handled = bulk.decide(app, Door(viewer(app, login), key()), chosen)
        return [type(one.left).__name__ for one in handled]

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(all_of, ("zhanglan", "hejing")))
    assert [len(outcome) for outcome in outcomes] == [6, 6]
    assert sorted(chain.from_iterable(outcomes)) == ["AlreadyDecided"] * 6 + ["NoneType"] * 6
    for case_id in ids:
        history = cases.case_page(app, viewer(app, "wangmin"), case_id).history
        assert len([entry for entry in history if entry.step.en == "City finance"]) == 1


@pytest.mark.parametrize(
    ("policy", "code"),
    [("never", "bulk.never"), ("{confidential: false}", "bulk.confidential"), ("{}", "bulk.confidential")],
)
def test_the_definition_says_what_may_be_decided_together(db_url: str, tmp_path: Path, policy: str, code: str):
    with opened(db_url, tmp_path, shipped=False) as app:
        text = (ROOT / "definitions/telecom-marketing-case.yaml").read_text(encoding="utf-8")
        (line,) = [line for line in text.splitlines() if line.strip().startswith("bulk:")]
        publish(app, text.replace(line, f"    bulk: {policy}"))
        submitted(app, **SMALL)
        task = open_task(app, "liguoqiang")
        head = script(create_app(app), "liguoqiang")
        assert [codes(one) for one in looked(head, [task])["left"]] == [[code]]
        assert [codes(one) for one in decided(head, {task: 2})["left"]] == [[code]]

"""Every person does every action with every case: what comes of it is what the rules say, cell by cell."""

import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from api.app import create_app
from engine.service import approvals, cases
from engine.service.app import Countersign
from engine.settings import Settings
from tests.acceptance.offices import notices
from tests.api.desk import Desk
from tests.security.matrix import BY_ROLE, PAGE, page
from tests.security.matrix_rules import ACTORS, CASES, EVERYBODY, READS, ROLES, Cell, expected, sees
from tests.security.matrix_world import ACTIONS, World, build, copied, measured
from tests.security.signed_in import session

MEMORY = Path("/dev/shm")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the databases stand: in memory where the machine has room there."""
    if not MEMORY.is_dir():
        yield tmp_path_factory.mktemp("matrix")
        return
    with tempfile.TemporaryDirectory(dir=MEMORY) as made:
        yield Path(made)


@pytest.fixture(scope="module")
def world(sqlite_template: Path, folder: Path) -> Iterator[World]:
    file = folder / "case.db"
    file.write_bytes(sqlite_template.read_bytes())
    app = Countersign.open(Settings(home=folder, database_url=f"sqlite:///{file}", language="en"))
    yield build(app)
    app.close()


def test_the_page_says_what_the_rules_say() -> None:
    renew = "run `python -m tests.security.matrix` where the change is meant"
    assert PAGE.read_text(encoding="utf-8") == page(), renew


SECRET = tuple(cell for cell in CASES if cell.secrecy != "open")
LOOKED_AT = tuple(cell for cell in CASES if cell.state in ("draft", "approving"))


def test_reading(world: World) -> None:
    assert differing(world, "read the explanation", CASES) == []


@pytest.mark.parametrize("action", READS)
def test_reading_in_whole(world: World, action: str) -> None:
    assert differing(world, action, LOOKED_AT) == []


@pytest.mark.parametrize("action", [name for name in ACTIONS if name not in READS])
def test_acting(world: World, action: str) -> None:
    of_open_too = action in ("submit", "approve", "convert", "name a reader", "set an embargo")
    assert differing(world, action, CASES if of_open_too else SECRET) == []


def differing(world: World, action: str, among: Sequence[Cell]) -> list[tuple[str, Cell, str, str]]:
    """The cells of an action where what came of it is not what the rules say. What changes a case is done to a copy."""
    wrong = []
    for who in ACTORS:
        for cell in among:
            rule = expected(action, who, cell)
            if rule == "done" and action not in READS:
                with copied(world) as other:
                    found = measured(other, action, who, cell)
            else:
                found = measured(world, action, who, cell)
            if found != rule:
                wrong.append((who.name, cell, found, rule))
    return wrong


def test_lists_searches_and_counts_hold_what_may_be_read_and_nothing_else(world: World) -> None:
    for who in EVERYBODY:
        viewer, readable = world.viewer(who), {world.cases[cell] for cell in CASES if sees(who, cell)}
        listed = cases.listed(world.app, viewer)
        assert {row.id for row in listed} == readable, who
        found = {row.id for row in cases.listed(world.app, viewer, query="embargo")}
        titled = {world.cases[cell] for cell in CASES if cell.secrecy == "embargo" and cell.state != "draft"}
        assert found == titled & readable, who
        inbox = approvals.inbox(world.app, viewer)
        shown = [
            *(task.case.id for task in (*inbox.to_do, *inbox.done, *inbox.copied)),
            *(row.id for row in inbox.mine),
        ]
        assert set(shown) <= readable, who
        assert min(inbox.counts["mine"], 20) == len(inbox.mine), who  # the first twenty are shown


def test_a_search_by_number_finds_a_case_for_those_who_may_read_it_alone(world: World) -> None:
    cell = Cell("embargo", "approving")
    submitter = next(who for who in EVERYBODY if who.name == "the submitter")
    number = cases.case_page(world.app, world.viewer(submitter), world.cases[cell]).row.number
    found = {who.name for who in EVERYBODY if cases.listed(world.app, world.viewer(who), query=number)}
    assert found == {who.name for who in EVERYBODY if sees(who, cell)}


STRANGER = next(who for who in EVERYBODY if who.name == "head elsewhere")
DOORS = (
    ("GET", "/cases/{case}"),
    ("GET", "/cases/{case}?tab=history"),
    ("GET", "/cases/{case}?tab=evaluation&chart=funnel&format=svg"),
    ("GET", "/cases/{case}?tab=evaluation&chart=funnel&format=png&label=14d"),
    ("GET", "/cases/{case}/edit"),
    ("GET", "/tasks/{task}"),
    ("GET", "/tasks/{task}?since=1"),
    ("GET", "/api/v1/cases/{case}"),
    ("GET", "/api/v1/cases/{case}/explanation"),
    ("GET", "/api/v1/cases/{case}/evaluation"),
    ("GET", "/api/v1/cases/{case}/completion"),
    ("GET", "/api/v1/cases/{case}/access"),
    ("GET", "/api/v1/cases/{case}/returns"),
    ("GET", "/api/v1/tasks/{task}"),
    *(("POST", f"/cases/{{case}}/{verb}") for verb in ("edit", "select", "start", "pause", "resume", "release")),
    *(("GET", f"/cases/{{case}}/{what}") for what in ("closing", "closing.pdf")),
    *(("POST", f"/cases/{{case}}/{what}") for what in ("closing", "closing/groups")),
    *(("GET", f"/api/v1/cases/{{case}}/{what}") for what in ("closing", "closing/verification")),
    ("POST", "/api/v1/cases/{case}/closing/groups"),
    ("POST", "/api/v1/library/{case}/copies"),
    ("POST", "/cases/{case}/text"),
    ("POST", "/api/v1/cases/{case}/text"),
    ("POST", "/cases/{case}/evidence"),
    ("POST", "/api/v1/cases/{case}/evidence"),
    *(("POST", f"/cases/{{case}}/{verb}") for verb in ("close", "withdraw", "convert", "responses", "readers")),
    ("POST", "/cases/{case}/readers/remove"),
    ("POST", "/cases/{case}/replies"),
    ("POST", "/cases/{case}/embargo"),
    ("POST", "/tasks/{task}"),
    ("PUT", "/api/v1/cases/{case}/form"),
    *(("POST", f"/api/v1/cases/{{case}}/{verb}") for verb in ("submit", "events", "start", "pause", "resume")),
    *(("POST", f"/api/v1/cases/{{case}}/{verb}") for verb in ("withdraw", "operations", "close", "responses")),
    ("POST", "/api/v1/cases/{case}/select"),
    *((method, f"{start}/cases/{{case}}/more") for method in ("GET", "POST") for start in ("", "/api/v1")),
    ("POST", "/api/v1/cases/{case}/children"),
    ("POST", "/api/v1/cases/{case}/readers"),
    ("DELETE", "/api/v1/cases/{case}/readers/x"),
    ("PUT", "/api/v1/cases/{case}/embargo"),
    *(("POST", f"/api/v1/tasks/{{task}}/{verb}") for verb in ("decision", "transfer", "delegate", "signers")),
    *(("POST", f"/api/v1/tasks/{{task}}/{verb}") for verb in ("signers/remove", "append", "copies", "claim")),
    *(("POST", f"/api/v1/tasks/{{task}}/{verb}") for verb in ("release", "questions")),
    ("POST", "/api/v1/cases/{case}/questions/q1/answer"),
    *(("GET", f"/cases/{{case}}/{what}") for what in ("approval-sheet", "approval-sheet.pdf", "diagram.svg")),
    *(("GET", f"/cases/{{case}}/{what}") for what in ("process.svg", "message", "files/f1")),
    ("GET", "/tasks/{task}/transfer"),
    *(("GET", f"/api/v1/cases/{{case}}/{what}") for what in ("form", "paper", "estimate", "comments", "files/f1")),
    ("GET", "/api/v1/tasks/{task}/people"),
    *(("POST", f"/cases/{{case}}/{verb}") for verb in ("recall", "urge", "void", "wake", "comments")),
    ("POST", "/tasks/{task}/transfer"),
    ("POST", "/tasks/{task}/questions/q1"),
    *(("POST", f"/api/v1/cases/{{case}}/{verb}") for verb in ("comments", "comments/c1/settle", "copies")),
    ("POST", "/api/v1/cases/{case}/files?field=plan&name=plan.txt"),
    ("GET", "/api/v1/cases/{case}/audience"),
    ("GET", "/calls/lists/{case}"),
    *(("POST", f"/calls/lists/{{case}}/{verb}") for verb in ("assign", "take-back", "results", "export")),
    *((verb, f"{api}/cases/{{case}}/proofs") for verb in ("GET", "POST") for api in ("", "/api/v1")),
    *(("POST", f"{door}/why") for door in ("/cases/{case}", "/api/v1/cases/{case}/audience")),
)
NAMES = {
    "case_id": "{case}",
    "task_id": "{task}",
    "question_id": "q1",
    "question": "q1",
    "file_id": "f1",
    "comment_id": "c1",
    "slug": "transfer",
    "person": "x",
}
BODY = {  # what every verb of the API takes, so that nothing is refused for its shape
    "proofs": {},
    "evidence": {"recommendation": "w.1", "confirmed_by": "code", "evidence": "1"},
    "form": {"form": {}},
    "submit": {"form": {}},
    "groups": {"outcome": "responded"},
    "events": {"event": "go"},
    "start": {"recipients": 1},
    "more": {"values": {"budget": "2"}, "reason": "x"},
    "text": {"wave": "pilot", "variant": "a", "reason": "x"},
    "operations": {"operation": "void", "reason": "x"},
    "children": {},
    "readers": {"person": "x"},
    "embargo": {"until": ""},
    "decision": {"decision": "approve"},
    "transfer": {"to": "x"},
    "delegate": {"to": "x"},
    "signers": {"people": ["x"]},
    "remove": {"seat": "x"},
    "append": {"people": ["x"]},
    "copies": {"people": ["x"]},
    "comments": {"field": "budget", "text": "x"},
    "questions": {"person": "x", "text": "x"},
    "answer": {"text": "x"},
    "pause": {"reason": "x"},
    "withdraw": {"reason": "x"},
    "close": {"lessons": "x"},
    "why": {"customer": "x"},
}
FORM = {
    "key": "a-key-of-eight",
    "recipients": "1",
    "field": "budget",
    "text": "x",
    "remark": "x",
    "again": "",
    "person": "x",
    "decision": "approve",
    "reason": "x",
    "customer": "x",
}


@pytest.mark.parametrize("secrecy", ["confidential", "embargo"])
def test_every_door_of_a_case_says_the_same_as_where_nothing_is(world: World, secrecy: str) -> None:
    cell = Cell(secrecy, "approving")
    with Desk(create_app(world.app)) as browser:
        bearer = {"Authorization": f"Bearer {session(world.app, browser, STRANGER.login)}"}
        csrf = browser.form(browser.get("/inbox"), "/sign-out")["csrf"]
        for method, door in DOORS:
            answers = []
            for case, task in ((world.cases[cell], world.tasks[cell]), ("0" * 16, "0" * 16 + "-1-0")):
                path = door.format(case=case, task=task)
                if door.startswith("/api/"):
                    body = BODY.get(path.rsplit("/", 1)[1]) if method in ("POST", "PUT") else None
                    answer = browser.request(method, path, json=body, headers=bearer)
                elif method == "POST":
                    files = {"file": ("a.csv", b"a,b\n1,2\n")} if door.endswith("responses") else None
                    answer = browser.post(path, data={"csrf": csrf, **FORM}, files=files)
                else:
                    answer = browser.get(path)
                answers.append((answer.status_code, answer.text.replace(case, "")))
            assert answers[0] == answers[1], door
            assert answers[0][0] == 404, (door, answers[0])


def test_everything_that_a_case_has_a_route_for_stands_among_the_doors(world: World) -> None:
    from tests.api.test_api_declared import routes

    known = {(method, door.partition("?")[0]) for method, door in DOORS}
    named = {
        (method, re.sub(r"{(\w+)}", lambda part: NAMES[part[1]], path))
        for name, _ in routes(create_app(world.app))
        for method, path in [name.split()]
        if "{case_id}" in path or "{task_id}" in path
    }
    assert named - known == set()


BY_DOOR = {
    "start a case": ("POST", "/api/v1/cases", {"definition": "none"}),
    "read definitions": ("GET", "/api/v1/definitions", None),
    "write and publish definitions": ("POST", "/api/v1/definitions/none/1/publish", {}),
    "hand over tasks of somebody who leaves": ("POST", "/api/v1/hand-over", {"leaver": "x", "to": "y", "remark": "z"}),
    "read the access record": ("GET", "/access", None),
    "make links of others void": ("POST", "/api/v1/links/void", {"person": "finance.city"}),
    "import and look at the customer dataset": ("GET", "/admin/data", None),
    "propose and confirm the global holdout": ("GET", "/admin/holdout", None),
    "read customer groups": ("GET", "/api/v1/customer-groups", None),
    "save customer groups": ("GET", "/groups/new", None),
    "see the budgets of offices": ("GET", "/budgets", None),
    "propose and confirm budgets of offices": ("POST", "/api/v1/budgets/440111:2026:CNY/1/decision", None),
    "see the cost table": ("GET", "/costs", None),
    "propose and confirm the cost table": ("POST", "/api/v1/costs/1/decision", {"confirm": True}),
    "propose and confirm the contact policy": ("GET", "/admin/policy", None),
    "run the arbitration and try it otherwise": ("GET", "/arbitration", None),
    "commit an arbitration": ("POST", "/api/v1/arbitrations/1/commitment", None),
    "propose, publish and withdraw offers": ("GET", "/new-offer", None),
    "rehearse a tariff": ("GET", "/rehearsals/new", None),
    "ask about one customer": ("GET", "/customers", None),
    "ask for and confirm the erasure of a customer": ("GET", "/erasures", None),
    "serve customers in the hall": ("GET", "/hall", None),
    "ask for a waiver of the grey list": ("GET", "/waivers", None),
    "grant a waiver of the grey list": ("POST", "/api/v1/waivers/1/decision", {"grant": True}),
    "call customers of a call list": ("GET", "/calls", None),
    "assign calls, take results in and lists out, of cases that they lead": ("GET", "/calls/lists", None),
    "send proofs of a message that they may read": ("POST", "/api/v1/cases/none/proofs", {}),
    "keep the seeds of offices": ("GET", "/admin/seeds", None),
    "read league tables of their offices": ("GET", "/league", None),
    "see an address of a customer in full": (
        "POST",
        "/api/v1/customers/address",
        {"customer": "x", "field": "phone", "reason": "x"},
    ),
}
NAMES_NOTHING = (
    "start a case",
    "write and publish definitions",
    "hand over tasks of somebody who leaves",
    "see an address of a customer in full",
    "grant a waiver of the grey list",
    "commit an arbitration",
    "propose and confirm the cost table",
    "send proofs of a message that they may read",
)


def test_what_a_role_may_do_whatever_the_case(world: World) -> None:
    from engine.service.authorizing import RULES, allowed

    actions = {
        "start a case": "cases.start",
        "read definitions": "definitions.read",
        "write and publish definitions": "definitions.write",
        "hand over tasks of somebody who leaves": "tasks.hand_over",
        "read the access record": "audit.read",
        "make links of others void": "organisation.manage",
        "import and look at the customer dataset": "dataset.manage",
        "propose and confirm the global holdout": "holdout.manage",
        "read customer groups": "groups.read",
        "save customer groups": "groups.write",
        "see the budgets of offices": "budgets.read",
        "propose and confirm budgets of offices": "budgets.keep",
        "see the cost table": "costs.read",
        "propose and confirm the cost table": "costs.keep",
        "propose and confirm the contact policy": "policy.manage",
        "run the arbitration and try it otherwise": "arbitration.run",
        "commit an arbitration": "arbitration.commit",
        "propose, publish and withdraw offers": "offers.manage",
        "rehearse a tariff": "rehearsals.run",
        "ask about one customer": "customers.ask",
        "see an address of a customer in full": "customers.reveal",
        "ask for and confirm the erasure of a customer": "customers.erase",
        "serve customers in the hall": "hall.serve",
        "ask for a waiver of the grey list": "waivers.ask",
        "grant a waiver of the grey list": "waivers.decide",
        "call customers of a call list": "calls.make",
        "assign calls, take results in and lists out, of cases that they lead": "calls.lead",
        "send proofs of a message that they may read": "proofs.send",
        "keep the seeds of offices": "seeds.manage",
        "read league tables of their offices": "leagues.read",
    }
    for action, roles in BY_ROLE.items():
        for who in EVERYBODY:
            assert allowed(world.viewer(who), actions[action]) == (who.role in roles), (action, who)  # type: ignore[arg-type]
    assert set(actions.values()) <= set(RULES)


@pytest.mark.parametrize("role", ROLES)
def test_the_doors_of_a_role_are_open_to_it_and_to_nobody_else(world: World, role: str) -> None:
    who = next(one for one in EVERYBODY if one.role == role and one.place == "elsewhere")
    with Desk(create_app(world.app)) as browser:
        bearer = {"Authorization": f"Bearer {session(world.app, browser, who.login)}"}
        for action, (method, path, body) in BY_DOOR.items():
            headers = bearer if path.startswith("/api/") else {}
            answer = browser.request(method, path, json=body, headers=headers)
            refused = answer.status_code == 404
            if action in NAMES_NOTHING:
                continue  # what they name is not there, which looks the same; `allowed` is asked above
            assert refused == (role not in BY_ROLE[action]), (action, role)


def test_nobody_is_told_of_a_case_that_they_may_not_read(world: World) -> None:
    with copied(world) as other:
        told = notices(other.app)
        by_login = {who.login: who for who in EVERYBODY}
        by_case = {case: cell for cell, case in other.cases.items()}
        assert told
        assert [(one.person, one.case_id) for one in told if not sees(by_login[one.person], by_case[one.case_id])] == []

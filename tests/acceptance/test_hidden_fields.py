"""A field that a reader may not see is at no door: pages, REST, lists, mails, the history's changes, reasons."""

import json
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from api.app import create_app
from engine import clock
from engine.cli.demo.people import PASSWORD
from engine.cli.main import app as program
from engine.organisation import StandIn
from engine.service import approvals, bulk, case_library, cases, listing, standins
from engine.service.app import Countersign
from engine.service.effects import Notice
from engine.store import cases as store
from engine.store import tables
from notifications.message import compose
from tests.acceptance.amending_case import TEXT, decide, publish, started
from tests.acceptance.offices import DAY, key, notices, open_task, opened, viewer
from tests.api.desk import Desk

HIDING = (
    TEXT.partition("tests:\n")[0]
    .replace("  material:", '''\
    margin: {type: money, label: {zh: 毛利, en: Margin}, visible: ["role:finance@city", "head@province"]}
    message: {type: longtext, label: {zh: 短信, en: Message}}
    note: {type: text, label: {zh: 备注, en: Note}}
  material:''')
    .replace('when: "form.budget > 300000"', 'when: "form.budget > 300000 || form.margin > 70000"')
    .replace('who: "head@county"}', 'who: "head@county", fields: {message: hidden, note: read, "*": read}}')
    .replace('channels: write, "*": read', 'channels: write, note: write, "*": read')
    .replace('who: "role:vp_market@city"}', 'who: "role:vp_market@city", fields: {"*": hidden, note: read}}')
)  # fmt: skip
SECRETS = {
    "title": ("国庆流量包",),
    "budget": ("80123.00", "80,123", "60321"),  # before and after the change
    "reach": ("90817", "90,817"),
    "margin": ("73519", "73,519"),
    "message": ("回复LL10办理",),
    "note": ("面议条款",),
}
FORM = {
    "budget": "80123.00",
    "reach": "90817",
    "margin": "73519.27",
    "message": "回复LL10办理",
    "note": "面议条款",
}
SEEN = {  # by reader; the others are hidden from them
    "wangmin": set(SECRETS),  # whose proposal it is
    "liguoqiang": {"title", "budget", "reach", "note"},  # county head: margin by role, message by the step
    "zhanglan": set(SECRETS),  # finance
    "zhouning": {"note"},  # vice-president: everything else by the step
    "xuwen": set(SECRETS) - {"margin"},  # auditor, never asked
    "gaoyuan": set(SECRETS),  # province head, named by the field
}


@pytest.fixture
def app(db_url: str, tmp_path: Path) -> Iterator[Countersign]:
    with opened(db_url, tmp_path, shipped=False) as application:
        publish(application, HIDING)
        yield application


@pytest.fixture
def told(app: Countersign) -> tuple[str, list[Notice]]:
    """A case that finance has changed and that came to its end, with every notice that was sent meanwhile."""
    case_id = started(app, **FORM)
    sent = notices(app)
    decide(app, "liguoqiang")
    decide(app, "zhanglan", {"budget": "60321"})
    sent += notices(app)
    decide(app, "liguoqiang")
    sent += notices(app)
    return case_id, sent


def doors(app: Countersign, case_id: str, login: str, sent: list[Notice]) -> dict[str, str]:
    """Everything that a reader can get at, by door."""
    browser, api = Desk(create_app(app)), create_app(app)
    browser.sign_in(login)
    script = TestClient(api, raise_server_exceptions=False)
    token = script.post("/api/v1/session", json={"login": login, "password": PASSWORD}).json()["token"]
    script.headers["Authorization"] = f"Bearer {token}"
    with app.db.read() as tx:
        tasks = [task.id for task in store.load(tx, case_id).tasks if task.person == login]
    paths = ["/inbox", "/inbox?list=done", "/inbox?list=mine", "/cases", "/cases?q=国庆"]
    paths += [f"/cases/{case_id}?tab={tab}" for tab in ("proposal", "customers", "delivery", "evaluation", "history")]
    paths += ["/cases?format=csv", "/cases?format=csv&q=国庆", "/library?q=国庆", "/process", "/process/cases"]
    paths += [f"/tasks/{task}" for task in tasks]
    paths += [f"/inbox/decisions?task={task}" for task in tasks]
    found = {path: browser.get(path).text.replace("/cases?q=", "").replace('value="国庆"', "") for path in paths}
    rest = ["/inbox", "/cases", "/cases?q=国庆", "/library?q=国庆", "/process", "/process/cases", "/exports/ocel"]
    rest += [f"/cases/{case_id}{more}" for more in ("", "/evaluation", "/explanation")]
    rest += [f"/tasks/{task}" for task in tasks] + [f"/tasks/decisions?task={task}" for task in tasks]
    found |= {f"api {path}": json.dumps(script.get(f"/api/v1{path}").json(), ensure_ascii=False) for path in rest}
    mine = [compose(notice, ZoneInfo("Asia/Shanghai")) for notice in sent if notice.person == login]
    return found | {f"mail {n}": f"{mail.title}\n{mail.body}" for n, mail in enumerate(mine)}


@pytest.mark.parametrize("login", SEEN)
def test_what_is_hidden_from_a_reader_is_at_no_door(app: Countersign, told: tuple[str, list[Notice]], login: str):
    case_id, sent = told
    found = doors(app, case_id, login, sent)
    leaks = [
        f"{name} at {door}"
        for name, values in SECRETS.items()
        if name not in SEEN[login]
        for door, text in found.items()
        for value in values
        if value in text
    ]
    assert leaks == []
    page = next(text for door, text in found.items() if door.endswith("tab=proposal"))
    whole = {name for name in SEEN[login] if any(value in page for value in SECRETS[name])}
    assert whole == SEEN[login]


def test_a_hidden_field_is_absent_not_blank(app: Countersign, told: tuple[str, list[Notice]]):
    view = cases.case_page(app, viewer(app, "zhouning"), told[0])
    assert [field.name for field in view.fields] == ["note"]
    assert (view.row.title, view.row.budget, view.row.reach, view.reasons) == ("", None, None, ())
    assert all(change.label.en == "Note" for entry in view.history for change in entry.changes)


def test_who_may_see_a_hidden_title_finds_the_case_by_its_words(app: Countersign, told: tuple[str, list[Notice]]):
    def found(login: str) -> list[str]:
        return [row.id for row in cases.listed(app, viewer(app, login), "国庆流量包")]

    assert found("wangmin") == [told[0]]
    assert found("zhouning") == []
    number = cases.case_page(app, viewer(app, "zhouning"), told[0]).row.number
    assert [row.id for row in cases.listed(app, viewer(app, "zhouning"), number)] == [told[0]]


def test_cases_found_by_a_hidden_title_take_no_place_and_announce_no_page(app: Countersign):
    """With one case to a page, a page that is said to follow would tell that the words stand in a hidden title."""
    for _ in range(2):
        decide_to_the_end(app, started(app, **FORM))
    for login, words, pages in (("zhouning", "国庆流量包", 0), ("zhouning", "", 2), ("wangmin", "国庆流量包", 2)):
        reader, after, seen = viewer(app, login), "", 0
        while True:
            page = listing.page(app, reader, {"q": words}, after=after, limit=1)
            seen, after = seen + len(page.rows), page.after
            if not after:
                break
        assert seen == pages, (login, words)
        shelf = [case_library.page(app, reader, {"q": words}, number=n, limit=1) for n in (1, 2)]
        assert sum(len(one.rows) for one in shelf) == pages
        assert [bool(one.next) for one in shelf] == [pages == 2, False]


def decide_to_the_end(app: Countersign, case_id: str) -> None:
    """As if the case had been decided on, carried out and closed before closings were kept, then migrated."""
    notices(app)
    decide(app, "liguoqiang")
    decide(app, "zhanglan", {"budget": "60321"})
    decide(app, "liguoqiang")
    with app.db.begin() as tx:
        tx.execute(tables.cases.update().where(tables.cases.c.id == case_id).values(state="closed"))
        tx.execute(tables.closings.insert().values(case_id=case_id, closed_at=clock.now()))


SPLITTING = HIDING.replace(
    "  chains:\n", '  splitting: {field: budget, limits: ["81000"], within: 30d, share: 80%, count: 2}\n  chains:\n', 1
)


def test_who_does_not_see_the_amount_is_not_told_that_it_stands_under_a_limit(db_url: str, tmp_path: Path):
    with opened(db_url, tmp_path, shipped=False) as app:
        publish(app, SPLITTING.replace("  chains:\n", "  defaults: {bulk: {confidential: true}}\n  chains:\n", 1))
        started(app, **FORM)
        second = started(app, **FORM)
        for login in ("liguoqiang", "zhanglan"):
            person = viewer(app, login)
            (task,) = [row for row in approvals.inbox(app, person).to_do if row.case.id == second]
            (listed,) = bulk.listed(app, person, [task.id])
            assert ("splitting" in task.flags, "bulk.splitting" in str(listed.left)) == (True, True)
            approvals.decide(app, person, task.id, "approve", remark="", seen_seq=None, key=key())
        (task,) = [row for row in approvals.inbox(app, viewer(app, "zhouning")).to_do if row.case.id == second]
        (listed,) = bulk.listed(app, viewer(app, "zhouning"), [task.id])
        assert (task.flags, listed.reasons, listed.fields) == ((), (), ())
        assert [problem.code for problem in getattr(listed.left, "problems", ())] == ["bulk.alone"]


def test_who_writes_definitions_is_told_no_hidden_field_by_a_new_version(
    app: Countersign, db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    started(app, **FORM)
    margin = "type: money, label: {zh: 毛利, en: Margin}"
    assert margin in HIDING
    stricter = HIDING.replace(margin, f'{margin}, max: "1000"').replace("version: 1", "version: 2")
    publish(app, stricter)
    file = tmp_path / "stricter.yaml"
    file.write_text(stricter)
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", db_url)
    monkeypatch.setenv("COUNTERSIGN_HOME", str(tmp_path))

    def said(*arguments: str) -> str:
        done = CliRunner().invoke(program, ["definitions", *arguments])
        return done.output

    for more in ((), ("--json",)):
        tried = said("what-if", str(file), "--as", "machao", *more)
        moved = said("migrate", "amended-case", "--to", "2", "--as", "machao", "--dry-run", *more)
        for text in (tried, moved):
            assert "it is about a field that you do not see" in text
            assert not [word for word in ("margin", "1000", "1,000", "73519") if word in text.replace(file.name, "")]


def test_who_stands_in_sees_what_the_person_sees(app: Countersign):
    case_id = started(app, **FORM)
    decide(app, "liguoqiang")
    now = app.now()
    standins.add(app, None, StandIn(person="zhanglan", by="chensi", starts=now - DAY, ends=now + DAY))
    sheet = approvals.sheet(app, viewer(app, "chensi"), open_task(app, "zhanglan"))
    assert {field.name for field in sheet.case.fields} >= {"margin", "message"}
    assert {field.name for field in sheet.writable} == {"budget", "channels", "note"}
    assert case_id == sheet.case.row.id

"""A field that a reader may not see is at no door: pages, REST, lists, mails, the history's changes, reasons."""

import json
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from engine.cli.demo.people import PASSWORD
from engine.organisation import StandIn
from engine.service import approvals, cases, standins
from engine.service.app import Countersign
from engine.service.effects import Notice
from engine.store import cases as store
from notifications.message import compose
from tests.acceptance.amending_case import TEXT, decide, publish, started
from tests.acceptance.offices import DAY, notices, open_task, opened, viewer
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
    paths += [f"/tasks/{task}" for task in tasks]
    paths += [f"/inbox/decisions?task={task}" for task in tasks]
    found = {path: browser.get(path).text.replace("/cases?q=", "").replace('value="国庆"', "") for path in paths}
    rest = ["/inbox", "/cases", "/cases?q=国庆"]
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


def test_who_stands_in_sees_what_the_person_sees(app: Countersign):
    case_id = started(app, **FORM)
    decide(app, "liguoqiang")
    now = app.now()
    standins.add(app, None, StandIn(person="zhanglan", by="chensi", starts=now - DAY, ends=now + DAY))
    sheet = approvals.sheet(app, viewer(app, "chensi"), open_task(app, "zhanglan"))
    assert {field.name for field in sheet.case.fields} >= {"margin", "message"}
    assert {field.name for field in sheet.writable} == {"budget", "channels", "note"}
    assert case_id == sheet.case.row.id

"""Approval links as a visitor without a session uses them: the case, its mailed token, the forms of a link's page."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from httpx2 import Response

from api.app import create_app
from engine.cli.demo.people import PASSWORD
from engine.service.app import Countersign
from engine.settings import Settings
from engine.store import tables
from tests.acceptance.offices import notices, opened, token_of
from tests.security import small_cases
from tests.security.signed_in import session

APPROVER = "liguoqiang"


@pytest.fixture
def app(db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(tmp_path / "clock"))
    with opened(db_url, tmp_path, shipped=False) as application:
        small_cases.published(application, "small-case")
        yield application


@pytest.fixture
def token(app: Countersign) -> str:
    """The token mailed to the head of the county for a case that was just submitted."""
    return mailed(app, small_cases.submitted(app, "small-case"))


def mailed(app: Countersign, case_id: str, person: str = APPROVER) -> str:
    """The newest token mailed to a person about a case."""
    sent = [one for one in notices(app) if (one.person, one.case_id) == (person, case_id) and "/l/" in one.link]
    return token_of(sent[-1])


def given(app: Countersign, **changes: object) -> Countersign:
    """The same database under other settings."""
    values = app.settings.model_dump() | changes
    return Countersign(Settings(**values), app.db)


def signed_in(app: Countersign, browser: TestClient, person: str = APPROVER, *, by_device: bool = False) -> TestClient:
    """The browser, with a session."""
    session(app, browser, person, by_device=by_device)
    return browser


def decisions(app: Countersign) -> list[tuple[str, str]]:
    """Who decided, and by which door."""
    with app.db.read() as tx:
        rows = tx.execute(sa.select(tables.history).where(tables.history.c.kind == "Decide"))
        return [(row.actor, row.via) for row in rows]


def answers(app: Countersign, token: str) -> int:
    """The status of a link for a visitor without a session."""
    with client(app) as browser:
        return browser.get(f"/l/{token}").status_code


def client(app: Countersign) -> TestClient:
    return TestClient(create_app(app), base_url="http://testserver", raise_server_exceptions=False)


def digest(app: Countersign) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    with app.db.read() as tx:
        return {
            name: sorted((tuple(row) for row in tx.execute(sa.select(table))), key=repr)
            for name, table in tables.metadata.tables.items()
        }


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page) or re.search(rf'value="([^"]*)" name="{name}"', page)
    assert found, page
    return found[1]


def enter(browser: TestClient, token: str, **given: str) -> Response:
    """Look at the link and send the form that its page offers."""
    csrf = hidden(browser.get(f"/l/{token}").text, "csrf")
    return browser.post(f"/l/{token}", data={"csrf": csrf, **given})


def sign_in_by_link(browser: TestClient, token: str, login: str = APPROVER) -> str:
    """Follow the link with a password; the sheet's address."""
    page = enter(browser, token, login=login, password=PASSWORD)
    assert page.status_code == 200, page.text
    return page.url.path


def decide(browser: TestClient, sheet: str, page: str, decision: str = "approve", remark: str = "") -> str:
    fields = {name: hidden(page, name) for name in ("csrf", "key", "seen_seq")}
    return browser.post(sheet, data={**fields, "decision": decision, "remark": remark}).text

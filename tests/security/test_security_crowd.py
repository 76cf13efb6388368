"""R3 over HTTP: five hundred clients decide one case at once against a real server process; one of them wins."""

import asyncio
import hashlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
import sqlalchemy as sa

from engine.service.app import Countersign
from engine.store import people, sessions, tables
from tests.acceptance.offices import opened
from tests.security import small_cases

CLIENTS = 500
PEOPLE = 50


@pytest.fixture
def app(db_url: str, tmp_path: Path) -> Iterator[Countersign]:
    with opened(db_url, tmp_path, shipped=False) as application:
        yield application


@contextmanager
def serving(url: str, home: Path) -> Iterator[str]:
    """The address of a server process on the database at `url`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}
    ours = {"COUNTERSIGN_HOME": str(home), "COUNTERSIGN_DATABASE_URL": url}
    with (home / "server.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "api", "--port", "0"], env=kept | ours, stdout=subprocess.PIPE, stderr=log, text=True
        )
        assert server.stdout is not None
        try:
            yield server.stdout.readline().removeprefix("ready ").strip()
        finally:
            server.terminate()
            server.communicate(timeout=30)


def crowd(app: Countersign) -> dict[str, str]:
    """Fifty people of the city's finance, each with a session: account -> token."""
    now, tokens = app.now(), {f"finance{n}": f"session-of-finance{n}" for n in range(PEOPLE)}
    with app.db.begin() as tx:
        rows = [{"id": login, "name": f"财务{login}", "email": "", "language": "zh"} for login in tokens]
        people.add_people(tx, rows)
        people.add_grants(tx, [{"person": login, "role": "finance", "office": "440100"} for login in tokens])
        for login, token in tokens.items():
            hashed = hashlib.sha256(token.encode()).hexdigest()
            sessions.add(tx, hashed, login, created_at=now, expires_at=now + timedelta(hours=1))
    return tokens


async def decide_at_once(address: str, taps: list[tuple[str, str]]) -> list[tuple[int, dict[str, object]]]:
    """Send every decision (task, session) on a connection of its own, together; the answers."""
    together = asyncio.Event()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=240)) as client:

        async def tap(number: int, task: str, token: str) -> tuple[int, dict[str, object]]:
            await together.wait()
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"tap-number-{number}"}
            body = {"decision": ("approve", "reject")[number % 2], "remark": "mine"}
            path = f"{address}/api/v1/tasks/{task}/decision"
            async with client.post(path, json=body, headers=headers) as answer:
                return answer.status, await answer.json()

        waiting = [asyncio.ensure_future(tap(number, *one)) for number, one in enumerate(taps)]
        together.set()
        return await asyncio.gather(*waiting)


@pytest.mark.timeout(290)
def test_of_five_hundred_clients_one_wins_and_the_others_are_told_who(app: Countersign, tmp_path: Path) -> None:
    tokens = crowd(app)
    small_cases.published(app, "crowd-case", first="role:finance@city")
    case_id = small_cases.submitted(app, "crowd-case")
    with app.db.read() as tx:
        mine = (tables.tasks.c.case_id == case_id) & tables.tasks.c.person.in_(tokens)
        tasks = {row.person: row.id for row in tx.execute(sa.select(tables.tasks).where(mine))}
    assert len(tasks) == PEOPLE
    with serving(app.db.url.render_as_string(hide_password=False), tmp_path) as address:
        taps = [(tasks[login], token) for login, token in tokens.items()] * (CLIENTS // PEOPLE)
        answers = asyncio.run(decide_at_once(address, taps))
    assert Counter(status for status, _ in answers) == {200: 1, 409: CLIENTS - 1}
    with app.db.read() as tx:
        decided = tx.execute(sa.select(tables.history).where(tables.history.c.kind == "Decide")).all()
        name = tx.execute(sa.select(tables.people.c.name).where(tables.people.c.id == decided[0].actor)).scalar_one()
    assert len(decided) == 1
    told = [str(body["detail"]) for status, body in answers if status == 409]
    assert {body["type"] for status, body in answers if status == 409} == {"AlreadyDecided"}
    assert [said for said in told if name not in said] == []

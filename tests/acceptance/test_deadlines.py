"""One deadline, whoever is asked for it: before submitting, at every door afterwards, and when it really falls due.

Over a year end, a make-up day of the notices, a day of the operator's own, and office hours, on both databases.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from api.app import create_app
from engine import clock
from engine.cli.demo.people import PASSWORD
from engine.cli.main import app as program
from engine.service import effects, recounting
from engine.service.app import Countersign
from engine.service.effects import Notice
from notifications.message import compose
from tests.acceptance.offices import PROPOSAL, key, notices, opened
from tests.api.desk import Desk
from tests.support import ROOT

ZONE = ZoneInfo("Asia/Shanghai")
EVENING = datetime(2025, 12, 30, 18, 0, tzinfo=ZONE)  # a Tuesday, the office is closed: it counts from Wednesday 9:00
REMINDED = datetime(2026, 1, 4, 9, 0, tzinfo=ZONE)  # after New Year's three days; a Sunday that is a working day
REMINDED_AGAIN = datetime(2026, 1, 6, 9, 0, tzinfo=ZONE)  # Monday the 5th is the operator's own day off
ESCALATED = datetime(2026, 1, 7, 9, 0, tzinfo=ZONE)
LADDER = [("reminded", REMINDED), ("reminded", REMINDED_AGAIN), ("escalated", ESCALATED)]

UNPUBLISHED = datetime(2040, 12, 28, 18, 0, tzinfo=ZONE)  # a Friday before two years that no notice is out for
GUESSED = datetime(2041, 1, 3, 9, 0, tzinfo=ZONE)
COUNTED = datetime(2041, 1, 4, 9, 0, tzinfo=ZONE)  # with New Year's Day entered
SAID = "2040、2041年放假安排尚未公布"

Now = Callable[[datetime], None]


@pytest.fixture
def now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Now:
    """Sets the business clock of everything that is opened here."""
    file = tmp_path / "clock"
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(file))

    def move(to: datetime) -> None:
        clock.move(file, to - clock.now())

    return move


@pytest.fixture
def app(db_url: str, tmp_path: Path, now: Now, monkeypatch: pytest.MonkeyPatch) -> Iterator[Countersign]:
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", db_url)
    monkeypatch.setenv("COUNTERSIGN_HOME", str(tmp_path))
    monkeypatch.setenv("COUNTERSIGN_OFFICE_HOURS", "09:00-17:30")
    now(EVENING)
    with opened(db_url, tmp_path) as application:
        yield application


def command(*arguments: str) -> str:
    """What a command of the operator's prints."""
    done = CliRunner().invoke(program, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def days(tmp_path: Path, *rows: str) -> str:
    """The operator enters days of their own."""
    file = tmp_path / "days.csv"
    file.write_text("\n".join(["day,kind,note", *rows]) + "\n")
    return command("calendar", "import", str(file))


def script(app: Countersign, login: str) -> TestClient:
    client = TestClient(create_app(app))
    token = client.post("/api/v1/session", json={"login": login, "password": PASSWORD}).json()["token"]
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def page(app: Countersign, login: str, path: str) -> str:
    """A page in Chinese, its text with single spaces."""
    with Desk(create_app(app)) as desk:
        desk.sign_in(login, "zh")
        return " ".join(re.sub(r"<[^>]+>", " ", desk.get(path).text).split())


def drafted(app: Countersign) -> str:
    """A whole draft, not submitted."""
    client = script(app, "wangmin")
    start = {"definition": "telecom-marketing-case"}
    case_id: str = client.post("/api/v1/cases", json=start, headers={"Idempotency-Key": key() + "-long"}).json()["id"]
    client.put(f"/api/v1/cases/{case_id}/form", json={"form": PROPOSAL}, headers={"Idempotency-Key": key() + "-long"})
    return case_id


def submit(app: Countersign, case_id: str) -> None:
    answer = script(app, "wangmin").post(
        f"/api/v1/cases/{case_id}/submit", json={"form": PROPOSAL}, headers={"Idempotency-Key": key() + "-long"}
    )
    assert answer.status_code == 200, answer.text


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(ZONE)


def simulated(when: datetime) -> dict[str, Any]:
    """What the author's tool tells of the same proposal in the same office: its answer, and the county head's step."""
    given = [f"{name}={PROPOSAL[name]}" for name in ("budget", "reach", "discount")]
    told = orjson.loads(
        command(
            "definitions",
            "simulate",
            str(ROOT / "definitions" / "telecom-marketing-case.yaml"),
            *("--given", *given, "--office", "440111", "--at", f"{when:%Y-%m-%dT%H:%M}", "--json"),
        )
    )
    return {**told, "head": told["steps"][0]}


def previewed(app: Countersign, case_id: str) -> dict[str, Any]:
    """The first step as the form foresees it."""
    answer = script(app, "wangmin").put(
        f"/api/v1/cases/{case_id}/form", json={"form": PROPOSAL}, headers={"Idempotency-Key": key() + "-long"}
    )
    node: dict[str, Any] = answer.json()["preview"]["columns"][0][0]
    return node


def task_of(app: Countersign) -> dict[str, Any]:
    row: dict[str, Any] = script(app, "liguoqiang").get("/api/v1/inbox").json()["to_do"][0]
    return row


def explained(app: Countersign, case_id: str) -> dict[str, Any]:
    waiting: dict[str, Any] = script(app, "wangmin").get(f"/api/v1/cases/{case_id}/explanation").json()["waiting"]
    return waiting


def mailed(app: Countersign, occasion: str) -> tuple[str, list[Notice]]:
    """The body of the mail about `occasion`, and all that was sent."""
    sent = notices(app)
    told = [one for one in sent if one.occasion == occasion]
    assert len(told) == 1, [one.occasion for one in sent]
    return compose(told[0], ZONE).body, sent


def in_words(moment: datetime) -> str:
    return f"{moment.month}月{moment.day}日 {moment:%H:%M}"


def test_the_same_deadline_is_told_before_and_after_and_kept(app: Countersign, now: Now, tmp_path: Path) -> None:
    days(tmp_path, "2026-01-05,off,公司年会")
    case_id = drafted(app)
    assert at(previewed(app, case_id)["due_at"]) == ESCALATED
    assert f"期限2026年{in_words(ESCALATED)}" in page(app, "wangmin", f"/cases/{case_id}/edit")
    told = simulated(EVENING)
    assert [at(one["due_at"]) for one in told["head"]["people"]] == [ESCALATED]
    assert [at(when) for _, when in told["head"]["timers"]] == [moment for _, moment in LADDER]
    assert told["calendar"].startswith("your own days on the national calendar")

    submit(app, case_id)
    task = task_of(app)
    assert at(task["due_at"]) == ESCALATED
    assert "剩 4 个工作日" in page(app, "liguoqiang", "/inbox")  # 30 and 31 December, 4 and 6 January
    assert f"剩 4 个工作日 期限2026年{in_words(ESCALATED)}" in page(app, "liguoqiang", f"/tasks/{task['id']}")
    assert f"2026年{in_words(ESCALATED)} 前（剩 4 个工作日）" in page(app, "wangmin", f"/cases/{case_id}")
    body, _ = mailed(app, "task")
    assert "截止：2026年1月7日 星期三 09:00" in body
    waiting = explained(app, case_id)
    assert at(waiting["until"]) == at(waiting["people"][0]["until"]) == ESCALATED
    assert [(one["what"], at(one["at"])) for one in waiting["deadlines"]][:3] == LADDER
    number = script(app, "wangmin").get(f"/api/v1/cases/{case_id}").json()["row"]["number"]
    lines = command("cases", "explain", number, "--as", "wangmin")
    for what, moment in LADDER:
        assert f"{moment:%Y-%m-%d %H:%M} {what}" in lines
    assert "until 2026-01-07 09:00" in lines
    for text in (page(app, "liguoqiang", "/inbox"), lines, str(waiting), str(told), body):
        assert "尚未公布" not in text
        assert "not published" not in text

    happened = []
    for what, moment in LADDER:
        now(moment - timedelta(minutes=1))
        assert effects.fire_timers(app) == 0, f"{what} too early"
        now(moment + timedelta(seconds=1))
        assert effects.fire_timers(app) == 1, f"{what} not at its time"
        happened.append(script(app, "wangmin").get(f"/api/v1/cases/{case_id}").json()["history"][0]["what"])
    assert happened == [what for what, _ in LADDER]


def test_a_guess_is_called_one_everywhere_and_counted_again_once_the_days_are_entered(
    app: Countersign, now: Now, tmp_path: Path
) -> None:
    now(UNPUBLISHED)
    assert recounting.catch_up(app) == 0
    case_id = drafted(app)
    foreseen = previewed(app, case_id)
    assert at(foreseen["due_at"]) == GUESSED
    assert SAID in foreseen["caution"]["zh"]
    assert SAID in page(app, "wangmin", f"/cases/{case_id}/edit")
    told = simulated(UNPUBLISHED)
    assert (at(told["head"]["people"][0]["due_at"]), SAID in told["caution"]["zh"]) == (GUESSED, True)

    submit(app, case_id)
    task = task_of(app)
    assert (at(task["due_at"]), SAID in task["caution"]["zh"]) == (GUESSED, True)
    for login, path in (
        ("liguoqiang", "/inbox"),
        ("liguoqiang", f"/tasks/{task['id']}"),
        ("wangmin", f"/cases/{case_id}"),
    ):
        shown = page(app, login, path)
        assert shown.count(SAID) == 1, path
        assert "约剩 4 个工作日" in shown, path
    body, _ = mailed(app, "task")
    assert SAID in body
    waiting = explained(app, case_id)
    assert all(SAID in one["caution"]["zh"] for one in (waiting, waiting["people"][0], *waiting["deadlines"][:3]))
    number = script(app, "wangmin").get(f"/api/v1/cases/{case_id}").json()["row"]["number"]
    assert SAID in command("cases", "explain", number, "--as", "wangmin")

    said = days(tmp_path, "2041-01-01,off,元旦", "2041-05-17,off,司庆")
    assert "Once 2041-10-01 stands in your table, the year counts as entered." in said
    said = days(tmp_path, *(f"{year}-{day},off,放假" for year in (2040, 2041) for day in ("10-01", "01-01")))
    assert "not published" not in said
    assert recounting.catch_up(app) == 1
    assert recounting.catch_up(app) == 0, "once is enough"
    body, sent = mailed(app, "moved")
    assert [one.occasion for one in sent] == ["moved"]
    assert "截止：2041年1月4日 星期五 09:00" in body
    task = task_of(app)
    assert (at(task["due_at"]), task["caution"]) == (COUNTED, {"zh": "", "en": ""})
    for login, path in (
        ("liguoqiang", "/inbox"),
        ("liguoqiang", f"/tasks/{task['id']}"),
        ("wangmin", f"/cases/{case_id}"),
    ):
        shown = page(app, login, path)
        assert "尚未公布" not in shown
        assert "剩 4 个工作日" in shown
        assert "约剩" not in shown
    waiting = explained(app, case_id)
    assert at(waiting["until"]) == COUNTED == [at(one["at"]) for one in waiting["deadlines"]][2]
    assert at(simulated(UNPUBLISHED)["head"]["people"][0]["due_at"]) == COUNTED
    history = page(app, "wangmin", f"/cases/{case_id}?tab=history")
    assert "工作日历有调整，重新计算了时限" in history

    for before, after in pairwise([UNPUBLISHED, *(at(one["at"]) for one in waiting["deadlines"][:3])]):
        assert before < after
        now(after - timedelta(minutes=1))
        assert effects.fire_timers(app) == 0
        now(after + timedelta(seconds=1))
        assert effects.fire_timers(app) == 1
    assert script(app, "wangmin").get(f"/api/v1/cases/{case_id}").json()["history"][0]["what"] == "escalated"

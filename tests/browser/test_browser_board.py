"""The delivery board in a real Chromium with a wave in every state, sends in doubt, a customer who opted out by several
ways, and a flow that failed: all in words, in both languages."""

import re
from collections.abc import Callable
from typing import Any, get_args

import pytest
import sqlalchemy as sa

from engine.service import optouts, people, suppressing
from engine.service.app import Countersign
from engine.service.optouts import OptOut, Source
from engine.service.recording import By
from engine.store import moves, operation
from engine.store.tables import recipients, waves
from tests.api.cases import submitted, viewer
from tests.browser.looking import look, sign_in

Windows = Callable[..., Any]
WAVES = (  # state and why it is held, with how many are where
    ("running", "", {"delivered": 40, "sent": 20, "failed": 3, "waiting": 37}),
    ("gated", "", {"delivered": 90, "failed": 10}),
    ("gated", "gate: complaint_rate 0.41% > 0.2%", {"delivered": 90, "failed": 10}),
    ("paused", "budget: 8.10 > 7.60", {"delivered": 50, "waiting": 50}),
    ("paused", "stop: m.spent >= form.budget where m.spent 9.60 >= form.budget 9 (预算 / Budget)", {"waiting": 5}),
    ("paused", "stop: m.failure_rate > 0.1", {"waiting": 5}),
    ("planned", "content: 3 of 2700 texts of w6 may not go out", {"waiting": 2700}),
    ("planned", "stale: 40d > 30d, vip@1 → vip@2", {"waiting": 10}),
    ("planned", "waits for a person's go", {"waiting": 10}),
    ("cancelled", "", {"delivered": 30, "suppressed": 5, "cancelled": 65}),
    ("done", "opened by 王敏", {"delivered": 95, "unknown": 5}),
)
DOUBTS = ("no receipt", "no answer: ServerDisconnectedError", "the gateway answered 502")
RAW = re.compile(r"\b(?:stop|gate|budget|content): |\bstale: \d|\bm\.\w+|\b[A-Z]\w+Error\b|\bUCS-2\b|\{\"")


def fill(app: Countersign) -> str:
    """A case with a wave in every state; its id."""
    case_id, now = submitted(app), app.now()
    with app.db.begin() as tx:
        for n, (state, because, sums) in enumerate(WAVES):
            wave = f"{case_id}-w{n}"
            row = {"id": wave, "case_id": case_id, "position": n, "name": f"w{n}", "channel": "sms", "state": state}
            row |= {"held_because": because, "gate_until": now if state in ("gated", "done") else None}
            plan = f'{{"name": "w{n}", "channel": "sms", "size": 3}}'
            tx.execute(sa.insert(waves).values(**row, audience=sum(sums.values()), plan=plan, folder="x"))
            moves.begin(tx, wave, sums)
        doubtful = f"{case_id}-w{len(WAVES) - 1}"
        for n in range(5):
            one = {"wave": doubtful, "row": n, "case_id": case_id, "customer": f"c{n}", "channel": "sms", "cell": ""}
            reason = DOUBTS[n % len(DOUBTS)]
            tx.execute(sa.insert(recipients).values(**one, state="unknown", reason=reason, sent_at=now))
        ways: tuple[Source, ...] = get_args(Source)
        about = {"at": now, "customer": "C0007", "case_id": case_id, "channel": "sms"}
        optouts.opt_out(app, tx, [OptOut(way, f"r{n}", **about) for n, way in enumerate(ways)])  # type: ignore[arg-type]
        operation.note_round(tx, "waves", at=now, did=0, error="OperationalError")
    return case_id


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_state_of_a_delivery_is_told_in_words(app: Countersign, window: Windows, language: str) -> None:
    case_id = fill(app)
    for login in ("wangmin", "machao"):
        people.set_language(app, viewer(app, login), "zh" if language == "zh" else "en")
    suppressing.add(app, By(viewer(app, "machao"), "page", "k"), kind="grey", customer="C0007", reason="号码停机")
    page = window()
    sign_in(page, "wangmin")
    found, seen = [], ""
    page.goto(f"/cases/{case_id}?tab=delivery")
    found += look(page, f"board-{language}")
    seen += page.inner_text("main")
    admin = window()
    sign_in(admin, "machao")
    for name, path in (
        ("doubt", "/admin/sends"),
        ("suppressed", "/admin/suppressions?customer=C0007"),
        ("health", "/admin/operation"),
    ):
        admin.goto(path)
        found += look(admin, f"board-{name}-{language}")
        seen += admin.inner_text("main")
    assert found == []
    assert RAW.findall(seen) == []
    if language == "zh":
        assert "已花费 ¥9.60，不低于 预算 ¥9" in seen and "数据库没有应答" in seen and "opted out" not in seen

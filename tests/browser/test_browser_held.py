"""A restored database in a real Chromium: every page says that nothing is sent, the operator releases it with a reason;
what stands still and which workers were lost stands beside it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from engine.service import people, restoring
from engine.service.app import Countersign
from engine.store import operation
from engine.store.tables import cases, outbox
from tests.api.cases import submitted
from tests.browser.looking import look, sign_in

Windows = Callable[..., Any]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_hold_is_told_on_every_page_and_released_with_a_reason(
    app: Countersign, window: Windows, language: str
) -> None:
    case_id = submitted(app)
    for login in ("machao", "liguoqiang"):
        people.set_language(app, people.viewer_named(app, login), "zh" if language == "zh" else "en")
    long_ago = app.now() - timedelta(days=2)
    with app.db.begin() as tx:
        operation.note_round(tx, "waves:county-server-with-a-long-name-1", at=long_ago, did=0, error="")
        operation.note_round(tx, "waves:host-2", at=app.now(), did=0, error="OperationalError")
        tx.execute(sa.update(cases).where(cases.c.id == case_id).values(state="targeting", updated_at=long_ago))
        tx.execute(sa.update(outbox).where(outbox.c.case_id == case_id).values(error="the disk was full", attempts=3))
        tx.execute(sa.text("DELETE FROM timers"))
    restoring.hold(app)
    page = window(1280)
    sign_in(page, "liguoqiang")
    told = "暂停一切发送" if language == "zh" else "Nothing is sent"
    assert told in page.inner_text("main > .alert.stop")
    found = look(page, f"held-inbox-{language}")
    admin = window(1280)
    sign_in(admin, "machao")
    admin.goto("/admin/operation")
    found += look(admin, f"held-health-{language}")
    admin.fill("#held-reason", "与网关日志核对过 <b>")
    with admin.expect_navigation():
        admin.click("form[action='/admin/operation/release'] button")
    assert admin.query_selector("main .alert.stop") is None
    page.goto("/inbox")
    assert page.query_selector("main .alert.stop") is None
    assert found == []

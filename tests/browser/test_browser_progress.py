"""How far long work is: refreshed while one looks, and by loading the page anew without scripts. And the load that it
makes on the calendar."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.service import approvals, delivering, people, proposals, stages
from engine.service.app import Countersign
from engine.store import circuits
from tests.acceptance.email_case import FORM, load_customers
from tests.acceptance.offices import key, notices, open_task, viewer
from tests.browser.looking import look, sign_in

Windows = Callable[..., Any]


def sending(app: Countersign, folder: Path) -> str:
    """The id of a case of this fortnight whose first wave is about to go out."""
    load_customers(app, folder)
    submitter = viewer(app, "wangmin")
    made = proposals.start(app, submitter, "hillstrom-email-case", key=key())
    today = app.now().astimezone(app.settings.zone).date()
    window = [today.isoformat(), (today + timedelta(days=13)).isoformat()]
    proposals.submit(app, submitter, made, FORM | {"window": window}, key=key())
    head = viewer(app, "liguoqiang")
    approvals.decide(app, head, open_task(app, "liguoqiang"), "approve", remark="", seen_seq=None, key=key())
    notices(app)
    stages.start_delivery(app, submitter, made, 600, key=key())
    notices(app)
    return made


@pytest.mark.parametrize("language", ["zh", "en"])
def test_sending_shows_how_far_it_is_and_the_calendar_what_it_makes(
    app: Countersign, window: Windows, tmp_path: Path, language: str
):
    case_id = sending(app, tmp_path)
    for login in ("wangmin", "machao"):
        people.set_language(app, people.viewer_named(app, login), "zh" if language == "zh" else "en")
    page, plain = window(1280), window(390, java_script_enabled=False)
    for each in (page, plain):
        sign_in(each, "wangmin")
        each.goto(f"/cases/{case_id}?tab=delivery")
    bar = page.locator("#sending")
    assert bar.get_attribute("value") == "0"
    of = int(bar.get_attribute("max") or 0)
    found = look(page, f"sending-{language}")
    with ThreadPoolExecutor(1) as elsewhere:  # the browser's loop has this thread
        elsewhere.submit(delivering.work, app, "worker", limit=of // 2).result()
    page.wait_for_selector("#sending:not([value='0'])")
    half = int(bar.get_attribute("value") or 0)
    assert f"{half}" in page.locator("label[for=sending]").inner_text().replace(",", "")
    plain.reload()
    assert plain.locator("#sending").get_attribute("value") == str(half)
    page.goto("/calendar")
    page.locator("#pressure summary").click()
    found += look(page, f"calendar-{language}")
    page.goto("/calendar?month=2025-01")
    found += look(page, f"calendar-empty-{language}")
    with app.db.begin() as tx:
        for _ in range(3):
            circuits.fail(tx, "email", app.now(), "Connection refused")
        circuits.fail(tx, "webhook:hooks.example.org", app.now(), "HTTP 500")
        circuits.told(tx, "email")
    admin = window(1280)
    sign_in(admin, "machao")
    admin.goto("/admin/operation")
    assert found + look(admin, f"health-{language}") == []

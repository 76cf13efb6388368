"""What came back, as people see it: replies on the case page, things set aside, and the customer's page to opt out."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from engine.delivery.links import token
from engine.service import people
from engine.service.app import Countersign
from engine.service.messagelinks import PURPOSE
from engine.service.replying import TEXT
from engine.service.sealing import key_for, seal
from engine.store import moves
from engine.store.tables import clicks, orders, parked_receipts, recipients, replies, wave_links, waves
from tests.api.cases import submitted, viewer
from tests.browser.looking import look, sign_in

Windows = Callable[..., Any]
TEXTS = ("退订", "请问套餐怎么办理？<b>", "恢复")
MEANINGS = ("opt_out", "other", "opt_in")


def fill(app: Countersign) -> tuple[str, str]:
    """A case to which things came back; its id, and the token of a customer's page to opt out."""
    case_id, now = submitted(app), app.now()
    wave = f"{case_id}-w1"
    with app.db.begin() as tx:
        row = {"id": wave, "case_id": case_id, "position": 1, "name": "pilot", "channel": "sms", "state": "running"}
        tx.execute(
            sa.insert(waves).values(
                **row, audience=3, plan='{"name": "pilot", "channel": "sms", "size": 3}', folder="x"
            )
        )
        tx.execute(sa.insert(wave_links).values(wave=wave, target=""))
        number = tx.execute(sa.select(wave_links.c.number)).scalar_one()
        one = {"wave": wave, "row": 0, "case_id": case_id, "customer": "c1", "channel": "sms", "cell": "base"}
        tx.execute(sa.insert(recipients).values(**one, state="sent", sent_at=now))
        moves.begin(tx, wave, {"sent": 1})
        for n, (text, meaning) in enumerate(zip(TEXTS, MEANINGS, strict=True)):
            said = {"reference": f"r{n}", "case_id": case_id, "wave": wave, "row": n, "customer": f"c{n}", "at": now}
            shown = {"shown": "138****8000", "meaning": meaning, "text": seal(app.settings, TEXT, text)}
            tx.execute(sa.insert(replies).values(**said, **shown, taken_at=now))
        for machine in ("", "agent"):
            seen = {"wave": wave, "row": 0, "at": now, "client": "x", "agent": "phone", "machine": machine}
            tx.execute(sa.insert(clicks).values(seen))
        for state in ("counted", "unconfirmed", "late"):
            booked = {"case_id": case_id, "reference": state, "customer": "c1", "at": now, "state": state}
            tx.execute(sa.insert(orders).values(**booked, taken_at=now))
        for kind in ("receipt", "reply", "order", "complaint"):
            left = {"kind": kind, "body": '{"shown":"139****0009"}', "reason": "no such message", "at": now}
            tx.execute(sa.insert(parked_receipts).values(left))
    return case_id, token(key_for(app.settings, PURPOSE), "o", number, 0)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(app: Countersign, window: Windows, language: str) -> None:
    case_id, out = fill(app)
    for who in ("wangmin", "machao"):
        people.set_language(app, viewer(app, who), "zh" if language == "zh" else "en")
    customer, found = window(), []
    for name, path in (("way-out", f"/o/{out}"), ("way-out-unknown", "/o/nothing")):
        customer.goto(path)
        found += look(customer, f"{name}-{language}")
    customer.goto(f"/o/{out}")
    customer.click("main form button.main")
    found += look(customer, f"way-out-chosen-{language}")
    page = window()
    sign_in(page, "machao")
    page.goto("/admin/receipts?kind=reply")
    page.evaluate("document.querySelectorAll('main details').forEach(each => { each.open = true })")
    found += look(page, f"set-aside-{language}")
    submitter = window()
    sign_in(submitter, "wangmin")
    submitter.goto(f"/cases/{case_id}?tab=delivery")
    assert "<b>" in submitter.inner_text("#returned")
    found += look(submitter, f"came-back-{language}")
    submitter.goto("/inbox")
    found += look(submitter, f"inbox-replies-{language}")
    submitter.goto(f"/cases/{case_id}?tab=delivery")
    submitter.click("#returned form button")
    assert submitter.locator("#returned form").count() == 0
    assert found == []

"""The erasure of a customer who did all that a customer can: replied, complained, followed a link, opted out, was
called and was recommended something. What says who they are goes; that they are not to be contacted stays."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine.definition.load import load
from engine.delivery.signature import sign
from engine.service import clicking, forgotten, opting_out, proposals
from engine.service.app import Countersign
from engine.service.clicking import Visitor
from engine.service.complaining import receive_complaints
from engine.service.previewing import preview
from engine.service.replying import receive_replies
from engine.service.sampling import SAMPLES
from engine.service.sealing import vault
from engine.settings import Settings
from engine.store import erasures, suppression
from engine.store.session import Database
from engine.store.tables import call_attempts, calls, opt_out_addresses, opt_outs, recipients, recommendations, replies
from tests.acceptance.offices import in_force, key, load_people, viewer
from tests.acceptance.sealed_case import DEFINITION, FORM, delivered, phone_of, take_in
from tests.acceptance.test_erasing import erased, in_target, places_of
from tests.servers.gateway import SECRET, RunningGateway

PHONE = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36"
LINKED = DEFINITION.replace(
    'message: {text: "{name}您好", fields: [name]}',
    'message: {text: "{name}您好 {link} {optout} ", fields: [name], link: "https://shop.example/autumn"}',
)


@pytest.fixture
def app(db: Database, tmp_path: Path, gateway: RunningGateway) -> Iterator[Countersign]:
    url = db.url.render_as_string(hide_password=False)
    settings = {"sms_url": gateway.url, "sms_secret": SECRET, "link_hosts": "shop.example"}
    app = Countersign.open(Settings(home=tmp_path / "home", database_url=url, **settings))
    load_people(app)
    yield app
    app.close()


def post(app: Countersign, take: Any, name: str, one: dict[str, Any]) -> int:
    body = json.dumps({name: [one | {"at": app.now().isoformat()}]}, ensure_ascii=False).encode()
    return int(take(app, body, sign(body, SECRET)).applied)


def called_and_recommended(app: Countersign, case_id: str, customer: str, phone: str) -> None:
    """A call and a recommendation, whose notes name them."""
    at = {"wave": f"{case_id}-w1", "row": 10_000, "case_id": case_id}
    with app.db.begin() as tx:
        told = {"customer": customer, "next_at": app.now(), "note": f"{phone} calls back"}
        tx.execute(sa.insert(calls).values(**at, **told))
        tried = {"reference": "a1", "at": app.now(), "caller": "p1", "disposition": "interested", "note": f"{phone}!"}
        tx.execute(sa.insert(call_attempts).values(**at, **tried))
        shown = {"customer": customer, "shown_by": "p1", "shown_at": app.now(), "office": "440111", "answer": "accept"}
        tx.execute(sa.insert(recommendations).values(**at, **shown, evidence=f"slip of {phone}"))


def count(app: Countersign, table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
    with app.db.read() as tx:
        return int(tx.execute(sa.select(sa.func.count()).select_from(table).where(*where)).scalar_one())


def test_what_a_customer_answered_goes_with_them_and_that_nobody_contacts_them_stays(
    app: Countersign, gateway: RunningGateway
) -> None:
    case_id = delivered(app, LINKED)
    one = in_target(app, case_id)
    phone = phone_of(int(one[1:]))
    with app.db.read() as tx:
        mine = sa.select(recipients.c.wave, recipients.c.row).where(recipients.c.customer == one)
        wave, row = tx.execute(mine).one()
    text = next(message["text"] for message in gateway.messages() if message["to"] == phone)
    link, out = (word.rpartition("/")[2] for word in text.split() if word.startswith("http"))
    assert post(app, receive_replies, "replies", {"id": "r1", "from": phone, "text": "退订"}) == 1
    assert post(app, receive_complaints, "complaints", {"id": "k1", "message": f"{wave}.{row}", "from": phone}) == 1
    clicking.follow(app, link, Visitor("GET", {"user-agent": PHONE}, "203.0.113.5"))
    assert opting_out.opt_out(app, out, everywhere=True) == ("sms", "")
    called_and_recommended(app, case_id, one, phone)
    assert count(app, opt_outs, opt_outs.c.customer == one) == 3  # reply, complaint, link
    assert count(app, opt_out_addresses) > 0

    done = erased(app, one)

    assert done.state == "done" and not done.left_texts
    assert places_of(app, one, phone) == set()
    assert count(app, opt_outs, opt_outs.c.customer == done.customer) == 3
    assert count(app, opt_out_addresses) == 0
    assert count(app, replies, replies.c.customer == done.customer, replies.c.text == "", replies.c.shown == "") == 1
    for table in (calls, recommendations):
        assert count(app, table, table.c.customer == done.customer) == 1
    with app.db.read() as tx:
        assert suppression.suppressed(tx, [done.customer], app.now()) == {done.customer}
        assert erasures.names(tx) == {done.customer}
        assert forgotten.among(tx, vault(app.settings), [one, "C9999"]) == {one}
    opting_out.opt_out(app, out)  # the link of a message that is out there
    assert places_of(app, one, phone) == set()
    assert count(app, opt_out_addresses) == 0


def test_whoever_a_message_was_shown_on_is_sealed_in_memory_and_left_out_once_erased(app: Countersign) -> None:
    in_force(app, load(DEFINITION))
    take_in(app)
    me = viewer(app, "wangmin")
    made = proposals.start(app, me, "sealed-test-case", key=key())
    proposals.save(app, me, made, FORM, key=key())
    before = preview(app, me, made)
    held = SAMPLES.find(made, ("name",), app.now())
    assert held is not None
    assert "客户" not in repr(held) and re.search(r"C00\d\d", repr(held)) is None
    typed = proposals.form(app, me, made).message
    assert typed is not None and typed.cells == before.cells
    looked_at = sum(cell.looked_at for cell in typed.cells)
    erased(app, "C0007")
    typed = proposals.form(app, me, made).message
    assert typed is not None
    assert sum(cell.looked_at for cell in typed.cells) == looked_at - 1

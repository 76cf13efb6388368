"""One way out of messages, whatever they came by: what each choice bars, where it stands written, and for how long."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.delivery.links import token as short
from engine.service import delivering, opting_out, optouts, suppressing
from engine.service.app import Countersign
from engine.service.mail_marks import opt_out_of
from engine.service.messagelinks import PURPOSE
from engine.service.optouts import OptOut
from engine.service.recording import OPERATOR
from engine.service.sealing import key_for
from engine.store import clicks, ledger, opt_outs, suppression
from engine.store.opt_outs import Told
from tests.faults.delivering_case import CASE, delivering_case
from tests.faults.test_faults_delivery import states_of
from tests.faults.test_faults_mail import FROM, MAIL, send
from tests.servers.mail import MailServer, mail_server

WAVE = f"{CASE}-w1"
TARGET = 45


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as started:
        yield started


@pytest.fixture
def app(db_url: str, tmp_path: Path, server: MailServer) -> Iterator[Countersign]:
    """A wave by e-mail in two chunks, the first of which is out."""
    more = {"customer_mail_url": server.url, "customer_mail_from": FROM, "public_url": "https://countersign.example"}
    opened = delivering_case(db_url, tmp_path / "home", customers=50, delivery=MAIL, **more)
    delivering.begin(opened, CASE)
    delivering.work(opened, "test", limit=30)
    yield opened
    opened.close()


def barred(app: Countersign, customer: str) -> set[str]:
    """The channels among these that the customer gets nothing over."""
    with app.db.read() as tx:
        return {
            channel
            for channel in ("sms", "email", "call")
            if suppression.suppressed(tx, [customer], app.now(), channel=channel)
        }


def told_of(app: Countersign, customer: str) -> list[tuple[str, str, str, bool]]:
    with app.db.read() as tx:
        found: tuple[Told, ...] = opt_outs.of_customer(tx, customer)
    return [(one.source, one.case_id, one.channel, one.ended_at is not None) for one in found]


def customer_at(app: Countersign, row: int) -> str:
    with app.db.read() as tx:
        to = ledger.addressee(tx, WAVE, row)
    assert to is not None
    return to.customer


def test_what_is_chosen_is_what_is_barred_and_it_widens_and_never_narrows(app: Countersign) -> None:
    token, customer = opt_out_of(app.settings, WAVE, 0), customer_at(app, 0)
    assert opting_out.opt_out(app, token) == ("email", "email")  # one click chooses nothing
    assert barred(app, customer) == {"email"}
    assert told_of(app, customer) == [("mail", CASE, "email", False)]
    assert opting_out.opt_out(app, token, everywhere=True) == ("email", "")
    assert barred(app, customer) == {"sms", "email", "call"}
    assert opting_out.opt_out(app, token, everywhere=False) == ("email", "")
    assert barred(app, customer) == {"sms", "email", "call"}
    assert told_of(app, customer) == [("mail", CASE, "", False)]
    with app.db.read() as tx:
        assert ledger.answers(tx, CASE, [WAVE]) == {"opt_out": 1}


def test_a_short_link_and_one_of_an_earlier_release_are_the_same_opt_out(app: Countersign) -> None:
    with app.db.begin() as tx:
        number = clicks.enter(tx, WAVE, "")

    customer = customer_at(app, 3)
    for token in (short(key_for(app.settings, PURPOSE), "o", number, 3), opt_out_of(app.settings, WAVE, 3)):
        assert opting_out.opt_out(app, token, everywhere=False) == ("email", "email")
    assert told_of(app, customer) == [("mail", CASE, "email", False)]


def test_who_was_let_in_again_by_a_person_gets_out_again_by_their_own_button(app: Countersign) -> None:
    token, customer = opt_out_of(app.settings, WAVE, 1), customer_at(app, 1)
    opting_out.opt_out(app, token)
    suppressing.end(app, OPERATOR, kind="black", customer=customer, channel="email", reason="asked at the desk")
    assert barred(app, customer) == set()
    assert told_of(app, customer) == [("mail", CASE, "email", True)]
    opting_out.opt_out(app, token)
    assert barred(app, customer) == {"email"}
    assert told_of(app, customer) == [("mail", CASE, "email", False)]


def test_an_end_for_one_channel_leaves_the_opt_out_of_every_channel(app: Countersign) -> None:
    customer = customer_at(app, 2)
    with app.db.begin() as tx:
        optouts.opt_out(app, tx, [OptOut("call", "c1", app.now(), customer=customer)])
    opting_out.opt_out(app, opt_out_of(app.settings, WAVE, 2))
    suppressing.end(app, OPERATOR, kind="black", customer=customer, channel="email", reason="asked at the desk")
    assert barred(app, customer) == {"sms", "email", "call"}
    assert sorted(told_of(app, customer)) == [("call", "", "", False), ("mail", CASE, "email", True)]


def test_an_address_is_barred_in_the_chunks_that_wait_for_the_channel_that_was_meant(
    app: Countersign, server: MailServer
) -> None:
    with app.db.read() as tx:
        rows = tx.execute(sa.text("SELECT customer FROM recipients WHERE state = 'waiting'")).scalars().all()
    by_mail, by_text = f"{rows[0]}@mail.example", f"{rows[1]}@mail.example"
    with app.db.begin() as tx:  # nobody knows whose they are
        wishes = [
            OptOut("mail", "m1", app.now(), address=by_mail.upper(), channel="email"),
            OptOut("link", "m2", app.now(), address=by_text, channel="sms"),
        ]
        assert optouts.opt_out(app, tx, wishes) == 2
    send(app)
    assert states_of(app) == {"sent": TARGET - 1, "suppressed": 1}
    assert by_mail not in server.times()
    assert by_text in server.times()


def test_the_entry_says_whence_and_of_which_case_it_came(app: Countersign) -> None:
    customer = customer_at(app, 4)
    opting_out.opt_out(app, opt_out_of(app.settings, WAVE, 4))
    found = suppressing.look_up(app, OPERATOR, customer)
    (entry,) = found.entries
    assert (entry.list, entry.channel, entry.reason, entry.in_force) == ("black", "email", "opted out", True)
    (told,) = found.opt_outs
    assert (told.source, told.case, told.channel, told.ended_at) == ("mail", "430102-2026-00001", "email", None)

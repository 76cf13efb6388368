"""Waves by e-mail against a real mail server that misbehaves: nobody gets two mails, and who is in doubt is told."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.service import delivering, opting_out
from engine.service.app import Countersign
from engine.service.clicking import Visitor
from engine.service.mail_marks import opt_out_of
from engine.store import chunks, ledger, suppression, waves
from engine.store.session import database_now
from tests.faults.delivering_case import CASE, delivering_case
from tests.faults.sending_case import send_all, shown, states_of
from tests.faults.test_faults_promises import end_leases
from tests.servers.mail import MailServer, mail_server
from tests.support import ROOT, wait_until

Make = Callable[..., Countersign]
MAIL = """
  waves:
    - {name: main, share: rest, channel: email, chunk: 30}
  message: {fields: [name], email: {subject: "{name}，{form.title}", text: "{name}您好，\\n\\n{form.message} <b>&"}}
  prices: {email: "0.01"}
  receipts_within: 72h
"""
TARGET = 90
SOMEBODY = Visitor("GET", {}, "203.0.113.5")
FROM = "营销中心 <news@shop.example>"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as started:
        yield started


@pytest.fixture
def make(db_url: str, tmp_path: Path, server: MailServer) -> Iterator[Make]:
    """Opens the application with a wave by e-mail that has begun: 100 customers, 10 of them in the control group."""
    opened: list[Countersign] = []

    def opening(**changes: str) -> Countersign:
        settings = {
            "customer_mail_url": server.url,
            "customer_mail_from": FROM,
            "customer_mail_bounces": "bounces@shop.example",
            "public_url": "https://countersign.example",
        } | changes
        opened.append(delivering_case(db_url, tmp_path / "home", customers=100, delivery=MAIL, **settings))
        delivering.begin(opened[-1], CASE)
        return opened[-1]

    yield opening
    for app in opened:
        app.close()


def send(app: Countersign) -> None:
    """Send everything, without the pauses between tries."""
    for _ in range(20):
        delivering.work(app, "test")
        end_leases(app)
        if not any(wave.waiting for wave in shown(app)):
            break
    delivering.settle(app)


def token_of(mail_server: MailServer, to: str) -> str:
    header = str(mail_server.mail_of(to).message["List-Unsubscribe"])
    return header.strip("<>").rpartition("/")[2]


def test_everybody_gets_one_mail_of_their_own_over_a_few_connections(make: Make, server: MailServer) -> None:
    app = make()
    send_all(app)
    assert (len(server.times()), set(server.times().values())) == (TARGET, {1})
    assert not [to for to in server.times() if int(to[1:8]) % 10 == 9]  # the control group
    assert server.connections <= 16  # EHLO once a connection; one call of `work` keeps its own
    mail = server.mails[0]
    number = int(mail.to[1:8])
    message = mail.message
    assert message["Subject"] == f"客户{number}，派送测试"
    assert str(message["From"]) == FROM
    assert message["To"] == mail.to
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert str(message["List-Unsubscribe"]).startswith("<https://countersign.example/o/")
    name = str(message["Message-ID"]).strip("<>").removesuffix("@shop.example")
    assert name.startswith(f"{CASE}-w1.")
    assert mail.sender == f"bounces+{name}@shop.example"
    text, html = (part.get_content().replace("\r\n", "\n") for part in message.iter_parts())
    assert text.startswith(f"客户{number}您好，\n\n国庆流量包8折，回T退订 <b>&\n\n")
    assert "&lt;b&gt;&amp;</p>" in html
    assert "https://countersign.example/o/" in text
    assert "https://countersign.example/o/" in html
    (wave,) = shown(app)
    assert (wave.sent, wave.waiting, str(wave.cost)) == (TARGET, 0, "0.90")


def test_nobody_at_an_address_fails_alone_and_the_ledger_keeps_no_address(make: Make, server: MailServer) -> None:
    app = make()
    server.nobody = frozenset({"k0000003@mail.example"})
    send_all(app)
    assert states_of(app) == {"sent": TARGET - 1, "failed": 1}
    with app.db.read() as tx:
        reason = tx.execute(sa.text("SELECT reason FROM recipients WHERE state = 'failed'")).scalar_one()
    assert reason == "rejected: 550 5.1.1"


def test_a_server_that_goes_away_after_the_last_line_leaves_doubt_and_no_second_mail(
    make: Make, server: MailServer
) -> None:
    app = make()
    server.drops = 3
    send(app)
    assert states_of(app) == {"sent": TARGET - 3, "unknown": 3}
    assert (len(server.times()), set(server.times().values())) == (TARGET, {1})


def test_greylisting_puts_everybody_off_and_nobody_out(make: Make, server: MailServer) -> None:
    app = make()
    server.later = 1
    progress = delivering.work(app, "test", limit=30)
    assert progress is not None
    assert (progress.returned, progress.error) == (30, "the mail server says later: 451 4.7.1")
    send(app)
    assert states_of(app) == {"sent": TARGET}
    assert set(server.times().values()) == {1}


def test_who_says_later_for_an_hour_has_failed_and_the_wave_ends(make: Make, server: MailServer) -> None:
    app = make()
    server.later = 100
    with app.db.begin() as tx:
        tx.execute(sa.text("UPDATE chunks SET attempts = 59"))
    send(app)
    assert states_of(app) == {"failed": TARGET}
    assert server.mails == []


@pytest.mark.parametrize("wrong", ["no sender", "nobody there", "sender refused"])
def test_where_nobody_can_be_written_to_everybody_waits(make: Make, server: MailServer, wrong: str) -> None:
    server.full = wrong == "sender refused"
    changes = {
        "no sender": {"customer_mail_from": ""},
        "nobody there": {"customer_mail_url": "smtp://127.0.0.1:9"},
        "sender refused": {},
    }
    app = make(**changes[wrong])
    progress = delivering.work(app, "test")
    assert progress is not None
    assert progress.returned == 30  # and no second chunk is tried
    said = {
        "no sender": "no server or no sender of e-mail to customers is set",
        "nobody there": "cannot send mail: ",
        "sender refused": "the mail server refuses the sender: 552 5.3.1",
    }
    assert progress.error.startswith(said[wrong])
    assert states_of(app) == {"waiting": TARGET}


def test_after_a_worker_that_ended_in_the_middle_its_batch_is_in_doubt_and_the_rest_goes_out(
    make: Make, server: MailServer
) -> None:
    app = make()
    with app.db.begin() as tx:  # what a worker leaves behind that ended while it was sending
        chunks.claim(tx, f"{CASE}-w1", database_now(tx), timedelta(0))
    send(app)
    assert states_of(app) == {"sent": TARGET - 30, "unknown": 30}
    assert (len(server.times()), set(server.times().values())) == (TARGET - 30, {1})


def test_a_worker_that_is_killed_leaves_one_batch_in_doubt_and_nobody_gets_two_mails(
    make: Make, db_url: str, server: MailServer
) -> None:
    app = make()
    server.slow = 0.02
    program = [sys.executable, "-m", "tests.faults.delivery_worker", db_url, str(app.settings.home), ""]
    said = {"COUNTERSIGN_CUSTOMER_MAIL_URL": server.url, "COUNTERSIGN_CUSTOMER_MAIL_FROM": FROM}
    worker = subprocess.Popen(program, stdout=subprocess.DEVNULL, cwd=ROOT, env=os.environ | said)
    try:
        wait_until(lambda: len(server.mails) >= 35, seconds=60)
    finally:
        worker.kill()
        worker.wait(10)
    server.slow = 0
    send(app)
    states = states_of(app)
    assert states["sent"] + states["unknown"] == TARGET
    assert 0 < states["unknown"] <= 30
    assert set(server.times().values()) == {1}
    assert len(server.mails) >= states["sent"]


def test_who_opts_out_by_the_header_of_a_mail_gets_no_other(make: Make, server: MailServer) -> None:
    app = make()
    delivering.work(app, "test", limit=30)
    to = server.mails[0].to
    customer = to.partition("@")[0]
    opting_out.look(app, token_of(server, to), SOMEBODY)
    with app.db.read() as tx:
        assert not suppression.of_customer(tx, customer)  # looking does nothing
    opting_out.opt_out(app, token_of(server, to))
    opting_out.opt_out(app, token_of(server, to))
    with app.db.read() as tx:
        (entry,) = suppression.of_customer(tx, customer)
        assert (entry.list, entry.channel, entry.reason) == ("black", "email", "opted out")
        assert suppression.suppressed(tx, [customer], app.now(), channel="sms") == set()
        assert ledger.answers(tx, CASE, [f"{CASE}-w1"]) == {"opt_out": 1}
    # The customer of the wave that has not gone yet, whose token came with an earlier mail.
    with app.db.begin() as tx:
        waiting = tx.execute(sa.text("SELECT row, customer FROM recipients WHERE state = 'waiting'")).first()
    assert waiting is not None
    opting_out.opt_out(app, opt_out_of(app.settings, f"{CASE}-w1", waiting.row))
    send(app)
    assert states_of(app) == {"sent": TARGET - 1, "suppressed": 1}
    assert f"{waiting.customer}@mail.example" not in server.times()


def test_silence_is_arrival_until_a_bounce_says_otherwise(make: Make, server: MailServer) -> None:
    app = make()
    send(app)
    with app.db.begin() as tx:
        past = "2020-01-01T00:00:00.000000+00:00"
        tx.execute(sa.text("UPDATE recipients SET sent_at = :past"), {"past": past})
        waves.move(tx, f"{CASE}-w1", to="done", come_from=("done",), started_at=database_now(tx).replace(year=2020))
    delivering.settle(app)
    assert states_of(app) == {"delivered": TARGET}

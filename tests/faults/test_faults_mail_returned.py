"""Bounces and complaints of mails that a real server took: what each does to the ledger, the lists and the case."""

import mailbox
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.delivery.signature import sign
from engine.errors import Forged, NotFound
from engine.service import delivering, opting_out, parking
from engine.service.app import Countersign
from engine.service.mail_marks import name_of, opt_out_of
from engine.service.receiving import Counts
from engine.service.recording import OPERATOR
from engine.service.returned_mail import receive_mail, take_mail
from engine.service.sealing import vault
from engine.store import ledger, opt_outs, suppression
from tests.faults.delivering_case import CASE, delivering_case
from tests.faults.sending_case import send_all, states_of
from tests.faults.test_faults_mail import FROM, MAIL, SOMEBODY
from tests.servers.mail import MailServer, mail_server
from tests.unit.delivery.test_delivery_returned import bounce, complaint

SECRET = "mail-secret"
WAVE = f"{CASE}-w1"
APPLIED, REPEATED, PARKED = Counts(1, 0, 0), Counts(0, 1, 0), Counts(0, 0, 1)


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as started:
        yield started


@pytest.fixture
def app(db_url: str, tmp_path: Path, server: MailServer) -> Iterator[Countersign]:
    """Nine customers who got their mail, and one of the control group."""
    more = {
        "customer_mail_url": server.url,
        "customer_mail_from": FROM,
        "customer_mail_bounces": "bounces@shop.example",
        "customer_mail_secret": SECRET,
    }
    opened = delivering_case(db_url, tmp_path / "home", customers=10, delivery=MAIL, **more)
    delivering.begin(opened, CASE)
    send_all(opened)
    yield opened
    opened.close()


def customer_of(app: Countersign, row: int) -> str:
    with app.db.read() as tx:
        to = ledger.addressee(tx, WAVE, row)
    assert to is not None
    return to.customer


def listed(app: Countersign, row: int) -> list[tuple[str, str, str]]:
    with app.db.read() as tx:
        return [(one.list, one.channel, one.reason) for one in suppression.of_customer(tx, customer_of(app, row))]


def reason_of(app: Countersign, row: int) -> tuple[str, str]:
    with app.db.read() as tx:
        found = tx.execute(sa.text('SELECT state, reason FROM recipients WHERE "row" = :row'), {"row": row}).one()
    return found.state, found.reason


def parked(app: Countersign) -> list[tuple[str, str]]:
    with app.db.read() as tx:
        return [tuple(one) for one in tx.execute(sa.text("SELECT reason, body FROM parked_receipts ORDER BY id"))]


def test_a_mailbox_that_is_not_there_fails_and_gets_no_other_mail(app: Countersign, server: MailServer) -> None:
    name = server.mails[0].sender.partition("+")[2].partition("@")[0]
    row = int(name.split(".")[1])
    raw = bounce("5.1.1", original=name)
    assert take_mail(app, raw) == APPLIED
    assert reason_of(app, row) == ("failed", "bounced: 5.1.1")
    assert listed(app, row) == [("grey", "email", "mail bounced")]
    assert take_mail(app, raw) == REPEATED
    with app.db.begin() as tx:  # a person, who has a new address of the customer, ends it
        suppression.expire(tx, "grey", customer_of(app, row), at=app.now(), channel="email")
    assert take_mail(app, raw) == REPEATED
    with app.db.read() as tx:
        assert suppression.suppressed(tx, [customer_of(app, row)], app.now(), channel="email") == set()


@pytest.mark.parametrize("status", ["4.4.7", "5.2.2", "5.7.1"])
def test_what_could_not_come_this_time_fails_alone(app: Countersign, status: str) -> None:
    assert take_mail(app, bounce(status, original=name_of(app.settings, WAVE, 3))) == APPLIED
    assert reason_of(app, 3) == ("failed", f"bounced softly: {status}")
    assert listed(app, 3) == []


def test_who_complains_has_received_it_and_is_never_written_to_again(app: Countersign) -> None:
    raw = complaint(name_of(app.settings, WAVE, 2))
    assert [take_mail(app, raw), take_mail(app, raw)] == [APPLIED, REPEATED]
    assert reason_of(app, 2)[0] == "delivered"
    assert listed(app, 2) == [("black", "email", "complained")]
    with app.db.read() as tx:
        assert ledger.answers(tx, CASE, [WAVE]) == {"complaint": 1}


def test_what_is_still_tried_and_who_is_away_change_nothing(app: Countersign) -> None:
    assert take_mail(app, bounce("4.4.1", "delayed", original=name_of(app.settings, WAVE, 1))) == REPEATED
    assert take_mail(app, b"Auto-Submitted: auto-replied\r\n\r\naway\r\n") == REPEATED
    assert states_of(app) == {"sent": 9}
    assert parked(app) == []


def test_a_report_about_a_mail_that_is_not_ours_is_parked_without_its_words(app: Countersign) -> None:
    forged = f"{WAVE}.1.{'0' * 16}"  # whoever has one mail knows the wave, and cannot make the name of another
    assert take_mail(app, bounce("5.1.1", original=forged)) == PARKED
    assert take_mail(app, bounce("5.1.1", original=name_of(app.settings, WAVE, 99))) == PARKED
    for _ in range(2):  # handed in again it is there already
        assert take_mail(app, b"Subject: li@mail.example asks\r\n\r\nwords\r\n") == PARKED
    assert states_of(app) == {"sent": 9}
    assert [reason for reason, _ in parked(app)] == ["no such mail", "no such mail", "no report"]
    assert not [body for _, body in parked(app) if "@" in body]


def test_a_bounce_that_a_person_applies_does_what_one_that_is_read_does(app: Countersign) -> None:
    forged = f"{WAVE}.1.{'0' * 16}"
    assert take_mail(app, bounce("5.1.1", original=forged)) == PARKED
    assert take_mail(app, bounce("5.2.2", original=f"{WAVE}.2.{'0' * 16}")) == PARKED
    soft, hard = parking.listed(app, OPERATOR).rows
    assert parking.assign(app, OPERATOR, hard.id, f"{WAVE}.5")
    assert (reason_of(app, 5), listed(app, 5)) == (("failed", "bounced: 5.1.1"), [("grey", "email", "mail bounced")])
    assert parking.assign(app, OPERATOR, soft.id, f"{WAVE}.6")
    assert (reason_of(app, 6), listed(app, 6)) == (("failed", "bounced softly: 5.2.2"), [])


def test_who_complained_is_not_written_to_at_that_address_whoever_has_it(app: Countersign) -> None:
    take_mail(app, complaint(name_of(app.settings, WAVE, 2)))
    address = vault(app.settings).seal(f"{customer_of(app, 2)}@mail.example")
    with app.db.read() as tx:
        assert opt_outs.among(tx, [address], "email") == {address}
        assert opt_outs.among(tx, [address], "sms") == set()
        (told,) = opt_outs.of_customer(tx, customer_of(app, 2))
    assert (told.source, told.case_id, told.channel) == ("complaint", CASE, "email")


def test_a_bounce_after_the_time_for_it_still_counts(app: Countersign) -> None:
    with app.db.begin() as tx:
        ledger.give_up(tx, WAVE, sent_before=app.now(), at=app.now(), arrived=True)
    assert states_of(app) == {"delivered": 9}
    assert take_mail(app, bounce("5.1.1", original=name_of(app.settings, WAVE, 4))) == APPLIED
    assert states_of(app) == {"delivered": 8, "failed": 1}


def test_what_a_mail_server_hands_in_is_signed(app: Countersign) -> None:
    raw = bounce("5.1.1", original=name_of(app.settings, WAVE, 0))
    for wrong in ("", "sha256=0", sign(raw, "other"), sign(raw + b" ", SECRET)):
        with pytest.raises(Forged):
            receive_mail(app, raw, wrong)
    assert receive_mail(app, raw, sign(raw, SECRET)) == APPLIED


def test_a_token_lets_out_its_own_customer_alone_and_nothing_else_is_one(app: Countersign) -> None:
    token, other = opt_out_of(app.settings, WAVE, 0), opt_out_of(app.settings, WAVE, 1)
    wrong = [
        "",
        "x",
        token[:-1],
        f"{WAVE}.1.{token.rpartition('.')[2]}",
        name_of(app.settings, WAVE, 0),  # the name of the mail opens nothing
        opt_out_of(app.settings, WAVE, 99),
        opt_out_of(app.settings, "other-w1", 0),
    ]
    for one in wrong:
        with pytest.raises(NotFound):
            opting_out.look(app, one, SOMEBODY)
        with pytest.raises(NotFound):
            opting_out.opt_out(app, one)
    opting_out.opt_out(app, token)
    assert listed(app, 0) == [("black", "email", "opted out")]
    assert listed(app, 1) == []
    assert opting_out.look(app, other, SOMEBODY) == "email"


def test_mails_are_read_from_a_file_an_mbox_and_a_maildir(
    app: Countersign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from engine.cli.delivery import app as command

    raws = [bounce("5.1.1", original=name_of(app.settings, WAVE, row)) for row in range(3)]
    (tmp_path / "one.eml").write_bytes(raws[0])
    box = mailbox.mbox(tmp_path / "mbox")
    box.add(raws[0])
    box.add(raws[1])
    box.close()
    folder = mailbox.Maildir(tmp_path / "maildir")
    for raw in (*raws, b"Subject: hello\r\n\r\nwords\r\n"):
        folder.add(raw)
    monkeypatch.setenv("COUNTERSIGN_HOME", str(app.settings.home))
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", app.settings.database_url)
    said = []
    for place in ("one.eml", "mbox", "maildir", "maildir"):
        done = CliRunner().invoke(command, ["bounces", str(tmp_path / place)])
        assert done.exit_code == 0, done.output
        said.append(done.output.partition(" wait")[0])
    assert said == [
        "1 counted, 0 said nothing new, 0",
        "1 counted, 1 said nothing new, 0",
        "1 counted, 2 said nothing new, 1",
        "0 counted, 3 said nothing new, 1",
    ]
    assert states_of(app) == {"sent": 6, "failed": 3}


def test_complaints_of_a_file_are_taken_in_by_the_command(
    app: Countersign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from engine.cli.delivery import app as command

    file = tmp_path / "complaints.csv"
    file.write_text(f"id,at,message,customer\nk1,2026-11-20 09:30,{WAVE}.0,\nk2,2026-11-20 10:00,,stranger\n")
    monkeypatch.setenv("COUNTERSIGN_HOME", str(app.settings.home))
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", app.settings.database_url)
    said = [CliRunner().invoke(command, ["complaints", str(file)]).output for _ in range(2)]
    assert said[0].startswith("1 counted, 0 known already, 1 belong to no message here")
    assert said[1].startswith("0 counted, 1 known already, 1 belong to no message here")
    assert listed(app, 0) == [("black", "", "complained")]

"""Proofs and seeds by e-mail over a real mail server, and proofs by webhook over a real gateway, on both databases."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.delivery.signature import sign
from engine.organisation import Office
from engine.service import delivering, opting_out, proofs, seed_lists
from engine.service.app import Countersign
from engine.service.receiving import Counts, receive_receipts
from engine.service.recording import OPERATOR
from engine.service.returned_mail import take_mail
from engine.store import opt_outs, people, preferences
from tests.faults.delivering_case import CASE, delivering_case
from tests.faults.sending_case import send_all, states_of
from tests.faults.test_faults_mail import FROM, MAIL
from tests.faults.test_faults_webhook import WEBHOOK
from tests.servers.gateway import SECRET, running_gateway
from tests.servers.mail import MailServer, TakenMail, mail_server
from tests.servers.recorder import recording
from tests.unit.delivery.test_delivery_returned import bounce

Make = Callable[..., Countersign]
SEED = "quality@house.example"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as started:
        yield started


@pytest.fixture
def make(db_url: str, tmp_path: Path) -> Iterator[Make]:
    """Opens the application with a case of nine customers and an account with an address of mail alone."""
    opened: list[Countersign] = []

    def opening(delivery: str, **settings: object) -> Countersign:
        more = {"public_url": "https://countersign.example"} | settings
        app = delivering_case(db_url, tmp_path / "home", customers=10, delivery=delivery, **more)
        opened.append(app)
        with app.db.begin() as tx:
            people.add_offices(tx, (Office("430102", "芙蓉区分公司", "county"),))
            people.add_people(tx, [{"id": "wang", "name": "Wang", "email": "wang@house.example", "language": "en"}])
            preferences.keep_of_person(tx, "wang", json.dumps({"addresses": {}}), app.now())
        return app

    yield opening
    for app in opened:
        app.close()


@pytest.fixture
def app(make: Make, server: MailServer) -> Countersign:
    """A case by e-mail: a proof to Wang, a seed, everything sent."""
    app = make(
        MAIL, customer_mail_url=server.url, customer_mail_from=FROM, customer_mail_bounces="bounces@shop.example",
    )  # fmt: skip
    seed_lists.add(app, OPERATOR, office="430102", name="质检", channel="email", address=SEED)
    proofs.send(app, OPERATOR, CASE, ["wang"])
    delivering.begin(app, CASE)
    send_all(app)
    for _ in range(3):
        delivering.work(app, "test")
    return app


def body_of(mail: TakenMail) -> str:
    part = mail.message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def name_in(mail: TakenMail) -> str:
    return mail.sender.partition("+")[2].partition("@")[0]


def token_in(mail: TakenMail) -> str:
    return str(mail.message["List-Unsubscribe"]).strip("<>").rpartition("/o/")[2]


def states(app: Countersign) -> dict[str, tuple[str, str]]:
    with app.db.read() as tx:
        return {row[0]: (row[1], row[2]) for row in tx.execute(sa.text("SELECT kind, state, reason FROM side_letters"))}


def test_both_mails_say_what_they_are_and_hide_the_customer(app: Countersign, server: MailServer) -> None:
    assert set(server.times().values()) == {1}
    proof, seed = server.mail_of("wang@house.example"), server.mail_of(SEED)
    assert str(proof.message["Subject"]).startswith("〔样张〕客")
    assert str(seed.message["Subject"]).startswith("〔样张〕客")
    assert body_of(proof).startswith("〔样张，非正式消息〕客")
    assert "https://countersign.example/proofs/proof." in body_of(proof)
    assert "供抽查，无需处理" in body_of(seed)
    assert "/proofs/" not in body_of(seed)
    assert not any(f"客户{n}" in body_of(one) + str(one.message["Subject"]) for one in (proof, seed) for n in range(10))
    assert states(app) == {"proof": ("sent", ""), "seed": ("sent", "")}


def test_a_bounce_is_told_of_the_letter_and_of_no_customer(app: Countersign, server: MailServer) -> None:
    before = states_of(app)
    for to, kind in (("wang@house.example", "proof"), (SEED, "seed")):
        raw = bounce("5.1.1", original=name_in(server.mail_of(to)))
        assert take_mail(app, raw) == Counts(1, 0, 0)
        assert take_mail(app, raw) == Counts(0, 1, 0)
        assert states(app)[kind] == ("failed", "bounced: 5.1.1")
    assert states_of(app) == before
    with app.db.read() as tx:
        assert tx.execute(sa.text("SELECT count(*) FROM suppressions")).scalar_one() == 0
        assert tx.execute(sa.text("SELECT count(*) FROM parked_receipts")).scalar_one() == 0


def test_one_click_takes_a_seed_out_and_a_proofs_way_out_does_nothing(app: Countersign, server: MailServer) -> None:
    proof, seed = (token_in(server.mail_of(to)) for to in ("wang@house.example", SEED))
    assert opting_out.opt_out(app, proof) == ("email", "email")
    with app.db.read() as tx:
        assert tx.execute(sa.text("SELECT count(*) FROM opt_outs")).scalar_one() == 0
    assert opting_out.opt_out(app, seed) == ("email", "email")
    assert opting_out.opt_out(app, seed) == ("email", "email")  # again
    with app.db.read() as tx:
        rows = tx.execute(sa.text("SELECT case_id, customer FROM opt_outs")).all()
        address = tx.execute(sa.text("SELECT address FROM side_letters WHERE kind = 'seed'")).scalar_one()
        assert len(rows) == 1 and not rows[0].case_id  # no case counts it
        assert opt_outs.among(tx, [address], "email") == {address}


def webhook(make: Make, url: str, more: str = "") -> Countersign:
    """A case by webhook with a proof that waits."""
    app = make(WEBHOOK + more, delivery_webhook_url=url, delivery_webhook_secret=SECRET, private_addresses=True)
    with app.db.begin() as tx:
        preferences.keep_of_person(tx, "wang", json.dumps({"addresses": {"sms": {"to": "13922220001"}}}), app.now())
    assert proofs.send(app, OPERATOR, CASE, ["wang"]) == 1
    delivering.work(app, "test")
    return app


def test_a_proof_by_webhook_goes_to_the_account_by_its_name(make: Make) -> None:
    with recording() as other:
        webhook(make, other.url)
    (message,) = other.taken[0].said["messages"]
    assert sorted(message) == ["cell", "customer", "id", "text"]
    assert (message["customer"], message["id"].partition(".")[0]) == ("wang", "proof")
    assert message["text"].startswith("〔样张，非正式消息〕客**您好")


def test_where_customers_go_by_number_an_account_does(make: Make, tmp_path: Path) -> None:
    with running_gateway(tmp_path / "webhook.log") as gateway:
        app = webhook(make, gateway.url, "  addresses: {webhook: phone}\n")
        (one,) = gateway.messages()
    assert one["to"] == "13922220001"
    told = {"receipts": [{"id": one["id"], "status": "delivered", "at": app.now().isoformat()}]}
    body = json.dumps(told).encode()
    receive_receipts(app, body, sign(body, SECRET))
    assert states(app) == {"proof": ("delivered", "")}

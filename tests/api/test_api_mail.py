"""The doors of e-mail to customers: the way out, for people and for mail programs, and mail that came back."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from engine.delivery.signature import sign
from engine.service import delivering
from engine.service.app import Countersign
from engine.service.mail_marks import name_of, opt_out_of
from engine.store import parked, suppression
from tests.faults.delivering_case import CASE, delivering_case
from tests.faults.sending_case import states_of
from tests.faults.test_faults_mail import FROM, MAIL
from tests.servers.mail import MailServer, mail_server
from tests.unit.delivery.test_delivery_returned import bounce

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
SECRET = "mail-secret"


@pytest.fixture
def server() -> Iterator[MailServer]:
    with mail_server() as started:
        yield started


@pytest.fixture
def app(db_url: str, tmp_path: Path, server: MailServer) -> Iterator[Countersign]:
    """A wave by e-mail in two chunks, the first of which is out."""
    more = {
        "customer_mail_url": server.url,
        "customer_mail_from": FROM,
        "customer_mail_secret": SECRET,
        "public_url": "https://countersign.example",
        "language": "en",
    }
    opened = delivering_case(db_url, tmp_path / "home", customers=50, delivery=MAIL, **more)
    delivering.begin(opened, CASE)
    delivering.work(opened, "test", limit=30)
    yield opened
    opened.close()


@pytest.fixture
def client(app: Countersign) -> TestClient:
    """Somebody without a session."""
    return TestClient(create_app(app), base_url="https://countersign.example", raise_server_exceptions=False)


def barred(app: Countersign, customer: str) -> bool:
    with app.db.read() as tx:
        return bool(suppression.suppressed(tx, [customer], app.now(), channel="email"))


def test_one_click_from_the_header_of_a_mail_keeps_the_next_chunk_from_that_customer(
    app: Countersign, client: TestClient, server: MailServer
) -> None:
    mail = server.mails[0]
    url = str(mail.message["List-Unsubscribe"]).strip("<>")
    done = client.post(url, data=ONE_CLICK)
    assert done.status_code == 200
    assert "You get no more advertising of ours by this channel: e-mail." in done.text
    assert barred(app, mail.to.partition("@")[0])
    last = f"{CASE}-w1", 44
    client.post(f"/opt-out/{opt_out_of(app.settings, *last)}", data=ONE_CLICK)
    delivering.work(app, "test")
    assert states_of(app) == {"sent": 44, "suppressed": 1}
    assert len(server.mails) == 44


def test_a_link_that_is_followed_shows_a_button_and_does_nothing(
    app: Countersign, client: TestClient, server: MailServer
) -> None:
    mail = server.mails[0]
    path = f"/opt-out/{opt_out_of(app.settings, *_row_of(mail.message['Message-ID']))}"
    for method in ("GET", "GET", "HEAD"):
        client.request(method, path)
    page = client.get(path)
    assert page.status_code == 200
    assert page.text.count('<form method="post" action="/o/') == 2
    assert page.text == client.get(path.replace("/opt-out/", "/o/")).text
    assert mail.to not in page.text
    assert mail.to.partition("@")[0] not in page.text
    assert not barred(app, mail.to.partition("@")[0])


def _row_of(message_id: str) -> tuple[str, int]:
    wave, row, _ = str(message_id).strip("<>").partition("@")[0].rsplit(".", 2)
    return wave, int(row)


def test_wrong_foreign_and_made_up_tokens_look_the_same(app: Countersign, client: TestClient) -> None:
    right = opt_out_of(app.settings, f"{CASE}-w1", 1)
    other = "0" if right[-1] != "0" else "1"
    wrong = (right[:-1] + other, right.replace(".1.", ".2."), f"other-w1.1.{'a' * 32}", "x", "a" * 500)
    for method in ("GET", "POST"):
        answers = {
            (answer.status_code, answer.text.replace(f"/opt-out/{token}", ""))
            for token in wrong
            for answer in [client.request(method, f"/opt-out/{token}", data=ONE_CLICK if method == "POST" else None)]
        }
        assert [status for status, _ in answers] == [404]
    with app.db.read() as tx:
        assert suppression.counts(tx, app.now()) == {}


@pytest.mark.parametrize("door", ["receipts", "replies", "complaints", "orders", "mails"])
def test_a_body_of_more_than_8_mb_is_refused_in_words_and_nothing_of_it_is_kept(
    app: Countersign, client: TestClient, door: str
) -> None:
    body = json.dumps({door: [{"id": f"{CASE}-w9.{n}", "from": "139", "text": "x" * 100} for n in range(60_000)]})
    raw = body.encode()
    assert len(raw) > 8 * 1024 * 1024
    answer = client.post(f"/gateway/{door}", content=raw, headers={"X-Signature": sign(raw, SECRET)})
    assert answer.status_code == 413
    assert "at most 8 MB; send it in parts" in answer.text
    with app.db.read() as tx:
        assert parked.counts(tx) == dict.fromkeys(parked.KINDS, 0)


def test_a_bounce_is_handed_in_as_a_whole_mail_and_signed(app: Countersign, client: TestClient) -> None:
    raw = bounce("5.1.1", original=name_of(app.settings, f"{CASE}-w1", 3))
    assert client.post("/gateway/mails", content=raw).status_code == 403
    assert client.post("/gateway/mails", content=raw, headers={"X-Signature": sign(raw, "")}).status_code == 403
    for expected in ({"applied": 1, "repeated": 0, "parked": 0}, {"applied": 0, "repeated": 1, "parked": 0}):
        answer = client.post("/gateway/mails", content=raw, headers={"X-Signature": sign(raw, SECRET)})
        assert (answer.status_code, answer.json()) == (200, expected)
    assert states_of(app)["failed"] == 1

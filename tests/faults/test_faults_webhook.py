"""A wave over the channel webhook against a real process that speaks the protocol: once each, and only where it may."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from engine.clock import now
from engine.delivery.signature import sign
from engine.service import delivering
from engine.service.app import Countersign
from engine.service.receiving import receive_receipts
from tests.faults.delivering_case import CASE, delivering_case
from tests.faults.sending_case import send_all, states_of
from tests.servers.gateway import SECRET, RunningGateway, running_gateway
from tests.servers.recorder import recording

Make = Callable[..., Countersign]
TARGET = 90
WEBHOOK = """
  waves:
    - {name: main, share: rest, channel: webhook, chunk: 30}
  message: {text: "{name}您好，{form.message}", fields: [name]}
"""


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    with running_gateway(tmp_path / "webhook.log") as started:
        yield started


@pytest.fixture
def make(db_url: str, tmp_path: Path) -> Iterator[Make]:
    """Opens the application with a wave that has begun: 100 customers, 10 of them in the control group."""
    opened: list[Countersign] = []

    def opening(url: str, more: str = "", **settings: object) -> Countersign:
        changes = {"delivery_webhook_url": url, "delivery_webhook_secret": SECRET, "private_addresses": True} | settings
        app = delivering_case(db_url, tmp_path / "home", customers=100, delivery=WEBHOOK + more, **changes)
        opened.append(app)
        delivering.begin(app, CASE)
        return app

    yield opening
    for app in opened:
        app.close()


def test_lost_answers_lose_nobody_and_reach_nobody_twice(make: Make, gateway: RunningGateway) -> None:
    app = make(gateway.url, "  addresses: {webhook: phone}\n")
    gateway.behave(drop_answers=2)
    send_all(app)
    assert (len(gateway.times()), set(gateway.times().values())) == (TARGET, {1})
    assert states_of(app) == {"sent": TARGET}


def test_the_other_system_gets_the_number_of_the_customer_and_no_address(make: Make) -> None:
    with recording() as other:
        app = make(other.url)
        delivering.work(app, "test", limit=30)
    (first, *_) = other.taken
    assert first.path == "/messages"
    message = first.said["messages"][0]
    assert sorted(message) == ["cell", "customer", "id", "text"]
    assert message["id"] == f"{CASE}-w1.0"
    assert message["text"] == f"客户{int(message['customer'][1:])}您好，国庆流量包8折，回T退订"
    headers = {name.lower(): value for name, value in first.headers.items()}
    assert headers["x-signature"] == sign(first.body, SECRET)
    assert len(headers["idempotency-key"]) == 64


@pytest.mark.parametrize(
    ("url", "private", "said"),
    [
        ("", True, "no address is set for this channel"),
        ("http://127.0.0.1:9", False, "it leads to this machine"),
        ("http://localhost:9", False, "it leads to this machine"),
        ("http://169.254.169.254/latest", True, "it leads to no public address"),
        ("http://user:password@example.org", True, "it must not hold a name or password"),
    ],
)
def test_where_it_may_not_connect_everybody_waits(make: Make, url: str, private: bool, said: str) -> None:
    app = make(url, private_addresses=private)
    progress = delivering.work(app, "test")
    assert progress is not None
    assert said in progress.error
    assert states_of(app) == {"waiting": TARGET}


def test_a_name_is_looked_up_by_the_guard_for_every_connection(make: Make, gateway: RunningGateway) -> None:
    port = gateway.url.rpartition(":")[2]
    app = make(f"http://localhost:{port}", "  addresses: {webhook: phone}\n")
    send_all(app)
    assert states_of(app) == {"sent": TARGET}
    assert len(gateway.times()) == TARGET


def test_redirects_are_not_followed(make: Make, gateway: RunningGateway) -> None:
    with recording() as other:
        other.status, other.headers = 307, {"Location": f"{gateway.url}/messages"}
        app = make(other.url)
        progress = delivering.work(app, "test", limit=30)
    assert progress is not None
    assert progress.error == "the gateway answered 307"
    assert gateway.times() == {}


def test_receipts_count_for_the_channel_whose_key_signs_them(make: Make, gateway: RunningGateway) -> None:
    own = "key-of-the-webhook"
    app = make(gateway.url, "  addresses: {webhook: phone}\n", delivery_webhook_secret=own)
    body = msgspec.json.encode({"receipts": [{"id": f"{CASE}-w1.0", "status": "delivered", "at": now(), "reason": ""}]})
    assert receive_receipts(app, body, sign(body, SECRET)).parked == 1  # the SMS gateway's key
    assert receive_receipts(app, body, sign(body, own)).applied == 1
    assert states_of(app) == {"waiting": TARGET - 1, "delivered": 1}

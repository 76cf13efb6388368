"""E-mail over TLS against a real server with a certificate made for the test, addresses of other letters, and mailboxes
that the server says are not there."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from engine.service import delivering
from engine.service.app import Countersign
from engine.service.couriers.email import NO_SUCH_LETTERS
from engine.store import suppression
from engine.warehouse.dataset import Dataset
from tests.faults import delivering_case as delivering_cases
from tests.faults.delivering_case import CASE, delivering_case
from tests.faults.test_faults_delivery import states_of
from tests.faults.test_faults_mail import FROM, MAIL
from tests.servers.certificates import made, served_with
from tests.servers.mail import MailServer, mail_server

SENT = 9
WRONG = {"unknown": "self-signed certificate", "other": "IP address mismatch", "over": "certificate has expired"}
Begin = Callable[..., Countersign]


@pytest.fixture
def begin(db_url: str, tmp_path: Path) -> Iterator[Begin]:
    """Opens the application with nine customers who are to be written to by a server."""
    opened: list[Countersign] = []

    def begun(server: MailServer, delivery: str = MAIL) -> Countersign:
        more = {
            "customer_mail_url": server.url,
            "customer_mail_from": FROM,
            "public_url": "https://countersign.example",
        }
        opened.append(delivering_case(db_url, tmp_path / "home", customers=10, delivery=delivery, **more))
        delivering.begin(opened[-1], CASE)
        return opened[-1]

    yield begun
    for app in opened:
        app.close()


def by_both_ways(context: ssl.SSLContext, way: str) -> dict[str, ssl.SSLContext]:
    return {"start_tls": context} if way == "STARTTLS" else {"tls": context}


@pytest.mark.parametrize("way", ["STARTTLS", "TLS"])
def test_mail_goes_over_a_connection_that_nobody_reads(
    begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    file = made(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))  # as the operator's own authority is trusted
    with mail_server(**by_both_ways(served_with(file), way)) as server:
        app = begin(server)
        delivering.work(app, "test")
        assert (states_of(app), server.secured) == ({"sent": SENT}, SENT)


@pytest.mark.parametrize("way", ["STARTTLS", "TLS"])
@pytest.mark.parametrize("wrong", sorted(WRONG))
def test_a_wrong_certificate_is_refused_in_words_and_everybody_waits(
    begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, wrong: str
) -> None:
    file = made(tmp_path, address="127.0.0.9" if wrong == "other" else "127.0.0.1", days=-1 if wrong == "over" else 1)
    if wrong != "unknown":
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with mail_server(**by_both_ways(served_with(file), way)) as server:
        app = begin(server)
        progress = delivering.work(app, "test")
        assert progress is not None
        assert progress.error.startswith("cannot send mail: its certificate is not trusted: ")
        assert WRONG[wrong] in progress.error
        assert (states_of(app), server.mails) == ({"waiting": SENT}, [])


def test_a_mailbox_that_the_server_says_is_not_there_is_on_the_grey_list_and_others_are_not(begin: Begin) -> None:
    with mail_server() as server:
        app = begin(server)
        server.nobody = frozenset({"k0000001@mail.example"})
        server.unwanted = frozenset({"k0000002@mail.example"})
        delivering.work(app, "test")
        assert states_of(app) == {"sent": SENT - 2, "failed": 2}
    with app.db.read() as tx:
        assert [(one.list, one.channel, one.reason) for one in suppression.of_customer(tx, "k0000001")] == [
            ("grey", "email", "mail bounced")
        ]
        assert suppression.of_customer(tx, "k0000002") == ()


@pytest.mark.parametrize("takes", [True, False])
def test_an_address_of_other_letters_goes_where_the_server_takes_it(
    begin: Begin, monkeypatch: pytest.MonkeyPatch, takes: bool
) -> None:
    def with_letters(folder: Path, customers: int) -> None:
        make(folder, customers)
        dataset = Dataset(folder)
        (path,) = dataset.paths(dataset.current().tables["customers"])
        change_addresses(Path(path), {3: "李四@mail.example", 4: "k4@例子.cn"})

    make = delivering_cases.make_dataset
    monkeypatch.setattr(delivering_cases, "make_dataset", with_letters)
    with mail_server(letters=takes) as server:
        app = begin(server)
        delivering.work(app, "test")
        to = {mail.to for mail in server.mails}
    assert "k4@xn--fsqu00a.cn" in to
    assert ("李四@mail.example" in to) == takes
    if takes:
        assert states_of(app) == {"sent": SENT}
        mail = server.mail_of("李四@mail.example")
        assert "To: 李四@mail.example".encode() in mail.raw
        assert mail.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        return
    assert states_of(app) == {"sent": SENT - 1, "failed": 1}
    with app.db.read() as tx:
        reason = tx.execute(sa.text("SELECT reason FROM recipients WHERE state = 'failed'")).scalar_one()
    assert reason == f"rejected: {NO_SUCH_LETTERS}"


def change_addresses(path: Path, addresses: dict[int, str]) -> None:
    """Other addresses of mail in a file of customers, by row."""
    table = pq.read_table(path)
    column = [addresses.get(n, one) for n, one in enumerate(table["email"].to_pylist())]
    pq.write_table(table.set_column(table.column_names.index("email"), "email", pa.array(column)), path)


def test_an_e_mail_has_room_for_twenty_thousand_signs(begin: Begin) -> None:
    long = "本月优惠说明。" * 2_800
    with mail_server() as server:
        app = begin(server, MAIL.replace("{form.message} <b>&", long))
        delivering.work(app, "test")
        assert states_of(app) == {"sent": SENT}
        text, _ = server.mails[0].message.iter_parts()
        assert long in text.get_content()

"""What comes back from customers: opt-outs by reply, link and complaint hold in waves under way; replies, orders and
clicks add up the same in whatever order and however often they come."""

import hashlib
import json
import os
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from engine.delivery.signature import sign
from engine.errors import Forged, Invalid, NotFound
from engine.service import clicking, delivering, opting_out, optouts, parking, suppressing
from engine.service.app import Countersign
from engine.service.clicking import Visitor
from engine.service.complaining import receive_complaints
from engine.service.ordering import receive_orders
from engine.service.receiving import receive_receipts
from engine.service.recording import OPERATOR, By
from engine.service.replying import receive_replies
from engine.store import cases, ledger, opt_outs, suppression
from engine.store.answers import answers_of
from tests.faults.delivering_case import CASE, delivering_case
from tests.faults.sending_case import send_all, states_of
from tests.servers.callback import receiving
from tests.servers.gateway import SECRET, RunningGateway, running_gateway
from tests.support import wait_until

TARGET = 270
PHONE = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36"
LINKED = """
  waves:
    - {name: main, share: rest, channel: sms, chunk: 50}
  message:
    text: "{name}您好，详情 {link} 退订 {optout}"
    fields: [name]
    link: "https://shop.example/autumn?x=1"
  prices: {sms: "0.05"}
"""
Make = Callable[..., Countersign]


@pytest.fixture
def make(db_url: str, tmp_path: Path, gateway: RunningGateway) -> Iterator[Make]:
    """Opens the application with a case of 300 customers, 30 of them in the control group, whose waves are begun."""
    opened: list[Countersign] = []

    def opening(**changes: Any) -> Countersign:
        settings = {"sms_url": gateway.url, "link_hosts": ".shop.example,shop.example"} | changes
        opened.append(delivering_case(db_url, tmp_path / "home", customers=300, **settings))
        delivering.begin(opened[-1], CASE)
        return opened[-1]

    yield opening
    for app in opened:
        app.close()


Take = Callable[[Countersign, bytes, str], Any]


def post(app: Countersign, take: Take, name: str, things: list[dict[str, Any]]) -> tuple[int, int, int]:
    body = json.dumps({name: things}, ensure_ascii=False).encode()
    counts = take(app, body, sign(body, SECRET))
    return counts.applied, counts.repeated, counts.parked


def reply(app: Countersign, text: str, number: str, name: str, **more: str) -> dict[str, Any]:
    return {"id": name, "from": number, "text": text, "at": app.now().isoformat()} | more


def messages(app: Countersign) -> dict[str, str]:
    """The id of each message in the ledger, by the customer."""
    with app.db.read() as tx:
        return {row.customer: f"{row.wave}.{row.row}" for row in tx.execute(sa.text("SELECT * FROM recipients"))}


def number_of(customer: str) -> str:
    return f"138{int(customer[1:]):08}"


def kept(app: Countersign, query: str) -> list[Any]:
    with app.db.read() as tx:
        return [tuple(row) for row in tx.execute(sa.text(query))]


def barred(app: Countersign) -> set[str]:
    with app.db.read() as tx:
        return suppression.suppressed(tx, tuple(f"k{n:07}" for n in range(300)), app.now())


def test_an_opt_out_between_two_chunks_keeps_the_message_back(make: Make, gateway: RunningGateway) -> None:
    app = make()
    delivering.work(app, "test", limit=50)
    sent = set(gateway.times())
    waiting = [who for who in messages(app) if number_of(who) not in sent]
    quick, other = waiting[-1], waiting[-2]
    assert post(
        app,
        receive_replies,
        "replies",
        [
            reply(app, "Ｔ退订", f"+86 {number_of(quick)}", "r1"),
            reply(app, "好的谢谢", number_of(other), "r2"),
            reply(app, "TD", "13900000001", "r3"),  # a number of nobody
        ],
    ) == (2, 0, 1)
    send_all(app)
    assert number_of(quick) not in gateway.times()
    assert number_of(other) in gateway.times()
    assert states_of(app) == {"sent": TARGET - 1, "suppressed": 1}
    assert barred(app) == {quick}
    assert kept(app, "SELECT meaning, shown, customer FROM replies ORDER BY reference") == [
        ("opt_out", f"+86****{quick[-4:]}", quick),
        ("other", f"138****{other[-4:]}", other),
    ]
    written = str(kept(app, "SELECT * FROM replies")) + str(kept(app, "SELECT body FROM parked_receipts"))
    assert number_of(quick) not in written


def test_an_address_that_opted_out_unknown_is_respected_when_a_list_has_it(make: Make, gateway: RunningGateway) -> None:
    app = make()
    customer = sorted(messages(app))[100]
    with app.db.begin() as tx:
        wish = optouts.OptOut("call", "c1", app.now(), address=number_of(customer))
        assert optouts.opt_out(app, tx, [wish, wish]) == 1
    send_all(app)
    assert number_of(customer) not in gateway.times()
    assert states_of(app) == {"sent": TARGET - 1, "suppressed": 1}
    assert barred(app) == set()


def test_a_person_ends_an_opt_out_and_the_reply_doubled_later_does_not_make_it_again(make: Make) -> None:
    app = make()
    send_all(app)
    customer = sorted(messages(app))[3]
    said = [reply(app, "stop!", number_of(customer), "r9", message=messages(app)[customer])]
    assert post(app, receive_replies, "replies", said) == (1, 0, 0)
    assert barred(app) == {customer}
    suppressing.end(app, OPERATOR, kind="black", customer=customer, channel="", reason="wants them again")
    assert post(app, receive_replies, "replies", said) == (0, 1, 0)
    assert barred(app) == set()
    with app.db.read() as tx:
        assert (
            opt_outs.among(tx, [row[0] for row in kept(app, "SELECT address FROM opt_out_addresses")], "sms") == set()
        )
        assert cases.load(tx, CASE).state == "delivering"
        assert ledger.answers(tx, CASE, [f"{CASE}-w0", f"{CASE}-w1"]) == {"opt_out": 1}


def test_whoever_wants_messages_again_is_shown_to_a_person_and_nothing_else(make: Make) -> None:
    app = make()
    send_all(app)
    customer = sorted(messages(app))[3]
    post(app, receive_replies, "replies", [reply(app, "TD", number_of(customer), "a")])
    post(app, receive_replies, "replies", [reply(app, "订阅", number_of(customer), "b")])
    assert barred(app) == {customer}
    assert kept(app, "SELECT meaning FROM replies ORDER BY reference") == [("opt_out",), ("opt_in",)]


@pytest.mark.parametrize("seed", [1, 2])
def test_everything_doubled_shuffled_and_early_gives_the_same_totals(make: Make, seed: int) -> None:
    app = make()
    chance = random.Random(seed)
    ids = messages(app)
    some = sorted(ids)[:60]
    at = app.now().isoformat()
    proof = {"how": "sms", "at": at, "reference": "log 1"}
    replies = [reply(app, "T" if n % 3 == 0 else "谢谢", number_of(who), f"r{n}") for n, who in enumerate(some[:30])]
    orders = [{"id": f"o{n}", "at": at, "message": ids[who], "value": "9.90"} for n, who in enumerate(some[30:50])]
    orders += [one | {"confirmation": proof} for one in orders[:15]]
    complaints = [{"id": f"q{n}", "at": at, "from": number_of(who)} for n, who in enumerate(some[50:55])]
    receipts = [{"id": name, "status": "delivered", "at": at} for name in ids.values()]
    strange = [{"id": "elsewhere-w1.7", "status": "delivered", "at": at}]
    unknown = [reply(app, "退订", f"1390000000{n}", f"u{n}") for n in range(5)]
    feeds: list[tuple[Take, str, list[dict[str, Any]]]] = [
        (receive_replies, "replies", [*replies, *unknown]),
        (receive_orders, "orders", orders),
        (receive_complaints, "complaints", complaints),
        (receive_receipts, "receipts", [*receipts, *strange]),
    ]
    parts = []
    for take, name, things in feeds * 2:
        shuffled = chance.sample(things, len(things))
        parts += [(take, name, shuffled[::2]), (take, name, shuffled[1::2])]
    chance.shuffle(parts)
    half = len(parts) // 2
    for take, name, things in parts[:half]:
        post(app, take, name, things)
    send_all(app)
    for take, name, things in parts[half:]:
        post(app, take, name, things)
    with app.db.read() as tx:
        counts = dict(tx.execute(sa.text("SELECT kind, count(*) FROM responses GROUP BY kind")).all())  # type: ignore[arg-type]
    states = states_of(app)
    assert sum(states.values()) == TARGET
    assert counts == {"opt_out": 10, "conversion": 15, "complaint": 5}
    assert barred(app) == {*some[:30:3], *some[50:55]}
    assert kept(app, "SELECT state, count(*) FROM orders GROUP BY state ORDER BY state") == [
        ("counted", 15),
        ("unconfirmed", 5),
    ]
    assert kept(app, "SELECT kind, count(*) FROM parked_receipts GROUP BY kind ORDER BY kind") == [
        ("receipt", 1),
        ("reply", 5),
    ]


def test_what_is_forged_or_garbage_changes_nothing_and_a_megabyte_of_it_is_parked_sealed(make: Make) -> None:
    app = make()
    for take, name in (
        (receive_replies, "replies"),
        (receive_orders, "orders"),
        (receive_complaints, "complaints"),
        (receive_receipts, "receipts"),
    ):
        body = json.dumps({name: [{"from": "13800000001"}]}).encode()
        for signature in ("", "sha256=", sign(body, "other"), sign(body + b" ", SECRET)):
            with pytest.raises(Forged):
                take(app, body, signature)
        deep = b'{"%s": [%s]}' % (name.encode(), b"[" * 5_000 + b"]" * 5_000)
        for odd in (b"[]", b"{", b'{"more": []}', b"\xff\xfe", b"[" * 100_000, deep):
            with pytest.raises(Invalid):
                take(app, odd, sign(odd, SECRET))
    odd_things = [
        '{"from": 7}',
        '"x"',
        "null",
        "[[[[]]]]",
        json.dumps({"from": "13800000001", "text": "x" * 1_000_000}),
    ]
    for take, name in ((receive_replies, "replies"), (receive_orders, "orders"), (receive_complaints, "complaints")):
        body = f'{{"{name}": [{",".join(odd_things)}]}}'.encode()
        counts = take(app, body, sign(body, SECRET))
        assert (counts.applied, counts.repeated, counts.parked) == (0, 0, 5)
    bodies = kept(app, "SELECT body FROM parked_receipts")
    assert len(bodies) == 15
    assert not any("13800000001" in body for (body,) in bodies)
    assert states_of(app) == {"waiting": TARGET}
    assert barred(app) == set()


def test_a_receipt_that_came_before_its_wave_is_applied_when_the_wave_is_there(db_url: str, tmp_path: Path) -> None:
    app = delivering_case(db_url, tmp_path / "home", customers=300)
    at = app.now().isoformat()
    early = [{"id": f"{CASE}-w{n}.3", "status": "delivered", "at": at} for n in (1, 9)]
    assert post(app, receive_receipts, "receipts", early) == (0, 0, 2)
    delivering.begin(app, CASE)
    left = parking.listed(app, OPERATOR)
    app.close()
    assert left.counts == {"receipt": 1, "reply": 0, "order": 0, "complaint": 0}


def test_a_parked_reply_is_assigned_to_a_message_and_its_opt_out_gets_a_customer(make: Make) -> None:
    app = make()
    send_all(app)
    post(app, receive_replies, "replies", [reply(app, "退订", "13900000009", "p1")])
    (row,) = parking.listed(app, OPERATOR, kind="reply").rows
    assert "13900000009" not in row.body
    assert "139****0009" in row.body
    assert not parking.assign(app, OPERATOR, row.id)
    with pytest.raises(Invalid):
        parking.assign(app, OPERATOR, row.id, "nothing.5")
    customer = sorted(messages(app))[7]
    assert parking.assign(app, By(None, "cli", key="once"), row.id, messages(app)[customer])
    assert parking.listed(app, OPERATOR).count == 0
    assert barred(app) == {customer}
    with pytest.raises(NotFound):
        parking.put_aside(app, OPERATOR, row.id, "again")


def test_an_order_of_the_control_group_counts_and_one_of_a_stranger_is_parked(make: Make) -> None:
    app = make()
    at, number = app.now().isoformat(), "430102-2026-00001"
    proof = {"how": "hall", "at": at, "reference": "slip 8"}
    control = "k0000009"
    things = [
        {"id": "a", "at": at, "customer": control, "case": number, "value": "10", "confirmation": proof},
        {"id": "b", "at": at, "customer": "stranger", "case": number, "confirmation": proof},
        {"id": "c", "at": "2020-01-01T00:00:00Z", "customer": control, "case": number, "confirmation": proof},
        {"id": "d", "at": at, "customer": control, "case": number, "value": "1", "confirmation": {"how": "hall"}},
    ]
    assert post(app, receive_orders, "orders", things) == (2, 0, 2)
    with app.db.read() as tx:
        since = app.now() - timedelta(days=900)
        rows = list(answers_of(tx, CASE, since=since, until=app.now()))
    assert [(one.customer, one.kind, str(one.value)) for one in rows] == [(control, "conversion", "10.00")]


def links_of(gateway: RunningGateway) -> dict[str, tuple[str, str]]:
    """The tokens of the link and the opt-out in the message to each number."""
    found = {}
    for message in gateway.messages():
        words = message["text"].split()
        found[message["to"]] = (words[1].rpartition("/")[2], words[3].rpartition("/")[2])
    return found


def looks(app: Countersign) -> list[str]:
    return [row[0] for row in kept(app, "SELECT machine FROM clicks ORDER BY id")]


def test_a_link_leads_on_and_machines_are_told_apart(make: Make, gateway: RunningGateway) -> None:
    app = make(delivery=LINKED)
    send_all(app)
    tokens = links_of(gateway)
    assert len({pair for both in tokens.values() for pair in both}) == 2 * TARGET
    first, second = (tokens[number_of(who)] for who in sorted(messages(app))[:2])
    person = Visitor("GET", {"user-agent": PHONE}, "203.0.113.5")
    with app.db.begin() as tx:  # a while ago
        tx.execute(sa.text("UPDATE recipients SET sent_at = :at"), {"at": "2026-01-01T00:00:00.000000+00:00"})
    assert clicking.follow(app, first[0], person) == "https://shop.example/autumn?x=1"
    clicking.follow(app, first[0], person)
    clicking.follow(app, second[0], Visitor("HEAD", {"user-agent": PHONE}, "203.0.113.6"))
    clicking.follow(app, second[0], Visitor("GET", {"user-agent": PHONE, "sec-purpose": "prefetch"}, "203.0.113.7"))
    clicking.follow(app, second[0], Visitor("GET", {"user-agent": "python-requests/2.31"}, "203.0.113.8"))
    clicking.follow(app, second[0], Visitor("GET", {}, "203.0.113.8"))
    assert looks(app) == ["", "", "head", "prefetch", "agent", "agent"]
    assert kept(app, "SELECT kind, count(*) FROM responses GROUP BY kind") == [("response", 1)]
    scanner = Visitor("GET", {"user-agent": "Mozilla/5.0 (Windows NT 10.0)"}, "203.0.113.9")
    for both in list(tokens.values())[10:30]:
        clicking.follow(app, both[0], scanner)
    assert set(looks(app)[6:]) == {"many"}
    assert kept(app, "SELECT kind, count(*) FROM responses GROUP BY kind") == [("response", 1)]
    bent = first[0][:-1] + ("A" if first[0][-1] != "A" else "B")
    for wrong in (bent, first[1], "x" * 18, "", "../" * 6, second[0] + "A"):
        with pytest.raises(NotFound):
            clicking.follow(app, wrong, person)
    closed = Countersign(app.settings.model_copy(update={"link_hosts": "other.example"}), app.db)
    with pytest.raises(NotFound):
        clicking.follow(closed, first[0], person)


def test_a_look_from_a_network_of_machines_is_no_response(make: Make, tmp_path: Path, gateway: RunningGateway) -> None:
    listed = tmp_path / "networks.txt"
    listed.write_text("203.0.113.0/24  # a data centre\n")
    app = make(delivery=LINKED, machine_networks=listed)
    send_all(app)
    tokens = [both[0] for both in links_of(gateway).values()]
    with app.db.begin() as tx:
        tx.execute(sa.text("UPDATE recipients SET sent_at = :at"), {"at": "2026-01-01T00:00:00.000000+00:00"})

    def follow(token: str, address: str) -> str:
        clicking.follow(app, token, Visitor("GET", {"user-agent": PHONE}, address))
        return looks(app)[-1]

    assert [follow(tokens[0], "203.0.113.5"), follow(tokens[0], "198.51.100.5")] == ["network", ""]
    listed.write_text("198.51.100.0/24\n")
    os.utime(listed, ns=(1, 1))
    assert [follow(tokens[1], "198.51.100.5"), follow(tokens[1], "203.0.113.5")] == ["network", ""]
    listed.write_text("198.51.100.0/24\nall of them\n")
    assert [follow(tokens[2], "198.51.100.5"), follow(tokens[2], "203.0.113.5")] == ["network", ""]
    assert kept(app, "SELECT kind, count(*) FROM responses GROUP BY kind") == [("response", 3)]


def test_the_opt_out_page_does_nothing_until_its_button_is_pressed(make: Make, gateway: RunningGateway) -> None:
    app = make(delivery=LINKED)
    send_all(app)
    customer = sorted(messages(app))[5]
    token = links_of(gateway)[number_of(customer)][1]
    opting_out.look(app, token, Visitor("GET", {"user-agent": PHONE}, "203.0.113.5"))
    assert barred(app) == set()
    opting_out.opt_out(app, token)
    opting_out.opt_out(app, token)
    assert barred(app) == {customer}
    assert kept(app, "SELECT source, customer FROM opt_outs") == [("link", customer)]
    with pytest.raises(NotFound):
        opting_out.opt_out(app, links_of(gateway)[number_of(customer)][0])


def _share(text: str) -> float:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 0x1_0000_0000


def test_a_gateway_that_answers_for_customers_is_understood(
    make: Make, gateway: RunningGateway, tmp_path: Path
) -> None:
    app = make()

    def take(body: bytes, signature: str) -> object:
        name = receive_replies if body.startswith(b'{"replies"') else receive_receipts
        return name(app, body, signature)

    with receiving(take) as address, running_gateway(tmp_path / "other.log", address) as sender:
        other = Countersign(app.settings.model_copy(update={"sms_url": sender.url}), app.db)
        sender.behave(replying=0.3, opting_out=0.5, names_message=False, failing=0, receipts="twice")
        send_all(other)
        names = [message["id"] for message in sender.messages()]
        said = sum(_share(f"reply {name}") < 0.3 for name in names)
        wait_until(lambda: sender.stats()["replies"] >= said, what="all replies")
        wait_until(lambda: sender.stats()["receipts_owed"] == 0, what="all receipts")
    meant = dict(kept(app, "SELECT meaning, count(*) FROM replies GROUP BY meaning"))
    assert set(meant) == {"opt_out", "other"}
    assert sum(meant.values()) == said > 50
    assert len(barred(app)) == meant["opt_out"] == kept(app, "SELECT count(*) FROM opt_outs")[0][0]
    assert kept(app, "SELECT count(*) FROM parked_receipts") == [(0,)]
    assert states_of(app)["delivered"] + states_of(app).get("suppressed", 0) == TARGET


def test_links_over_http_are_kept_nowhere_and_wrong_ones_are_one_page(make: Make, gateway: RunningGateway) -> None:
    app = make(delivery=LINKED)
    send_all(app)
    token, out = links_of(gateway)[number_of(sorted(messages(app))[0])]
    browser = TestClient(create_app(app), follow_redirects=False, headers={"user-agent": PHONE})
    for method in ("GET", "HEAD"):
        answer = browser.request(method, f"/r/{token}")
        assert (answer.status_code, answer.headers["location"]) == (302, "https://shop.example/autumn?x=1")
        assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")
        assert "set-cookie" not in answer.headers
    bent = token[:-2] + token[-2:][::-1] + "A"
    wrong = [browser.get(path) for path in (f"/r/{bent}", f"/r/{out}", f"/o/{token}", "/r/x", f"/o/{bent}")]
    assert {answer.status_code for answer in wrong} == {404}
    assert len({answer.content for answer in wrong}) == 1
    page = browser.get(f"/o/{out}")
    assert page.status_code == 200
    assert page.text.count('<form method="post" action="/o/') == 2
    assert barred(app) == set()
    assert browser.post(f"/o/{out}").status_code == 200
    assert len(barred(app)) == 1
    assert browser.post(f"/o/{bent}").content == wrong[0].content


def test_a_link_to_a_host_that_is_not_allowed_stops_the_wave_before_anything_is_written(
    db_url: str, tmp_path: Path
) -> None:
    app = delivering_case(db_url, tmp_path / "home", customers=300, delivery=LINKED, link_hosts="other.example")
    with pytest.raises(ValueError, match="leads to no host"):
        delivering.begin(app, CASE)
    assert kept(app, "SELECT count(*) FROM recipients") == [(0,)]
    app.close()

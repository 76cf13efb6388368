"""Deliveries against a real gateway process that misbehaves, on both databases: every recipient exactly once."""

import csv
import hashlib
import json
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.delivery.signature import sign
from engine.errors import Forged, Invalid
from engine.machine.commands import PauseDelivery, ResumeDelivery
from engine.service import delivering, running
from engine.service.app import Countersign
from engine.service.receiving import receive_receipts
from engine.store import cases, chunks, ledger, suppression, waves
from engine.store.session import database_now
from engine.store.suppression import Suppression
from engine.warehouse.dataset import Dataset
from tests.faults.delivering_case import CASE
from tests.faults.sending_case import TARGET, Make, assert_each_once, gateway, jump, make, send_all, shown, states_of
from tests.servers.callback import receiving
from tests.servers.gateway import SECRET, RunningGateway, running_gateway
from tests.support import wait_until

__all__ = ["gateway", "make"]


def test_every_target_customer_gets_one_message_and_the_control_group_none(make: Make, gateway: RunningGateway) -> None:
    app = make()
    delivering.begin(app, CASE)
    send_all(app)
    assert_each_once(app, gateway)
    first = gateway.messages()[0]
    assert first["text"] == f"客户{int(first['to'][3:])}您好，国庆流量包8折，回T退订"
    (wave,) = shown(app)
    assert (wave.sent, wave.waiting, str(wave.cost)) == (TARGET, 0, "13.50")


def test_beginning_twice_plans_and_loads_once(make: Make, gateway: RunningGateway) -> None:
    app = make()
    threads = [threading.Thread(target=delivering.begin, args=(app, CASE)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    delivering.begin(app, CASE)
    assert states_of(app) == {"waiting": TARGET}
    send_all(app)
    assert_each_once(app, gateway)


def test_lost_answers_lose_nobody_and_reach_nobody_twice(make: Make, gateway: RunningGateway) -> None:
    app = make()
    delivering.begin(app, CASE)
    gateway.behave(drop_answers=5)
    send_all(app)
    assert gateway.stats()["dropped"] == 5
    assert gateway.stats()["repeated"] > 0
    assert_each_once(app, gateway)
    assert states_of(app) == {"sent": TARGET}


def test_a_gateway_that_refuses_for_a_while_gets_everything_later(make: Make, gateway: RunningGateway) -> None:
    app = make()
    delivering.begin(app, CASE)
    gateway.behave(refuse=4, too_many=2, retry_after=1)
    send_all(app)
    assert_each_once(app, gateway)
    assert states_of(app) == {"sent": TARGET}


def test_too_many_requests_puts_the_chunk_back_for_as_long_as_the_gateway_asks(
    make: Make, gateway: RunningGateway
) -> None:
    app = make()
    delivering.begin(app, CASE)
    gateway.behave(too_many=-1, retry_after=600)
    progress = delivering.work(app, "test")
    assert progress is not None and progress.error == "the gateway answered 429" and progress.sent == 0
    with app.db.read() as tx:
        soonest = min(tx.execute(sa.text("SELECT available_at FROM chunks WHERE available_at IS NOT NULL")).scalars())
        wait = (soonest if not isinstance(soonest, str) else type(app.now()).fromisoformat(soonest)) - database_now(tx)
    assert timedelta(minutes=9) < wait <= timedelta(minutes=10)
    assert states_of(app) == {"waiting": TARGET}


def test_a_gateway_that_is_down_costs_nothing_but_time(make: Make, gateway: RunningGateway) -> None:
    app = make()
    delivering.begin(app, CASE)
    gateway.kill()
    progress = delivering.work(app, "test")
    assert progress is not None and progress.sent == 0 and "cannot reach the gateway" in progress.error
    assert states_of(app) == {"waiting": TARGET}
    gateway.start()
    send_all(app)
    assert_each_once(app, gateway)


def test_a_gateway_killed_in_the_middle_still_reaches_everybody_once(make: Make, gateway: RunningGateway) -> None:
    app = make()
    delivering.begin(app, CASE)
    gateway.behave(slow_seconds=0.05, drop_share=0.3)
    delivering.work(app, "test", limit=100)
    gateway.kill()
    delivering.work(app, "test", limit=100)
    gateway.start()
    send_all(app)
    assert_each_once(app, gateway)


def test_a_slow_gateway_is_waited_for(make: Make, gateway: RunningGateway) -> None:
    app = make()
    delivering.begin(app, CASE)
    gateway.behave(slow_seconds=0.3)
    send_all(app)
    assert_each_once(app, gateway)


def test_numbers_that_the_gateway_rejects_fail_with_its_reason(make: Make, gateway: RunningGateway) -> None:
    app = make(delivery="\n  waves: [{name: w, share: rest, channel: sms}]\n  message: hi\n  address: name\n")
    delivering.begin(app, CASE)
    send_all(app)
    assert states_of(app) == {"failed": TARGET}
    with app.db.read() as tx:
        reasons = set(tx.execute(sa.text("SELECT reason FROM recipients")).scalars())
    assert reasons == {"rejected: not a number"}
    assert str(shown(app)[0].cost) == "0"


def test_an_opt_out_after_the_freeze_is_honoured(make: Make, gateway: RunningGateway) -> None:
    app = make()
    delivering.begin(app, CASE)
    delivering.work(app, "test", limit=1)
    with app.db.begin() as tx:
        left = tx.execute(sa.text("SELECT customer FROM recipients WHERE state='waiting' ORDER BY customer")).scalars()
        chosen = list(left)[:7]
        suppression.add(tx, [Suppression("black", one, "opt-out") for one in chosen], by="li", at=app.now())
    send_all(app)
    assert states_of(app) == {"sent": TARGET - 7, "suppressed": 7}
    assert_each_once(app, gateway, TARGET - 7)
    assert not {f"138{int(customer[1:]):08}" for customer in chosen} & set(gateway.times())


def test_an_opt_out_after_an_interrupted_attempt_is_unknown_and_is_not_sent_again(
    make: Make, gateway: RunningGateway
) -> None:
    app = make()
    delivering.begin(app, CASE)
    with app.db.begin() as tx:  # a worker claims the first chunk and ends
        claim = chunks.claim(tx, f"{CASE}-w1", database_now(tx) - timedelta(hours=1), timedelta(minutes=5))
        assert claim is not None
        first = tx.execute(sa.text('SELECT customer FROM recipients WHERE "row" = 0')).scalar_one()
        suppression.add(tx, [Suppression("black", first, "opt-out")], by="li", at=app.now())
    send_all(app)
    assert states_of(app) == {"sent": TARGET - 1, "unknown": 1}
    assert_each_once(app, gateway, TARGET - 1)


def test_a_pause_holds_between_chunks_and_going_on_finishes(make: Make, gateway: RunningGateway) -> None:
    app = make()
    delivering.begin(app, CASE)
    delivering.work(app, "test", limit=1)
    running.carry_out(app, CASE, PauseDelivery(actor="li", reason="wrong price"), key="p1")
    sent = len(gateway.messages())
    assert delivering.work(app, "test") is None  # already before the waves were told
    delivering.hold(app, CASE, "pause")
    assert delivering.work(app, "test") is None
    assert (shown(app)[0].state, shown(app)[0].held_because, len(gateway.messages())) == ("paused", "paused", sent)
    running.carry_out(app, CASE, ResumeDelivery(actor="li"), key="r1")
    delivering.hold(app, CASE, "pause")  # an effect that comes too late does not pause it again
    delivering.hold(app, CASE, "resume")
    send_all(app)
    assert_each_once(app, gateway)


def test_nothing_goes_out_at_night(
    make: Make, gateway: RunningGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make(delivery='\n  message: hi\n  waves: [{name: w, share: rest, channel: sms, hours: "09:00-20:00"}]\n')
    delivering.begin(app, CASE)
    local = app.now().astimezone(app.settings.zone)
    clock = tmp_path / "clock"
    monkeypatch.setenv("COUNTERSIGN_CLOCK_FILE", str(clock))
    night = local.replace(hour=22, minute=0)
    clock.write_text(str((night - local).total_seconds()))
    assert delivering.work(app, "test") is None
    clock.write_text(str((night - local + timedelta(hours=11, minutes=1)).total_seconds()))
    send_all(app)
    assert_each_once(app, gateway)


def test_a_rate_is_kept(make: Make, gateway: RunningGateway) -> None:
    app = make(delivery="\n  message: hi\n  waves: [{name: w, share: rest, channel: sms, rate: 100/s, chunk: 20}]\n")
    delivering.begin(app, CASE)
    began = time.monotonic()
    while time.monotonic() - began < 1.5:
        if delivering.work(app, "test") is None:
            time.sleep(0.01)
    sent = len(gateway.messages())
    assert 100 <= sent <= 100 * (time.monotonic() - began) + 41


def test_doubled_late_and_shuffled_receipts_give_the_same_sums(
    make: Make, gateway: RunningGateway, tmp_path: Path
) -> None:
    app = make(sms_url="")
    with (
        receiving(lambda body, signature: receive_receipts(app, body, signature)) as address,
        running_gateway(tmp_path / "other.log", address) as sender,
    ):
        app = Countersign(app.settings.model_copy(update={"sms_url": sender.url}), app.db)
        sender.behave(receipts="twice", failing=0.1)
        delivering.begin(app, CASE)
        send_all(app)
        wait_until(lambda: sender.stats()["receipts"] >= TARGET, what="all receipts")
        first = states_of(app)
        names = [message["id"] for message in sender.messages()]
    expected = Counter(_fate(name, 0.1) for name in names)
    assert first == expected
    _again(app, names[::-1])
    _again(app, names)
    assert states_of(app) == expected


def _fate(name: str, failing: float) -> str:
    share = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 0x1_0000_0000
    return "failed" if share < failing else "delivered"


def _again(app: Countersign, names: list[str]) -> None:
    at = app.now().isoformat()
    receipts = [{"id": name, "status": _fate(name, 0.1), "at": at, "reason": ""} for name in names]
    body = json.dumps({"receipts": receipts}).encode()
    counts = receive_receipts(app, body, sign(body, SECRET))
    assert (counts.applied, counts.repeated, counts.parked) == (0, TARGET, 0)


def test_a_forged_receipt_changes_nothing_and_an_unknown_one_is_parked(make: Make) -> None:
    app = make()
    delivering.begin(app, CASE)
    body = b'{"receipts":[{"id":"case1-w1.0","status":"delivered","at":"2026-11-23T10:00:00+00:00"}]}'
    for signature in ("", "sha256=", sign(body, "other"), sign(body + b" ", SECRET)):
        with pytest.raises(Forged):
            receive_receipts(app, body, signature)
    assert states_of(app) == {"waiting": TARGET}
    odd = (
        b'{"receipts":[{"id":"nobody.5","status":"delivered","at":"2026-11-23T10:00:00Z"},{"id":"x"},'
        b'{"id":"case1-w1.-1","status":"failed","at":"2026-11-23T10:00:00Z"}]}'
    )
    counts = receive_receipts(app, odd, sign(odd, SECRET))
    assert (counts.applied, counts.parked) == (0, 3)
    with app.db.read() as tx:
        assert tx.execute(sa.text("SELECT count(*) FROM parked_receipts")).scalar_one() == 3
    with pytest.raises(Invalid):
        receive_receipts(app, b"[]", sign(b"[]", SECRET))


def test_the_last_receipt_ends_the_delivery_with_its_sums(make: Make, gateway: RunningGateway) -> None:
    app = make()
    delivering.begin(app, CASE)
    send_all(app)
    delivering.settle(app)
    with app.db.read() as tx:
        assert cases.load(tx, CASE).state == "delivering"  # receipts are out
    _deliver_all(app)
    delivering.settle(app)
    delivering.settle(app)
    with app.db.read() as tx:
        case = cases.load(tx, CASE)
    assert case.facts["sums"]["delivered"] == TARGET == case.facts["sums"]["audience"]
    assert case.state != "delivering"
    assert _contacts(app) == TARGET


def _deliver_all(app: Countersign) -> None:
    with app.db.begin() as tx:
        for row in waves.lock_all(tx, [row.id for row in waves.of_case(tx, CASE)]):
            ledger.hand_over(tx, row.id, at=app.now())


def _contacts(app: Countersign) -> int:
    return Dataset(app.settings.data).current().tables["contacts"].rows


def test_without_receipts_the_delivery_ends_when_their_time_is_over(
    make: Make, gateway: RunningGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make()
    delivering.begin(app, CASE)
    send_all(app)
    jump(monkeypatch, tmp_path, 73)
    delivering.settle(app)
    assert states_of(app) == {"unknown": TARGET}
    with app.db.read() as tx:
        assert cases.load(tx, CASE).facts["sums"]["unknown"] == TARGET


def test_a_hand_off_is_one_file_with_its_digest_and_rows(make: Make, gateway: RunningGateway) -> None:
    app = make(delivery="\n  waves: [{name: calls, share: rest, channel: file, chunk: 50}]\n")
    delivering.begin(app, CASE)
    send_all(app)
    delivering.settle(app)
    with app.db.read() as tx:
        (row,) = waves.of_case(tx, CASE)
    file = app.settings.data / row.hand_off
    with file.open(newline="", encoding="utf-8") as text:
        rows = list(csv.DictReader(text))
    stated = json.loads(file.with_name(file.name + ".json").read_text())
    assert len({one["customer"] for one in rows}) == len(rows) == TARGET == stated["rows"]
    assert stated["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert states_of(app) == {"delivered": TARGET}
    assert gateway.messages() == []

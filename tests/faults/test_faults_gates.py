"""Gates and stop rules over the real gateway: what holds a delivery, and a person's word that lets it go on."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.errors import NotPossible
from engine.machine.commands import ResumeDelivery
from engine.service import delivering, running
from engine.service.app import Countersign
from engine.store import cases
from tests.faults.delivering_case import CASE
from tests.faults.sending_case import Make, assert_each_once, gateway, jump, make, send_all, shown
from tests.servers.gateway import RunningGateway

__all__ = ["gateway", "make"]


PILOT_FIRST = """
  waves:
    - {name: pilot, share: 10%, channel: sms, chunk: 50, gate: {metric: complaint_rate, max: 5%, wait: 24h}}
    - {name: main, share: rest, channel: sms, chunk: 50}
  message: {field: message}
"""


def _complain(app: Countersign, count: int) -> None:
    with app.db.begin() as tx:
        sent = tx.execute(sa.text("SELECT customer FROM recipients WHERE state='sent'")).scalars().all()
        for customer in sent[:count]:
            tx.execute(
                sa.text(
                    "INSERT INTO responses (case_id, customer, kind, reference, at)"
                    " VALUES (:case, :customer, 'complaint', :customer, :at)"
                ),
                {"case": CASE, "customer": customer, "at": app.now().isoformat()},
            )


def test_a_gate_waits_and_then_lets_the_next_wave_start(
    make: Make, gateway: RunningGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make(delivery=PILOT_FIRST)
    delivering.begin(app, CASE)
    send_all_of(app, "pilot")
    _complain(app, 1)
    delivering.settle(app)
    assert [(wave.state, wave.audience) for wave in shown(app)] == [("gated", 27), ("planned", 243)]
    jump(monkeypatch, tmp_path, 24.01)
    delivering.settle(app)
    assert [wave.state for wave in shown(app)] == ["done", "running"]
    send_all(app)
    assert_each_once(app, gateway)


def send_all_of(app: Countersign, name: str) -> None:
    """Send one wave and stop at its gate."""
    while any(wave.waiting for wave in shown(app) if wave.name == name):
        delivering.work(app, "test")
    delivering.settle(app)


def test_complaints_shut_the_gate_until_a_person_goes_on(
    make: Make, gateway: RunningGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make(delivery=PILOT_FIRST)
    delivering.begin(app, CASE)
    send_all_of(app, "pilot")
    _complain(app, 3)
    jump(monkeypatch, tmp_path, 25)
    delivering.settle(app)
    delivering.settle(app)
    pilot, main = shown(app)
    assert pilot.held_because == "gate: complaint_rate 11.11% > 5%" and main.state == "planned"
    with app.db.read() as tx:
        assert cases.load(tx, CASE).state == "paused"
    delivering.release_gate(app, CASE, by="li")
    with app.db.read() as tx:
        assert cases.load(tx, CASE).state == "delivering"
    delivering.hold(app, CASE, "resume")
    send_all(app)
    assert_each_once(app, gateway)
    with pytest.raises(NotPossible):
        delivering.release_gate(app, CASE, by="li")


def test_a_stop_rule_holds_the_delivery_and_a_person_may_overrule_it(make: Make, gateway: RunningGateway) -> None:
    app = make(
        delivery="\n  waves: [{name: w, share: rest, channel: sms, chunk: 50}]\n  message: {field: message}\n"
        '  prices: {sms: "0.05"}\n  stop_when: "m.spent >= 2"\n'
    )
    delivering.begin(app, CASE)
    for _ in range(8):
        delivering.work(app, "test", limit=1)
    with app.db.read() as tx:
        assert cases.load(tx, CASE).state == "paused"
    assert len(gateway.messages()) == 50
    delivering.hold(app, CASE, "pause")
    assert shown(app)[0].held_because == "stop: m.spent >= 2 where m.spent 2.50 >= 2"
    running.carry_out(app, CASE, ResumeDelivery(actor="li"), key="r")
    delivering.hold(app, CASE, "resume")
    send_all(app)
    assert_each_once(app, gateway)

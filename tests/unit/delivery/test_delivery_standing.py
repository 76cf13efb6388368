"""Figures for gates and stop rules."""

from decimal import Decimal

from engine.delivery.plan import METRICS, Gate
from engine.delivery.signature import is_signed, sign
from engine.delivery.standing import Standing, closed_because

GATE = Gate.model_validate({"metric": "complaint_rate", "max": "0.2%", "wait": "24h"})


def _standing(sent: int, complaints: int) -> Standing:
    return Standing(sent, sent, sent, 0, complaints, 0, Decimal("1.50"))


def test_a_gate_opens_at_its_limit_and_not_above() -> None:
    assert closed_because(GATE, _standing(1000, 2)) == ""
    assert closed_because(GATE, _standing(1000, 3)) == "complaint_rate 0.3% > 0.2%"


def test_with_nothing_sent_every_rate_is_zero() -> None:
    assert _standing(0, 0).metric("complaint_rate") == 0
    assert set(_standing(0, 0).metrics()) == set(METRICS)


def test_a_signature_holds_for_its_bytes_and_key_alone() -> None:
    signature = sign(b"body", "key")
    assert is_signed(b"body", signature, "key")
    assert not is_signed(b"Body", signature, "key")
    assert not is_signed(b"body", signature, "kez")
    assert not is_signed(b"body", "", "key")
    assert not is_signed(b"body", "sha256=é", "key")
    assert not is_signed(b"body", sign(b"body", ""), "")

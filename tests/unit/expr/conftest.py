"""A form, params and customers as the telecom case has them."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from engine.expr import Scope
from engine.expr.types import BOOL, DATE, DECIMAL, INT, TEXT, TIMESTAMP, List, Record

FORM = Record(
    {
        "budget": DECIMAL,
        "reach": INT,
        "discount": DECIMAL,
        "channels": List(TEXT),
        "title": TEXT,
        "goal": TEXT,
        "window": Record({"from": DATE, "to": DATE}, "daterange"),
    },
    "form",
    frozenset({"goal"}),
)
CUSTOMER = Record(
    {
        "arpu": DECIMAL,
        "tenure_months": INT,
        "city": TEXT,
        "joined": DATE,
        "is_5g": BOOL,
        "tags": List(TEXT),
        "seen": TIMESTAMP,
    },
    "customer",
)


@pytest.fixture
def scope() -> Scope:
    return Scope({"form": FORM, "params": Record({"limit": DECIMAL}, "params"), "c": CUSTOMER})


@pytest.fixture
def values() -> dict[str, Any]:
    return {
        "form": {
            "budget": Decimal("80000.00"),
            "reach": 9000,
            "discount": Decimal("0.9"),
            "channels": ["sms", "hall"],
            "title": "国庆营销案",
            "window": {"from": date(2026, 10, 1), "to": date(2026, 10, 31)},
        },
        "params": {"limit": Decimal("50000.00")},
    }

"""The control group: a stable hash below a threshold."""

import hashlib
from decimal import Decimal

from engine.audience.grouping import EVERYBODY, NOBODY, threshold_in, threshold_of
from engine.audience.plan import Control


def test_a_threshold_is_the_share_of_all_draws() -> None:
    assert threshold_of(Decimal("0.5")) == "80000000"
    assert threshold_of(Decimal("0.1")) == "1999999a"
    assert threshold_of(Decimal(0)) == "00000000"


def test_the_ends_of_the_share_take_nobody_and_everybody() -> None:
    draws = [hashlib.md5(f"salt:{n}".encode()).hexdigest()[:8] for n in range(1000)]
    assert not any(draw < threshold_of(Decimal(0)) for draw in draws)
    assert all(draw < threshold_of(Decimal(1)) for draw in draws)
    assert threshold_of(Decimal(1)) == EVERYBODY


def test_a_plan_without_a_control_group_draws_nobody() -> None:
    assert threshold_in(None) == NOBODY
    assert threshold_in(Control(assigned="c.arm == 'none'")) == "8"

"""The loop inside a flow run: how long it goes on, what ends it, what it survives."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.settings import Settings
from flows.rounds import Pace, repeat, stop_file

FIRED = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(("late", "left"), [(0, 299.5), (2, 297.5), (299, 0.5), (300, 299.5), (640, 259.5)])
def test_a_run_lasts_until_just_before_the_next_one_however_late_it_started(late: int, left: float) -> None:
    pace = Pace.of(Settings(run_seconds=300), scheduled=FIRED, now=FIRED + timedelta(seconds=late))
    assert pace.seconds == left


def test_rounds_follow_without_rest_while_there_is_work_and_their_sum_is_told(tmp_path: Path) -> None:
    left = [3, 2, 1]
    begin = time.monotonic()
    assert repeat(lambda: left.pop(0) if left else 0, Pace(seconds=0.6, rest=60, stop=tmp_path / "stop")) == 6
    assert 0.5 < time.monotonic() - begin < 5


def test_a_request_to_stop_ends_the_rest_at_once(tmp_path: Path) -> None:
    pace = Pace(seconds=60, rest=60, stop=stop_file(Settings(home=tmp_path)))
    rounds = []

    def work() -> int:
        rounds.append(1)
        pace.stop.touch()
        return 0

    begin = time.monotonic()
    repeat(work, pace)
    assert len(rounds) == 1
    assert time.monotonic() - begin < 5


def test_a_failed_round_is_tried_again_and_does_not_end_the_loop(tmp_path: Path) -> None:
    outcomes: list[Exception | int] = [OSError("the database is away"), 5]

    def work() -> int:
        outcome = outcomes.pop(0) if outcomes else 0
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    assert repeat(work, Pace(seconds=0.5, rest=0.05, stop=tmp_path / "stop")) == 5


def test_a_run_whose_last_round_failed_fails_so_that_operators_see_it(tmp_path: Path) -> None:
    def work() -> int:
        raise OSError("the database is away")

    with pytest.raises(OSError, match="away"):
        repeat(work, Pace(seconds=0.1, rest=0.05, stop=tmp_path / "stop"))

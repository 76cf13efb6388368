"""Variants of a text against each other: a winner only where it is surely better than every other."""

import numpy as np
import pytest

from engine.evaluation.power import detectable_among
from engine.evaluation.variants import Part, compare_variants

TRIES = 1000


def parts(*did: int, of: int = 500) -> dict[str, Part]:
    return {name: Part(of, of, count) for name, count in zip("abcd", did, strict=False)}


def test_a_true_difference_finds_its_winner_and_a_small_one_does_not() -> None:
    clear = compare_variants(parts(15, 60), 0.95)
    assert (clear.verdict, clear.winner) == ("winner", "b")
    (pair,) = clear.pairs
    assert pair.low < pair.difference < pair.high < 0
    assert pair.better(0.95) == "b"
    close = compare_variants(parts(16, 13), 0.95)
    assert (close.verdict, close.winner) == ("no_difference", "")
    assert close.detectable == pytest.approx(0.038, abs=0.004)


def test_newcombes_interval_is_that_of_the_paper() -> None:
    """Newcombe 1998 (Statistics in Medicine 17), table II (a), method 10: 56/70 - 48/80."""
    found = compare_variants({"a": Part(70, 75, 56), "b": Part(80, 75, 48)}, 0.95).pairs[0]
    assert (round(found.low, 4), round(found.high, 4)) == (0.0524, 0.3339)


def test_the_best_of_three_must_beat_each_of_the_others() -> None:
    found = compare_variants(parts(20, 60, 62), 0.95)
    assert (found.verdict, found.winner, len(found.pairs)) == ("no_difference", "", 3)
    assert all(pair.p_adjusted >= pair.p for pair in found.pairs)
    assert compare_variants(parts(20, 22, 62), 0.95).winner == "c"


def test_a_split_that_is_no_chance_gives_no_verdict() -> None:
    uneven = {"a": Part(500, 500, 10), "b": Part(500, 380, 90)}
    found = compare_variants(uneven, 0.95)
    assert (found.verdict, found.winner) == ("sample_ratio", "")
    assert found.ratio_p is not None
    assert found.ratio_p < 0.01


@pytest.mark.parametrize("some", [{}, {"a": 0, "b": 0}])
def test_nobody_there_is_no_difference(some: dict[str, int]) -> None:
    found = compare_variants({name: Part(0, 0, 0) for name in some or {"a": 0, "b": 0}}, 0.95)
    assert (found.verdict, found.winner, found.pairs, found.detectable) == ("no_difference", "", (), None)


@pytest.mark.parametrize(("variants", "size", "rate"), [(2, 400, 0.05), (4, 400, 0.05), (2, 60, 0.03)])
def test_the_same_text_under_two_names_wins_no_oftener_than_was_said(variants: int, size: int, rate: float) -> None:
    """1,000 A/A tests: at most 5 false winners in a hundred, and three deviations of noise (sqrt(.05 .95 / 1000))."""
    chance = np.random.default_rng(20080320)
    false = 0
    for _ in range(TRIES):
        did = chance.binomial(size, rate, variants).tolist()
        false += compare_variants(parts(*did, of=size), 0.95).winner != ""
    assert false <= (0.05 + 3 * 0.0069) * TRIES, false


def test_more_variants_and_more_confidence_need_a_larger_difference() -> None:
    two, four = detectable_among(0.02, [500] * 2, 0.95), detectable_among(0.02, [500] * 4, 0.95)
    surer = detectable_among(0.02, [500] * 2, 0.99)
    assert two is not None
    assert four is not None
    assert surer is not None
    assert two < surer
    assert two < four
    assert detectable_among(0.02, [1, 1], 0.95) is None

"""The forecast of answers: how often its interval holds the truth, and when it declines."""

from collections.abc import Callable

import numpy as np
import pytest

from engine.evaluation.forecast import Forecast, Spell, forecast

END = 37 * 24.0
Delays = Callable[[np.random.Generator, int], "np.ndarray[tuple[int], np.dtype[np.float64]]"]
CURVES: dict[str, Delays] = {
    "steady decline": lambda chance, n: chance.exponential(96, n),
    "quick, then a long tail": lambda chance, n: 120 * chance.weibull(0.6, n),
    "lognormal": lambda chance, n: chance.lognormal(np.log(60), 1.2, n),
    "slow": lambda chance, n: chance.exponential(400, n),
    "with a hump": lambda chance, n: chance.gamma(2, 60, n),
}


def campaign(chance: np.random.Generator, delays: Delays, n: int, now: float) -> tuple[list[Spell], list[int], int]:
    """A pilot of 5%, the rest a day later, 3% who answer; what would come at night comes in the morning."""
    pilot = n // 20
    contacted = np.concatenate([np.zeros(pilot), np.full(n - pilot, 26.0)])
    at = (contacted + delays(chance, n))[chance.random(n) < 0.03]
    hour = at % 24
    at = np.where(hour < 8, at - hour + 8 + chance.random(len(at)) * 2, at)
    counts = np.histogram(at[at < now], bins=np.linspace(0, now, round(now // 24) + 1))[0]
    spells = [Spell(0.0, 0.3, pilot), Spell(26.0, 27.0, n - pilot)]
    return spells, [int(one) for one in counts], int((at < END).sum())


@pytest.mark.parametrize("curve", CURVES)
def test_the_interval_holds_what_came_in_at_least_nine_of_ten_campaigns(curve: str) -> None:
    chance, hits, given = np.random.default_rng(20), 0, 0
    for n in (4_000, 20_000, 100_000):
        for _ in range(40):
            spells, counts, came = campaign(chance, CURVES[curve], n, 15 * 24.0)
            found = forecast(spells, counts, now=15 * 24.0, end=END)
            if found.low is not None and found.high is not None:
                given += 1
                hits += found.low <= came <= found.high
    assert given >= 80, "so many campaigns could be forecast"
    assert hits / given >= 0.9


def test_it_knows_more_the_more_of_the_window_has_passed() -> None:
    widths = []
    for day in (8, 15, 30):
        spells, counts, _ = campaign(np.random.default_rng(3), CURVES["steady decline"], 100_000, day * 24.0)
        found = forecast(spells, counts, now=day * 24.0, end=END)
        assert found.low is not None and found.high is not None
        widths.append(found.high - found.low)
    assert widths == sorted(widths, reverse=True)


def test_the_same_figures_give_the_same_answer() -> None:
    spells, counts, _ = campaign(np.random.default_rng(4), CURVES["lognormal"], 20_000, 360.0)
    assert forecast(spells, counts, now=360.0, end=END) == forecast(spells, counts, now=360.0, end=END)


def test_it_declines_while_it_is_too_early_and_says_why() -> None:
    spells = [Spell(0.0, 1.0, 1_000)]
    assert forecast(spells, [4, 3, 2], now=240.0, end=END) == Forecast("too_few")
    assert forecast(spells, [40, 30, 20], now=72.0, end=END) == Forecast("too_early")
    assert forecast(spells, [90, 0], now=240.0, end=END) == Forecast("too_early")
    assert forecast([Spell(0.0, 1.0, 100_000)], [5] * 6, now=144.0, end=END) == Forecast("too_wide")
    assert forecast([Spell(200.0, 201.0, 1_000)], [30, 30, 30], now=190.0, end=END).expected is None


def test_when_the_window_is_over_it_is_what_came() -> None:
    assert forecast([Spell(0.0, 1.0, 90)], [20, 5], now=END, end=END) == Forecast("over", 25, 25, 25)


def test_never_more_than_were_contacted_nor_fewer_than_came() -> None:
    found = forecast([Spell(0.0, 1.0, 120)], [12] * 10, now=240.0, end=END)
    assert found == Forecast("delay", 120, 120, 120)

"""The smallest rise that two groups can show."""

import pytest
from statsmodels.stats.proportion import power_proportions_2indep

from engine.evaluation.power import detectable_rise


@pytest.mark.parametrize(
    ("base", "n", "n_control"), [(0.02, 54_000, 6_000), (0.1, 900, 100), (0.3, 5_000, 5_000), (0.001, 90_000, 300)]
)
def test_a_test_of_the_rise_has_the_power_that_was_asked_for(base: float, n: int, n_control: int) -> None:
    rise = detectable_rise(base, n, n_control)
    assert rise is not None
    power = power_proportions_2indep(rise, base, n, ratio=n_control / n, alpha=0.05).power
    assert power == pytest.approx(0.8, abs=0.03)


def test_larger_groups_see_smaller_rises() -> None:
    rises = [detectable_rise(0.02, 9 * n, n) for n in (100, 1_000, 10_000)]
    assert rises == sorted(rises, reverse=True) and len(set(rises)) == 3  # type: ignore[type-var]


def test_groups_too_small_to_see_anything_and_rates_without_more_are_not_guessed_at() -> None:
    assert detectable_rise(0.9, 3, 2) is None
    assert detectable_rise(0.02, 0, 10) is None
    with pytest.raises(ValueError, match="nothing above"):
        detectable_rise(1.0, 10, 10)


def test_a_known_case() -> None:
    # Fleiss, Levin and Paik 2003, table A.4: 0.6 against 0.5 at power 0.8 needs 387 in each group without correction
    assert detectable_rise(0.5, 387, 387) == pytest.approx(0.1, abs=0.0006)

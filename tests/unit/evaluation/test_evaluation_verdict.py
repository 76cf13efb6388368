"""The verdict says what the figures allow, and no more; money is exact."""

from decimal import Decimal

import numpy as np
import pytest

from engine.evaluation.groups import Group, Sample
from engine.evaluation.money import cost_of, money
from engine.evaluation.report import Compared, Question, compare_all
from engine.evaluation.uplift import Lift, Ratio, compare_rates
from engine.evaluation.verdict import Reached, judge

LARGE = (10_000, 10_000)
FINE, BROKEN = Ratio(0.2, 0.9), Ratio(30.0, 0.00001)


def lift(treated: int, control: int, n: int = 10_000) -> Lift:
    found = compare_rates(Sample.counted(n, treated), Sample.counted(n, control))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("found", "profit", "verdict"),
    [
        (lift(500, 300), Decimal(100), "works"),
        (lift(500, 300), None, "works"),
        (lift(500, 300), Decimal(-1), "loses_money"),
        (lift(300, 500), Decimal(100), "harms"),
        (lift(300, 305), Decimal(-50), "no_difference"),
        (lift(3, 1), None, "too_early"),
        (None, None, "too_early"),
    ],
)
def test_each_verdict_follows_from_its_figures(found: Lift | None, profit: Decimal | None, verdict: str) -> None:
    assert judge(lift=found, sizes=LARGE, ratio=FINE, profit=profit).verdict == verdict


def test_without_a_control_group_there_is_no_verdict_on_the_effect() -> None:
    assert judge(lift=None, sizes=(10_000, 0), ratio=BROKEN, profit=Decimal(9)).verdict == "no_control"


def test_a_broken_split_stands_above_every_figure() -> None:
    assert judge(lift=lift(500, 300), sizes=LARGE, ratio=BROKEN, profit=Decimal(9)).verdict == "sample_ratio"


def test_what_could_make_it_wrong_is_said() -> None:
    few = judge(lift=lift(12, 2, n=200), sizes=(200, 200), ratio=None, profit=Decimal(5), profit_low=Decimal(-5))
    assert few.warnings == ("few_outcomes", "small_control", "profit_uncertain")
    by_chance = lift(360, 300)
    assert judge(lift=by_chance, sizes=LARGE, ratio=None, profit=None, p_adjusted=0.2).warnings == ("many_comparisons",)
    assert judge(lift=by_chance, sizes=LARGE, ratio=None, profit=None, p_adjusted=by_chance.p).warnings == ()


def test_a_control_group_that_was_messaged_is_said_and_above_the_declared_share_nothing_else() -> None:
    def judged(reached: Reached) -> tuple[str, tuple[str, ...]]:
        found = judge(lift=lift(500, 300), sizes=LARGE, ratio=FINE, profit=None, reached=reached)
        return found.verdict, found.warnings

    assert judged(Reached(0, at_most=0.05)) == ("works", ())
    assert judged(Reached(900)) == ("works", ("contaminated_control",))
    assert judged(Reached(500, at_most=0.05)) == ("works", ("contaminated_control",))
    assert judged(Reached(501, at_most=0.05)) == ("contaminated", ("contaminated_control",))


def test_a_control_group_of_three_gives_no_verdict() -> None:
    found = compare_rates(Sample.counted(5_000, 900), Sample.counted(3, 0))
    assert judge(lift=found, sizes=(5_000, 3), ratio=None, profit=None).verdict == "too_small"
    assert judge(lift=found, sizes=(29, 5_000), ratio=None, profit=None).verdict == "too_small"


def test_cost_is_exact_and_unpriced_channels_cost_nothing() -> None:
    assert cost_of({"sms": 3, "file": 10}, {"sms": Decimal("0.035")}) == Decimal("0.10")
    assert cost_of({}, {}) == 0


def test_profit_is_what_the_case_made_more_minus_its_cost() -> None:
    found = money(n=1000, cost=Decimal("50.00"), revenue=Decimal(900), lift_per_customer=0.3, interval=(0.1, 0.5))
    assert (found.incremental, found.profit, found.roi) == (Decimal("300.00"), Decimal("250.00"), 5.0)
    assert (found.profit_low, found.profit_high) == (Decimal("50.00"), Decimal("450.00"))
    assert found.break_even == Decimal("0.050000")


def test_revenue_without_a_control_group_is_no_profit() -> None:
    found = money(n=10, cost=Decimal(5), revenue=Decimal(900), lift_per_customer=None)
    assert (found.revenue, found.incremental, found.profit, found.roi) == (Decimal(900), None, None, None)


def test_a_case_that_cost_nothing_has_no_return_on_investment() -> None:
    assert money(n=0, cost=Decimal(), revenue=None, lift_per_customer=0.5).roi is None
    assert money(n=0, cost=Decimal(), revenue=None, lift_per_customer=0.5).break_even is None


def compared(*sizes: tuple[int, int]) -> tuple[Compared, ...]:
    control = Group(10_000, {"visit": Sample.counted(10_000, 300)}, Sample.counted(10_000, 300))
    groups = {
        f"arm {n}": (Group(size, {"visit": Sample.counted(size, hits)}, Sample.counted(size, hits)), control)
        for n, (size, hits) in enumerate(sizes)
    }
    return compare_all(Question({"visit": "rate"}), groups, costs={"arm 0": Decimal(10)}, ratio=FINE)


def test_one_lucky_arm_among_many_is_flagged() -> None:
    alone, *_ = compared((10_000, 352))
    among, *others = compared((10_000, 352), *[(10_000, 300)] * 9)
    assert (alone.judged.verdict, among.judged.verdict) == ("works", "no_difference")
    assert "many_comparisons" not in alone.judged.warnings
    assert "many_comparisons" in among.judged.warnings
    assert {other.judged.verdict for other in others} == {"no_difference"}


def test_an_arm_carries_its_own_cost() -> None:
    first, second = compared((10_000, 400), (10_000, 400))
    assert (first.money.profit, second.money.profit) == (Decimal("90.00"), Decimal("100.00"))


def test_an_empty_control_group_is_none() -> None:
    nobody = Group(0, {"visit": Sample.counted(0, 0)})
    group = Group(50, {"visit": Sample.counted(50, 20)})
    (found,) = compare_all(Question({"visit": "rate"}), {"a": (group, nobody)}, costs={}, ratio=None)
    assert found.judged.verdict == "no_control"
    assert found.lifts == {"visit": None}


def test_all_outcomes_of_all_groups_are_one_family() -> None:
    """p-values of two arms and all together in two outcomes: six hypotheses, corrected by the rule written out here."""
    chance = np.random.default_rng(3)

    def group(n: int, rate: float) -> Group:
        spend = Sample.of(chance.gamma(2, 5 * (1 + rate), n))
        return Group(n, {"visit": Sample.counted(n, round(n * rate)), "spend": spend})

    arms, control = {"a": group(2_000, 0.062), "b": group(2_000, 0.055)}, group(2_000, 0.05)
    groups = {name: (arm, control) for name, arm in {**arms, "all": arms["a"] + arms["b"]}.items()}
    question = Question({"visit": "rate", "spend": "mean"}, declared="all")
    found = compare_all(question, groups, costs={}, ratio=FINE)
    raw = {(one.name, of): lift.p for one in found for of, lift in one.lifts.items() if lift is not None}
    assert len(raw) == 6
    least, expected = 0.0, {}
    for rank, (place, p) in enumerate(sorted(raw.items(), key=lambda item: item[1])):
        least = max(least, min(1.0, p * (6 - rank)))
        expected[place] = least
    assert {(one.name, of): p for one in found for of, p in one.holm.items()} == pytest.approx(expected)


def test_the_declared_question_goes_by_its_own_p_and_every_other_by_the_corrected_one() -> None:
    control = Group(10_000, {"visit": Sample.counted(10_000, 300)})
    lucky = Group(10_000, {"visit": Sample.counted(10_000, 352)})
    others = {f"arm {n}": (control, control) for n in range(9)}
    groups = {"lucky": (lucky, control), **others, "all": (lucky, control)}
    found = {
        one.name: one.judged
        for one in compare_all(Question({"visit": "rate"}, declared="all"), groups, costs={}, ratio=FINE)
    }
    assert (found["lucky"].verdict, found["all"].verdict) == ("no_difference", "works")
    assert "many_comparisons" in found["lucky"].warnings and "many_comparisons" in found["all"].warnings

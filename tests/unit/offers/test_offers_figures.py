"""Break-even figures by hand, and bands that fit together."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.offers.figures import LAST_BAND, band_of, break_even_take_up, further_customers, mean, share_of_losers
from engine.offers.rehearsal import statement
from engine.offers.terms import FIELDS, Tariff, kept_terms, read_terms


def test_losers_make_up_for_winners_as_far_as_they_can() -> None:
    assert share_of_losers(-100_00, 400_00) == Decimal("0.25")
    assert share_of_losers(-400_00, 400_00) == 1
    assert share_of_losers(-400_01, 400_00) is None
    assert share_of_losers(-1, 0) is None
    assert share_of_losers(0, 400_00) == 0


def test_a_fixed_cost_is_earned_back_by_a_share_of_all_or_by_nobody() -> None:
    assert break_even_take_up(Decimal(600), 100_00, 12) == Decimal("0.5")
    assert break_even_take_up(Decimal(1200), 100_00, 12) == 1
    assert break_even_take_up(Decimal("1200.01"), 100_00, 12) is None
    assert break_even_take_up(Decimal(1), -100_00, 12) is None
    assert break_even_take_up(Decimal(0), 100_00, 12) == 0


def test_lower_bills_are_made_up_for_by_new_customers_while_something_is_left_of_them() -> None:
    assert further_customers(100_00, -20_00, Decimal("0.4")) == 1  # 20 / (40 - 20)
    assert further_customers(100_00, -10_00, Decimal("0.6")) == Decimal("0.2")
    assert further_customers(100_00, -40_00, Decimal("0.4")) is None
    assert further_customers(100_00, 5_00, Decimal("0.4")) is None


def test_a_mean_is_rounded_half_up_to_the_fen_and_none_of_nobody() -> None:
    assert [mean(1, 2), mean(-1, 2), mean(10, 3), mean(0, 0)] == [
        Decimal("0.01"),
        Decimal("-0.01"),
        Decimal("0.03"),
        None,
    ]


@given(st.integers(-20_000, 20_000))
def test_bands_are_symmetric_and_grow_with_the_change(change: int) -> None:
    assert band_of(-change) == -band_of(change)
    assert abs(band_of(change)) <= LAST_BAND
    assert band_of(change) <= band_of(change + 1)
    assert (band_of(change) == 0) == (change == 0)


terms = st.fixed_dictionaries(
    {
        "name_zh": st.sampled_from(["套餐", "畅享 59"]),
        "kind": st.just("tariff"),
        "monthly_fee": st.decimals(0, 999, places=2).map(str),
        "data_gb": st.one_of(st.just(""), st.decimals(0, 999, places=4).map(str)),
        "voice_price": st.one_of(st.just(""), st.decimals(0, 9, places=4).map(str)),
        "tags": st.sampled_from(["", "a, b", "a；b、a"]),
        "contract_months": st.sampled_from(["", "0", "12"]),
    }
)


@given(terms)
def test_terms_are_read_again_as_they_were_written(typed: dict[str, str]) -> None:
    read, problems = read_terms("code-1", typed)
    assert read is not None and problems == ()
    written = read.written()
    assert set(written) == set(FIELDS)
    assert kept_terms(written) == read
    assert kept_terms(written).written() == written


@pytest.mark.parametrize("price", [None, Decimal(0)])
def test_what_is_not_charged_for_need_not_be_known(price: Decimal | None) -> None:
    text = statement(Tariff(Decimal(10), voice_price=price, data_price=Decimal(1)), ("2026-10",), target="SELECT 1")
    assert "voice_minutes" not in text and "data_gb IS NOT NULL" in text

"""What the charts draw adds up to what the tables say."""

import itertools
from dataclasses import replace

import pytest

from api import charts
from tests.api.view_samples import MEASURED, WATERFALL, WAVES


def test_the_waterfall_steps_down_without_gap_or_overlap():
    bars = charts.waterfall(WATERFALL)
    edge = 100.0
    for bar in bars[1:-1]:
        assert bar.bar.start + bar.bar.width <= edge + 0.6
        edge = min(edge, bar.bar.start + 1e-3)
    assert bars[-1].bar.width == pytest.approx(9036 / 14820 * 100, abs=0.01)
    assert bars[0].shown + sum(bar.shown for bar in bars[1:-1]) == bars[-1].shown


def test_an_empty_waterfall_draws_nothing_and_divides_by_nothing():
    assert charts.waterfall(()) == ()


@pytest.mark.parametrize("wave", WAVES, ids=lambda wave: wave.name)
def test_the_buckets_of_a_wave_fill_its_bar(wave):
    bars = charts.buckets(wave)
    assert sum(bar.width for bar in bars) == pytest.approx(100, abs=0.01)
    for before, after in itertools.pairwise(bars):
        assert after.start == pytest.approx(before.start + before.width, abs=0.01)


def test_rates_and_means_do_not_share_an_axis():
    assert [(panel.metric, panel.is_rate) for panel in charts.panels(MEASURED.uplift)] == [
        ("conversion", True),
        ("revenue", False),
    ]


def test_the_source_fills_the_waterfall_however_many_customers_there_are():
    source = replace(WATERFALL[0], entered=200_000)
    assert charts.waterfall((source, *WATERFALL[1:]))[0].bar.width == 100

"""Kinds of metrics: what becomes of numerator and denominator, and the statement that asks for them."""

from decimal import Decimal

import pytest
from statsmodels.stats.proportion import proportion_confint

from engine.definition.catalogue import figures
from engine.evaluation.figures import wilson
from engine.evaluation.statements import SEEN_CASES, Asked, statement


@pytest.mark.parametrize(("part", "whole"), [(0, 10), (1, 3), (500, 1000), (9_036, 14_820), (10, 10)])
def test_the_interval_of_a_rate_is_wilsons(part: int, whole: int) -> None:
    low, high = proportion_confint(part, whole, alpha=0.05, method="wilson")
    assert wilson(part, whole) == pytest.approx((low, high), abs=1e-12)


def test_a_rate_of_nothing_has_no_value() -> None:
    rate = figures().metrics["delivery_rate"]
    assert rate.value(Decimal(0), Decimal(0)) is None
    assert rate.interval(Decimal(0), Decimal(0)) is None
    assert rate.value(Decimal(3), Decimal(4)) == 0.75


def test_every_statement_is_over_visible_cases_alone() -> None:
    assert SEEN_CASES.endswith("WHERE k.case_id IN (SELECT case_id FROM seen)")
    known = figures()
    for name in known.metrics:
        for by in known.dimensions_of(name):
            sql = statement(known, Asked(metrics=(name,), by=(by,), where={by: ("1", "2")}, since="2026-01-01")).sql
            assert sql.startswith("WITH c AS (SELECT * FROM seen_case)")
            assert "FROM c" in sql or "JOIN c ON c.case_id = f.case_id" in sql


def test_values_of_filters_never_stand_in_the_statement() -> None:
    asked = Asked(metrics=("sent",), by=("month",), where={"office": ("x' OR 1=1 --",)}, until="2026-02-01")
    made = statement(figures(), asked)
    assert "OR 1=1" not in made.sql
    assert made.values == ("x' OR 1=1 --", "2026-02-01")

"""Why a case took its chain, as readers of both languages are told."""

from decimal import Decimal

import pytest

from api.reasons import spoken
from api.spoken_source import in_words
from engine.expr import Scope, compile_expression
from engine.expr.types import DECIMAL, INT, Record
from tests.api.test_api_formats import formats
from tests.api.view_samples import FIELDS


@pytest.mark.parametrize(
    ("recorded", "zh", "en"),
    [
        (
            "form.budget 86000.00 > params.city_budget 50000.00: true",
            "预算 ¥86,000 > ¥50,000",
            "Budget ¥86,000 > ¥50,000",
        ),
        ("form.reach 9000 > 200000: false", "目标客户数 9,000 ≤ 200,000", "Target customers 9,000 ≤ 200,000"),
        ("params.low 0.70 > form.discount 0.65: true", "0.7 > 折扣 0.65", "0.7 > Discount 0.65"),
        ("call in form.channels [sms, hall]: false", "渠道不含call", "Channels without call"),
        ("hall in form.channels [sms, hall]: true", "渠道包含营业厅", "Channels with Business hall"),
        ("city_register: objection", "报备被提出异议", "An objection to the filing"),
    ],
)
def test_a_comparison_speaks_with_labels_and_units(recorded: str, zh: str, en: str) -> None:
    assert spoken(recorded, FIELDS, formats("zh")) == zh
    assert spoken(recorded, FIELDS, formats("en")) == en


@pytest.mark.parametrize(
    "recorded",
    [
        "budget 48,000 > 5,000: true",
        "form.colour red == blue: true",
        "form.window.to - form.window.from 366 > 30: true",
        "size(form.channels) 2 > 1: true",
        "",
    ],
)
def test_what_is_not_known_is_shown_as_it_was_recorded(recorded: str) -> None:
    assert spoken(recorded, FIELDS, formats("en")) == recorded


def test_a_condition_that_could_not_be_worked_out_says_so() -> None:
    recorded = "form.budget (empty) > params.city_budget 50000.00: unknown"
    assert spoken(recorded, FIELDS, formats("en")) == "Budget > params.city_budget 50000.00 cannot be worked out"
    assert spoken(recorded, FIELDS, formats("zh")).endswith("> params.city_budget 50000.00 无法计算")


def test_what_the_expression_language_explains_is_understood() -> None:
    scope = Scope(
        {"form": Record({"budget": DECIMAL, "reach": INT}, "form"), "params": Record({"most": INT}, "params")}
    )
    rule = compile_expression(
        "form.reach > params.most || form.budget >= decimal('5000') || form.reach in [1, 2]", scope
    )
    values = {"form": {"budget": Decimal("4000.00"), "reach": 9000}, "params": {"most": 20000}}
    assert [spoken(str(reason), FIELDS, formats("en")) for reason in rule.explain(values).reasons] == [
        "Target customers 9,000 ≤ 20,000",
        "Budget ¥4,000 < ¥5,000",
        "Target customers 9,000 is none of 1, 2",
    ]


def test_a_rule_over_customers_is_told_with_labels_and_units_or_not_at_all():
    assert in_words("c.arpu >= 38 && c.in_arrears", formats("zh")) == "月均消费不低于 38 元，且欠费：是"
    assert in_words("c.arpu >= 38", formats("en")) == "Average monthly spending at least 38 CNY"
    assert in_words("c.age + 1 > 20", formats("en")) == in_words("c.arpu >", formats("en")) == ""

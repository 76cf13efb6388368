"""The verdict as a sentence, with its numbers, in both languages."""

from dataclasses import replace
from decimal import Decimal
from typing import get_args

import pytest

from engine.evaluation.sentence import Difference, Finding, Verdict, sentence

BOUGHT = Difference("rate", 4_950, 550, 0.031, 0.024, 0.007, 0.002, 0.012, 0.019)
FOUND = Finding("works", "conversion", BOUGHT, 4_950, 550)


def test_works_says_of_how_many_how_much_and_between_what() -> None:
    said = sentence(FOUND)
    assert said.en == (
        "Works: conversion: 3.10% of 4,950 target customers, 2.40% of 550 in the control group;"
        " +0.70 points, 95% interval from 0.20 to 1.20."
    )
    assert said.zh == (
        "有效：转化：4,950 户目标客户中 3.10%，550 户对照中 2.40%；相差 +0.70 个百分点，95% 区间 0.20 至 1.20。"
    )


def test_money_is_said_where_it_is_known() -> None:
    paid = replace(FOUND, verdict="loses_money", cost=Decimal(900), profit=Decimal("-120.5"), currency="¥")
    assert "Works, but loses money:" in sentence(paid).en
    assert "It cost ¥900.00; incremental profit −¥120.50." in sentence(paid).en
    between = replace(paid, profit_low=Decimal(-300), profit_high=Decimal(50))
    assert "成本 ¥900.00，增量利润 −¥120.50（−¥300.00 至 ¥50.00）。" in sentence(between).zh


def test_what_cannot_be_told_from_zero_says_what_could_have_been_seen() -> None:
    said = sentence(replace(FOUND, verdict="no_difference"))
    assert said.en.endswith("Groups of this size show a difference of 1.90 points four times in five.")
    assert said.zh.startswith("与零无法区分：")


def test_a_mean_is_said_per_customer() -> None:
    spend = Difference("mean", 100, 90, 1_422.61, 0.65, -0.0004, -0.5, 0.2, None)
    said = sentence(Finding("harms", "spend", spend, 100, 90))
    assert "spend: 1,422.61 per customer of 100 target customers" in said.en
    assert "−0.00040 per customer, 95% interval from −0.50 to 0.20." in said.en


@pytest.mark.parametrize(
    ("found", "en", "zh"),
    [
        (Finding("no_control", "visit", None, 9, 0), "there is no control group", "没有对照组"),
        (replace(FOUND, verdict="sample_ratio", ratio_p=0.00001), "planned sizes (p 1e-05)", "与计划不符（p 1e-05）"),
        (
            replace(FOUND, verdict="contaminated", reached=55, reached_at_most=0.05),
            "55 of 550 control customers (10.0%) were messaged; at most 5% may be",
            "有 55 户（10.0%）收到了消息，最多允许 5%",
        ),
        (
            Finding("too_small", "visit", None, 5_000, 3),
            "3 in the control group; each group needs at least 30",
            "对照 3 户",
        ),
        (
            Finding("too_early", "visit", Difference("rate", 500, 500, 0.008, 0, 0.008, 0, 0.1, None), 500, 500),
            "too few outcomes yet: 4 of visit in both groups",
            "两组合计 4 个到访",
        ),
        (Finding("not_sent", "visit", None, 500, 500), "no message left for any of the 500", "一条消息也没收到"),
        (Finding("too_early", "visit", None, 500, 500), "nothing to compare in visit yet", "尚无可比的结果"),
    ],
)
def test_what_cannot_be_judged_says_because_of_what(found: Finding, en: str, zh: str) -> None:
    said = sentence(found)
    assert said.en.startswith("Cannot be judged because ") and en in said.en
    assert said.zh.startswith("无法判断，因为") and zh in said.zh


@pytest.mark.parametrize("verdict", get_args(Verdict))
def test_every_verdict_has_a_sentence_even_without_figures(verdict: Verdict) -> None:
    said = sentence(Finding(verdict, "visit", None, 100, 100, reached=3))
    assert said.zh and said.en and "None" not in said.en

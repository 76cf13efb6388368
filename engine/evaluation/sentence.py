"""The verdict as one sentence in Chinese and English, with the numbers that it rests on.

The command line, the HTML report and the case page say it with this one function. It needs no statistics library, so
pages may ask it. Refuses to decide: the verdict comes in as a code.
"""

from dataclasses import dataclass
from decimal import Decimal
from math import floor, log10
from typing import Literal, assert_never

from engine.evaluation.metrics import Measure
from engine.values import Bilingual

Verdict = Literal[
    "works", "harms", "no_difference", "loses_money",
    "not_sent", "no_control", "sample_ratio", "contaminated", "too_small", "too_early",
]  # fmt: skip
JUDGED: tuple[Verdict, ...] = ("works", "harms", "loses_money", "no_difference")  # the others judge nothing
FEWEST_OUTCOMES = 10  # in both groups together, below which nothing is said of a rate
FEWEST_CUSTOMERS = 30  # of each group, below which nothing is said at all

OWN = {
    "response": Bilingual(zh="反馈", en="response"),
    "conversion": Bilingual(zh="转化", en="conversion"),
    "revenue": Bilingual(zh="收入", en="revenue"),
    "click": Bilingual(zh="点击", en="click"),
    "visit": Bilingual(zh="到访", en="visit"),
    "spend": Bilingual(zh="消费", en="spend"),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """What was compared: `value` of `n` target customers against `control_value` of `n_control`. `detectable` is None
    where it is not known."""

    measure: Measure
    n: int
    n_control: int
    value: float
    control_value: float
    lift: float
    low: float
    high: float
    detectable: float | None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a verdict rests on. `difference` None: nothing could be compared. `ratio_p` is that of the sizes; `reached`
    of the `n_control` control customers were messaged, `reached_at_most` is the share that was declared."""

    verdict: Verdict
    metric: str
    difference: Difference | None
    n: int
    n_control: int
    confidence: float = 0.95
    cost: Decimal | None = None
    profit: Decimal | None = None
    profit_low: Decimal | None = None
    profit_high: Decimal | None = None
    ratio_p: float | None = None
    reached: int = 0
    reached_at_most: float | None = None
    currency: str = ""


def sentence(found: Finding) -> Bilingual:
    """The verdict with its numbers: works (but loses money), cannot be told from zero, cannot be judged because …"""
    match found.verdict:
        case "works":
            return _joined(("有效：", "Works: "), _figures(found), _profit(found))
        case "harms":
            return _joined(("有害：", "Harms: "), _figures(found), _profit(found))
        case "loses_money":
            return _joined(("有效但亏损：", "Works, but loses money: "), _figures(found), _profit(found))
        case "no_difference":
            return _joined(("与零无法区分：", "Cannot be told from zero: "), _figures(found), _visible(found))
        case "not_sent" | "no_control" | "sample_ratio" | "contaminated" | "too_small" | "too_early":
            return _joined(("无法判断，因为", "Cannot be judged because "), _why_not(found))
        case _:
            assert_never(found.verdict)


def metric_name(name: str) -> Bilingual:
    """What an outcome is called: the usual ones in both languages, another by its own name."""
    return OWN.get(name, Bilingual(zh=name, en=name))


def level(measure: Measure, value: float) -> str:
    """A share in percent, or a mean."""
    return _signs(f"{value * 100:.2f}%" if measure == "rate" else f"{value:,.2f}")


def difference(measure: Measure, value: float) -> str:
    """A difference without its unit: in percentage points of a rate, plain of a mean; small ones keep two digits."""
    figure = value * 100 if measure == "rate" else value
    digits = 2 if abs(figure) >= 0.1 or not figure else min(8, 1 - floor(log10(abs(figure))))
    return _signs(f"{figure:,.{digits}f}")


def amount(value: Decimal, currency: str = "") -> str:
    """Money with its sign before the currency."""
    return f"{'−' if value < 0 else ''}{currency}{abs(value):,.2f}"


Texts = tuple[str, str]


def _figures(found: Finding) -> Texts:
    one = found.difference
    if one is None:  # a report of an earlier release that kept no figures
        return ("", "")
    name, share = metric_name(found.metric), f"{found.confidence * 100:g}%"
    value, held = level(one.measure, one.value), level(one.measure, one.control_value)
    lift, low, high = (difference(one.measure, figure) for figure in (one.lift, one.low, one.high))
    sign = "+" if one.lift > 0 else ""
    zh_unit, en_unit = ("个百分点", "points") if one.measure == "rate" else ("（每户）", "per customer")
    zh_level, en_level = ("中 ", "") if one.measure == "rate" else ("每户 ", " per customer")
    return (
        f"{name.zh}：{one.n:,} 户目标客户{zh_level}{value}，{one.n_control:,} 户对照{zh_level}{held}；"
        f"相差 {sign}{lift} {zh_unit}，{share} 区间 {low} 至 {high}。",
        f"{name.en}: {value}{en_level} of {one.n:,} target customers, {held} of {one.n_control:,} in the control group;"
        f" {sign}{lift} {en_unit}, {share} interval from {low} to {high}.",
    )


def _profit(found: Finding) -> Texts:
    if found.profit is None or found.cost is None:
        return ("", "")
    profit, cost = amount(found.profit, found.currency), amount(found.cost, found.currency)
    if found.profit_low is None or found.profit_high is None:
        return (f"成本 {cost}，增量利润 {profit}。", f" It cost {cost}; incremental profit {profit}.")
    low, high = amount(found.profit_low, found.currency), amount(found.profit_high, found.currency)
    return (
        f"成本 {cost}，增量利润 {profit}（{low} 至 {high}）。",
        f" It cost {cost}; incremental profit {profit} (from {low} to {high}).",
    )


def _visible(found: Finding) -> Texts:
    one = found.difference
    if one is None or one.detectable is None:
        return ("", "")
    least = difference(one.measure, one.detectable)
    zh_unit, en_unit = ("个百分点", "points") if one.measure == "rate" else ("（每户）", "per customer")
    return (
        f"这样大小的两组，五次有四次能看出 {least} {zh_unit}以上的差别。",
        f" Groups of this size show a difference of {least} {en_unit} four times in five.",
    )


def _why_not(found: Finding) -> Texts:
    if found.verdict == "not_sent":
        return (
            f"{found.n:,} 户目标客户一条消息也没收到：没有可评估的行动。",
            f"no message left for any of the {found.n:,} target customers: nothing was done that could have an effect.",
        )
    if found.verdict == "no_control":
        return (
            "没有对照组：没人知道不做会怎样。",
            "there is no control group: nobody knows what would have happened without it.",
        )
    if found.verdict == "sample_ratio":
        p = "" if found.ratio_p is None else f"p {found.ratio_p:.2g}"
        return (
            f"各组人数与计划不符（{p}）：分组可能有误，请先查明原因。",
            f"the groups do not have the planned sizes ({p}): the split may be broken, find out why first.",
        )
    if found.verdict == "contaminated":
        share = found.reached / found.n_control
        most = "" if found.reached_at_most is None else f"{found.reached_at_most * 100:g}%"
        return (
            f"{found.n_control:,} 户对照中有 {found.reached:,} 户（{share:.1%}）收到了消息，最多允许 {most}。",
            f"{found.reached:,} of {found.n_control:,} control customers ({share:.1%}) were messaged;"
            f" at most {most} may be.",
        )
    if found.verdict == "too_small":
        return (
            f"目标客户 {found.n:,} 户、对照 {found.n_control:,} 户，每组至少要 {FEWEST_CUSTOMERS} 户。",
            f"there are {found.n:,} target customers and {found.n_control:,} in the control group;"
            f" each group needs at least {FEWEST_CUSTOMERS}.",
        )
    return _too_early(found)


def _too_early(found: Finding) -> Texts:
    one, name = found.difference, metric_name(found.metric)
    if one is None:
        return (
            f"{name.zh}尚无可比的结果：全部未知，或全都一样。",
            f"there is nothing to compare in {name.en} yet: it is unknown, or the same for everybody.",
        )
    outcomes = round(one.n * one.value + one.n_control * one.control_value)
    return (
        f"结果还太少：两组合计 {outcomes} 个{name.zh}，至少要 {FEWEST_OUTCOMES} 个。",
        f"there are too few outcomes yet: {outcomes} of {name.en} in both groups,"
        f" at least {FEWEST_OUTCOMES} are needed.",
    )


def _joined(*parts: Texts) -> Bilingual:
    return Bilingual(zh="".join(part[0] for part in parts), en="".join(part[1] for part in parts))


def _signs(text: str) -> str:
    return text.replace("-", "−")

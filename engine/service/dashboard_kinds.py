"""Dashboards: four figures, charts and a table, all questions in the words of the catalogue of metrics.

A dashboard is one class here that names what it shows, and one line in `DASHBOARDS`; page, REST, files and saved views
come from that. Refuses to count anything itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from engine.delivery.channels import CHANNELS
from engine.errors import NotFound
from engine.evaluation.sentence import JUDGED
from engine.service.app import Countersign
from engine.service.metric_codes import CODES
from engine.store import policies
from engine.values import NO_TEXT, Bilingual

EFFECT = ("lift", "heterogeneity", "judged_cases", "reach_rate", "response_rate", "conversion_rate", "effect_cost",
          "effect_profit")  # fmt: skip
Reveals = Literal["nothing", "deliveries", "recommendations"]
"""Whose rows, one customer each, stand behind the figures of a case, for who may see customers."""
Marks = Literal["bars", "intervals"]
DAYS = ("since", "until")
CHOSEN_OF = {
    **dict.fromkeys(("office", "city", "definition", "category", "offer", "state", "asked"), "all_cases"),
    **dict.fromkeys(("hall", "clerk"), "shown"),
    **dict.fromkeys(("verdict", "outcome"), "evaluated_cases"),
}
"""Filters whose choices are those of what the viewer may see, with the metric that knows them."""
CHOICES = {
    "channel": tuple((name, Bilingual(zh=name, en=name)) for name in CHANNELS),
    "aim": tuple(CODES["aim"].items()),
}
"""Those of the others."""


@dataclass(frozen=True, slots=True)
class Chart:
    """The first metric as bars by a dimension, the others in the table behind it. `largest`: so many bars at most, the
    longest; 0: all of them in the order of their keys, as months are. `only`: rows with these values alone. `marks`:
    whether the first metric is drawn as bars, or as dots with their intervals on one axis."""

    by: str
    metrics: tuple[str, ...]
    largest: int = 0
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    marks: Marks = "bars"

    @property
    def key(self) -> str:
        """What it is called in addresses, within its dashboard."""
        return f"{self.by}-{self.metrics[0]}"


class Dashboard:
    """What a dashboard shows; every kind says it by these names. `of_cases`: days and months are those on which cases
    were begun, and its metrics may be over several tables of facts, the first of each list over cases. `tab` is the
    part of a case that its rows lead to."""

    key: ClassVar[str]
    label: ClassVar[Bilingual]
    says: ClassVar[Bilingual]
    filters: ClassVar[tuple[str, ...]]
    figures: ClassVar[tuple[str, ...]]
    charts: ClassVar[tuple[Chart, ...]]
    rows_by: ClassVar[tuple[str, ...]] = ("case", "office")
    columns: ClassVar[tuple[str, ...]]
    of_cases: ClassVar[bool] = False
    tab: ClassVar[str] = "delivery"

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Its filters as they stand in an address."""
        return (*cls.filters, *DAYS)

    reveals: ClassVar[Reveals] = "nothing"
    of_rows: ClassVar[tuple[str, ...]] = ()
    """Filters that the rows behind a figure have themselves; the others are about their case."""

    @staticmethod
    def remark(app: Countersign) -> Bilingual:
        """What has to be known to read the figures, beside what they mean."""
        return NO_TEXT


class Sends(Dashboard):
    """群发情况汇总: what was sent, what arrived, what it cost, and by which cases."""

    key = "sends"
    label = Bilingual(zh="群发情况汇总", en="Mass sends")
    says = Bilingual(
        zh="您可见的营销案所发的消息：计划、发出、送达、失败与成本。",
        en="Messages of the cases that you may see: planned, sent, arrived, failed, and what they cost.",
    )
    filters = ("office", "definition", "channel")
    figures = ("sent", "delivery_rate", "customers", "delivery_cost")
    charts = (
        Chart("month", ("sent", "delivered", "failed", "suppressed")),
        Chart("channel", ("sent", "delivery_rate", "failed", "delivery_cost")),
        Chart("office", ("sent", "delivery_rate", "failed", "delivery_cost"), largest=15),
    )
    columns = ("sent", "delivery_rate", "failed", "suppressed", "delivery_cost")
    reveals = "deliveries"
    of_rows = ("channel", "since", "until")


class Cases(Dashboard):
    """营销案情况汇总: how many cases stand where, what waits too long, what was asked for and what came of it."""

    key = "cases"
    label = Bilingual(zh="营销案情况汇总", en="Summary of cases")
    says = Bilingual(
        zh="您可见的营销案：各状态、各机构、报批与报备的数量，是否超期，申报的预算与客户，触达与结果。日期为建案日期。",
        en=(
            "The cases that you may see: how many by state, office, approval or filing; which are overdue; budget and"
            " customers asked for, customers contacted and results. Days are those on which cases were begun."
        ),
    )
    filters = ("office", "definition", "category", "state", "asked")
    figures = ("cases", "in_time_cases", "asked_budget", "planned_reach")
    charts = (
        Chart("state", ("all_cases", "overdue_cases", "asked_budget", "planned_reach")),
        Chart("month", ("cases", "approved_cases", "lead_days", "asked_budget")),
        Chart("office", ("cases", "overdue_cases", "approved_cases", "lead_days", "asked_budget"), largest=15),
        Chart("category", ("cases", "asked_budget", "planned_reach", "customers", "conversions"), largest=15),
        Chart("asked", ("cases", "approved_cases", "lead_days", "asked_budget")),
    )
    rows_by = ("case", "office", "state", "asked")
    columns = ("overdue_cases", "asked_budget", "planned_reach", "customers", "conversions", "delivery_cost")
    of_cases = True
    tab = "proposal"


class Completion(Dashboard):
    """完成情况: the targets of running cases, those furthest behind first."""

    key = "completion"
    label = Bilingual(zh="完成情况", en="Completion")
    says = Bilingual(
        zh="执行中营销案的目标：已完成、按直线计划应完成、进度与期末预测，落后客户最多的在前。日期为开始派送的日期。",
        en=(
            "The targets of running cases: done, planned by now on a straight line, pace and forecast for the end;"
            " those with most customers behind come first. Days are those on which delivery began."
        ),
    )
    filters = ("office", "definition", "category", "aim")
    figures = ("targets_behind", "pace", "completion_rate", "forecast")
    charts = (
        Chart("case", ("shortfall", "target_done", "target_planned", "pace"), largest=15),
        Chart("office", ("shortfall", "targets_behind", "targets", "pace"), largest=15),
        Chart("aim", ("completion_rate", "target_done", "target_customers", "pace", "targets_behind")),
        Chart("month", ("targets", "targets_behind", "target_done", "target_customers", "pace")),
    )
    rows_by = ("case", "office", "aim", "forecast_method")
    columns = (
        "shortfall",
        "target_done",
        "target_planned",
        "target_customers",
        "pace",
        "forecast",
        "forecast_low",
        "forecast_high",
    )


class Halls(Dashboard):
    """营业厅推荐情况统计: what clerks showed to customers at the counter, and what these said."""

    key = "halls"
    label = Bilingual(zh="营业厅推荐情况统计", en="Hall recommendations")
    says = Bilingual(
        zh="您可见的营销案在营业厅的推荐：已展示、接受、拒绝、以后再说。",
        en="Recommendations of the cases that you may see in the halls: shown, accepted, refused, later.",
    )
    filters = ("hall", "clerk", "offer", "definition")
    figures = ("shown", "accepted", "refused", "later")
    charts = (
        Chart("hall", ("accepted", "shown", "refused", "later", "confirmed", "per_hall_day"), 20, marks="intervals"),
        Chart("clerk", ("accepted", "shown", "refused", "later", "confirmed"), 20, marks="intervals"),
        Chart("offer", ("accepted", "shown", "refused", "later", "confirmed"), 20, marks="intervals"),
        Chart("month", ("shown", "accepted", "refused", "later", "per_hall_day")),
    )
    columns = ("shown", "accepted", "refused", "later", "confirmed", "per_hall_day")
    reveals = "recommendations"
    of_rows = ("hall", "clerk", "since", "until")

    @staticmethod
    def remark(app: Countersign) -> Bilingual:
        """How many a hall can show a day by the contact policy in force."""
        with app.db.read() as tx:
            row = policies.in_force(tx, app.now())
        each = row.policy.capacity_each.get("hall") if row else None
        if each is None:
            return Bilingual(
                zh="现行接触策略未限定营业厅每日可推荐的客户数。",
                en="The contact policy in force does not say how many customers a hall can take a day.",
            )
        return Bilingual(
            zh=f"接触策略规定每厅每日至多 {each.per_day} 户；请与“每厅每日推荐”比较。",
            en=f"By the contact policy a hall takes {each.per_day} customers a day; compare what was shown per hall.",
        )


class Effect(Dashboard):
    """营销案实施效果分析: what cases made different, judged against their control groups."""

    key = "effect"
    label = Bilingual(zh="营销案实施效果分析", en="Effect of cases")
    says = Bilingual(
        zh="您可见且已评估的营销案，按各案最近一次评估：触达、反馈、办理、相对对照组的提升、成本与利润。",
        en="Cases that you may see and that were evaluated, by the newest evaluation of each: reach, response, "
        "conversion, lift over the control group, cost and profit.",
    )
    filters = ("office", "category", "channel", "definition", "outcome", "verdict")
    figures = ("judged_cases", "lift", "heterogeneity", "effect_profit")
    charts = (
        Chart("case", ("lift",), 30, only={"verdict": JUDGED}, marks="intervals"),
        Chart("verdict", ("evaluated_cases", "effect_cost")),
        *(
            Chart(by, (first, *(one for one in EFFECT if one != first)), largest, marks="intervals")
            for by, first, largest in (
                ("office", "lift", 20),
                ("category", "lift", 20),
                ("channel", "conversion_rate", 0),
                ("month", "conversion_rate", 0),
            )
        ),
    )
    rows_by = ("case", "office", "verdict")
    columns = ("lift", "reach_rate", "response_rate", "conversion_rate", "effect_cost", "effect_profit")
    reveals = "deliveries"

    @staticmethod
    def remark(app: Countersign) -> Bilingual:
        """What is never put together."""
        return Bilingual(
            zh="没有对照组或无法判断的营销案单独列为“未判断”，不计入任何平均。评估指标不同的营销案不合并提升：请先选定一个评估指标。"
            "I² 超过 50% 时，请看各案而不是合并值。",
            en="Cases without a control group, or that cannot be judged, are listed as not judged and are in no "
            "average. Lifts of different outcomes are not pooled: choose one outcome. Where I² is above 50%, look "
            "at the cases rather than at the pooled lift.",
        )


DASHBOARDS: tuple[type[Dashboard], ...] = (Halls, Effect, Sends, Cases, Completion)


def asked(filters: tuple[str, ...], chosen: Mapping[str, str]) -> tuple[str, str, dict[str, tuple[str, ...]]]:
    """The first and the last day, and what is filtered by, of what somebody chose."""
    where: dict[str, tuple[str, ...]] = {name: (chosen[name],) for name in filters if chosen.get(name)}
    return chosen.get("since", "").strip(), chosen.get("until", "").strip(), where


def find(key: str) -> type[Dashboard]:
    """The dashboard of that name; NotFound where there is none."""
    kind = next((one for one in DASHBOARDS if one.key == key), None)
    if kind is None:
        raise NotFound()
    return kind

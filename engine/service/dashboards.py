"""Dashboards: four figures, charts and a table, all questions in the words of the catalogue of metrics.

A dashboard is one class here that names what it shows, and one line in `DASHBOARDS`; page, REST and CSV come from
that. Refuses to count anything itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal

from engine.delivery.channels import CHANNELS
from engine.errors import NotFound
from engine.service import metrics
from engine.service.app import Countersign
from engine.service.metrics import Answer, Cell, DimensionView, MetricView, Wanted
from engine.service.recording import By
from engine.store import policies
from engine.values import NO_TEXT, Bilingual

MOST_CHOICES = 200
JUDGED = ("works", "harms", "loses_money", "no_difference")
EFFECT = ("lift", "heterogeneity", "judged_cases", "reach_rate", "response_rate", "conversion_rate", "effect_cost",
          "effect_profit")  # fmt: skip
Reveals = Literal["nothing", "deliveries", "recommendations"]
"""Whose rows, one customer each, stand behind the figures of a case, for who may see customers."""
SHOWN = 50
CHOSEN_OF = {
    **dict.fromkeys(("office", "city", "definition", "category", "offer", "state"), "cases"),
    **dict.fromkeys(("hall", "clerk"), "shown"),
    **dict.fromkeys(("verdict", "outcome"), "evaluated_cases"),
}
"""Filters whose choices are those of what the viewer may see, with the metric that knows them; the others are
channels."""
CHANNEL_CHOICES = tuple((name, Bilingual(zh=name, en=name)) for name in CHANNELS)


@dataclass(frozen=True, slots=True)
class Chart:
    """The first metric as bars by a dimension, the others in the table behind it. `largest`: so many bars at most, the
    longest; 0: all of them in the order of their keys, as months are. `only`: rows with these values alone. `marks`:
    whether the first metric is drawn as bars, or as dots with their intervals on one axis."""

    by: str
    metrics: tuple[str, ...]
    largest: int = 0
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    marks: Literal["bars", "intervals"] = "bars"


class Dashboard:
    """What a dashboard shows; every kind says it by these names."""

    key: ClassVar[str]
    label: ClassVar[Bilingual]
    says: ClassVar[Bilingual]
    filters: ClassVar[tuple[str, ...]]
    figures: ClassVar[tuple[str, ...]]
    charts: ClassVar[tuple[Chart, ...]]
    rows_by: ClassVar[tuple[str, ...]] = ("case", "office")
    columns: ClassVar[tuple[str, ...]]
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


DASHBOARDS: tuple[type[Dashboard], ...] = (Halls, Effect, Sends)


@dataclass(frozen=True, slots=True)
class FilterView:
    """A filter with what may be chosen, as (value, label), and what is chosen; empty for all."""

    name: str
    label: Bilingual
    chosen: str
    choices: tuple[tuple[str, Bilingual], ...]


@dataclass(frozen=True, slots=True)
class ChartView:
    """A chart with its answer."""

    by: str
    label: Bilingual
    answer: Answer
    marks: Literal["bars", "intervals"] = "bars"


@dataclass(frozen=True, slots=True)
class DashboardView:
    """A dashboard as it is shown. `metrics` and `dimensions` are all that it names, each once, with what they mean."""

    key: str
    label: Bilingual
    says: Bilingual
    filters: tuple[FilterView, ...]
    since: str
    until: str
    figures: tuple[Cell, ...]
    charts: tuple[ChartView, ...]
    rows_by: tuple[str, ...]
    table: Answer
    metrics: tuple[MetricView, ...]
    dimensions: tuple[DimensionView, ...]
    as_of: datetime | None
    remark: Bilingual = NO_TEXT
    reveals: Reveals = "nothing"


def show(app: Countersign, by: By, key: str, chosen: Mapping[str, str]) -> DashboardView:
    """The dashboard called `key` with these filters: its own by name, `since` and `until`; others mean nothing.
    NotFound where there is none; InvalidForm for a day that is none."""
    kind = find(key)
    view, told = metrics.catalogue(by.viewer), {}
    labels = {one.name: one.label for one in view.dimensions}
    filters = tuple(name for name in kind.filters if name in labels)
    drawn = tuple(one for one in kind.charts if one.by in labels)
    since, until, where = asked(filters, chosen)

    def wanted(names: tuple[str, ...], dimensions: tuple[str, ...] = (), largest: int = 0) -> Wanted:
        return Wanted(names, dimensions, where, since, until, largest)

    questions = [wanted(kind.figures)]
    for one in drawn:
        both = {**where, **{name: _both(where.get(name, ()), some) for name, some in one.only.items()}}
        questions.append(Wanted(one.metrics, (one.by,), both, since, until, one.largest))
    questions.append(wanted(kind.columns, kind.rows_by, SHOWN))
    choices = [Wanted((CHOSEN_OF[name],), (name,)) for name in filters if name in CHOSEN_OF]
    answers = metrics.ask_all(app, by, [*questions, *choices])
    (figures, *charts, table), listed = answers[: len(questions)], answers[len(questions) :]
    for answer in listed:
        told[answer.by[0]] = tuple((row.keys[0], row.labels[0]) for row in answer.rows[:MOST_CHOICES] if row.keys[0])
    named = {*kind.figures, *kind.columns, *(name for one in drawn for name in one.metrics)}
    dimensions = {*filters, *kind.rows_by, *(one.by for one in drawn)}
    return DashboardView(
        key=key,
        label=kind.label,
        says=kind.says,
        filters=tuple(
            FilterView(name, labels[name], chosen.get(name, ""), told.get(name, CHANNEL_CHOICES)) for name in filters
        ),
        since=since,
        until=until,
        figures=figures.rows[0].cells,
        charts=tuple(
            ChartView(one.by, labels[one.by], answer, one.marks) for one, answer in zip(drawn, charts, strict=True)
        ),
        rows_by=kind.rows_by,
        table=table,
        metrics=tuple(one for one in view.metrics if one.name in named),
        dimensions=tuple(one for one in view.dimensions if one.name in dimensions),
        as_of=figures.as_of,
        remark=kind.remark(app),
        reveals=kind.reveals,
    )


def asked(filters: tuple[str, ...], chosen: Mapping[str, str]) -> tuple[str, str, dict[str, tuple[str, ...]]]:
    """The first and the last day, and what is filtered by, of what somebody chose."""
    where: dict[str, tuple[str, ...]] = {name: (chosen[name],) for name in filters if chosen.get(name)}
    return chosen.get("since", "").strip(), chosen.get("until", "").strip(), where


def _both(chosen: tuple[str, ...], only: tuple[str, ...]) -> tuple[str, ...]:
    """The values that both name; one that is nowhere where there are none."""
    return tuple(one for one in only if not chosen or one in chosen) or ("-",)


def find(key: str) -> type[Dashboard]:
    """The dashboard of that name; NotFound where there is none."""
    kind = next((one for one in DASHBOARDS if one.key == key), None)
    if kind is None:
        raise NotFound()
    return kind

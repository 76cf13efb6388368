"""The evaluations of a case as one table: a row per figure, with what it is of and what it means.

The figures are those of the page and of `GET /api/v1/cases/{id}/evaluation`. Refuses to count anything.
"""

from collections.abc import Iterator
from decimal import Decimal

from engine.definition.catalogue import figures
from engine.service.app import Countersign
from engine.service.stage_views import EvaluationView
from engine.service.tabling import Column, Table
from engine.service.verdicts import verdict_sentence
from engine.service.views import CaseView, Viewer
from engine.values import NO_TEXT, Bilingual

Row = tuple[object, ...]
_OF = Bilingual(zh="见该行的说明。", en="See the meaning of the row.")
COLUMNS = (
    Column("evaluation", Bilingual(zh="评估", en="Evaluation"), definition=Bilingual(
        zh="派送结束后多久。", en="How long after the end of the delivery.")),
    Column("as_of", Bilingual(zh="截至", en="As of"), "datetime", Bilingual(
        zh="评估的时刻。", en="The moment of the evaluation.")),
    Column("section", Bilingual(zh="部分", en="Section"), definition=Bilingual(
        zh="verdict 结论、warning 提醒、lift 提升、funnel 漏斗、apart 单列、wave/channel/cell/office 分项、money。",
        en="verdict, warning, lift, funnel, apart (no success), wave, channel, cell, office, money.")),
    Column("group", Bilingual(zh="组", en="Group"), definition=Bilingual(
        zh="客户群、波次、渠道或机构。", en="The cell, wave, channel or office.")),
    Column("figure", Bilingual(zh="指标", en="Figure"), definition=Bilingual(
        zh="指标的代码。", en="The code of the figure.")),
    Column("count", Bilingual(zh="数量", en="Count"), "integer", Bilingual(
        zh="客户或消息数；空为未测量。", en="Customers or messages; empty where it was not measured.")),
    Column("of", Bilingual(zh="分母", en="Of"), "integer", _OF),
    Column("value", Bilingual(zh="目标组", en="Contacted"), "rate", Bilingual(
        zh="目标组的比率或每户均值。", en="Rate or mean per customer of the target customers.")),
    Column("control_value", Bilingual(zh="对照组", en="Control group"), "rate", Bilingual(
        zh="对照组的比率或每户均值。", en="Rate or mean per customer of the control group.")),
    Column("lift", Bilingual(zh="提升", en="Lift"), "rate", Bilingual(
        zh="两者之差。", en="The difference of the two.")),
    Column("low", Bilingual(zh="区间下限", en="Interval from"), "rate", _OF),
    Column("high", Bilingual(zh="区间上限", en="Interval to"), "rate", _OF),
    Column("p", Bilingual(zh="p 值", en="p"), "rate", _OF),
    Column("amount", Bilingual(zh="金额", en="Amount"), "money", Bilingual(
        zh="空为未知。", en="Empty where it is not known."), Bilingual(zh="案件的币种", en="the case's currency")),
    Column("meaning", Bilingual(zh="说明", en="Meaning"), definition=Bilingual(
        zh="结论，或该指标的定义与分母。", en="The verdict, or what the figure is and of what.")),
)  # fmt: skip


def table(app: Countersign, viewer: Viewer, view: CaseView) -> Table:
    """Every stored evaluation of a case that the viewer has before them, the newest first."""
    number = Bilingual(zh="统一编号", en="Case number")
    return Table(
        name="evaluation",
        title=Bilingual(zh="营销案评估", en="Evaluation of a case"),
        columns=COLUMNS,
        rows=(row for one in reversed(view.evaluations) for row in _rows(one)),
        as_of=app.now(),
        zone=app.settings.zone,
        asked_by=viewer.name,
        filters=((number, Bilingual(zh=view.row.number, en=view.row.number)),),
    )


def _rows(one: EvaluationView) -> Iterator[Row]:
    known = figures()

    def row(section: str, group: object, figure: str, *, says: Bilingual = NO_TEXT, **cells: object) -> Row:
        named = [cells.get(column.key) for column in COLUMNS[5:-1]]
        return (one.label, one.as_of, section, group, figure, *named, says)

    yield row("verdict", "", one.verdict, says=verdict_sentence(one))
    for code in one.warnings:
        yield row("warning", "", code)
    for lift in one.uplift:
        cells = {key: getattr(lift, key) for key in ("value", "control_value", "lift", "low", "high", "p")}
        yield row("lift", lift.arm, lift.metric, count=lift.n, of=lift.n_control, says=known.report["lift"], **cells)
    for section, steps in (("funnel", one.funnel), ("apart", one.apart)):
        for step in steps:
            says = known.report.get(step.name, known.report["imported"])
            yield row(section, "", step.name, count=step.count, of=step.of, says=says)
    for part in one.parts:
        group = part.label if part.zh or part.en else part.name
        figured = (
            ("sent", part.sent, part.planned),
            ("delivered", part.delivered, part.sent),
            ("responded", part.responded, part.sent),
            ("converted", part.converted, part.sent),
        )
        for name, count, of in figured:
            says = known.metrics[name].says if name in known.metrics else known.report[name]
            yield row(part.by, group, name, count=count, of=of, says=says)
    money: tuple[tuple[str, Decimal | None], ...]
    money = (("revenue", one.revenue), ("cost", one.cost), ("profit", one.profit))
    for name, amount in money:
        yield row("money", "", name, amount=amount, says=known.report[name])
    yield row("money", "", "roi", value=one.roi, says=known.report["roi"])

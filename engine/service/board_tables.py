"""The rows of a dashboard as a table: every one that its filters name and its reader may see, with what each figure is
of. Refuses to count: it asks what the page asks, without its limit."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from engine.service import dashboards, metrics
from engine.service.app import Countersign
from engine.service.case_table import CNY
from engine.service.dashboard_kinds import Dashboard, find
from engine.service.metrics import AnswerRow, Cell, MetricView
from engine.service.recording import By
from engine.service.tabling import Column, Kind, Table
from engine.service.views import Viewer
from engine.values import NO_TEXT, Bilingual

KINDS: Mapping[str, Kind] = {"share": "rate", "points": "rate", "money": "money", "days": "duration"}
"""Kinds of columns by units of metrics; whole numbers where nothing is said, other than of what is on average."""
COMPARED = ("rate", "quotient", "ratio", "proportion", "pace")
"""Kinds of metrics of which numerator and denominator say more than the value."""
WITH_INTERVAL = ("rate", "proportion", "pooled")
ENDS = (
    ("low", Bilingual(zh="（95% 区间下限）", en=" (95% interval from)")),
    ("high", Bilingual(zh="（95% 区间上限）", en=" (95% interval to)")),
)
PART = Bilingual(zh="（分子）", en=" (numerator)")
WHOLE = Bilingual(zh="（分母）", en=" (denominator)")
SINCE, UNTIL = Bilingual(zh="起始日期", en="from"), Bilingual(zh="截止日期", en="until")
CASE_ID = Column(
    "case_id",
    Bilingual(zh="营销案标识", en="Id of the case"),
    definition=Bilingual(zh="在地址 /cases/ 之后。", en="As in the address /cases/."),
)


def table(app: Countersign, viewer: Viewer, key: str, chosen: Mapping[str, str]) -> Table:
    """The table of a dashboard. NotFound where there is none; InvalidForm for a filter that cannot be read."""
    kind, by = find(key), By(viewer)
    shown = dashboards.show(app, by, key, chosen)
    meanings = {one.name: one for one in shown.metrics}
    names = {one.name: one.label for one in shown.dimensions}
    columns = [CASE_ID] if "case" in kind.rows_by else []
    columns += [Column(name, names[name]) for name in kind.rows_by]
    for name in kind.columns:
        columns += _columns(meanings[name])
    rows = metrics.every_row(app, by, dashboards.wanted_rows(kind, chosen))
    return Table(
        name=key,
        title=kind.label,
        columns=columns,
        rows=(_row(kind, meanings, row) for row in rows),
        as_of=shown.as_of or app.now(),
        zone=app.settings.zone,
        asked_by=viewer.name,
        filters=tuple(_said(shown)),
    )


def _columns(metric: MetricView) -> Iterator[Column]:
    kind, unit = _kind(metric), CNY if metric.unit == "money" else NO_TEXT
    yield Column(metric.name, metric.label, kind, metric.says, unit)
    if metric.kind in WITH_INTERVAL:
        for end, said in ENDS:
            yield Column(f"{metric.name}_{end}", _joined(metric.label, said), kind, metric.says)
    if metric.kind in COMPARED:
        for end, said in (("numerator", PART), ("denominator", WHOLE)):
            title = _joined(metric.label, said)
            is_sum = metric.kind == "ratio" and end == "numerator"
            yield Column(f"{metric.name}_{end}", title, kind if is_sum else "integer", metric.says)


def _kind(metric: MetricView) -> Kind:
    return KINDS.get(metric.unit, "number" if metric.kind == "pace" else "integer")


def _joined(label: Bilingual, more: Bilingual) -> Bilingual:
    return Bilingual(zh=label.zh + more.zh, en=label.en + more.en)


def _row(kind: type[Dashboard], meanings: Mapping[str, MetricView], row: AnswerRow) -> list[object]:
    cells: list[object] = [row.keys[kind.rows_by.index("case")]] if "case" in kind.rows_by else []
    cells += row.labels
    for cell in row.cells:
        cells += _cells(meanings[cell.metric], cell)
    return cells


def _cells(metric: MetricView, cell: Cell) -> Iterator[object]:
    """The value as its column has it, and what it was made of."""
    kind = _kind(metric)
    compared = metric.kind in COMPARED
    if cell.value is None:
        yield None
    elif kind == "duration":
        yield timedelta(days=cell.value)
    elif kind == "money" and not compared:
        yield cell.numerator
    else:
        yield cell.value if kind != "integer" else round(cell.value)
    if metric.kind in WITH_INTERVAL:
        yield from (cell.low, cell.high)
    if compared and cell.numerator is None:
        yield from (None, int(cell.denominator))
    elif compared and cell.numerator is not None:
        is_span = metric.kind == "ratio" and kind == "duration"
        is_money = metric.kind == "ratio" and kind == "money"
        part = timedelta(days=float(cell.numerator)) if is_span else cell.numerator if is_money else int(cell.numerator)
        yield part
        yield int(cell.denominator)


def _said(shown: dashboards.DashboardView) -> Iterator[tuple[Bilingual, Bilingual]]:
    for one in shown.filters:
        if one.chosen:
            yield one.label, dict(one.choices).get(one.chosen, Bilingual(en=one.chosen))
    for label, day in ((SINCE, shown.since), (UNTIL, shown.until)):
        if day:
            yield label, Bilingual(zh=day, en=day)

"""The table of a dashboard as a file: every row that its filters name, with what each figure was made of.

Refuses more rows than one answer has, rather than to cut them off.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from engine.errors import InvalidForm, Problem
from engine.evaluation.figures import MOST_ROWS
from engine.service import dashboards, metrics
from engine.service.app import Countersign
from engine.service.metrics import Answer, MetricView, Wanted
from engine.service.recording import By
from engine.service.tabling import Column, Kind, Table
from engine.service.views import Viewer
from engine.values import Bilingual

KINDS: Mapping[str, Kind] = {"share": "rate", "points": "rate", "money": "money"}
COUNTED: Kind = "integer"
OF = Bilingual(zh="分母", en="of")
PART = Bilingual(zh="分子", en="part")
LOW = Bilingual(zh="95% 区间下限", en="95% interval from")
HIGH = Bilingual(zh="95% 区间上限", en="95% interval to")
WITH_INTERVAL = ("rate", "proportion", "pooled")
DAYS = {"since": Bilingual(zh="自", en="From"), "until": Bilingual(zh="至", en="Until")}


def names_of(key: str) -> tuple[str, ...]:
    """What a dashboard can be filtered by."""
    return (*dashboards.find(key).filters, *DAYS)


def table(app: Countersign, viewer: Viewer, key: str, chosen: Mapping[str, str]) -> Table:
    """The table of a dashboard for its viewer. InvalidForm for a filter that cannot be read or names too many rows."""
    kind = dashboards.find(key)
    view = metrics.catalogue(viewer)
    labels = {one.name: one.label for one in view.dimensions}
    filters = tuple(name for name in kind.filters if name in labels)
    since, until, where = dashboards.asked(filters, chosen)
    answer = metrics.ask(app, By(viewer), Wanted(kind.columns, kind.rows_by, where, since, until))
    if answer.cut:
        told = f"there are more than {MOST_ROWS} rows"
        raise InvalidForm([Problem("E464", told, at="office", fields={"most": f"{MOST_ROWS:,}"})])
    known = {one.name: one for one in view.metrics}
    return Table(
        name=key,
        title=kind.label,
        columns=[
            *(Column(name, labels[name]) for name in kind.rows_by),
            *(column for name in kind.columns for column in _columns(known[name])),
        ],
        rows=_rows(answer, known),
        as_of=answer.as_of or app.now(),
        zone=app.settings.zone,
        asked_by=viewer.name,
        filters=[
            (labels.get(name) or DAYS[name], Bilingual(en=chosen[name]))
            for name in (*filters, *DAYS)
            if chosen.get(name)
        ],
    )


def _columns(one: MetricView) -> Iterator[Column]:
    kind = KINDS.get(one.unit, COUNTED if one.kind in ("count", "distinct") else "number")
    yield Column(one.name, one.label, kind, one.says, Bilingual(en=one.unit))
    if one.kind in WITH_INTERVAL:
        for end, called in (("low", LOW), ("high", HIGH)):
            yield Column(f"{one.name}_{end}", _joined(one.label, called), kind, called)
    if one.kind != "pooled":
        part: Kind = "money" if one.unit == "money" else "integer"
        yield Column(f"{one.name}_numerator", _joined(one.label, PART), part, PART)
        yield Column(f"{one.name}_denominator", _joined(one.label, OF), "integer", OF)


def _rows(answer: Answer, known: Mapping[str, MetricView]) -> Iterator[tuple[object, ...]]:
    for row in answer.rows:
        cells: list[object] = list(row.labels)
        for cell in row.cells:
            one = known[cell.metric]
            cells.append(_value(cell.value, one))
            if one.kind in WITH_INTERVAL:
                cells += [cell.low, cell.high]
            if one.kind != "pooled":
                part = cell.numerator
                cells += [part if part is None or one.unit == "money" else int(part), int(cell.denominator)]
        yield tuple(cells)


def _value(value: float | None, one: MetricView) -> object:
    if value is None:
        return None
    if one.unit == "money":
        return Decimal(repr(value)).quantize(Decimal("0.01"))
    return int(value) if one.kind in ("count", "distinct") else value


def _joined(label: Bilingual, more: Bilingual) -> Bilingual:
    return Bilingual(zh=f"{label.zh}：{more.zh}", en=f"{label.en}: {more.en}")

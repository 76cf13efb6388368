"""The process of a case as a picture: its chain and states with where it is, and for how long."""

from datetime import datetime, timedelta

from engine.definition.diagram import picture
from engine.definition.diagram_svg import Mark, svg
from engine.service import showing
from engine.service.app import Countersign
from engine.service.cases import load_visible
from engine.service.chain_views import Node
from engine.service.views import Viewer
from engine.values import Bilingual

_UNITS = (
    (timedelta(days=1), Bilingual(zh="{0} 天", en="{0} d")),
    (timedelta(hours=1), Bilingual(zh="{0} 小时", en="{0} h")),
    (timedelta(minutes=1), Bilingual(zh="{0} 分钟", en="{0} min")),
)


def drawing(app: Countersign, viewer: Viewer, case_id: str) -> str:
    """An SVG of the case's process, in the viewer's language. NotFound where they may not see the case."""
    with app.db.read() as tx:
        case = load_visible(app, tx, viewer, case_id)
        chain = showing.chain_view(app.organisation(tx), app.process(case.process, tx).chain(case))
    now = app.now()
    marks = {node.id: _mark(node, now, viewer) for column in chain.columns for node in column}
    marks.setdefault(case.state, Mark("current"))
    definition = app.definition(case.process)
    return svg(picture(definition, chain=case.route or "", language=viewer.language), marks)


def _mark(node: Node, now: datetime, viewer: Viewer) -> Mark:
    if node.state not in ("current", "done"):
        return Mark()
    span = _span((node.left_at or now) - node.entered_at, viewer) if node.entered_at else ""
    count = f"{node.decided}/{node.need}" if len(node.seats) > 1 and node.need else ""
    return Mark(node.state, " · ".join(filter(None, (span, count))))


def _span(span: timedelta, viewer: Viewer) -> str:
    """The largest unit, rounded down."""
    for unit, words in _UNITS:
        if span >= unit:
            return words.in_language(viewer.language).format(span // unit)
    return ""

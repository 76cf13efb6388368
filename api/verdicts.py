"""A verdict as a sentence: what it says, and with how many customers and how surely. For pages and papers alike."""

from api import charts
from api.formats import Formats
from api.i18n import N_
from api.words_audience import METRICS
from api.words_evaluation import VERDICTS
from engine.service.stage_views import EvaluationView

SHOWN = ("works", "harms", "loses_money", "no_difference")
FIGURES = N_("%(metric)s %(lift)s (95%% interval %(low)s to %(high)s), %(n)s contacted against %(nc)s held back.")


def sentence_of(report: EvaluationView, formats: Formats) -> str:
    """The verdict, and the lift that it is about where one was measured."""
    words = formats.words
    said = words(VERDICTS.get(report.verdict, report.verdict))
    leading = charts.leading(report.uplift) if report.verdict in SHOWN else None
    if leading is None:
        return said
    is_rate = charts.forest([leading])[0].is_rate
    figures = words(
        FIGURES,
        metric=metric_of(leading.metric, formats),
        lift=formats.points(leading.lift) if is_rate else formats.lift(leading.lift, False),
        low=formats.lift(leading.low, is_rate),
        high=formats.lift(leading.high, is_rate),
        n=formats.number(leading.n),
        nc=formats.number(leading.n_control),
    )
    return f"{said}{'' if words.language == 'zh' else ' '}{figures}"


def metric_of(name: str, formats: Formats) -> str:
    """What a metric is called; one that the definition names itself keeps its name."""
    return formats.words(METRICS[name]) if name in METRICS else name

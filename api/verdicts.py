"""A verdict as a sentence, and what an outcome is called. For pages and papers alike."""

from api.formats import Formats
from api.words_audience import METRICS
from engine.service.stage_views import EvaluationView
from engine.service.verdicts import verdict_sentence


def sentence_of(report: EvaluationView, formats: Formats) -> str:
    """The verdict with its numbers, in the reader's language."""
    return formats.label(verdict_sentence(report))


def metric_of(name: str, formats: Formats) -> str:
    """What a metric is called; one that the definition names itself keeps its name."""
    return formats.words(METRICS[name]) if name in METRICS else name

"""The templates: one environment per language, strict about undefined names, escaping everything."""

import hashlib
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api import charts, doubts, figures, navigation, parked, reasons, words
from api.failures import failure
from api.i18n import Words, catalogue
from api.spoken_source import field_called, in_words
from api.vega import bundle, evaluation, looks, pictures
from engine.definition import catalogue as metric_catalogue
from engine.delivery.message import size_of
from engine.service.verdicts import verdict_sentence
from engine.values import Language
from notifications import held

HERE = Path(__file__).parent


@cache
def environment(language: Language) -> Environment:
    """The templates in one language."""
    env = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    env.policies["ext.i18n.trimmed"] = True
    messages = catalogue(language)
    env.install_gettext_callables(messages.gettext, messages.ngettext, newstyle=True)  # type: ignore[attr-defined]
    say = Words(language)

    def said(table: str, code: str) -> str:
        """What a code is called; the code itself where the table does not know it."""
        known: dict[str, str] = getattr(words, table)
        return say(known[code]) if code in known else code

    def failed(text: str) -> str:
        """Why an expression or a selection failed."""
        return failure(text, say)

    def doubt(reason: str) -> str:
        """Why nobody knows whether a message went out."""
        return doubts.spoken(reason, say)

    def parked_facts(body: str) -> list[tuple[str, str]]:
        """What a thing that was set aside says."""
        return parked.facts(body, say)

    def aside(reason: str) -> str:
        """Why a proof or a message to a seed waits, failed, or was left out."""
        return doubts.spoken_aside(reason, say)

    env.globals.update(
        said=said,
        failed=failed,
        doubt=doubt,
        parked_facts=parked_facts,
        aside=aside,
        in_words=in_words,
        field_called=field_called,
        words=words,
        charts=charts,
        figures=figures,
        looks=looks,
        vega_script=bundle.name,
        pictures=pictures,
        drawn_evaluation=evaluation.drawings,
        confidence_of=evaluation.confidence_of,
        funnel_basis=evaluation.basis,
        navigation=navigation,
        held=held,
        reasons=reasons,
        asset=asset,
        size_of=size_of,
        verdict_sentence=verdict_sentence,
        figures_catalogue=metric_catalogue.figures,
        language=language,
    )
    return env


@cache
def asset(name: str) -> str:
    """The address of a static file, with its digest so that it may be kept for ever."""
    digest = hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"

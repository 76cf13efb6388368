"""What a case says to its customers: the texts of its cells, completed and looked at by the rules of the house.

The rules are in `content.yaml` of the home folder, else those that come with the product, and are read again when that
file changes. A text in a form is looked at when the form is saved or sent, and every rendered text before its wave
starts; a wave with a text that may not go out does not start.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache, partial
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engine.definition.document import read
from engine.definition.model import Definition
from engine.delivery.channels import CHANNELS, Email, longest_over
from engine.delivery.content import ContentRules
from engine.delivery.links import RESERVED
from engine.delivery.message import renderer, suggestion, unusable
from engine.delivery.plan import DeliveryPlan
from engine.delivery.template import LONGEST_TEMPLATE, fixed_text, parse, shortest
from engine.delivery.words import Words
from engine.errors import InvalidFile, Problem
from engine.service import messagelinks
from engine.service.app import Countersign
from engine.settings import Settings
from engine.store.waves import WaveRow
from engine.warehouse.wavefiles import Wording

RULES = "content.yaml"


def rules_of(settings: Settings) -> ContentRules:
    """The rules of the house. InvalidFile with every problem where its file is none."""
    own = settings.home / RULES
    return _read(own, own.stat().st_mtime_ns) if own.is_file() else shipped()


@lru_cache(maxsize=1)
def shipped() -> ContentRules:
    """The rules that come with the product."""
    file = resources.files("definitions") / "house" / RULES
    return _parsed(file.read_text(encoding="utf-8"), RULES)


def is_marketing(plan: DeliveryPlan) -> bool:
    """Whether customers must be told how to get out."""
    return plan.purpose == "marketing"


def wording(app: Countersign, plan: DeliveryPlan, wave: WaveRow, form: Mapping[str, Any]) -> Wording:
    """How the letters of a wave are made. ValueError where a text names what its plan does not allow."""
    address, message = plan.address_for(wave.channel), plan.message
    if message is None or not CHANNELS[wave.channel].has_text:
        return Wording(address, (), lambda _cell, _values: "")
    constants = {f"form.{name}": value for name, value in form.items()}
    subject = message.email.subject if message.email and wave.channel == Email.name else ""
    test = wave.plan.test or plan.test_for(wave.plan)
    words = {name: message.variants[name] for name in test.of} if test else message.words_for(wave.channel)
    templates = [subject, *(one.template(form) for one in words.values())]
    stamped = messagelinks.stamp(app, message, wave.id, templates, constants)
    texts = composed(app.settings, plan, form, (wave.channel,), stamped.names, is_tested=test is not None)
    entitle = renderer(subject, (*message.fields, *stamped.names), constants)
    if test is None:
        other = texts.get("", lambda _values: "")
        return Wording(
            address, message.fields, lambda cell, values: texts.get(cell, other)(values), entitle, stamped.of_row
        )
    by_row = test.variant_of if wave.plan.test else lambda _row: test.of[0]
    others = () if wave.plan.test else test.of[1:]
    return Wording(
        address, message.fields, lambda name, values: texts[name](values), entitle, stamped.of_row, by_row, others
    )


def composed(
    settings: Settings,
    plan: DeliveryPlan,
    form: Mapping[str, Any],
    channels: Collection[str] = (),
    stamped: tuple[str, ...] = (),
    *,
    is_tested: bool = False,
) -> dict[str, Callable[[tuple[Any, ...]], str]]:
    """By cell, what makes the text of a customer of it; for all other cells under the empty name. `channels` are those
    that it goes over, by default all of the plan; the reserved names of `stamped` have a value in every row, the others
    one that shows what will stand there. `is_tested`: by variant instead."""
    assert plan.message is not None
    over = channels or channels_of(plan)
    constants = {f"form.{name}": value for name, value in form.items()} | messagelinks.shown(settings, stamped)
    frame = partial(rules_of(settings).over(over).additions, is_marketing=is_marketing(plan))
    words: Mapping[str, Words] = (
        plan.message.words_for(next(iter(channels))) if len(channels) == 1 else plan.message.words
    )
    if is_tested:
        words = plan.message.variants
    names = (*plan.message.fields, *stamped)
    longest = longest_over(over)
    return {cell: renderer(one.template(form), names, constants, frame, longest) for cell, one in words.items()}


def channels_of(plan: DeliveryPlan) -> frozenset[str]:
    """Every channel that a wave of the plan goes over."""
    return frozenset(name for wave in plan.waves for name in wave.channel)


def wrong(settings: Settings, definition: Definition, values: Mapping[str, Any]) -> tuple[Problem, ...]:
    """A problem at each form field whose text cannot be filled, or that the house does not let out."""
    plan = definition.delivery
    if plan is None or plan.message is None:
        return ()
    allowed = {*RESERVED, *plan.message.fields, *(f"form.{name}" for name in definition.proposal.fields)}
    named: dict[str, set[str]] = {}
    for channel in sorted(channels_of(plan)):
        for words in (*plan.message.words_for(channel).values(), *plan.message.variants.values()):
            if words.field:
                named.setdefault(words.field, set()).add(channel)
    found = (
        problem
        for field, channels in named.items()
        if isinstance(text := values.get(field), str) and text
        for problem in _wrong(rules_of(settings).over(channels), field, text, allowed, is_marketing(plan))
    )
    return (*found, *_nothing_to_follow(plan, values))


def _nothing_to_follow(plan: DeliveryPlan, values: Mapping[str, Any]) -> Iterator[Problem]:
    """What E417 says of a text that stands in the definition, of one that stands in the form."""
    assert plan.message is not None
    told = set()
    for wave in plan.waves:
        for name in wave.test.of if wave.test and wave.test.metric == "click" else ():
            field = plan.message.variants[name].field if name in plan.message.variants else ""
            text = values.get(field) if field else None
            if field not in told and isinstance(text, str) and text and "{link" not in text:
                told.add(field)
                said = f"the wave {wave.name} tests clicks, and nobody can follow a link in this text"
                yield Problem("content.no_link", said, "write {link}", at=field, fields={"wave": wave.name})


def _wrong(rules: ContentRules, field: str, text: str, allowed: set[str], marketing: bool) -> Iterator[Problem]:
    cannot = unusable(text, allowed, max(rules.longest, LONGEST_TEMPLATE))
    for one in cannot:
        said = f"the message cannot fill {one.what} at line {one.line}, column {one.column}"
        told = {"what": one.what, "line": one.line, "column": one.column, "hint": suggestion(one, allowed)}
        yield Problem(f"content.{one.why}", said, suggestion(one, allowed), at=field, fields=told)
    if cannot:
        return
    own = fixed_text(parse(text)[0])
    before, after = rules.additions(own, is_marketing=marketing)
    for breach in rules.breaches(before + own + after, is_marketing=marketing, is_whole=False):
        if breach.kind in ("forbidden", "link") or "{" not in text:
            said = f"the house does not let this text out: {breach.kind} {breach.what}"
            yield Problem(f"content.{breach.kind}", said, at=field, fields={"what": breach.what})
    if len(before) + shortest(text) + len(after) > rules.longest:
        yield Problem("content.long", f"a message has at most {rules.longest} signs", at=field)


@lru_cache(maxsize=8)
def _read(file: Path, _changed: int) -> ContentRules:
    try:
        return _parsed(file.read_text(encoding="utf-8"), str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidFile([Problem("content.file", f"{file} cannot be read: {error}", file=str(file))]) from None


def _parsed(text: str, file: str) -> ContentRules:
    document = read(text)
    if document.problems:
        raise InvalidFile(document.problems)
    try:
        return ContentRules.model_validate(document.value or {})
    except ValidationError as error:
        problems = [
            Problem("content.file", one["msg"], at=".".join(map(str, one["loc"])), file=file)
            for one in error.errors(include_url=False)
        ]
        raise InvalidFile(problems) from None

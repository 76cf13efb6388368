"""What a case says to its customers: the texts of its cells, completed and looked at by the rules of the house.

The rules are in `content.yaml` of the home folder, else those that come with the product, and are read again when that
file changes. A text in a form is looked at when the form is saved or sent, and every rendered text before its wave
starts; a wave with a text that may not go out does not start.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from engine.definition.document import read
from engine.definition.model import Definition
from engine.delivery.channels import CHANNELS
from engine.delivery.content import ContentRules
from engine.delivery.message import LONGEST_TEXT, renderer, suggestion, unusable
from engine.delivery.plan import DeliveryPlan
from engine.delivery.template import fixed_text, parse, shortest
from engine.errors import InvalidFile, Problem
from engine.settings import Settings
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


def wording(settings: Settings, plan: DeliveryPlan, channel: str, form: Mapping[str, Any]) -> Wording:
    """How the letters of a wave are made. ValueError where a text names what its plan does not allow."""
    address = plan.address if CHANNELS[channel].has_address else ""
    if plan.message is None or not CHANNELS[channel].has_text:
        return Wording(address, (), lambda _cell, _values: "")
    texts = composed(settings, plan, form)
    other = texts.get("", lambda _values: "")
    return Wording(address, plan.message.fields, lambda cell, values: texts.get(cell, other)(values))


def composed(
    settings: Settings, plan: DeliveryPlan, form: Mapping[str, Any]
) -> dict[str, Callable[[tuple[Any, ...]], str]]:
    """By cell, what makes the text of a customer of it; for all other cells under the empty name."""
    assert plan.message is not None
    constants = {f"form.{name}": value for name, value in form.items()}
    frame = partial(rules_of(settings).additions, is_marketing=is_marketing(plan))
    return {
        cell: renderer(words.template(form), plan.message.fields, constants, frame)
        for cell, words in plan.message.words.items()
    }


def wrong(settings: Settings, definition: Definition, values: Mapping[str, Any]) -> tuple[Problem, ...]:
    """A problem at each form field whose text cannot be filled, or that the house does not let out."""
    plan = definition.delivery
    if plan is None or plan.message is None:
        return ()
    allowed = {*plan.message.fields, *(f"form.{name}" for name in definition.proposal.fields)}
    named = dict.fromkeys(words.field for words in plan.message.words.values() if words.field)
    found = (
        problem
        for field in named
        if isinstance(text := values.get(field), str) and text
        for problem in _wrong(rules_of(settings), field, text, allowed, is_marketing(plan))
    )
    return tuple(found)


def _wrong(rules: ContentRules, field: str, text: str, allowed: set[str], marketing: bool) -> Iterator[Problem]:
    cannot = unusable(text, allowed)
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
    if len(before) + shortest(text) + len(after) > LONGEST_TEXT:
        yield Problem("content.long", f"a message has at most {LONGEST_TEXT} signs", at=field)


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

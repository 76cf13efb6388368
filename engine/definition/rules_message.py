"""The `message:` of a delivery: a text for every cell, and what the house wants said in those that are written here.

What stands in a form field is looked at when the form is sent, and every text once more when it is rendered.
"""

from collections.abc import Iterator

from engine.definition.document import Path
from engine.definition.findings import Finding, LintRule, Subject
from engine.delivery.channels import CHANNELS, longest_over
from engine.delivery.links import RESERVED
from engine.delivery.template import LONGEST_MAIL, LONGEST_TEMPLATE, fixed_text, parse
from engine.expr.types import nearest

HINTS = {
    "name": "list it under fields",
    "filter": "filters are money, number, date, mask, upper, lower, default, cut",
    "argument": 'write default("…") or cut(20); money, number, mask, upper and lower take nothing',
    "unclosed": "an if needs its end",
    "unopened": "it belongs to an if before it",
    "deep": "an if stands in at most three others",
    "long": "a text has at most 2,000 signs with all its branches, that of an e-mail 20,000",
    "syntax": "a brace holds a name with filters, or if, elif, else, end",
}


class UnknownCell(LintRule):
    """the message has a text for the cell {name}, and the audience has no such cell"""

    code = "E390"

    def find(self, subject: Subject) -> Iterator[Finding]:
        audience, delivery = subject.definition.audience, subject.definition.delivery
        if audience is None or delivery is None or delivery.message is None:
            return
        for name in delivery.message.cells:
            if name not in audience.divided:
                hint = nearest(name, tuple(audience.divided))
                yield Finding(("delivery", "message", "cells", name), {"name": name}, hint, at_key=True)


class CellWithoutText(LintRule):
    """the message has no text for the cell {name}"""

    code = "E391"

    def find(self, subject: Subject) -> Iterator[Finding]:
        audience, delivery = subject.definition.audience, subject.definition.delivery
        if audience is None or delivery is None or delivery.message is None:
            return
        plain = [wave for wave in delivery.waves if not wave.has_variants]
        over = {name for wave in plain for name in wave.channel if CHANNELS[name].has_text}
        if all("" in delivery.message.words_for(name) for name in over):
            return
        for name in audience.divided or ("base",):
            if name not in delivery.message.cells:
                hint = "give it one under cells, or write a text for all others"
                yield Finding(("delivery", "message"), {"name": name}, hint, at_key=True)


class AgainstTheHouse(LintRule):
    """the house does not let this text out: {kind} {what}"""

    code = "E392"

    def find(self, subject: Subject) -> Iterator[Finding]:
        delivery, rules = subject.definition.delivery, subject.content
        if delivery is None or rules is None:
            return
        is_marketing = delivery.purpose == "marketing"
        rules = rules.over({name for wave in delivery.waves for name in wave.channel})
        for path, template in fixed_texts(subject):
            text = fixed_text(parse(template)[0])
            before, after = rules.additions(text, is_marketing=is_marketing)
            for breach in rules.breaches(before + text + after, is_marketing=is_marketing, is_whole=False):
                # what is missing may come by a value; what is there stays
                if breach.kind in ("forbidden", "link") or "{" not in template:
                    yield Finding(path, {"kind": breach.kind, "what": breach.what})


def fixed_texts(subject: Subject) -> Iterator[tuple[Path, str]]:
    """The texts of the message that stand in the definition, each with its place."""
    message = subject.definition.delivery.message if subject.definition.delivery else None
    for place, words in message.every if message else ():
        if words.text:
            path = ("delivery", "message", *place)
            yield (path if isinstance(_written(subject, path), str) else (*path, "text")), words.text


def all_templates(subject: Subject) -> Iterator[tuple[Path, str, int]]:
    """The same, with what an e-mail has of its own, and how many signs each may have."""
    waves = subject.definition.delivery.waves if subject.definition.delivery else ()
    over = {name for wave in waves for name in wave.channel}
    yield from ((path, text, max(longest_over(over), LONGEST_TEMPLATE)) for path, text in fixed_texts(subject))
    message = subject.definition.delivery.message if subject.definition.delivery else None
    if message and message.email:
        mail = ("delivery", "message", "email")
        yield (*mail, "subject"), message.email.subject, LONGEST_TEMPLATE
        if message.email.text:
            yield (*mail, "text"), message.email.text, LONGEST_MAIL


def names_for(subject: Subject) -> set[str]:
    """What the texts may name."""
    message = subject.definition.delivery.message if subject.definition.delivery else None
    return {*RESERVED, *(message.fields if message else ()), *(f"form.{name}" for name in subject.fields)}


def _written(subject: Subject, path: Path) -> object:
    value: object = subject.document.value
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


MESSAGE = (UnknownCell(), CellWithoutText(), AgainstTheHouse())

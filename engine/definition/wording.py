"""Rules, people and spans of a definition in words, for readers who approve and do not read YAML.

A rule keeps its shape: names become labels, params their values, signs those that people write. Refuses to say more or
less than the rule does; what has no label keeps its name.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from engine.definition.model import Definition
from engine.errors import InvalidExpression
from engine.expr.lexer import Token, tokens
from engine.expr.naming import RULES, spliced
from engine.organisation.who import HEAD, FromField, Holders, Submitter, Superior, parse
from engine.values import Bilingual, Duration, Language

_SIGNS: Mapping[str, Bilingual] = {
    "&&": Bilingual(zh="且", en="and"),
    "||": Bilingual(zh="或", en="or"),
    "!": Bilingual(zh="非", en="not "),
    "==": Bilingual(zh="=", en="="),
    "!=": Bilingual(zh="≠", en="≠"),
    "<=": Bilingual(zh="≤", en="≤"),
    ">=": Bilingual(zh="≥", en="≥"),
    "in": Bilingual(zh="属于", en="in"),
    "has": Bilingual(zh="已填", en="filled in "),
    "true": Bilingual(zh="是", en="yes"),
    "false": Bilingual(zh="否", en="no"),
}
_UNITS: Mapping[str, Bilingual] = {
    "wd": Bilingual(zh="个工作日", en=" working day"),
    "wh": Bilingual(zh="个工作小时", en=" working hour"),
    "d": Bilingual(zh="天", en=" day"),
    "h": Bilingual(zh="小时", en=" hour"),
    "m": Bilingual(zh="分钟", en=" minute"),
    "s": Bilingual(zh="秒", en=" second"),
}
_LEVELS: Mapping[str, Bilingual] = {
    "county": Bilingual(zh="县", en="county "),
    "city": Bilingual(zh="市", en="city "),
    "province": Bilingual(zh="省", en="province "),
}
_PEOPLE: Mapping[str, Bilingual] = {
    HEAD: Bilingual(zh="负责人", en="head"),
    "submitter": Bilingual(zh="申报人", en="the submitter"),
    "superior": Bilingual(zh="申报人的上级", en="the submitter's superior"),
    "above": Bilingual(zh="申报人往上第{n}级", en="{n} levels above the submitter"),
    "chosen": Bilingual(zh="申报时所选：{field}", en="chosen in {field}"),
    "else": Bilingual(zh="否则", en="else"),
    "together": Bilingual(zh="、", en=", "),
}


class Wording:
    """The words of one definition in one language."""

    def __init__(self, definition: Definition, language: Language) -> None:
        self._definition = definition
        self._language = language
        self._alone = {f"{RULES}.{name}" for name in definition.approval.rules}

    def rule(self, text: str) -> str:
        """A condition; as it is written where it cannot be read."""
        whole = spliced(text, self._definition.approval.rules).text
        try:
            parts = [part for part in tokens(whole) if part.kind != "end"]
        except InvalidExpression:
            return text
        if text in self._alone and whole.startswith("("):
            parts = parts[1:-1]  # a rule that stands alone needs none
        said, before = "", parts[0].at if parts else 0
        for words, at, end in self._words(whole, parts):
            said += " " * (whole[before:at] != "" and said != "") + words
            before = end
        return said

    def who(self, who: Any) -> str:
        """Whom a step asks: a text, a list of them, or a table."""
        if isinstance(who, str):
            return self._found(who)
        entries: Sequence[Any] = who
        return self._say(_PEOPLE["together"]).join(map(self._entry, entries))

    def span(self, span: Duration) -> str:
        """How long."""
        plural = "s" if self._language == "en" and span.amount != 1 else ""
        return f"{span.amount}{self._say(_UNITS[span.unit])}{plural}"

    def _entry(self, entry: Any) -> str:
        if isinstance(entry, str):
            return self._found(entry)
        if hasattr(entry, "else_"):
            return f"{self._say(_PEOPLE['else'])} {self._found(entry.else_)}"
        return f"{self.rule(entry.when)}: {self._found(entry.who)}"

    def _found(self, who: str) -> str:
        match parse(who):
            case Holders(role=role, level=level):
                name = self._say(_PEOPLE[HEAD]) if role == HEAD else role
                gap = " " if level and name.isascii() and self._language == "zh" else ""
                return (self._say(_LEVELS[level]) if level else "") + gap + name
            case Superior(levels=1):
                return self._say(_PEOPLE["superior"])
            case Superior(levels=levels):
                return self._say(_PEOPLE["above"]).format(n=levels)
            case Submitter():
                return self._say(_PEOPLE["submitter"])
            case FromField(name=name):
                return self._say(_PEOPLE["chosen"]).format(field=self._label(name))

    def _words(self, text: str, parts: list[Token]) -> Iterator[tuple[str, int, int]]:
        """Each part of the rule in words, with where it begins and ends."""
        place = 0
        while place < len(parts):
            part = parts[place]
            path = [one.value for one in parts[place : place + 3]]
            if part.kind == "name" and path[0] in ("form", "params") and path[1:2] == ["."] and len(path) == 3:
                name = str(path[2])
                words = self._label(name) if path[0] == "form" else self._param(name)
                yield words, part.at, parts[place + 2].end
                place += 3
                continue
            known = _SIGNS.get(str(part.value)) if part.kind in ("name", "sign") else None
            if known is not None:
                yield self._say(known), part.at, part.end
            elif part.kind == "text":
                yield self._option(str(part.value)), part.at, part.end
            else:
                yield _shown(part.value) if part.kind == "number" else text[part.at : part.end], part.at, part.end
            place += 1

    def _label(self, name: str) -> str:
        field = self._definition.proposal.fields.get(name)
        return (self._say(field.label) if field else "") or name

    def _param(self, name: str) -> str:
        found = self._definition.params.get(name)
        if found is None:
            return f"params.{name}"
        return self._option(found) if isinstance(found, str) else _shown(found)

    def _option(self, value: str) -> str:
        """A value as the form shows it, where the fields that have it agree."""
        labels = {
            self._say(label) or value
            for field in self._definition.proposal.fields.values()
            for option, label in field.shown_choices()
            if option == value
        }
        return labels.pop() if len(labels) == 1 else f"“{value}”"

    def _say(self, text: Bilingual) -> str:
        return text.in_language(self._language)


def _shown(value: Any) -> str:
    if isinstance(value, Decimal):
        plain = value.quantize(Decimal(1)) if value == value.to_integral_value() else value
        return f"{plain:,f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "、".join(map(str, value)) if isinstance(value, list) else str(value)

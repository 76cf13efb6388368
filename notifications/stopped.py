"""A stop rule in the reader's words: "cost so far ¥9.60, at least budget ¥9", from the comparisons and what they saw.

Releases before recorded the rule alone; of those the words are said without values. Refuses to guess: an expression
that is more than names and signs keeps its signs, with names in words.
"""

import re
from decimal import Decimal

from engine.values import Bilingual, Language
from notifications.amounts import money

SEEN = " where "
MONEY = ("spent",)
METRICS = {
    "audience": Bilingual(zh="名单人数", en="customers of the list"),
    "sent": Bilingual(zh="已发", en="sent"),
    "delivered": Bilingual(zh="送达", en="delivered"),
    "failed": Bilingual(zh="失败", en="failed"),
    "complaints": Bilingual(zh="投诉", en="complaints"),
    "opt_outs": Bilingual(zh="退订", en="opt-outs"),
    "complaint_rate": Bilingual(zh="投诉率", en="rate of complaints"),
    "opt_out_rate": Bilingual(zh="退订率", en="rate of opt-outs"),
    "failure_rate": Bilingual(zh="失败率", en="rate of failures"),
    "spent": Bilingual(zh="已花费", en="cost so far"),
}
SIGNS = {
    ">=": Bilingual(zh="不低于", en="at least"),
    "<=": Bilingual(zh="不高于", en="at most"),
    "==": Bilingual(zh="等于", en="exactly"),
    "!=": Bilingual(zh="不等于", en="other than"),
    ">": Bilingual(zh="高于", en="more than"),
    "<": Bilingual(zh="低于", en="less than"),
}
BOTH, EITHER = Bilingual(zh="，并且", en=", and "), Bilingual(zh="，或者", en=", or ")
COMMA = Bilingual(zh="，", en=", ")
GLUE = {"; ": BOTH, " && ": BOTH, " || ": EITHER}
BETWEEN = re.compile(r"(; | && | \|\| )")
COMPARED = re.compile(r"(?P<left>.+?) (?P<sign>>=|<=|==|!=|>|<) (?P<right>.+)", re.S)
TERM = re.compile(
    r"(?:(?P<text>[a-z(].*?)(?: |$))?(?P<value>-?\d+(?:\.\d+)?)?(?: \((?P<zh>.+) / (?P<en>.+)\))?", re.S | re.I
)
NAME = re.compile(r"\bm\.(\w+)")


def spoken(recorded: str, language: Language) -> str:
    """What follows "stop: " in the record."""
    rule, _, seen = recorded.partition(SEEN)
    parts = BETWEEN.split(seen or rule)
    return "".join(GLUE[part].in_language(language) if part in GLUE else _comparison(part, language) for part in parts)


def _comparison(text: str, language: Language) -> str:
    found = COMPARED.fullmatch(text)
    sides = [TERM.fullmatch(side) for side in (found["left"], found["right"])] if found else []
    if not found or None in sides:
        return _named(text, language)
    left, right = (_term(side, text, language) for side in sides if side)
    sign = SIGNS[found["sign"]].in_language(language)
    return f"{left}{COMMA.in_language(language)}{sign} {right}"


def _term(side: re.Match[str], whole: str, language: Language) -> str:
    label = (side["zh"] if language == "zh" else side["en"]) or _named(side["text"] or "", language)
    value = _figure(Decimal(side["value"]), NAME.findall(whole)) if side["value"] else ""
    is_worked_out = " " in (side["text"] or "")
    return (" = " if is_worked_out else " ").join(filter(None, (label, value)))


def _named(text: str, language: Language) -> str:
    """Names of figures in words; those of the form by themselves."""
    said = NAME.sub(lambda found: METRICS[found[1]].in_language(language) if found[1] in METRICS else found[0], text)
    return re.sub(r"\bform\.", "", said)


def _figure(value: Decimal, compared: list[str]) -> str:
    """In the unit of what it stands beside: money, a share, a count."""
    if any(name in MONEY for name in compared):
        return money(value)
    if any(name.endswith("_rate") for name in compared):
        return f"{round(value * 100, 2).normalize():f}%"
    return f"{value:,}" if value == value.to_integral_value() else f"{round(value, 4).normalize():f}"

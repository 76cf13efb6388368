"""Why a case took its chain, in the reader's words: the comparison that was recorded, with labels, units and signs.

The history keeps what decided as text ("form.budget 86000.00 > params.city_budget 50000.00: true"). A comparison that
did not hold is told as what held instead. Refuses to guess: a shape that it does not know is shown as it was recorded.
"""

import re
from collections.abc import Sequence

from api.formats import Formats
from api.i18n import N_
from engine.service.views import FieldView

COMPARISON = re.compile(r"(?P<left>.+?) (?P<sign>>=|<=|==|!=|>|<|in) (?P<right>.+): (?P<holds>true|false)")
TERM = re.compile(r"(?:form\.(?P<name>\w+) |(?!.*form\.).+ )?(?P<value>[^ \[\]]+|\[[^\]]*\])")
NAMED = re.compile(r"form\.(?P<name>\w+)(?: \(empty\))?")
OPPOSITE = {">": "≤", ">=": "<", "<": "≥", "<=": ">", "==": "≠", "!=": "="}
SIGNS = {">": ">", ">=": "≥", "<": "<", "<=": "≤", "==": "=", "!=": "≠"}


def spoken(reason: str, fields: Sequence[FieldView], formats: Formats) -> str:
    """Budget ¥86,000 > ¥50,000. Channels without Outbound call."""
    if reason.endswith(": objection"):
        return formats.words("An objection to the filing")
    if reason.endswith(": conversion"):
        return formats.words("A superior's decision on the filing")
    known = {field.name: field for field in fields}
    if reason.endswith(": unknown"):
        what = NAMED.sub(lambda one: _label(one, known, formats), reason.removesuffix(": unknown"))
        return formats.words(N_("%(what)s cannot be worked out"), what=what)
    found = COMPARISON.fullmatch(reason)
    left, right = (TERM.fullmatch(found[side]) if found else None for side in ("left", "right"))
    if not (found and left and right):
        return reason
    measured = _field(left, known) or _field(right, known)
    if measured is None:
        return reason
    if found["sign"] == "in":
        return _membership(left, right, known, formats, holds=found["holds"] == "true") or reason
    if _is_list(left) or _is_list(right):
        return reason
    signs = SIGNS if found["holds"] == "true" else OPPOSITE
    return f"{_side(left, known, measured, formats)} {signs[found['sign']]} {_side(right, known, measured, formats)}"


def _label(found: re.Match[str], known: dict[str, FieldView], formats: Formats) -> str:
    field = known.get(found["name"])
    return formats.label(field.label) if field else found[0]


def _field(term: re.Match[str], known: dict[str, FieldView]) -> FieldView | None:
    return known.get(term["name"] or "")


def _is_list(term: re.Match[str]) -> bool:
    return str(term["value"]).startswith("[")


def _side(term: re.Match[str], known: dict[str, FieldView], measured: FieldView, formats: Formats) -> str:
    """A field with its label, anything else as a value of what it is compared with."""
    own = _field(term, known)
    value = formats.field(own or measured, term["value"])
    return f"{formats.label(own.label)} {value}" if own else value


def _membership(
    left: re.Match[str], right: re.Match[str], known: dict[str, FieldView], formats: Formats, *, holds: bool
) -> str:
    """A choice among those of a field (`'call' in form.channels`), or a field among the values of a list."""
    of, own = _field(right, known), _field(left, known)
    if of is not None and own is None:
        words = {"field": formats.label(of.label), "value": formats.field(of, [left["value"]])}
        return formats.words(N_("%(field)s with %(value)s") if holds else N_("%(field)s without %(value)s"), **words)
    if own is not None and of is None and _is_list(right):
        values = [formats.field(own, value) for value in right["value"].strip("[]").split(", ") if value]
        words = {"field": formats.label(own.label), "value": formats.field(own, left["value"])}
        words["values"] = formats.words(", ").join(values)
        one, none = N_("%(field)s %(value)s is one of %(values)s"), N_("%(field)s %(value)s is none of %(values)s")
        return formats.words(one if holds else none, **words)
    return ""

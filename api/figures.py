"""Figures over many cases in words, by the unit of their metric: one way for tables and charts."""

from api import words
from api.formats import NOTHING, Formats
from engine.values import Bilingual

# dimensions whose keys are codes, with what the codes are called
NAMED = {"channel": words.CHANNELS, "state": words.STATES}


def figure(formats: Formats, value: float | None, unit: str) -> str:
    """A value with its sign or unit; a dash where there is none."""
    if value is None:
        return NOTHING
    match unit:
        case "share":
            return formats.percent(value, 1)
        case "money":
            return formats.money(value)
        case "points":
            return formats.points(value)
        case "days":
            return formats.fixed(value, 1)
    return formats.number(int(value)) if value == int(value) else formats.fixed(value, 1)


def called(formats: Formats, dimension: str, key: str, label: Bilingual) -> str:
    """What a value of a dimension is called."""
    if not key:
        return formats.words("not known yet")
    codes = NAMED.get(dimension)
    return formats.words(codes.get(key, key)) if codes is not None else formats.label(label)

"""Figures over many cases in words, by the unit of their metric: one way for tables and charts."""

from math import floor, log10

from api import words
from api.formats import NOTHING, Formats
from engine.values import Bilingual

MOST_DECIMALS = 6
# dimensions whose keys are codes, with what the codes are called
NAMED = {"channel": words.CHANNELS, "state": words.STATES}


def figure(
    formats: Formats, value: float | None, unit: str, *, between: tuple[float | None, float | None] = (None, None)
) -> str:
    """A value with its sign or unit; a dash where there is none. A share, or a difference of shares, has as many
    decimals as tell the ends of the interval apart that it lies `between`."""
    if value is None:
        return NOTHING
    match unit:
        case "share":
            return formats.percent(value, _decimals(between, 1))
        case "money":
            return formats.money(value)
        case "points":
            return formats.points(value, _decimals(between, 2))
        case "days":
            return formats.fixed(value, 1)
    return formats.number(int(value)) if value == int(value) else formats.fixed(value, 1)


def _decimals(between: tuple[float | None, float | None], fewest: int) -> int:
    low, high = between
    width = 0.0 if low is None or high is None else abs(high - low) * 100
    return min(max(fewest, -floor(log10(width))), MOST_DECIMALS) if width > 0 else fewest


def called(formats: Formats, dimension: str, key: str, label: Bilingual) -> str:
    """What a value of a dimension is called."""
    if not key:
        return formats.label(label) or formats.words("not known yet")
    codes = NAMED.get(dimension)
    return formats.words(codes.get(key, key)) if codes is not None else formats.label(label)

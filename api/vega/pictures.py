"""What is to be drawn, as plain values: every text is in the reader's language already, and every number has its words.

A picture keeps what can be read at a glance and says how many it left out; the table behind it has them all. Refuses
to know how anything looks.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, assert_never

MOST_BARS, MOST_COLUMNS, MOST_INTERVALS = 30, 36, 30
ROW, TALL_ROW, NOTED_ROW, HEIGHT, AXIS = 28, 44, 62, 200, 20  # pixels
Axis = Literal["share", "points", "plain"]


@dataclass(frozen=True, slots=True)
class Bar:
    """A named value. `text` is the value in words, `low` and `high` its interval, `note` what else is written, softly:
    what the value is of; `told` are further (name, value) in words, for who points at it. `is_aside`: what was left
    out on the way, which looks like it."""

    label: str
    value: float
    text: str
    low: float | None = None
    high: float | None = None
    told: tuple[tuple[str, str], ...] = ()
    note: str = ""
    is_aside: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars below each other. `title` and `note` go with the file; on the page they stand beside it."""

    title: str
    note: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns beside each other in the order of time, each from zero."""

    title: str
    note: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """A figure with its interval; `is_open` where it cannot be told from the one above, or from nothing; `is_loss`
    where it is surely below nothing."""

    label: str
    value: float
    low: float
    high: float
    text: str
    is_open: bool
    is_loss: bool = False


@dataclass(frozen=True, slots=True)
class Intervals:
    """Figures with their intervals below each other on one axis; `mean` is that of all together, or where there is no
    difference. The `axis` of shares is in percent and ends at 0% and 100%, that of differences of shares in percentage
    points, a plain one in the figure's own unit."""

    title: str
    note: str
    places: tuple[Place, ...]
    mean: float
    axis: Axis = "share"


Picture = Bars | Columns | Intervals


def heights(picture: Picture) -> tuple[int, int]:
    """About how high it is drawn, on a wide page and on a phone: a page keeps the room until the drawing comes."""
    match picture:
        case Columns():
            return HEIGHT, HEIGHT
        case Bars(bars=bars):
            return len(bars) * ROW, len(bars) * (NOTED_ROW if any(bar.note for bar in bars) else TALL_ROW)
        case Intervals(places=places):
            return len(places) * ROW + AXIS, len(places) * TALL_ROW + AXIS
        case _:
            assert_never(picture)


def summary(picture: Picture, comma: str, most: int = 8) -> str:
    """What the first marks say, for who hears the page."""
    marks = picture.places if isinstance(picture, Intervals) else picture.bars
    said = [" ".join(filter(None, (one.label, one.text, getattr(one, "note", "")))) for one in marks[:most]]
    return comma.join(said)


def longest(bars: Iterable[Bar], most: int = MOST_BARS) -> tuple[tuple[Bar, ...], int]:
    """The bars in their order where they are few enough, else the longest, longest first; and how many are left out."""
    found = tuple(map(_clean, bars))
    if len(found) <= most:
        return found, 0
    return tuple(sorted(found, key=lambda bar: -abs(bar.value))[:most]), len(found) - most


def latest(bars: Iterable[Bar], most: int = MOST_COLUMNS) -> tuple[tuple[Bar, ...], int]:
    """The last ones of a course of time; and how many earlier ones are left out."""
    found = tuple(map(_clean, bars))
    return found[-most:], max(0, len(found) - most)


def plain(text: str) -> str:
    """A text without line breaks and signs that no drawing can hold."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _clean(bar: Bar) -> Bar:
    return replace(bar, label=plain(bar.label))

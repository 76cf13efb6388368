"""A table that leaves the house: typed columns that say what they mean, rows that come one by one, and of when, by
which filters and for whom it is.

What it becomes is a matter of `table_files`. Refuses to know where the rows come from, and to hold them all at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from engine.values import NO_TEXT, Bilingual

Kind = Literal["text", "integer", "number", "money", "rate", "date", "datetime", "duration"]
KINDS: dict[Kind, Bilingual] = {
    "text": Bilingual(zh="文字", en="text"),
    "integer": Bilingual(zh="整数", en="whole number"),
    "number": Bilingual(zh="数", en="number"),
    "money": Bilingual(zh="金额", en="money"),
    "rate": Bilingual(zh="比率（1 即 100%）", en="rate (1 is 100%)"),
    "date": Bilingual(zh="日期", en="day"),
    "datetime": Bilingual(zh="时刻", en="moment"),
    "duration": Bilingual(zh="时长", en="span of time"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `key` names it for programs, in CSV and Parquet; `title` for people, in a workbook; `definition` says
    in words what stands in it."""

    key: str
    title: Bilingual
    kind: Kind = "text"
    definition: Bilingual = NO_TEXT
    unit: Bilingual = NO_TEXT


@dataclass(frozen=True, slots=True)
class Table:
    """A table. A cell is None, or of its column's kind: str or Bilingual, int, Decimal, Decimal or float, date, an
    aware datetime, timedelta. `filters` are what was chosen, in words: the name of a filter and its value. `rows` may
    be gone through once."""

    name: str
    title: Bilingual
    columns: Sequence[Column]
    rows: Iterable[Sequence[object]]
    as_of: datetime
    zone: ZoneInfo
    asked_by: str
    filters: Sequence[tuple[Bilingual, Bilingual]] = ()

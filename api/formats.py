"""Numbers, money, times and form values as a reader in one language and time zone expects them.

Refuses to compute: what is shown was counted elsewhere. Times come in aware and leave in the settings' zone.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

from api.i18n import Words
from engine.service.views import DriftView, FieldView
from engine.values import CURRENCY_SIGNS, NO_TEXT, Bilingual
from notifications.amounts import money

LOCALES = {"zh": "zh_CN", "en": "en"}
NOTHING = "–"


@dataclass(frozen=True)
class Formats:
    """Formatting for one visitor at one moment."""

    words: Words
    zone: ZoneInfo
    now: datetime
    workdays: Callable[[date, date], int]  # by the operator's calendar, from the first day up to, without, the second

    @property
    def _locale(self) -> str:
        return LOCALES[self.words.language]

    def label(self, text: Bilingual) -> str:
        """A bilingual label in the visitor's language."""
        return text.in_language(self.words.language)

    def labels(self, texts: Iterable[Bilingual]) -> str:
        """Several labels as a list."""
        return self.words(", ").join(map(self.label, texts))

    def each(self, texts: Iterable[Bilingual]) -> tuple[str, ...]:
        """Several texts, each said once; empty ones not at all."""
        return tuple(dict.fromkeys(filter(None, map(self.label, texts))))

    def number(self, value: int | float | Decimal | None) -> str:
        """12,345 — or a dash where there is no number."""
        return NOTHING if value is None else str(format_decimal(value, locale="en", decimal_quantization=False))

    def money(self, value: Decimal | float | str | None, currency: str = "CNY") -> str:
        """¥48,000, ¥0.035, −¥12.50: whole amounts without decimals, others with two, tiny ones as they are."""
        return NOTHING if value is None else money(value, currency)

    def percent(self, value: float | None, digits: int = 2) -> str:
        """A share (0.031) as 3.10%."""
        return NOTHING if value is None else f"{value * 100:,.{digits}f}%".replace("-", "−")

    def points(self, value: float, digits: int = 2) -> str:
        """A difference of two shares (0.031) in percentage points: +3.10."""
        return f"{value * 100:+,.{digits}f}".replace("-", "−")

    def share(self, part: int, whole: int, digits: int = 1) -> str:
        """`part` of `whole` in percent; a dash of nothing."""
        return self.percent(part / whole, digits) if whole else NOTHING

    def drift(self, one: DriftView) -> str:
        """Both figures: declared 9,000 customers, in fact 11,200: 24% more."""
        declared, actual = self.number(one.declared), self.number(one.actual)
        figures = {"declared": declared, "actual": actual, "share": one.share or NOTHING}
        if one.actual > one.declared:
            return self.words("Declared %(declared)s customers, in fact %(actual)s: %(share)s more", **figures)
        return self.words("Declared %(declared)s customers, in fact %(actual)s: %(share)s fewer", **figures)

    def signed(self, value: float, digits: int = 2) -> str:
        """+0.68 or −0.12."""
        return f"{value:+,.{digits}f}".replace("-", "−")

    def lift(self, value: float, is_rate: bool) -> str:
        """A difference with its sign: percentage points of a share, plain of a mean."""
        return self.signed(value * 100 if is_rate else value)

    def period(self, text: str) -> str:
        """A span as definitions write it (7d, 3wd, 72h) in words; anything else as it is."""
        match = re.fullmatch(r"(\d{1,4})(wd|d|h|min)", text)
        if match is None:
            return text
        count, unit = int(match[1]), match[2]
        if unit == "wd":
            return self.words.plural("%(count)s working day", "%(count)s working days", count)
        return self.duration(timedelta(minutes=count * {"d": 1440, "h": 60, "min": 1}[unit]))

    def level(self, value: float, is_rate: bool) -> str:
        """A share in percent, or a mean."""
        return self.percent(value) if is_rate else self.fixed(value)

    def fixed(self, value: float | None, digits: int = 2) -> str:
        """A number with a fixed count of decimals."""
        return NOTHING if value is None else f"{value:,.{digits}f}".replace("-", "−")

    def tick(self, value: float) -> str:
        """A mark on an axis, as short as it can be."""
        return f"{value:g}".replace("-", "−")

    def p(self, value: float) -> str:
        """A p-value; tiny ones as < 0.001."""
        return "< 0.001" if value < 0.001 else f"{value:.3f}"

    def symbol(self, currency: str) -> str:
        """The sign before an amount."""
        return CURRENCY_SIGNS.get(currency, currency)

    def moment(self, at: datetime | None) -> str:
        """25 Sep 17:30; with the year where it is not this one."""
        if at is None:
            return NOTHING
        local = at.astimezone(self.zone)
        same_year = local.year == self.now.astimezone(self.zone).year
        if self.words.language == "zh":
            pattern = "M月d日 HH:mm" if same_year else "y年M月d日 HH:mm"
        else:
            pattern = "d MMM HH:mm" if same_year else "d MMM y, HH:mm"
        return str(format_datetime(local, pattern, locale=self._locale))

    def iso_day(self, at: datetime) -> str:
        """The day of a moment as a date field takes it: 2026-11-30."""
        return at.astimezone(self.zone).date().isoformat()

    def day(self, value: date | str | None) -> str:
        """A date as 1 Oct 2026 or 2026年10月1日; text that is no date stays as it is."""
        if not value:
            return NOTHING
        if isinstance(value, str):
            try:
                return self.day(date.fromisoformat(value))
            except ValueError:
                return value
        return str(format_date(value, "y年M月d日" if self.words.language == "zh" else "d MMM y", locale=self._locale))

    def short_day(self, value: str) -> str:
        """A date without its year where it is this one."""
        try:
            day = date.fromisoformat(value)
        except ValueError:
            return value
        if day.year != self.now.astimezone(self.zone).year:
            return self.day(day)
        return str(format_date(day, "M月d日" if self.words.language == "zh" else "d MMM", locale=self._locale))

    def day_of(self, at: datetime) -> str:
        """The day of a moment in the settings' zone, without its year where it is this one."""
        return self.short_day(at.astimezone(self.zone).date().isoformat())

    def as_of(self, text: str) -> str:
        """A recorded day or moment; anything else as it is."""
        try:
            return self.moment(datetime.fromisoformat(text)) if "T" in text else self.day(text)
        except ValueError:
            return text

    def duration(self, span: timedelta) -> str:
        """The two largest units: 1 day 3 hours, 4 hours 20 minutes, less than a minute."""
        minutes = int(abs(span).total_seconds() // 60)
        days, hours, minutes = minutes // 1440, minutes % 1440 // 60, minutes % 60
        parts = []
        if days:
            parts.append(self.words.plural("%(count)s day", "%(count)s days", days))
        if hours and len(parts) < 2:
            parts.append(self.words.plural("%(count)s hour", "%(count)s hours", hours))
        if minutes and not days:
            parts.append(self.words.plural("%(count)s minute", "%(count)s minutes", minutes))
        return " ".join(parts) if parts else self.words("less than a minute")

    def seconds(self, count: int) -> str:
        """So many seconds by the clock, as `duration` says them."""
        return self.duration(timedelta(seconds=count))

    def worked(self, count: int) -> str:
        """So many seconds of working time, in hours: a day of work is not a day."""
        return self.words("%(hours)s h", hours=self.fixed(count / 3600, 1))

    def since(self, at: datetime) -> str:
        """How long ago `at` was."""
        return self.duration(self.now - at)

    def left(self, until: datetime, caution: Bilingual = NO_TEXT) -> str:
        """The distance to a deadline: 2 working days left, 3 hours left, overdue for 1 day; about as many, where a
        `caution` says that it may still move."""
        if until <= self.now:
            return self.words("overdue for %(span)s", span=self.since(until))
        days = self.workdays(self.now.astimezone(self.zone).date(), until.astimezone(self.zone).date())
        if days < 1 or self.is_near(until):
            return self.words("%(span)s left", span=self.duration(until - self.now))
        if self.label(caution):
            return self.words.plural("about %(count)s working day left", "about %(count)s working days left", days)
        return self.words.plural("%(count)s working day left", "%(count)s working days left", days)

    def is_near(self, until: datetime) -> bool:
        """Whether less than a day is left."""
        return until - self.now < timedelta(days=1)

    def size(self, count: int) -> str:
        """How large a file is: 12 KB, 3.4 MB."""
        return f"{count / 1024 / 1024:.1f} MB" if count >= 1024 * 1024 else f"{max(1, round(count / 1024))} KB"

    def month(self, value: date) -> str:
        """The month of a day: December 2026, 2026年12月."""
        return str(format_date(value, "y年M月" if self.words.language == "zh" else "MMMM y", locale=self._locale))

    def field(self, field: FieldView, value: Any = None) -> str:
        """What a form field holds (or `value` in its place) as text."""
        raw = field.raw if value is None else value
        return self.value(field.kind, raw, currency=field.currency, choices=dict(field.choices))

    def value(self, kind: str, raw: Any, *, currency: str = "", choices: dict[str, Bilingual] | None = None) -> str:
        """A JSON value of field kind `kind` as text. Text that is not of its kind is shown as it is."""
        if raw is None or raw in ("", [], {}):
            return NOTHING
        match kind, raw:
            case "money", _:
                return self._or_plain(self.money, raw, currency)
            case (("int" | "decimal"), _):
                return self._or_plain(lambda text: self.number(Decimal(text)), raw)
            case "date", str():
                return self.day(raw)
            case "daterange", [first, last]:
                return self.words("%(first)s to %(last)s", first=self.day(first), last=self.day(last))
            case "attachment", list():
                return self.words(", ").join(f"{one['name']} ({self.size(one['size'])})" for one in raw)
            case "table", list():
                return self.words("; ").join(" · ".join(str(cell) for cell in row.values()) for row in raw)
            case _, list():
                return self.words(", ").join(self._choice(str(one), choices) for one in raw)
            case _:
                return self._choice(str(raw), choices)

    def _choice(self, name: str, choices: dict[str, Bilingual] | None) -> str:
        known = (choices or {}).get(name)
        return self.label(known) if known else name

    def _or_plain(self, show: Any, raw: Any, *more: Any) -> str:
        try:
            return str(show(str(raw), *more))
        except (InvalidOperation, ValueError):
            return str(raw)

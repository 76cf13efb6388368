"""From a notice to words in the reader's language: a subject and a body for a mail, a short text for SMS and bots.

The words live in `templates/<language>/<occasion>.txt`: the first line is the subject, the rest the body. A
confidential case is named in the subject and the short text by its number alone, because these show on lock screens, in
groups and in logs; the short text names no amount of any case. An occasion without a template of its own is told with
`news.txt`, so that nobody misses it.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.numbers import format_currency, format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from engine.service.mailing import STOPPED, ReportLetter
from engine.service.noticing import Bundle, Notice
from engine.service.views import DriftView, FieldView
from engine.values import Bilingual, Language
from notifications import held

TEMPLATES = Path(__file__).parent / "templates"
LOCALES: dict[Language, str] = {"zh": "zh_CN", "en": "en_GB"}
_BEYOND: dict[Language, tuple[str, str]] = {"zh": ("不足", "超出"), "en": ("fewer", "more")}
_FIGURES: dict[Language, str] = {"zh": "申报 {0} 户，实际 {1} 户，{2} {3}", "en": "declared {0}, in fact {1}, {3} {2}"}
_DUE: dict[Language, str] = {"zh": "截止：{0}", "en": "Due: {0}"}
_COLON: dict[Language, str] = {"zh": "：", "en": ": "}
_COMMA: dict[Language, str] = {"zh": "、", "en": ", "}
ASKING = ("task", "question", "unstaffed")
DATES: dict[Language, str] = {"zh": "y年M月d日 EEEE HH:mm", "en": "EEEE d MMMM y, HH:mm"}


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent. `title` is one line without a confidential case's title; `body` and `short` are plain text."""

    title: str
    body: str
    short: str = ""


def message_of(letter: Notice | Bundle | ReportLetter, zone: ZoneInfo) -> Message:
    """The words of a letter, with times in `zone`."""
    match letter:
        case Notice():
            return compose(letter, zone)
        case Bundle():
            return compose_digest(letter, zone)
        case ReportLetter():
            return compose_report(letter, zone)


def compose(notice: Notice, zone: ZoneInfo) -> Message:
    """The mail about `notice`, with times in `zone`."""
    language = notice.language
    text = _words(language).select_template([f"{notice.occasion}.txt", "news.txt"])
    subject, _, body = text.render(
        notice=notice,
        title=_one_line(notice.title),
        name=_one_line(notice.name),
        step=_one_line(notice.step.in_language(language)),
        by=_one_line(notice.by),
        remark=_remark(notice),
        subject_name=_one_line(notice.number if notice.confidential else f"{notice.number} {notice.title}"),
        due=_time(notice.due_at, zone, language),
        caution=notice.caution.in_language(language),
        budget=_money(notice.budget, language),
        reach=_count(notice.reach, language),
        drift=_drift(notice.drift, language),
        changes=[_change(one, language) for one in notice.changes],
        code=notice.code,
    ).partition("\n")
    title = _one_line(subject)
    return Message(title, body.strip() + "\n", _short(title, notice, zone))


def compose_digest(bundle: Bundle, zone: ZoneInfo) -> Message:
    """One mail about several notices: what is asked first, each with its own link."""
    language = bundle.language
    first = sorted(bundle.notices, key=lambda one: one.occasion not in ASKING)
    text = _words(language).get_template("digest.txt")
    subject, _, body = text.render(
        name=_one_line(bundle.name),
        count=len(first),
        asked=sum(one.occasion in ASKING for one in first),
        notices=[(compose(one, zone).title, _time(one.due_at, zone, language), one.link) for one in first],
        link=bundle.link,
    ).partition("\n")
    title = _one_line(subject)
    return Message(title, body.strip() + "\n", f"{title}\n{bundle.link}")


def compose_report(letter: ReportLetter, zone: ZoneInfo) -> Message:
    """The mail of a scheduled report; it says when there is nothing in it, and why a file does not come with it."""
    language = letter.language
    subject, _, body = _words(language).get_template("report.txt").render(
        letter=letter,
        name=_one_line(letter.name),
        title=_one_line(letter.title),
        page=letter.page,
        by=_one_line(letter.by),
        filters=_one_line(letter.filters),
        rows=_count(letter.rows, language),
        as_of=_time(letter.as_of, zone, language),
    ).partition("\n")  # fmt: skip
    title = _one_line(subject)
    return Message(title, body.strip() + "\n", f"{title}\n{letter.link}")


def cut(text: str, most: int) -> str:
    """As much of `text` as fits into `most` bytes of UTF-8; its last line, which is the link, stays whole."""
    if len(text.encode()) <= most:
        return text
    head, _, link = text.rpartition("\n")
    room = most - len(f"…\n{link}".encode())
    return head.encode()[:room].decode(errors="ignore") + f"…\n{link}"


def _short(title: str, notice: Notice, zone: ZoneInfo) -> str:
    """The subject, until when, and the way there."""
    due = _time(notice.due_at, zone, notice.language)
    until = _DUE[notice.language].format(due) if due else ""
    return "\n".join(filter(None, (title, until, notice.link)))


@cache
def _words(language: Language) -> Environment:
    # Plain text, so there is nothing to escape; what people typed is reduced to one line or indented instead.
    return Environment(
        loader=FileSystemLoader(TEMPLATES / language),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _remark(notice: Notice) -> str:
    """What a person wrote, or why the system holds the case."""
    said = notice.remark.strip()
    if notice.occasion == "report_stopped":
        return STOPPED.get(said, Bilingual(en=said)).in_language(notice.language)
    return held.spoken(said, notice.language) if notice.occasion == "failed" else said


def _one_line(text: str) -> str:
    """A line break in a title would start a new mail header or look like our own words."""
    return " ".join(text.split())


def _time(at: datetime | None, zone: ZoneInfo, language: Language) -> str:
    return format_datetime(at, DATES[language], tzinfo=zone, locale=LOCALES[language]) if at else ""


def _money(amount: Decimal | None, language: Language) -> str:
    return format_currency(amount, "CNY", locale=LOCALES[language]) if amount is not None else ""


def _drift(drift: DriftView | None, language: Language) -> str:
    """Both figures; without the share where nothing was declared to take it of."""
    if drift is None:
        return ""
    more = _BEYOND[language][drift.actual > drift.declared]
    declared, actual = _count(drift.declared, language), _count(drift.actual, language)
    return _FIGURES[language].format(declared, actual, more, drift.share).strip()


def _change(one: FieldView, language: Language) -> str:
    """A field with what it was and what it is now, on one line."""
    was, now = (_value(one, raw, language) for raw in (one.was, one.raw))
    return f"{_one_line(one.label.in_language(language))}{_COLON[language]}{was} → {now}"


def _value(of: FieldView, raw: Any, language: Language) -> str:
    """A form's value as the pages show it; a dash where the field is empty."""
    labels = {name: label.in_language(language) for name, label in of.choices}
    match of.kind, raw:
        case _, None | "" | []:
            return "–"
        case "money", _:
            return format_currency(Decimal(str(raw)), of.currency or "CNY", locale=LOCALES[language])
        case "int" | "decimal", _:
            return format_decimal(Decimal(str(raw)), locale=LOCALES[language], decimal_quantization=False)
        case "daterange", [first, last]:
            return f"{first} – {last}"
        case "attachment", list():
            return _COMMA[language].join(_one_line(one["name"]) for one in raw)
        case "table", list():
            return "; ".join(" · ".join(_one_line(str(cell)) for cell in row.values()) for row in raw)
        case _, list():
            return _COMMA[language].join(labels.get(str(name), str(name)) for name in raw)
        case _:
            return _one_line(labels.get(str(raw), str(raw)))


def _count(number: int | None, language: Language) -> str:
    return format_decimal(number, locale=LOCALES[language]) if number is not None else ""

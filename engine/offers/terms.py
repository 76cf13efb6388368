"""What an offer or tariff (产品、资费) says: read from text, checked, and compared with an earlier version.

Every amount is an exact decimal in CNY. Text comes in from a form, a file or a script and is read in one place, so
that all three refuse the same. Refuses what nobody could keep to: a negative price, a tariff without a fee, an end
before the beginning, an offer that cannot stand beside itself.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from engine.errors import Problem
from engine.values import Bilingual

KINDS = ("tariff", "package", "device", "service")
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,39}")
LARGEST = Decimal(1_000_000)
LONGEST = {"name_zh": 60, "name_en": 60, "category": 40, "family": 40, "tags": 200, "filing_number": 60}
LONGEST |= {"requires": 1000, "incompatible": 1000}
LONGEST_CONTRACT = 120
_BETWEEN = re.compile(r"[\s,;，；、]+")


@dataclass(frozen=True, slots=True)
class Tariff:
    """What is paid and what is in it. None of an allowance: nothing is in it. None of a price: nothing is charged
    beyond the allowance."""

    monthly_fee: Decimal | None = None
    voice_minutes: Decimal | None = None
    data_gb: Decimal | None = None
    sms: Decimal | None = None
    voice_price: Decimal | None = None
    data_price: Decimal | None = None
    sms_price: Decimal | None = None
    contract_months: int | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """One version's text. `requires` is an expression over the customer, empty where everybody may have it;
    `incompatible` are the codes of offers that cannot stand beside it; days are in the business's zone, both ends
    included, None where it is open."""

    name_zh: str
    name_en: str
    kind: str
    category: str
    family: str
    tags: tuple[str, ...]
    requires: str
    incompatible: tuple[str, ...]
    filing_number: str
    valid_from: date | None
    valid_until: date | None
    tariff: Tariff

    @property
    def name(self) -> Bilingual:
        """Its name in both languages; where one is missing the other stands for it."""
        return Bilingual(zh=self.name_zh or self.name_en, en=self.name_en or self.name_zh)

    @property
    def replaces_the_bill(self) -> bool:
        """Whether a customer under it pays its fee and prices in place of what they pay now: a tariff with a fee. What
        is taken beside a tariff, as a package of data, comes on top."""
        return self.kind == "tariff" and self.tariff.monthly_fee is not None

    def is_valid_on(self, day: date) -> bool:
        """Whether the day lies within its validity."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day <= self.valid_until
        )

    def written(self) -> dict[str, str]:
        """Every field as text, as `read_terms` reads it and as it is kept."""
        return {name: write(self) for name, write in _WRITE.items()}


FIELDS = (
    "name_zh",
    "name_en",
    "kind",
    "category",
    "family",
    "tags",
    "requires",
    "incompatible",
    "filing_number",
    "valid_from",
    "valid_until",
    "monthly_fee",
    "voice_minutes",
    "data_gb",
    "sms",
    "voice_price",
    "data_price",
    "sms_price",
    "contract_months",
)
COLUMNS = ("code", *FIELDS)
"""The headings of a file of offers."""
MOST_DIGITS = {"monthly_fee": 2, "voice_minutes": 0, "data_gb": 4, "sms": 0}
MOST_DIGITS |= {"voice_price": 4, "data_price": 4, "sms_price": 4}


def read_terms(code: str, typed: Mapping[str, str]) -> tuple[Terms | None, tuple[Problem, ...]]:
    """The terms that were typed for `code`, or every problem at its field. What an expression may name is not checked
    here: that needs the catalogue of customer fields."""
    problems: list[Problem] = []
    text = {name: " ".join(typed.get(name, "").split()) for name in FIELDS}
    if not CODE.fullmatch(code):
        problems.append(Problem("D180", "a code has 1 to 40 letters, digits, dots, dashes", at="code"))
    if not text["name_zh"] and not text["name_en"]:
        problems.append(Problem("D181", "give it a name", at="name_zh"))
    for name, most in LONGEST.items():
        if len(text[name]) > most:
            fields = {"max": most, "length": len(text[name])}
            problems.append(Problem("form.too_long", f"at most {most} characters", at=name, fields=fields))
    if text["kind"] not in KINDS:
        fields_ = {"value": text["kind"]}
        problems.append(Problem("form.not_among", f"a kind is one of {', '.join(KINDS)}", at="kind", fields=fields_))
    amounts = {name: _amount(name, text[name], digits, problems) for name, digits in MOST_DIGITS.items()}
    months = _amount("contract_months", text["contract_months"], 0, problems, most=LONGEST_CONTRACT)
    if text["kind"] == "tariff" and not text["monthly_fee"]:
        problems.append(Problem("D183", "a tariff has a monthly fee, which may be 0", at="monthly_fee"))
    since, until = (_day(name, text[name], problems) for name in ("valid_from", "valid_until"))
    if since and until and until < since:
        problems.append(Problem("D184", "it ends before it begins", at="valid_until"))
    beside = _several(text["incompatible"])
    if code in beside:
        problems.append(Problem("D185", "it cannot be incompatible with itself", at="incompatible"))
    wrong = tuple(one for one in beside if not CODE.fullmatch(one))
    if wrong:
        problems.append(
            Problem("form.not_code", f"not a code: {wrong[0]}", at="incompatible", fields={"value": wrong[0]})
        )
    if problems:
        return None, tuple(problems)
    contract = int(months) if months is not None else None
    return Terms(
        name_zh=text["name_zh"],
        name_en=text["name_en"],
        kind=text["kind"],
        category=text["category"],
        family=text["family"],
        tags=_several(text["tags"]),
        requires=text["requires"],
        incompatible=beside,
        filing_number=text["filing_number"],
        valid_from=since,
        valid_until=until,
        tariff=Tariff(**amounts, contract_months=contract),
    ), ()


def kept_terms(written: Mapping[str, str]) -> Terms:
    """The terms that `written` gave, from the place where they are kept."""
    terms, problems = read_terms("kept", written)
    if terms is None:
        raise ValueError(f"these terms were never kept: {problems}")
    return terms


def difference(old: Terms, new: Terms) -> tuple[tuple[str, str, str], ...]:
    """(field, was, is) of what differs, in the order of the fields."""
    was, now = old.written(), new.written()
    return tuple((name, was[name], now[name]) for name in FIELDS if was[name] != now[name])


def _amount(
    name: str, text: str, digits: int, problems: list[Problem], *, most: Decimal | int = LARGEST
) -> Decimal | None:
    if not text:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        problems.append(Problem("form.not_number", f"not a number: {text}", at=name, fields={"value": text[:40]}))
        return None
    if amount < 0:
        problems.append(Problem("D182", "it cannot be below 0", at=name))
    elif amount > most:
        problems.append(Problem("form.too_large", f"at most {most}", at=name, fields={"max": most}))
    elif amount != round(amount, digits):
        problems.append(Problem("form.scale", f"at most {digits} digits", at=name, fields={"scale": digits}))
    else:
        return round(amount, digits) if name == "monthly_fee" else Decimal(f"{amount.normalize():f}")
    return None


def _day(name: str, text: str, problems: list[Problem]) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        problems.append(Problem("form.not_date", f"not a day: {text}", at=name, fields={"value": text[:40]}))
        return None


def _several(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part for part in _BETWEEN.split(text) if part))


def _plain(value: Decimal | int | None) -> str:
    return "" if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)


def _writer(name: str) -> Callable[[Terms], str]:
    if name in Tariff.__slots__:
        return lambda terms: _plain(getattr(terms.tariff, name))
    if name in ("tags", "incompatible"):
        return lambda terms: ", ".join(getattr(terms, name))
    return lambda terms: str(getattr(terms, name) or "")


_WRITE = {name: _writer(name) for name in FIELDS}

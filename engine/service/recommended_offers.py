"""What a clerk is told of the offer of a recommendation: name, fee, days, filing number (资费要素).

Read from the catalogue; of codes that it never had, from the imported table. Refuses to call a tariff or package whole
that lacks its fee, its days or its filing number: nobody may conclude it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from engine.offers.terms import Terms, kept_terms
from engine.service.app import Countersign
from engine.service.sealing import dataset_of
from engine.store import offers
from engine.values import NO_TEXT, Bilingual
from engine.warehouse.offers import imported

FILED_KINDS = ("tariff", "package", "")
"""Kinds of offers whose elements the regulation asks for; of an unknown kind they are asked for as well."""


@dataclass(frozen=True, slots=True)
class OfferTold:
    """An offer as a clerk tells it. None and empty: not known. `missing` names the elements without which it cannot be
    concluded: name, monthly_fee, validity, filing_number. `in_force` is False where it is withdrawn or its days are
    not now."""

    code: str
    name: Bilingual
    kind: str = ""
    monthly_fee: Decimal | None = None
    data_gb: Decimal | None = None
    voice_minutes: Decimal | None = None
    contract_months: int | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    filing_number: str = ""
    in_force: bool = True

    @property
    def missing(self) -> tuple[str, ...]:
        """The elements that it lacks."""
        if self.kind not in FILED_KINDS:
            return () if self.name != NO_TEXT else ("name",)
        has = {
            "name": self.name != NO_TEXT,
            "monthly_fee": self.monthly_fee is not None,
            "validity": self.valid_from is not None or self.valid_until is not None,
            "filing_number": bool(self.filing_number),
        }
        return tuple(name for name, there in has.items() if not there)


def told(app: Countersign, tx: Connection, codes: Iterable[str], at: datetime) -> Mapping[str, OfferTold]:
    """The offers of these codes as they are at `at`; one that nobody knows is told by its code and lacks everything."""
    wanted = {code for code in codes if code}
    if not wanted:
        return {}
    day = at.astimezone(app.settings.zone).date()
    rows = offers.published(tx, at)
    found = {
        code: _of_catalogue(code, kept_terms(rows[code].terms), day, is_withdrawn=bool(rows[code].withdrawn_by))
        for code in wanted
        if code in rows
    }
    if wanted - found.keys():
        dataset = dataset_of(app.settings)
        there = imported(dataset, dataset.current(), wanted - found.keys())
        found |= {code: _of_table(code, row, day) for code, row in there.items()}
    return found | {code: OfferTold(code, NO_TEXT) for code in wanted - found.keys()}


def _of_catalogue(code: str, terms: Terms, day: date, *, is_withdrawn: bool) -> OfferTold:
    return OfferTold(
        code=code,
        name=terms.name,
        kind=terms.kind,
        monthly_fee=terms.tariff.monthly_fee,
        data_gb=terms.tariff.data_gb,
        voice_minutes=terms.tariff.voice_minutes,
        contract_months=terms.tariff.contract_months,
        valid_from=terms.valid_from,
        valid_until=terms.valid_until,
        filing_number=terms.filing_number,
        in_force=terms.is_valid_on(day) and not is_withdrawn,
    )


def _of_table(code: str, row: Mapping[str, Any], day: date) -> OfferTold:
    name = str(row.get("name") or "")
    since, until = row.get("valid_from"), row.get("valid_until")
    return OfferTold(
        code=code,
        name=Bilingual(zh=name, en=name),
        kind=str(row.get("kind") or ""),
        monthly_fee=_amount(row.get("monthly_fee")),
        data_gb=_amount(row.get("data_gb")),
        voice_minutes=_amount(row.get("voice_minutes")),
        valid_from=since,
        valid_until=until,
        filing_number=str(row.get("filing_number") or ""),
        in_force=(since is None or since <= day) and (until is None or day <= until),
    )


def _amount(value: object) -> Decimal | None:
    return None if value is None else Decimal(f"{Decimal(str(value)).normalize():f}")

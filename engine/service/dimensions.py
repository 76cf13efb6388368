"""The small tables that facts are looked at by: offices, offers, channels, days."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import get_args

import pyarrow as pa

from engine.delivery.channels import AnyChannel
from engine.offers.terms import Terms
from engine.organisation.offices import Offices

FIRST_DAY = date(2020, 1, 1)


def offices_of(offices: Offices) -> pa.Table:
    """Every office with the one of its city and its line: itself and all above it."""
    rows = []
    for one in offices:
        city = offices.at_level(one.code, "city")
        line = [each.code for each in offices.line(one.code)]
        told = {"office": one.code, "zh": one.zh, "en": one.en, "level": one.level}
        rows.append({**told, "city": city.code if city else "", "line": line})
    text = pa.string()
    fields = dict.fromkeys(("office", "zh", "en", "level", "city"), text) | {"line": pa.list_(text)}
    return pa.Table.from_pylist(rows, pa.schema(list(fields.items())))


def offers_of(terms: Mapping[str, Terms]) -> pa.Table:
    """The offers in force."""
    rows = [
        {"offer": code, "zh": one.name_zh, "en": one.name_en, "category": one.category} for code, one in terms.items()
    ]
    return pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in ("offer", "zh", "en", "category")]))


def channels_of() -> pa.Table:
    """Every channel that a wave can go over."""
    return pa.table({"channel": pa.array([kind.name for kind in get_args(AnyChannel)], pa.string())})


def dates_of(today: date) -> pa.Table:
    """Every day from 2020 to the end of next year."""
    last = date(today.year + 1, 12, 31)
    days = [FIRST_DAY + timedelta(days=n) for n in range((last - FIRST_DAY).days + 1)]
    return pa.table(
        {
            "day": pa.array(days, pa.date32()),
            "month": pa.array([f"{day:%Y-%m}" for day in days]),
            "year": pa.array([day.year for day in days], pa.int32()),
            "weekday": pa.array([day.isoweekday() for day in days], pa.int32()),
        }
    )

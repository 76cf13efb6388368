"""A rehearsal worked out one customer at a time in plain decimals: what the engine must equal."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from math import ceil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from engine.offers.terms import Tariff
from engine.warehouse.dataset import Column, Dataset, Table
from engine.warehouse.months import write_months

FEN = Decimal("0.01")


@dataclass(frozen=True)
class Month:
    """What one customer used in one month, and paid; None where nothing is known."""

    month: str
    arpu: Decimal | None
    voice: Decimal | None = Decimal()
    data: Decimal | None = Decimal()
    sms: int | None = 0


@dataclass(frozen=True)
class Customer:
    """A customer of the target with their months."""

    cell: str
    used: tuple[Month, ...] = ()


def written(dataset: Dataset, customers: list[Customer], *, months: tuple[str, ...]) -> Path:
    """Customers and usage into the dataset; the frozen list of all of them as a file of its own. Somebody who is not
    in the target has usage in every month."""
    ids = [f"C{n:05}" for n in range(len(customers))]
    rows = [(name, one) for name, customer in zip(ids, customers, strict=True) for one in customer.used]
    rows += [("other", Month(month, Decimal("9999.99"), Decimal(1), Decimal(1), 1)) for month in months]
    usage = pa.table(
        {
            "customer": pa.array([name for name, _ in rows], pa.string()),
            "month": pa.array([date.fromisoformat(f"{one.month}-01") for _, one in rows], pa.date32()),
            "arpu": pa.array([one.arpu for _, one in rows], pa.decimal128(18, 2)),
            "voice_minutes": pa.array([one.voice for _, one in rows], pa.decimal128(18, 2)),
            "data_gb": pa.array([one.data for _, one in rows], pa.decimal128(18, 4)),
            "sms": pa.array([one.sms for _, one in rows], pa.int64()),
        }
    )
    types = ("text", "date", "decimal(2)", "decimal(2)", "decimal(4)", "int")
    columns = tuple(Column(name, type_) for name, type_ in zip(usage.schema.names, types, strict=True))
    dataset.replace("usage", Table(columns, tuple(write_months(dataset, "usage", usage, "month"))))
    everybody = pa.table({"customer": pa.array([*ids, "other"], pa.string())})
    with dataset.fresh_file("customers") as path:
        pq.write_table(everybody, path)
        file = dataset.keep("customers", path, everybody.num_rows)
    dataset.replace("customers", Table((Column("customer", "text"),), (file,)))
    listed = dataset.folder / "list.parquet"
    cells = [customer.cell for customer in customers]
    arms = ["target"] * len(ids)
    pq.write_table(
        pa.table(
            {
                "customer": pa.array([*ids, "held-back"], pa.string()),
                "cell": pa.array([*cells, "base"], pa.string()),
                "arm": pa.array([*arms, "control"], pa.string()),
            }
        ),
        listed,
    )
    return listed


def bill(tariff: Tariff, one: Month) -> Decimal | None:
    """The bill of a month under the tariff; None where something that it charges for is unknown."""
    total = tariff.monthly_fee or Decimal()
    for used, included, price in (
        (one.voice, tariff.voice_minutes, tariff.voice_price),
        (one.data, tariff.data_gb, tariff.data_price),
        (None if one.sms is None else Decimal(one.sms), tariff.sms, tariff.sms_price),
    ):
        if not price:
            continue
        if used is None:
            return None
        total += max(Decimal(), used - (included or Decimal())) * price
    return total.quantize(FEN, ROUND_HALF_UP)


def change_of(tariff: Tariff, customer: Customer, months: tuple[str, ...]) -> tuple[int, int, int] | None:
    """(months known, bill now, change), means per month in fen; None of whom nothing is known."""
    pairs = [
        (one.arpu, becomes)
        for one in customer.used
        if one.month in months and one.arpu is not None and (becomes := bill(tariff, one)) is not None
    ]
    if not pairs:
        return None
    now = sum(was for was, _ in pairs) / len(pairs)
    change = sum(becomes - was for was, becomes in pairs) / len(pairs)
    return len(pairs), int(now.quantize(FEN, ROUND_HALF_UP) * 100), int(change.quantize(FEN, ROUND_HALF_UP) * 100)


def ranks(changes: list[int]) -> tuple[int, int, int]:
    """p5, p50, p95 by the nearest rank."""
    if not changes:
        return 0, 0, 0
    ordered = sorted(changes)
    five, fifty, most = (ordered[max(1, ceil(Decimal(p) * len(ordered))) - 1] for p in ("0.05", "0.5", "0.95"))
    return five, fifty, most

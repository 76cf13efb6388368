"""A tariff in force, three months of usage of the customers of the explained case, and cases to rehearse it for."""

from datetime import date
from decimal import Decimal

import pyarrow as pa

from engine.service import offers, people, rehearsals
from engine.service.app import Countersign
from engine.service.recording import OPERATOR, By
from engine.service.rehearsals import Wanted
from engine.warehouse.dataset import Column, Dataset, Table
from engine.warehouse.months import write_months
from tests.acceptance.explained_case import NUMBER, published
from tests.acceptance.offices import key, viewer
from tests.warehouse.explained_by_hand import id_of

CODE = "flow-10g"
TERMS = {
    "name_zh": "畅享套餐59元",
    "name_en": "Flow 59",
    "kind": "tariff",
    "category": "data",
    "family": "flow",
    "tags": "5g, data",
    "filing_number": "粤资费备2026-0188",
    "valid_from": "2026-01-01",
    "monthly_fee": "59.00",
    "voice_minutes": "100",
    "data_gb": "20",
    "sms": "10",
    "voice_price": "0.15",
    "data_price": "5.00",
    "sms_price": "0.10",
    "contract_months": "12",
}
MONTHS = ("2026-08", "2026-09", "2026-10")


def by(app: Countersign, login: str) -> By:
    """Who acts, with a key of its own."""
    return By(people.viewer_named(app, login), "page", "", f"{login}:{key()}")


def tariff(app: Countersign, code: str = CODE, **changes: str) -> int:
    """A version of a tariff, proposed by the operator and published by an administrator; its number."""
    newest = [one.version for one in offers.listed(app, OPERATOR) if one.code == code]
    seen = max((offers.show(app, OPERATOR, code).newest for _ in newest), default=0)
    version = offers.propose(app, OPERATOR, code, TERMS | changes, seen=seen)
    offers.decide(app, by(app, "machao"), code, version, publish=True)
    return version


def usage(app: Countersign, *, months: tuple[str, ...] = MONTHS, number: int = NUMBER) -> None:
    """Usage of all customers but every tenth; some of them without the first month."""
    rows = [
        (id_of(n), month, Decimal(30 + n % 90), Decimal(40 + 3 * (n % 60)), Decimal(n % 40) / 2, n % 25)
        for n in range(number)
        for place, month in enumerate(months)
        if n % 10 and not (place == 0 and n % 7 == 0)
    ]
    table = pa.table(
        {
            "customer": pa.array([row[0] for row in rows], pa.string()),
            "month": pa.array([date.fromisoformat(f"{row[1]}-01") for row in rows], pa.date32()),
            "arpu": pa.array([row[2] for row in rows], pa.decimal128(18, 2)),
            "voice_minutes": pa.array([row[3] for row in rows], pa.decimal128(18, 2)),
            "data_gb": pa.array([row[4] for row in rows], pa.decimal128(18, 4)),
            "sms": pa.array([row[5] for row in rows], pa.int64()),
        }
    )
    types = ("text", "date", "decimal(2)", "decimal(2)", "decimal(4)", "int")
    columns = tuple(Column(name, type_) for name, type_ in zip(table.schema.names, types, strict=True))
    dataset = Dataset(app.settings.data)
    dataset.replace("usage", Table(columns, tuple(write_months(dataset, "usage", table, "month"))))


def prepared(app: Countersign) -> None:
    """Definition, customers, usage and tariff in force."""
    published(app)
    usage(app)
    tariff(app)


def rehearsed(app: Countersign, login: str = "wangmin", **wanted: str) -> int:
    """A rehearsal of the first version of the tariff; its number."""
    return rehearsals.run(app, by(app, login), Wanted(**{"offer": CODE, "version": "1", **wanted}))


__all__ = ["CODE", "MONTHS", "TERMS", "by", "prepared", "rehearsed", "tariff", "usage", "viewer"]

"""Kinds of columns that the two databases store differently: times, exact amounts, serial numbers."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, DateTime, Integer, Numeric, String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class UtcTime(TypeDecorator[datetime]):
    """An aware time. SQLite has none, there it is ISO text of fixed width in UTC, which sorts as time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """See TypeDecorator."""
        return dialect.type_descriptor(String(32) if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """See TypeDecorator. ValueError for a time without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        value = value.astimezone(UTC)
        return value.isoformat(timespec="microseconds") if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """See TypeDecorator."""
        if value is None or isinstance(value, datetime):
            return value
        return datetime.fromisoformat(value)


Serial = BigInteger().with_variant(Integer, "sqlite")


class Money(TypeDecorator[Decimal]):
    """An exact amount. SQLite has no decimals, there it is text."""

    impl = Numeric(16, 2)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """See TypeDecorator."""
        return dialect.type_descriptor(String(20) if dialect.name == "sqlite" else Numeric(16, 2))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """See TypeDecorator."""
        return value if value is None or dialect.name != "sqlite" else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """See TypeDecorator."""
        return None if value is None else Decimal(value)

"""Budgets of offices: versions that two persons set, balances that no row may overdraw, and the double entry behind.

Amounts are whole millionths of the currency: a price has up to six decimals, and SQLite has none to add.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
)

from engine.store.columns import Serial, UtcTime
from engine.store.tables.base import metadata, only

budget_versions = Table(
    "budget_versions",
    metadata,
    Column("account", String(24), nullable=False),  # "<office>:<year>:<currency>"
    Column("version", Integer, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("reason", String(200), nullable=False),
    Column("proposed_by", String(40), nullable=False),
    Column("proposed_at", UtcTime, nullable=False),
    Column("decision", String(10), nullable=False, server_default=""),
    Column("decided_by", String(40), nullable=False, server_default=""),
    Column("decided_at", UtcTime),
    PrimaryKeyConstraint("account", "version"),
    CheckConstraint("amount>=0", name="amount"),
    CheckConstraint("decision in ('','confirmed','refused')", name="decision"),
    Index("ix_budget_versions_open", "account", unique=True, **only("decision=''")),
)

budget_accounts = Table(
    "budget_accounts",
    metadata,  # a balance, changed in the transaction that posts; the constraints refuse to spend what is not there
    Column("key", String(24), primary_key=True),
    Column("office", String(12), ForeignKey("offices.code"), nullable=False),
    Column("year", Integer, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("approved", BigInteger, nullable=False, server_default="0"),
    Column("available", BigInteger, nullable=False, server_default="0"),
    Column("reserved", BigInteger, nullable=False, server_default="0"),
    Column("committed", BigInteger, nullable=False, server_default="0"),
    Column("actual", BigInteger, nullable=False, server_default="0"),
    UniqueConstraint("office", "year", "currency"),
    CheckConstraint("available>=0", name="available"),
    CheckConstraint("reserved>=0 and committed>=0 and actual>=0", name="held"),
    CheckConstraint("approved=available+reserved+committed+actual", name="whole"),
)

budget_cases = Table(
    "budget_cases",
    metadata,  # what one case holds of an account, and what it gave back in all
    Column("case_id", String(24), ForeignKey("cases.id"), nullable=False),
    Column("account", String(24), ForeignKey("budget_accounts.key"), nullable=False),
    Column("reserved", BigInteger, nullable=False, server_default="0"),
    Column("committed", BigInteger, nullable=False, server_default="0"),
    Column("actual", BigInteger, nullable=False, server_default="0"),
    Column("released", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("case_id", "account"),
    CheckConstraint("reserved>=0 and committed>=0 and actual>=0 and released>=0", name="held"),
    Index(None, "account"),
)

budget_postings = Table(
    "budget_postings",
    metadata,  # append-only: triggers refuse UPDATE and DELETE; the two lines of a key add up to nothing
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("key", String(160), nullable=False),
    Column("line", SmallInteger, nullable=False),
    Column("account", String(24), ForeignKey("budget_accounts.key"), nullable=False),
    Column("side", String(10), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("occasion", String(12), nullable=False),
    Column("case_id", String(24), ForeignKey("cases.id")),
    Column("wave", String(48), nullable=False, server_default=""),
    Column("at", UtcTime, nullable=False),
    Column("actor", String(40), nullable=False),
    UniqueConstraint("key", "line"),
    CheckConstraint("side in ('approved','available','reserved','committed','actual')", name="side"),
    CheckConstraint("line in (1,2)", name="line"),
    Index(None, "account", "id"),
    Index(None, "case_id"),
)

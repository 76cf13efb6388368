"""Recommendations (营业厅推荐) that a clerk has seen, and what the customer said. What nobody saw has no row."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, String, Table

from engine.store.columns import Money, UtcTime
from engine.store.tables.base import metadata

recommendations = Table(
    "recommendations",
    metadata,
    Column("wave", String(48), nullable=False),
    Column("row", Integer, nullable=False),  # the row of the ledger
    Column("case_id", String(24), ForeignKey("cases.id"), nullable=False),
    Column("customer", String(60), nullable=False),
    Column("shown_by", String(40), nullable=False),  # the first who saw it
    Column("shown_at", UtcTime, nullable=False),
    Column("office", String(12), nullable=False),  # of the clerk who saw it first, then of the one who answered
    Column("answer", String(8), nullable=False, server_default=""),
    Column("reason", String(20), nullable=False, server_default=""),
    Column("confirmed_by", String(12), nullable=False, server_default=""),
    Column("evidence", String(60), nullable=False, server_default=""),
    Column("answered_by", String(40), nullable=False, server_default=""),
    Column("answered_at", UtcTime),
    Column("again_at", UtcTime),  # of "later": not before
    Column("value", Money),  # of an acceptance: money per month
    Column("proved_by", String(40), nullable=False, server_default=""),  # who wrote the evidence down, and when
    Column("proved_at", UtcTime),
    PrimaryKeyConstraint("wave", "row"),
    CheckConstraint("answer in ('','accept','refuse','later')", name="answer"),
    Index(None, "customer"),
    Index(None, "case_id"),
)

"""Saved customer groups (客户群): every version of every group, and which one counts for a round of a case."""

from sqlalchemy import Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, String, Table, Text

from engine.store.columns import UtcTime
from engine.store.tables.base import metadata

customer_groups = Table(
    "customer_groups",
    metadata,
    Column("name", String(40), nullable=False),
    Column("owner", String(40), nullable=False),
    Column("office", String(40), nullable=False),  # empty: the operator's
    Column("ended_at", UtcTime),  # offered no more from then on
    PrimaryKeyConstraint("name"),
)

customer_group_versions = Table(
    "customer_group_versions",
    metadata,
    Column("name", String(40), ForeignKey("customer_groups.name"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("title", String(60), nullable=False),
    Column("source", Text, nullable=False),  # JSON, as it is written in an audience
    Column("tests", Text, nullable=False),  # JSON: customers, and whether the group has them
    Column("note", String(200), nullable=False),
    Column("saved_by", String(40), nullable=False),
    Column("saved_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("name", "version"),
)

case_groups = Table(
    "case_groups",
    metadata,
    Column("case_id", String(24), ForeignKey("cases.id"), nullable=False),
    Column("round", Integer, nullable=False),
    Column("reference", String(50), nullable=False),  # as it is written: NAME or NAME@VERSION
    Column("name", String(40), nullable=False),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("case_id", "round", "reference"),
    Index("ix_case_groups_name", "name"),
)

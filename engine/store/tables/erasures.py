"""Erasures (清除): customers who asked to be forgotten, from the proposal to the certificate."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, String, Table, Text

from engine.store.columns import UtcTime
from engine.store.tables.base import metadata, only

erasures = Table(
    "erasures",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", String(60), nullable=False),  # stands for the customer: a keyed hash of the number
    Column("sealed", Text, nullable=False),  # number and addresses, encrypted; empty once they are needed no more
    Column("reason", String(200), nullable=False),
    Column("asked_by", String(40), nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("decision", String(10), nullable=False, server_default=""),
    Column("decided_by", String(40), nullable=False, server_default=""),
    Column("decided_at", UtcTime),
    Column("finished_at", UtcTime),
    Column("certificate", Text, nullable=False, server_default=""),  # JSON; while it runs, what was found so far
    CheckConstraint("decision in ('','confirmed','refused')", name="decision"),
    Index("ix_erasures_open", "name", unique=True, **only("decision=''")),
    Index(None, "name"),
)

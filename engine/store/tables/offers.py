"""Versions of offers and tariffs (产品、资费), and rehearsals (预演) of tariffs over past usage."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, String, Table, Text

from engine.store.columns import UtcTime
from engine.store.tables.base import metadata, only

offer_versions = Table(
    "offer_versions",
    metadata,
    Column("code", String(40), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("terms", Text, nullable=False),  # JSON: every field as text
    Column("proposed_by", String(40), nullable=False),
    Column("proposed_at", UtcTime, nullable=False),
    Column("decision", String(10), nullable=False, server_default=""),
    Column("decided_by", String(40), nullable=False, server_default=""),
    Column("decided_at", UtcTime),
    Column("withdrawn_by", String(40), nullable=False, server_default=""),
    Column("withdrawn_at", UtcTime),
    Column("reason", String(200), nullable=False, server_default=""),  # of the withdrawal
    CheckConstraint("decision in ('','published','refused','replaced')", name="decision"),
    Index("ix_offer_versions_open", "code", unique=True, **only("decision=''")),
)

rehearsals = Table(
    "rehearsals",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("offer", String(40), nullable=False),
    Column("version", Integer, nullable=False),
    Column("case_id", String(40), nullable=False, server_default=""),
    Column("made_by", String(40), nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("inputs", Text, nullable=False),  # JSON: target, months, dataset version, files, SQL
    Column("figures", Text, nullable=False),  # JSON
    Index("ix_rehearsals_case_id", "case_id"),
    Index("ix_rehearsals_offer", "offer"),
)

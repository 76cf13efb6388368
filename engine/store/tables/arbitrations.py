"""Runs of the arbitration, and what each case of a run wanted, got and lost."""

from sqlalchemy import BigInteger, Boolean, Column, Date, ForeignKey, Index, Integer, String, Table, Text, false

from engine.store.columns import UtcTime
from engine.store.tables.base import metadata, only

arbitrations = Table(
    "arbitrations",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("since", Date, nullable=False),
    Column("until", Date, nullable=False),
    Column("base", Integer, nullable=False, server_default="0"),  # the run that a what-if is compared with
    Column("made_by", String(40), nullable=False),
    Column("made_at", UtcTime, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("folder", Text, nullable=False),  # relative to the data folder
    Column("inputs", Text, nullable=False),  # JSON: policy, rooms, what was changed, dataset version
    Column("committed_by", String(40), nullable=False, server_default=""),
    Column("committed_at", UtcTime),
)

arbitration_cases = Table(
    "arbitration_cases",
    metadata,
    Column("run", Integer, ForeignKey("arbitrations.number"), primary_key=True),
    Column("case_id", String(24), ForeignKey("cases.id"), primary_key=True),
    Column("place", Integer, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("channel", String(20), nullable=False),
    Column("wanted", BigInteger, nullable=False),
    Column("got", BigInteger, nullable=False),
    Column("losses", Text, nullable=False),  # JSON: [case that won or "", by what, customers]
    Column("seen", String(64), nullable=False),  # digest of the form and round that the run saw
    Column("failed", Text, nullable=False, server_default=""),
    Column("holds", Boolean, nullable=False, server_default=false()),
    Index("ix_arbitration_cases_holds", "case_id", unique=True, **only("holds")),
    Index(None, "case_id"),
)

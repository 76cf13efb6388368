"""Call lists: one row per customer to call, and one per attempt."""

from sqlalchemy import CheckConstraint, Column, Index, Integer, PrimaryKeyConstraint, String, Table, UniqueConstraint

from engine.store.columns import Money, UtcTime
from engine.store.tables.base import metadata, only

calls = Table(
    "calls",
    metadata,
    Column("wave", String(48), nullable=False),
    Column("row", Integer, nullable=False),  # place in the wave's file, as in the ledger
    Column("case_id", String(24), nullable=False),
    Column("customer", String(60), nullable=False),
    Column("state", String(8), nullable=False, server_default="open"),
    Column("assigned_to", String(40), nullable=False, server_default=""),  # empty = whoever takes it
    Column("held_by", String(40), nullable=False, server_default=""),  # who has it before them
    Column("held_until", UtcTime),
    Column("shown_at", UtcTime),  # when who holds it saw the number, and may have dialled
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("missed", Integer, nullable=False, server_default="0"),  # attempts that reached nobody
    Column("next_at", UtcTime, nullable=False),
    Column("disposition", String(16), nullable=False, server_default=""),  # of the newest attempt
    Column("note", String(200), nullable=False, server_default=""),
    Column("last_at", UtcTime),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("out_by", String(40), nullable=False, server_default=""),  # who took it out of the house with its number
    Column("out_at", UtcTime),  # until results come or the lead takes it back nobody here takes it
    PrimaryKeyConstraint("wave", "row"),
    UniqueConstraint("case_id", "customer"),
    CheckConstraint("state in ('open','ended')", name="state"),
    Index("ix_calls_due", "assigned_to", "next_at", **only("state='open'")),
    Index("ix_calls_back", "next_at", **only("state='open' AND disposition='call_back'")),
    Index("ix_calls_held", "held_by", **only("held_by<>''")),
)

call_attempts = Table(
    "call_attempts",
    metadata,
    Column("wave", String(48), nullable=False),
    Column("row", Integer, nullable=False),
    Column("reference", String(80), nullable=False),  # the source's own id: a second import changes nothing
    Column("case_id", String(24), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("caller", String(40), nullable=False),
    Column("disposition", String(16), nullable=False),
    Column("call_back_at", UtcTime),
    Column("evidence", String(80), nullable=False, server_default=""),  # of what the customer agreed to
    Column("note", String(200), nullable=False, server_default=""),
    Column("value", Money),  # of an acceptance: money per month
    PrimaryKeyConstraint("wave", "row", "reference"),
    Index(None, "case_id", "caller"),
)

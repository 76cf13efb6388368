"""What is told to whom by which channel, what stands behind a channel, and who wants what how; webhooks out."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from engine.store.columns import Serial, UtcTime
from engine.store.tables.base import metadata, only

messages = Table(
    "messages",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("key", String(240), nullable=False, unique=True),  # what, to whom, by which channel: never twice
    Column("person", String(40), nullable=False),
    Column("channel", String(12), nullable=False),
    Column("circuit", String(120), nullable=False),  # what goes down together
    Column("occasion", String(24), nullable=False),
    Column("case_id", String(24), nullable=False, server_default=""),
    Column("body", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("release_at", UtcTime, nullable=False),  # business time from which on it may go
    Column("bundle", String(240), nullable=False, server_default=""),  # the key of the digest that it waits for
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("lease_until", UtcTime),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("error", Text, nullable=False, server_default=""),
    Column("created_at", UtcTime, nullable=False),
    Column("settled_at", UtcTime),
    CheckConstraint("state in ('pending','bundled','sent','dead','moot')", name="state"),
    Index("ix_messages_pending", "release_at", **only("state='pending'")),
    Index("ix_messages_bundled", "bundle", **only("state='bundled'")),
    Index("ix_messages_circuit", "circuit", "id"),
    Index("ix_messages_dead", "id", **only("state='dead'")),
)

circuits = Table(  # a row only for what does not work
    "circuits",
    metadata,
    Column("name", String(120), primary_key=True),
    Column("down_since", UtcTime, nullable=False),
    Column("probe_at", UtcTime, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("is_told", Boolean, nullable=False, server_default=text("false")),
)

preferences = Table(
    "preferences",
    metadata,
    Column("person", String(40), ForeignKey("people.id"), primary_key=True),
    Column("body", Text, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
)

channels = Table(  # what an administrator set; a channel without a row is as it comes
    "channels",
    metadata,
    Column("name", String(12), primary_key=True),
    Column("body", Text, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("owner", String(40), ForeignKey("people.id"), nullable=False),
    Column("name", String(80), nullable=False),
    Column("url", Text, nullable=False),
    Column("events", String(200), nullable=False),  # ",case.decided,case.closed,"
    Column("secret", String(80), nullable=False),
    Column("old_secret", String(80), nullable=False, server_default=""),
    Column("old_until", UtcTime),  # until then both sign
    Column("state", String(10), nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("created_at", UtcTime, nullable=False),
    Column("made_by", String(120), nullable=False, unique=True),  # keys of the requests that made it, and its secret:
    Column("renewed_by", String(120), nullable=False, server_default=""),  # sent twice they count once
    CheckConstraint("state in ('active','off','disabled')", name="state"),
    Index(None, "owner"),
)

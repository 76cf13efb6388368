"""What comes back from customers: opt-outs, replies, orders, clicks, and what belongs to nothing yet."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, String, Table, Text
from sqlalchemy import UniqueConstraint as Unique

from engine.store.columns import Money, Serial, UtcTime
from engine.store.tables.base import metadata, only

opt_outs = Table(
    "opt_outs",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("source", String(12), nullable=False),  # reply, link, call, hall, mail, complaint, import
    Column("reference", String(120), nullable=False),  # the source's own id: told again it changes nothing
    Column("customer", String(60), nullable=False, server_default=""),  # empty while nobody knows whose address it is
    Column("case_id", String(24), nullable=False, server_default=""),
    Column("channel", String(20), nullable=False, server_default=""),  # what is barred; empty = every channel
    Column("at", UtcTime, nullable=False),
    Column("taken_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Unique("source", "reference"),
    Index(None, "customer"),
)

opt_out_addresses = Table(
    "opt_out_addresses",
    metadata,  # sealed, in every way of writing; asked before each chunk
    Column("address", String(500), nullable=False),
    Column("opt_out", Serial, ForeignKey("opt_outs.id"), nullable=False),
    PrimaryKeyConstraint("address", "opt_out"),
    Index(None, "opt_out"),
)

replies = Table(
    "replies",
    metadata,
    Column("reference", String(120), primary_key=True),
    Column("case_id", String(24), nullable=False),
    Column("wave", String(48), nullable=False),
    Column("row", Integer, nullable=False),
    Column("customer", String(60), nullable=False),
    Column("shown", String(40), nullable=False),  # the sender, masked
    Column("meaning", String(8), nullable=False),
    Column("text", Text, nullable=False),  # sealed
    Column("at", UtcTime, nullable=False),
    Column("taken_at", UtcTime, nullable=False),
    Column("read_at", UtcTime),
    Column("read_by", String(40), nullable=False, server_default=""),
    CheckConstraint("meaning in ('opt_out','opt_in','other')", name="meaning"),
    Index(None, "case_id", "at"),
    Index(None, "customer"),
    Index("ix_replies_unread", "case_id", **only("read_at IS NULL")),
)

orders = Table(
    "orders",
    metadata,
    Column("case_id", String(24), nullable=False),
    Column("reference", String(80), nullable=False),
    Column("customer", String(60), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("value", Money),
    Column("how", String(20), nullable=False, server_default=""),  # how the customer confirmed it; empty = not known
    Column("confirmed_at", UtcTime),
    Column("confirmation", String(120), nullable=False, server_default=""),
    Column("state", String(12), nullable=False),
    Column("taken_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("case_id", "reference"),
    CheckConstraint("state in ('counted','unconfirmed','late')", name="state"),
    Index(None, "customer"),
)

wave_links = Table(
    "wave_links",
    metadata,  # a short number for a wave, and where its {link} leads
    Column("number", Serial, primary_key=True),
    Column("wave", String(48), ForeignKey("waves.id"), nullable=False, unique=True),
    Column("target", Text, nullable=False, server_default=""),
)

clicks = Table(
    "clicks",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("wave", String(48), nullable=False),
    Column("row", Integer, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("client", String(16), nullable=False),  # a keyed hash of the address of that day
    Column("agent", String(12), nullable=False),
    Column("machine", String(12), nullable=False, server_default=""),  # why it is no person's; empty = a person's
    Index(None, "wave", "row"),
    Index(None, "client", "at"),
)

parked_receipts = Table(
    "parked_receipts",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("kind", String(12), nullable=False, server_default="receipt"),
    Column("reference", String(120), nullable=False, server_default=""),  # the same once more is not parked again
    Column("wave", String(48), nullable=False, server_default=""),  # the wave that it names
    Column("body", Text, nullable=False),
    Column("reason", String(120), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("settled_at", UtcTime),  # when a person had looked at it, or it found its message
    Column("settled_by", String(40), nullable=False, server_default=""),
    CheckConstraint("kind in ('receipt','reply','order','complaint')", name="kind"),
    Index("ix_parked_receipts_reference", "kind", "reference", unique=True, **only("reference<>''")),
    Index("ix_parked_receipts_wave", "wave", **only("settled_at IS NULL")),
)

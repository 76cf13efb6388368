"""Views that people saved of pages with filters, with whom they are shared, and what is mailed of them when."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from engine.store.columns import Serial, UtcTime
from engine.store.tables.base import metadata, only

saved_views = Table(
    "saved_views",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("owner", String(40), nullable=False),
    Column("page", String(24), nullable=False),  # the key of the page, not its address
    Column("name", String(60), nullable=False),
    Column("query", String(1000), nullable=False),  # the part of the address behind the question mark
    UniqueConstraint("owner", "page", "name"),
)

view_shares = Table(  # an empty office or role stands for any, never both
    "view_shares",
    metadata,
    Column("view", ForeignKey("saved_views.id"), nullable=False),
    Column("office", String(12), nullable=False),
    Column("role", String(40), nullable=False),
    PrimaryKeyConstraint("view", "office", "role"),
)

mailings = Table(
    "mailings",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("view", ForeignKey("saved_views.id"), nullable=False, index=True),
    Column("every", String(8), nullable=False),
    Column("day", Integer, nullable=False),  # of the week (0 is Monday) or of the month; 0 where daily
    Column("at", String(5), nullable=False),
    Column("zone", String(40), nullable=False),
    Column("workdays", Boolean, nullable=False),
    Column("form", String(8), nullable=False),  # link, xlsx, csv
    Column("state", String(8), nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("next_at", UtcTime, nullable=False),  # the period that is mailed next, in business time
    Column("made_by", String(120), nullable=False, unique=True),  # the key of the request that made it
    CheckConstraint("every in ('daily','weekly','monthly')", name="every"),
    CheckConstraint("form in ('link','xlsx','csv')", name="form"),
    CheckConstraint("state in ('active','off','stopped')", name="state"),
    Index("ix_mailings_due", "next_at", **only("state='active'")),
)

mailing_recipients = Table(
    "mailing_recipients",
    metadata,
    Column("mailing", ForeignKey("mailings.id"), nullable=False),
    Column("person", String(40), ForeignKey("people.id"), nullable=False, index=True),
    Column("left_at", UtcTime),  # they want it no longer
    PrimaryKeyConstraint("mailing", "person"),
)

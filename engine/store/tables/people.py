"""Who is there and where: the organisation and its calendar."""

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
    text,
)

from engine.store.columns import Money, Serial, UtcTime
from engine.store.tables.base import metadata

organisation = Table(
    "organisation",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("revision", Integer, nullable=False),  # raised by every change below; caches compare it
    Column("settled_revision", Integer, nullable=False, server_default="0"),  # the last one that open steps followed
    Column("settled_at", UtcTime),  # when they did: stand-ins begin and end by themselves
    Column("counted_by", String(64)),  # the fingerprint of the calendar by which open deadlines are counted
)

offices = Table(
    "offices",
    metadata,
    Column("code", String(12), primary_key=True),
    Column("zh", String(80), nullable=False),
    Column("en", String(80), nullable=False, server_default=""),
    Column("level", String(8), nullable=False),
    Column("parent", String(12), ForeignKey("offices.code")),
    CheckConstraint("level in ('county','city','province')", name="level"),
)

people = Table(
    "people",
    metadata,
    Column("id", String(40), primary_key=True),  # the sign-in name
    Column("name", String(80), nullable=False),
    Column("email", String(200), nullable=False, server_default=""),
    Column("language", String(2), nullable=False, server_default="zh"),
    Column("password_hash", Text, nullable=False, server_default=""),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("must_change", Boolean, nullable=False, server_default=text("false")),  # the password was given by another
    Column("same_as", String(40), nullable=False, server_default=""),  # another account of the same human being
)

grants = Table(
    "grants",
    metadata,
    Column("person", String(40), ForeignKey("people.id"), nullable=False),
    Column("role", String(40), nullable=False),
    Column("office", String(12), ForeignKey("offices.code"), nullable=False),
    Column("weight", Integer, nullable=False, server_default="1"),
    PrimaryKeyConstraint("person", "role", "office"),
    Index(None, "office", "role"),
)

stand_ins = Table(
    "stand_ins",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("person", String(40), ForeignKey("people.id"), nullable=False),
    Column("by", String(40), ForeignKey("people.id"), nullable=False),
    Column("starts", UtcTime, nullable=False),
    Column("ends", UtcTime, nullable=False),
    Column("definitions", Text, nullable=False, server_default=""),  # ",a,b,", empty for all
    Column("budget", Money),  # only while form.budget is at most this
    Index(None, "by", "ends"),
)

workdays = Table(  # the operator's own table, above the calendar of the library
    "workdays",
    metadata,
    Column("day", String(10), primary_key=True),  # ISO
    Column("working", Boolean, nullable=False),
    Column("note", String(200), nullable=False, server_default=""),
)

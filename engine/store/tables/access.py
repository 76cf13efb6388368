"""Who may read a confidential case and who did, links that were refused, restores of the database, its lineage."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from engine.store.columns import Serial, UtcTime
from engine.store.tables.base import metadata, only

case_readers = Table(
    "case_readers",
    metadata,  # a removed reader's row stays, with who removed them
    Column("id", Serial, primary_key=True),
    Column("case_id", String(24), ForeignKey("cases.id"), nullable=False),
    Column("person", String(40), ForeignKey("people.id"), nullable=False),
    Column("named_by", String(40), nullable=False),
    Column("named_at", UtcTime, nullable=False),
    Column("removed_by", String(40)),
    Column("removed_at", UtcTime),
    Index("ix_case_readers_named", "case_id", "person", unique=True, **only("removed_at is null")),
)

case_embargoes = Table(
    "case_embargoes",
    metadata,  # the newest row of a case counts; `until` is empty where the embargo was lifted
    Column("id", Serial, primary_key=True),
    Column("case_id", String(24), ForeignKey("cases.id"), nullable=False),
    Column("until", UtcTime),
    Column("set_by", String(40), nullable=False),
    Column("set_at", UtcTime, nullable=False),
    Column("replaced_at", UtcTime),
    Index("ix_case_embargoes_newest", "case_id", unique=True, **only("replaced_at is null")),
)

case_views = Table(
    "case_views",
    metadata,  # of confidential cases, once per person and hour
    Column("id", Serial, primary_key=True),
    Column("case_id", String(24), ForeignKey("cases.id"), nullable=False),
    Column("person", String(40), nullable=False),
    Column("hour", String(13), nullable=False),  # in UTC, as 2026-12-01T09
    Column("at", UtcTime, nullable=False),
    Column("address", String(60), nullable=False, server_default=""),
    UniqueConstraint("case_id", "person", "hour"),
    Index(None, "at"),
)

link_refusals = Table(
    "link_refusals",
    metadata,  # somebody followed a link that was mailed to another person
    Column("id", Serial, primary_key=True),
    Column("case_id", String(24), nullable=False),
    Column("task", String(48), nullable=False),
    Column("meant_for", String(40), nullable=False),
    Column("used_by", String(40), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("address", String(60), nullable=False, server_default=""),
    Index(None, "at"),
)

restores = Table(
    "restores",
    metadata,  # their number is the epoch: links that were mailed in an earlier one are void
    Column("id", Serial, primary_key=True),
    Column("at", UtcTime, nullable=False),
)

lineage = Table(
    "lineage",
    metadata,  # one row: what tells a restored older copy from the database that went on, and the hold that follows
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", String(32), nullable=False),  # of this database for life; its copies have it too
    Column("epoch", Integer, nullable=False),  # how often sending was released after a restore
    Column("mark", BigInteger, nullable=False),  # grows with everything that is sent
    Column("held_at", UtcTime),
    Column("held_because", Text, nullable=False, server_default=""),
)

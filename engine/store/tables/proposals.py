"""What stands beside a proposal: when and under which name lists find it, its files, comments; what people keep of
lists."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
)

from engine.store.columns import UtcTime
from engine.store.tables.base import metadata

case_marks = Table(
    "case_marks",
    metadata,
    Column("case_id", String(24), ForeignKey("cases.id"), primary_key=True),
    Column("title_key", String(200), nullable=False),  # the title in pinyin, by which lists are sorted
    Column("starts", Date),  # the first date range of the form, both days included
    Column("ends", Date),
    Index(None, "title_key"),
    Index(None, "starts", "ends"),
)

attachments = Table(
    "attachments",
    metadata,  # files that were added to a case; which of them its form has now, the form says
    Column("id", String(32), primary_key=True),
    Column("case_id", String(24), ForeignKey("cases.id"), nullable=False),
    Column("field", String(48), nullable=False),
    Column("name", String(200), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("type", String(100), nullable=False),
    Column("sha256", String(64), nullable=False),  # where its bytes lie under the home folder
    Column("by", String(40), nullable=False),
    Column("at", UtcTime, nullable=False),
    Index(None, "case_id"),
)

comments = Table(
    "comments",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("case_id", String(24), ForeignKey("cases.id"), nullable=False),
    Column("field", String(48), nullable=False),
    Column("person", String(40), nullable=False),
    Column("text", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("resolved_by", String(40)),
    Column("resolved_at", UtcTime),
    Index(None, "case_id", "at"),
)

feeds = Table(
    "feeds",
    metadata,
    Column("hash", String(64), primary_key=True),  # sha256 of the token; the address with it is shown once
    Column("person", String(40), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
    Index(None, "person"),
)

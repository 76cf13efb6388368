"""How cases were closed out (结案): the frozen report with the digest of what it was made from, who signed it, what was
learned, and by what the case library finds it."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, String, Table, Text, text

from engine.store.columns import UtcTime
from engine.store.tables.base import metadata

closings = Table(
    "closings",
    metadata,
    Column("case_id", String(24), ForeignKey("cases.id"), primary_key=True),
    Column("closed_at", UtcTime, nullable=False),
    Column("signed_by", String(40), nullable=False, server_default=""),  # nobody where the case closed by itself
    Column("as_of", UtcTime),  # the report; without an evaluation there is none
    Column("report", Text, nullable=False, server_default=""),
    Column("inputs", Text, nullable=False, server_default=""),  # name -> rows and digest, as JSON
    Column("digest", String(64), nullable=False, server_default=""),
    Column("verdict", String(20), nullable=False, server_default=""),
    Column("worked", Text, nullable=False, server_default=""),
    Column("failed", Text, nullable=False, server_default=""),
    Column("repeat", Text, nullable=False, server_default=""),
    Column("in_library", Boolean, nullable=False, server_default=text("true")),
    Column("category", String(80), nullable=False, server_default=""),
    Column("channels", String(200), nullable=False, server_default=""),  # ,sms,hall,
    Column("words", Text, nullable=False, server_default=""),  # title and lessons, also in pinyin, small letters
    Index(None, "closed_at"),
    Index(None, "category"),
)

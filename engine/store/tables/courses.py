"""How each case went through its steps, packed for the figures of the process: one row per case."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from engine.store.columns import Serial
from engine.store.tables.base import metadata

course_words = Table(
    "course_words",
    metadata,  # steps, people and ways under the numbers that the packed rows hold
    Column("id", Serial, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("word", Text, nullable=False),  # a way is its steps, one a line
)

courses = Table(
    "courses",
    metadata,
    Column("case_id", String(24), ForeignKey("cases.id"), nullable=False),
    Column("seq", Integer, nullable=False),  # the history entry up to which it is told
    Column("submitted", BigInteger),  # seconds since 1970; none for a case that never was
    Column("ended", BigInteger, nullable=False),  # its last decision; 0 while it is open, and where it was given up
    Column("files", Boolean, nullable=False),  # only filed, never approved
    Column("way", BigInteger, nullable=False),
    Column("stays", LargeBinary, nullable=False),  # engine.evaluation.courses.PACKED, one after the other
    PrimaryKeyConstraint("case_id"),
    Index(None, "case_id", "seq"),
    Index(None, "submitted"),
)

"""What administrators keep and look at: the organisation's history, working groups, files to be confirmed, rounds."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, PrimaryKeyConstraint, String, Table, Text

from engine.store.columns import UtcTime
from engine.store.tables.base import metadata

organisation_history = Table(
    "organisation_history",
    metadata,  # append-only: triggers refuse UPDATE and DELETE
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("actor", String(40), nullable=False),
    Column("via", String(12), nullable=False),
    Column("address", String(60), nullable=False, server_default=""),
    Column("subject", String(80), nullable=False),  # the person, office, list entry, ... that changed
    Column("body", Text, nullable=False),  # {"before": …, "after": …, "reason": …} as it was hashed
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("key", String(120), unique=True),  # of the form that asked for it: sent twice it counts once
    Index(None, "subject", "seq"),
    Index(None, "at"),
)

groups = Table(
    "groups",
    metadata,  # a role at an office that bears a name; its members are those who hold the role there
    Column("role", String(40), nullable=False),
    Column("office", String(12), ForeignKey("offices.code"), nullable=False),
    Column("zh", String(80), nullable=False),
    Column("en", String(80), nullable=False, server_default=""),
    PrimaryKeyConstraint("role", "office"),
)

uploads = Table(
    "uploads",
    metadata,  # files that somebody looks at before they confirm them
    Column("id", String(32), primary_key=True),
    Column("kind", String(12), nullable=False),
    Column("name", String(120), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("person", String(40), nullable=False),
    Column("at", UtcTime, nullable=False),
)

rounds = Table(
    "rounds",
    metadata,  # when each flow looked last, written at most every half minute
    Column("flow", String(80), primary_key=True),  # a further worker is waves:NAME
    Column("at", UtcTime, nullable=False),
    Column("did", Integer, nullable=False, server_default="0"),
    Column("error", Text, nullable=False, server_default=""),
)

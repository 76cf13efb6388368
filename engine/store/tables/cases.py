"""Definitions, cases and what waits for somebody: tasks, timers, the outbox, links."""

from sqlalchemy import (
    BigInteger,
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
    text,
)

from engine.store.columns import Money, UtcTime
from engine.store.tables.base import metadata, only

definitions = Table(
    "definitions",
    metadata,
    Column("name", String(80), nullable=False),
    Column("version", Integer, nullable=False),
    Column("fingerprint", String(64), nullable=False, unique=True),
    Column("source", Text, nullable=False),
    Column("state", String(12), nullable=False),
    Column("author", String(40), nullable=False),
    Column("published_by", String(40)),
    Column("published_at", UtcTime),
    Column(
        "writers", Text, nullable=False, server_default=text("''")
    ),  # of its draft, comma-separated, author included
    Column("retired_by", String(40)),
    Column("retired_at", UtcTime),
    Column("retired_because", Text, nullable=False, server_default=text("''")),
    PrimaryKeyConstraint("name", "version"),
    CheckConstraint("state in ('draft','published','retired')", name="state"),
)

cases = Table(
    "cases",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("definition", String(80), nullable=False),
    Column("version", Integer, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("office", String(12), nullable=False),
    Column("submitter", String(40), nullable=False),
    Column("number", String(60), unique=True),
    Column("title", String(200), nullable=False, server_default=""),
    Column("state", String(24), nullable=False),
    Column("round", Integer, nullable=False),
    Column("seq", Integer, nullable=False),  # version of the case = number of its history entries
    Column("budget", Money),
    Column("reach", BigInteger),
    Column("confidential", Boolean, nullable=False, server_default=text("false")),
    Column("body", Text, nullable=False),  # engine.machine.case.Case as JSON
    Column("head", String(64), nullable=False),  # hash of the newest history entry, under the same lock as the body
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Index(None, "submitter", "updated_at"),
    Index(None, "office", "updated_at"),
    Index(None, "state", "updated_at"),
    Index(None, "id", "seq"),  # which cases went on since their course was told, without reading the cases
)

case_offices = Table(
    "case_offices",
    metadata,  # offices on the route and their chain of command: who may see a confidential case
    Column("case_id", String(24), ForeignKey("cases.id"), nullable=False),
    Column("office", String(12), nullable=False),
    PrimaryKeyConstraint("case_id", "office"),
    Index(None, "office"),
)

submitted_amounts = Table(
    "submitted_amounts",
    metadata,  # of each case whose definition watches for splitting: the amount of its newest submission
    Column("case_id", String(24), ForeignKey("cases.id"), primary_key=True),
    Column("definition", String(80), nullable=False),
    Column("office", String(12), nullable=False),
    Column("hundredths", BigInteger, nullable=False),  # of the amount: SQLite has no decimals to compare and add
    Column("at", UtcTime, nullable=False),
    Column("flagged", Boolean, nullable=False),
    Index(None, "definition", "office", "at"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", String(48), primary_key=True),
    Column("case_id", String(24), ForeignKey("cases.id"), nullable=False),
    Column("round", Integer, nullable=False),
    Column("step", String(120), nullable=False),
    Column("person", String(40), nullable=False),
    Column("verb", String(12), nullable=False),
    Column("state", String(12), nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("due_at", UtcTime),
    Column("decision", String(12)),
    Column("decided_by", String(40)),
    Column("decided_at", UtcTime),
    Column("remark", Text, nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    UniqueConstraint("case_id", "round", "step", "person"),
    CheckConstraint("state in ('waiting','open','decided','cancelled')", name="state"),
    Index("ix_tasks_open", "person", "due_at", **only("state='open'")),
    Index("ix_tasks_copied", "person", "opened_at", **only("verb='copy'")),
    Index("ix_tasks_done", "person", "decided_at", **only("state='decided'")),
    Index("ix_tasks_returned", "case_id", **only("decision='return'")),
)

timers = Table(
    "timers",
    metadata,
    Column("key", String(160), primary_key=True),
    Column("case_id", String(24), ForeignKey("cases.id"), nullable=False),
    Column("name", String(60), nullable=False),
    Column("step", String(120), nullable=False, server_default=""),
    Column("due_at", UtcTime, nullable=False),
    Column("state", String(10), nullable=False),
    Column("lease_until", UtcTime),
    Column("fence", Integer, nullable=False, server_default="0"),
    CheckConstraint("state in ('armed','fired','disarmed')", name="state"),
    Index("ix_timers_due", "due_at", **only("state='armed'")),
    Index(None, "case_id"),
)

history = Table(
    "history",
    metadata,  # append-only: triggers refuse UPDATE and DELETE
    Column("case_id", String(24), ForeignKey("cases.id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("kind", String(24), nullable=False),  # the command's name
    Column("actor", String(40), nullable=False),
    Column("on_behalf_of", String(40), nullable=False, server_default=""),
    Column("via", String(12), nullable=False),
    Column("body", Text, nullable=False),  # {"command": …, "events": […]} as it was hashed
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    PrimaryKeyConstraint("case_id", "seq"),
    Index(None, "at"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("key", String(120), primary_key=True),
    Column("case_id", String(24), nullable=False),
    Column("seq", Integer, nullable=False),  # the history entry that the key's command wrote
    Column("at", UtcTime, nullable=False),
)

numbering = Table(
    "numbering",
    metadata,
    Column("scope", String(80), nullable=False),
    Column("year", Integer, nullable=False),
    Column("next", Integer, nullable=False),
    PrimaryKeyConstraint("scope", "year"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("key", String(120), primary_key=True),
    Column("case_id", String(24), nullable=False),
    Column("kind", String(24), nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("available_at", UtcTime, nullable=False),
    Column("lease_until", UtcTime),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("error", Text, nullable=False, server_default=""),
    CheckConstraint("state in ('pending','done','dead')", name="state"),
    Index("ix_outbox_pending", "available_at", **only("state='pending'")),
)

links = Table(
    "links",
    metadata,
    Column("hash", String(64), primary_key=True),  # sha256 of the token; the token itself is only in the mail
    Column("person", String(40), nullable=False),
    Column("case_id", String(24), nullable=False),
    Column("task", String(48), nullable=False),
    Column("step", String(120), nullable=False),
    Column("round", Integer, nullable=False),
    Column("seq", Integer, nullable=False),  # the case's revision when it was mailed
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
    Column("epoch", Integer, nullable=False, server_default="0"),  # how often the database had been restored then
    Index(None, "task"),
)

register_numbers = Table(
    "register_numbers",
    metadata,  # of filings in effect, so that cases are found by them; patterns may give two offices the same number
    Column("case_id", String(24), ForeignKey("cases.id"), nullable=False),
    Column("number", String(120), nullable=False),
    PrimaryKeyConstraint("case_id", "number"),
    Index(None, "number"),
)

"""The case database's tables. One place for both databases; `migrations/` must give the same schema (tested).

Times are stored as UTC with a zone (PostgreSQL) or as ISO text in UTC (SQLite), see columns.py. JSON that the machine
reads back whole is text, so that both databases return the bytes that were written.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from engine.store.columns import Money, Serial, UtcTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _only(condition: str) -> dict[str, Any]:
    """For an index that holds only the rows of which `condition` is true."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


# Who and where ---------------------------------------------------------------------------------------------------

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

sessions = Table(
    "sessions",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("person", String(40), ForeignKey("people.id"), nullable=False),
    Column("device", String(64), nullable=False, server_default=""),
    Column("created_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Index(None, "person"),
)

devices = Table(
    "devices",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("person", String(40), ForeignKey("people.id"), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Index(None, "person"),
)

sign_in_tries = Table(
    "sign_in_tries",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("key", String(120), nullable=False),
    Column("at", UtcTime, nullable=False),
    Index(None, "key", "at"),
)

# Definitions and cases -------------------------------------------------------------------------------------------

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
    Index("ix_tasks_open", "person", "due_at", **_only("state='open'")),
    Index("ix_tasks_copied", "person", "opened_at", **_only("verb='copy'")),
    Index("ix_tasks_done", "person", "decided_at", **_only("state='decided'")),
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
    Index("ix_timers_due", "due_at", **_only("state='armed'")),
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
    Index("ix_outbox_pending", "available_at", **_only("state='pending'")),
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
    Index(None, "task"),
)

# Customers and delivery ------------------------------------------------------------------------------------------

suppressions = Table(
    "suppressions",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("list", String(8), nullable=False),
    Column("customer", String(60), nullable=False),
    Column("reason", String(200), nullable=False),
    Column("channel", String(20), nullable=False, server_default=""),  # empty = every channel
    Column("added_by", String(40), nullable=False),
    Column("added_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    CheckConstraint("list in ('black','grey')", name="list"),
    Index(None, "customer"),
    UniqueConstraint("list", "customer", "channel"),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("id", String(48), primary_key=True),  # "<case>-<round>"
    Column("case_id", String(24), ForeignKey("cases.id"), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("folder", Text, nullable=False),
    Column("manifest", Text, nullable=False),
    Column("target", BigInteger, nullable=False),
    Column("control", BigInteger, nullable=False),
    Column("frozen_at", UtcTime, nullable=False),
    Index(None, "case_id"),
)

waves = Table(
    "waves",
    metadata,
    Column("id", String(48), primary_key=True),  # "<case>-w<position>"
    Column("case_id", String(24), ForeignKey("cases.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("name", String(60), nullable=False),
    Column("channel", String(20), nullable=False),
    Column("state", String(12), nullable=False),
    Column("audience", BigInteger, nullable=False),
    Column("plan", Text, nullable=False),  # engine.delivery.plan.Wave as JSON
    Column("folder", Text, nullable=False),
    Column("started_at", UtcTime),
    Column("finished_at", UtcTime),
    Column("gate_until", UtcTime),
    Column("held_because", Text, nullable=False, server_default=""),
    Column("tokens", Numeric(14, 3), nullable=False, server_default="0"),  # token bucket of the rate
    Column("tokens_at", UtcTime),
    Column("segments", BigInteger, nullable=False, server_default="0"),  # accepted by the gateway: what is paid for
    UniqueConstraint("case_id", "position"),
    CheckConstraint("state in ('planned','loading','running','gated','paused','done','cancelled')", name="state"),
    Index("ix_waves_active", "state", **_only("state in ('running','gated')")),
)

chunks = Table(
    "chunks",
    metadata,  # what a delivery worker claims: the rows first..last of a wave
    Column("wave", String(48), ForeignKey("waves.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("first", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("lease_until", UtcTime),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("available_at", UtcTime),
    Column("error", Text, nullable=False, server_default=""),
    PrimaryKeyConstraint("wave", "position"),
    CheckConstraint("state in ('waiting','claimed','done')", name="state"),
    Index("ix_chunks_open", "wave", "position", **_only("state<>'done'")),
)

recipients = Table(
    "recipients",
    metadata,  # the ledger: one row per recipient, channel and wave
    Column("wave", String(48), nullable=False),
    Column("row", Integer, nullable=False),  # place in the wave's file, from 0
    Column("case_id", String(24), nullable=False),
    Column("customer", String(60), nullable=False),
    Column("channel", String(20), nullable=False),
    Column("cell", String(40), nullable=False),
    Column("state", String(12), nullable=False),
    Column("reason", String(60), nullable=False, server_default=""),
    Column("sent_at", UtcTime),
    Column("settled_at", UtcTime),
    PrimaryKeyConstraint("wave", "row"),
    UniqueConstraint("case_id", "channel", "customer"),
    CheckConstraint("state in ('waiting','sent','delivered','failed','unknown','suppressed')", name="state"),
)

parked_receipts = Table(
    "parked_receipts",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("body", Text, nullable=False),
    Column("reason", String(120), nullable=False),
    Column("at", UtcTime, nullable=False),
)

responses = Table(
    "responses",
    metadata,
    Column("case_id", String(24), ForeignKey("cases.id"), nullable=False),
    Column("customer", String(60), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("reference", String(80), nullable=False),  # the source's own id: a second import changes nothing
    Column("at", UtcTime, nullable=False),
    Column("value", Money),
    PrimaryKeyConstraint("case_id", "kind", "reference"),
    CheckConstraint("kind in ('response','conversion','opt_out','complaint')", name="kind"),
    Index(None, "case_id", "customer"),
)

evaluations = Table(
    "evaluations",
    metadata,
    Column("case_id", String(24), ForeignKey("cases.id"), nullable=False),
    Column("label", String(20), nullable=False),
    Column("as_of", UtcTime, nullable=False),
    Column("report", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    PrimaryKeyConstraint("case_id", "label"),
)

register_numbers = Table(
    "register_numbers",
    metadata,  # of filings in effect, so that cases are found by them; patterns may give two offices the same number
    Column("case_id", String(24), ForeignKey("cases.id"), nullable=False),
    Column("number", String(120), nullable=False),
    PrimaryKeyConstraint("case_id", "number"),
    Index(None, "number"),
)

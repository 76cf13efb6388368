"""Customers, frozen lists, deliveries and what came back."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from engine.store.columns import Money, Serial, UtcTime
from engine.store.tables.base import metadata, only

SUMMED = ("waiting", "sent", "delivered", "failed", "unknown", "suppressed", "cancelled", "capped")
"""The states of a recipient; the last is the part of suppressed that the contact policy kept from being sent."""

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
    Column("id", String(48), primary_key=True),  # store/waves.py wave_id
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
    Column("let_go_by", String(40), nullable=False, server_default=""),  # who gave the go that the plan asks for
    Column("account", String(24), nullable=False, server_default=""),  # the budget that its messages are paid from
    Column("variant", String(20), nullable=False, server_default=""),  # the text that a test of an earlier wave found
    UniqueConstraint("case_id", "position"),
    CheckConstraint("state in ('planned','loading','running','gated','paused','done','cancelled')", name="state"),
    Index("ix_waves_active", "state", **only("state in ('running','gated')")),
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
    Column("segments", BigInteger, nullable=False, server_default="0"),  # of all its letters, where a budget pays
    Column("paid", BigInteger, nullable=False, server_default="0"),  # of those: surely sent
    Column("held", BigInteger, nullable=False, server_default="0"),  # of those: posted as spent
    PrimaryKeyConstraint("wave", "position"),
    CheckConstraint("state in ('waiting','claimed','done')", name="state"),
    Index("ix_chunks_open", "wave", "position", **only("state<>'done'")),
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
    CheckConstraint(
        "state in ('waiting','sent','delivered','failed','unknown','suppressed','cancelled')", name="state"
    ),
)

wave_sums = Table(
    "wave_sums",
    metadata,  # how many rows of a wave are in each state, kept with every change of them (store/moves.py)
    Column("wave", String(48), nullable=False),
    *(Column(name, BigInteger, nullable=False, server_default="0") for name in SUMMED),
    Column("revision", BigInteger, nullable=False, server_default="0"),  # goes up with every change of a row
    PrimaryKeyConstraint("wave"),
    CheckConstraint(" and ".join(f"{name}>=0" for name in SUMMED), name="counts"),
    CheckConstraint("capped<=suppressed", name="capped"),
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

"""Letters beside the audience: proofs to people of the house, and messages to seeds."""

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, String, Table, Text

from engine.store.columns import Serial, UtcTime
from engine.store.tables.base import metadata, only

seeds = Table(
    "seeds",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("office", String(12), nullable=False),
    Column("name", String(60), nullable=False),
    Column("channel", String(20), nullable=False),
    Column("address", String(500), nullable=False),  # sealed
    Column("shown", String(60), nullable=False),  # the address, masked
    Column("customer", String(60), nullable=False, server_default=""),  # their number, where they are a customer too
    Column("expires_at", UtcTime),
    Column("added_by", String(40), nullable=False),
    Column("added_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("ended_by", String(40), nullable=False, server_default=""),
    CheckConstraint("channel in ('sms','email')", name="channel"),
    Index("ix_seeds_one", "office", "channel", "address", unique=True, **only("ended_at IS NULL")),
    Index(None, "customer"),
)

side_letters = Table(
    "side_letters",
    metadata,
    Column("batch", String(24), nullable=False),  # "proof.…" or "seed.…": with the row the gateway's id
    Column("row", Integer, nullable=False),
    Column("case_id", String(24), ForeignKey("cases.id"), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("wave", String(48), nullable=False, server_default=""),  # of a seed
    Column("channel", String(20), nullable=False),
    Column("cell", String(40), nullable=False, server_default=""),
    Column("person", String(40), nullable=False, server_default=""),  # of a proof
    Column("seed", Serial, ForeignKey("seeds.id")),  # of a seed
    Column("address", String(500), nullable=False, server_default=""),  # sealed
    Column("shown", String(60), nullable=False, server_default=""),
    Column("subject", Text, nullable=False, server_default=""),
    Column("text", Text, nullable=False),  # the values of the customer are masked
    Column("about", String(32), nullable=False, server_default=""),  # a hash of the text before it was filled
    Column("segments", Integer, nullable=False),
    Column("held", Integer, nullable=False, server_default="0"),  # of those: posted as spent
    Column("state", String(12), nullable=False),
    Column("reason", String(60), nullable=False, server_default=""),
    Column("asked_by", String(40), nullable=False),
    Column("asked_at", UtcTime, nullable=False),
    Column("sent_at", UtcTime),
    Column("settled_at", UtcTime),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("lease_until", UtcTime),
    Column("available_at", UtcTime),
    Column("doubtful", Integer, nullable=False, server_default="0"),  # 1: an earlier attempt may have reached somebody
    Column("answer", String(12), nullable=False, server_default=""),
    Column("because", String(500), nullable=False, server_default=""),
    Column("answered_at", UtcTime),
    PrimaryKeyConstraint("batch", "row"),
    CheckConstraint("kind in ('proof','seed')", name="kind"),
    CheckConstraint("state in ('waiting','claimed','sent','delivered','failed','unknown','suppressed')", name="state"),
    CheckConstraint("answer in ('','fits','unfit')", name="answer"),
    Index(None, "case_id"),
    Index("ix_side_letters_wave", "wave", **only("kind='seed'")),
    Index("ix_side_letters_open", "batch", **only("state in ('waiting','claimed')")),
    Index("ix_side_letters_person", "person", **only("answer='' AND kind='proof'")),
    Index("ix_side_letters_address", "address", **only("kind='seed'")),
)

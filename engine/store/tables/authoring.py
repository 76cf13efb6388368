"""What authors of definitions are working on, right or wrong; and what the keys of requests stood for."""

from sqlalchemy import Column, Integer, PrimaryKeyConstraint, String, Table, Text, text

from engine.store.columns import UtcTime
from engine.store.tables.base import metadata

request_keys = Table(
    "request_keys",
    metadata,  # what an Idempotency-Key of the API stood for, so that it is not taken for another request
    Column("key", String(120), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("at", UtcTime, nullable=False),
    PrimaryKeyConstraint("key"),
)

drafts = Table(
    "drafts",
    metadata,
    Column("id", String(24), nullable=False),
    Column("source", Text, nullable=False),
    Column("revision", Integer, nullable=False),  # counts the saved texts: who saves names the one they began with
    Column("based_on", String(120), nullable=False, server_default=text("''")),
    Column("writers", Text, nullable=False),  # everybody who saved it, comma-separated: none of them may publish it
    Column("saved_by", String(40), nullable=False),
    Column("saved_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("id"),
)

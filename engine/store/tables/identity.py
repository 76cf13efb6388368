"""How people prove who they are: sessions, remembered devices, second factors, tokens. Secrets only as hashes, or
encrypted where they must be read again."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, String, Table, Text, text

from engine.store.columns import Serial, UtcTime
from engine.store.tables.base import metadata

sessions = Table(
    "sessions",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("person", String(40), ForeignKey("people.id"), nullable=False),
    Column("device", String(64), nullable=False, server_default=""),
    Column("created_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("authenticated_at", UtcTime),  # when its person last proved who they are; none: the device opened it
    Column("stage", String(10), nullable=False, server_default=""),  # what is still asked; empty: signed in
    Column("address", String(60), nullable=False, server_default=""),
    Column("browser", String(300), nullable=False, server_default=""),  # what the browser calls itself
    Column("by_code", Boolean, nullable=False, server_default=text("false")),  # a one-time code opened it or its device
    Index(None, "person"),
)

devices = Table(
    "devices",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("person", String(40), ForeignKey("people.id"), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime),
    Column("address", String(60), nullable=False, server_default=""),
    Column("browser", String(300), nullable=False, server_default=""),
    Column("by_code", Boolean, nullable=False, server_default=text("false")),  # no password was given on it yet
    Index(None, "person"),
)

link_codes = Table(  # one row per link for which a one-time code was asked, whether or not one could be mailed
    "link_codes",
    metadata,
    Column("link", String(64), primary_key=True),  # the hash of the link
    Column("person", String(40), ForeignKey("people.id"), nullable=False),
    Column("browser", String(64), nullable=False),  # the hash of what the asking browser shows again
    Column("code", String(64), nullable=False, server_default=""),  # its hash; empty before it is mailed, and after use
    Column("asked_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("wrong", Integer, nullable=False, server_default="0"),  # wrong tries at this code
    Column("asked", Integer, nullable=False, server_default="1"),  # codes asked for this link, ever
)

sign_in_tries = Table(
    "sign_in_tries",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("key", String(120), nullable=False),
    Column("at", UtcTime, nullable=False),
    Index(None, "key", "at"),
)

second_factors = Table(
    "second_factors",
    metadata,
    Column("person", String(40), ForeignKey("people.id"), primary_key=True),
    Column("secret", Text, nullable=False),  # encrypted
    Column("created_at", UtcTime, nullable=False),
    Column("last_step", Integer, nullable=False, server_default="0"),  # of the last code used; none counts twice
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("person", String(40), ForeignKey("people.id"), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("used_at", UtcTime),
    PrimaryKeyConstraint("person", "hash"),
)

password_resets = Table(
    "password_resets",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("person", String(40), ForeignKey("people.id"), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
    Index(None, "person"),
)

kept_forms = Table(  # sent when the session had ended, to be sent again after signing in
    "kept_forms",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("person", String(40), nullable=False, server_default=""),
    Column("body", Text, nullable=False),  # encrypted
    Column("expires_at", UtcTime, nullable=False),
    Index(None, "expires_at"),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("person", String(40), ForeignKey("people.id"), nullable=False),
    Column("name", String(80), nullable=False),
    Column("scopes", String(60), nullable=False),  # "act,read"
    Column("ending", String(4), nullable=False),  # its last signs, to tell tokens apart
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
    Column("revoked_at", UtcTime),
    Index(None, "person"),
)

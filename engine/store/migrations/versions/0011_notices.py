"""Messages to staff and webhooks by channel, with what holds and stops them."""

import sqlalchemy as sa
from alembic import op

from engine.store.columns import Serial, UtcTime

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "messages",
        sa.Column("id", Serial, nullable=False),
        sa.Column("key", sa.String(240), nullable=False),
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("channel", sa.String(12), nullable=False),
        sa.Column("circuit", sa.String(120), nullable=False),
        sa.Column("occasion", sa.String(24), nullable=False),
        sa.Column("case_id", sa.String(24), server_default="", nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("release_at", UtcTime(), nullable=False),
        sa.Column("bundle", sa.String(240), server_default="", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", UtcTime(), nullable=True),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("settled_at", UtcTime(), nullable=True),
        sa.CheckConstraint("state in ('pending','bundled','sent','dead','moot')", name=op.f("ck_messages_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("key", name=op.f("uq_messages_key")),
    )
    for name, columns, condition in (
        ("ix_messages_pending", ["release_at"], "state='pending'"),
        ("ix_messages_bundled", ["bundle"], "state='bundled'"),
        ("ix_messages_circuit", ["circuit", "id"], ""),
        ("ix_messages_dead", ["id"], "state='dead'"),
    ):
        only = sa.text(condition) if condition else None
        op.create_index(name, "messages", columns, sqlite_where=only, postgresql_where=only)
    op.create_table(
        "circuits",
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("down_since", UtcTime(), nullable=False),
        sa.Column("probe_at", UtcTime(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("is_told", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_circuits")),
    )
    op.create_table(
        "preferences",
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_preferences_person_people")),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_preferences")),
    )
    op.create_table(
        "channels",
        sa.Column("name", sa.String(12), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("updated_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_channels")),
    )
    op.create_table(
        "webhooks",
        sa.Column("id", Serial, nullable=False),
        sa.Column("owner", sa.String(40), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", sa.String(200), nullable=False),
        sa.Column("secret", sa.String(80), nullable=False),
        sa.Column("old_secret", sa.String(80), server_default="", nullable=False),
        sa.Column("old_until", UtcTime(), nullable=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("made_by", sa.String(120), nullable=False),
        sa.Column("renewed_by", sa.String(120), server_default="", nullable=False),
        sa.CheckConstraint("state in ('active','off','disabled')", name=op.f("ck_webhooks_state")),
        sa.ForeignKeyConstraint(["owner"], ["people.id"], name=op.f("fk_webhooks_owner_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        sa.UniqueConstraint("made_by", name=op.f("uq_webhooks_made_by")),
    )
    op.create_index(op.f("ix_webhooks_owner"), "webhooks", ["owner"])


def downgrade() -> None:
    for table in ("webhooks", "channels", "preferences", "circuits", "messages"):
        op.drop_table(table)

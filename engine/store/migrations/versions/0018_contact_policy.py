"""Versions of the contact policy, and the contacts that are held under it."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.create_table(
        "contact_policies",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("proposed_by", sa.String(40), nullable=False),
        sa.Column("proposed_at", TIME, nullable=False),
        sa.Column("decision", sa.String(10), server_default="", nullable=False),
        sa.Column("decided_by", sa.String(40), server_default="", nullable=False),
        sa.Column("decided_at", TIME),
        sa.CheckConstraint("decision in ('','confirmed','refused')", name=op.f("ck_contact_policies_decision")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_contact_policies")),
    )
    is_open = sa.text("decision=''")
    op.create_index(
        "ix_contact_policies_open",
        "contact_policies",
        ["decision"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_table(
        "permits",
        sa.Column("wave", sa.String(48), nullable=False),
        sa.Column("customer", sa.String(60), nullable=False),
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("category", sa.String(40), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_permits_case_id_cases")),
        sa.PrimaryKeyConstraint("wave", "customer", name=op.f("pk_permits")),
    )
    op.create_index(op.f("ix_permits_customer_at"), "permits", ["customer", "at"])
    op.create_index(op.f("ix_permits_channel_at"), "permits", ["channel", "at"])


def downgrade() -> None:
    op.drop_table("permits")
    op.drop_table("contact_policies")

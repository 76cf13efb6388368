"""Versions of the global holdout."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.create_table(
        "holdouts",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("share", sa.String(12), nullable=False),
        sa.Column("salt", sa.String(40), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("proposed_by", sa.String(40), nullable=False),
        sa.Column("proposed_at", TIME, nullable=False),
        sa.Column("decision", sa.String(10), server_default="", nullable=False),
        sa.Column("decided_by", sa.String(40), server_default="", nullable=False),
        sa.Column("decided_at", TIME),
        sa.CheckConstraint("decision in ('','confirmed','refused')", name=op.f("ck_holdouts_decision")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_holdouts")),
    )
    is_open = sa.text("decision=''")
    op.create_index(
        "ix_holdouts_open", "holdouts", ["decision"], unique=True, sqlite_where=is_open, postgresql_where=is_open
    )


def downgrade() -> None:
    op.drop_table("holdouts")

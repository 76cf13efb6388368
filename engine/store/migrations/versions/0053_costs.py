"""Versions of the house's cost table, and the segments of waves by the day on which they were sent."""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0040"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.create_table(
        "cost_tables",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("lines", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("proposed_by", sa.String(40), nullable=False),
        sa.Column("proposed_at", TIME, nullable=False),
        sa.Column("decision", sa.String(10), server_default="", nullable=False),
        sa.Column("decided_by", sa.String(40), server_default="", nullable=False),
        sa.Column("decided_at", TIME),
        sa.CheckConstraint("decision in ('','confirmed','refused')", name=op.f("ck_cost_tables_decision")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_cost_tables")),
    )
    is_open = sa.text("decision=''")
    op.create_index(
        "ix_cost_tables_open", "cost_tables", ["decision"], unique=True, sqlite_where=is_open, postgresql_where=is_open
    )
    op.create_table(
        "sent_segments",
        sa.Column("wave", sa.String(48), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("segments", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("wave", "day", name=op.f("pk_sent_segments")),
    )


def downgrade() -> None:
    op.drop_table("sent_segments")
    op.drop_table("cost_tables")

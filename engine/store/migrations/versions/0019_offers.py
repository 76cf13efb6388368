"""Versions of offers and tariffs, and rehearsals of tariffs."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.create_table(
        "offer_versions",
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.String(40), nullable=False),
        sa.Column("proposed_at", TIME, nullable=False),
        sa.Column("decision", sa.String(10), server_default="", nullable=False),
        sa.Column("decided_by", sa.String(40), server_default="", nullable=False),
        sa.Column("decided_at", TIME),
        sa.Column("withdrawn_by", sa.String(40), server_default="", nullable=False),
        sa.Column("withdrawn_at", TIME),
        sa.Column("reason", sa.String(200), server_default="", nullable=False),
        sa.CheckConstraint(
            "decision in ('','published','refused','replaced')", name=op.f("ck_offer_versions_decision")
        ),
        sa.PrimaryKeyConstraint("code", "version", name=op.f("pk_offer_versions")),
    )
    is_open = sa.text("decision=''")
    op.create_index(
        "ix_offer_versions_open",
        "offer_versions",
        ["code"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_table(
        "rehearsals",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("offer", sa.String(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(40), server_default="", nullable=False),
        sa.Column("made_by", sa.String(40), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_rehearsals")),
    )
    op.create_index("ix_rehearsals_case_id", "rehearsals", ["case_id"])
    op.create_index("ix_rehearsals_offer", "rehearsals", ["offer"])


def downgrade() -> None:
    op.drop_table("rehearsals")
    op.drop_table("offer_versions")

"""Closed cases keep their frozen report, what was learned, and by what the case library finds them; those that were
closed before have a row without either."""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0053"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.create_table(
        "closings",
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("closed_at", TIME, nullable=False),
        sa.Column("signed_by", sa.String(40), server_default="", nullable=False),
        sa.Column("as_of", TIME),
        sa.Column("report", sa.Text(), server_default="", nullable=False),
        sa.Column("inputs", sa.Text(), server_default="", nullable=False),
        sa.Column("digest", sa.String(64), server_default="", nullable=False),
        sa.Column("verdict", sa.String(20), server_default="", nullable=False),
        sa.Column("worked", sa.Text(), server_default="", nullable=False),
        sa.Column("failed", sa.Text(), server_default="", nullable=False),
        sa.Column("repeat", sa.Text(), server_default="", nullable=False),
        sa.Column("in_library", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("category", sa.String(80), server_default="", nullable=False),
        sa.Column("channels", sa.String(200), server_default="", nullable=False),
        sa.Column("words", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_closings_case_id_cases")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_closings")),
    )
    op.create_index(op.f("ix_closings_closed_at"), "closings", ["closed_at"])
    op.create_index(op.f("ix_closings_category"), "closings", ["category"])
    op.execute("INSERT INTO closings (case_id, closed_at) SELECT id, updated_at FROM cases WHERE state = 'closed'")


def downgrade() -> None:
    op.drop_table("closings")

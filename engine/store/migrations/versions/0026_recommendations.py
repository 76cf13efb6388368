"""Recommendations of the business hall: who saw which, and what the customer said."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0024"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.create_table(
        "recommendations",
        sa.Column("wave", sa.String(48), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("customer", sa.String(60), nullable=False),
        sa.Column("shown_by", sa.String(40), nullable=False),
        sa.Column("shown_at", TIME, nullable=False),
        sa.Column("office", sa.String(12), nullable=False),
        sa.Column("answer", sa.String(8), server_default="", nullable=False),
        sa.Column("reason", sa.String(20), server_default="", nullable=False),
        sa.Column("confirmed_by", sa.String(12), server_default="", nullable=False),
        sa.Column("evidence", sa.String(60), server_default="", nullable=False),
        sa.Column("answered_by", sa.String(40), server_default="", nullable=False),
        sa.Column("answered_at", TIME),
        sa.Column("again_at", TIME),
        sa.CheckConstraint("answer in ('','accept','refuse','later')", name=op.f("ck_recommendations_answer")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_recommendations_case_id_cases")),
        sa.PrimaryKeyConstraint("wave", "row", name=op.f("pk_recommendations")),
    )
    for name in ("case_id", "customer"):
        op.create_index(op.f(f"ix_recommendations_{name}"), "recommendations", [name])


def downgrade() -> None:
    op.drop_table("recommendations")

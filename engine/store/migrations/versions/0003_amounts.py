"""What cases were submitted with, to see several of one office just under a limit."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.create_table(
        "submitted_amounts",
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("definition", sa.String(80), nullable=False),
        sa.Column("office", sa.String(12), nullable=False),
        sa.Column("hundredths", sa.BigInteger(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_submitted_amounts_case_id_cases")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_submitted_amounts")),
    )
    op.create_index(
        op.f("ix_submitted_amounts_definition_office_at"), "submitted_amounts", ["definition", "office", "at"]
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_submitted_amounts_definition_office_at"), "submitted_amounts")
    op.drop_table("submitted_amounts")

"""A database knows its lineage, so that a restored older copy sends nothing until it is released."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.create_table(
        "lineage",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.Column("held_at", TIME, nullable=True),
        sa.Column("held_because", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_lineage"),
    )
    with op.batch_alter_table("rounds") as rounds:  # a further delivery worker notes its rounds as waves:NAME
        rounds.alter_column("flow", existing_type=sa.String(20), type_=sa.String(80), existing_nullable=False)


def downgrade() -> None:
    op.execute("DELETE FROM rounds WHERE length(flow) > 20")
    with op.batch_alter_table("rounds") as rounds:
        rounds.alter_column("flow", existing_type=sa.String(80), type_=sa.String(20), existing_nullable=False)
    op.drop_table("lineage")

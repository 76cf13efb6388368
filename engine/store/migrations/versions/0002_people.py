"""Who stands in for whom, second accounts, and the operator's own working days."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
MONEY = sa.Numeric(precision=16, scale=2).with_variant(sa.String(20), "sqlite")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("people", sa.Column("same_as", sa.String(40), server_default="", nullable=False))
    op.create_table(
        "stand_ins",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("by", sa.String(40), nullable=False),
        sa.Column("starts", TIME, nullable=False),
        sa.Column("ends", TIME, nullable=False),
        sa.Column("definitions", sa.Text(), server_default="", nullable=False),
        sa.Column("budget", MONEY, nullable=True),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_stand_ins_person_people")),
        sa.ForeignKeyConstraint(["by"], ["people.id"], name=op.f("fk_stand_ins_by_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stand_ins")),
    )
    op.create_index(op.f("ix_stand_ins_by_ends"), "stand_ins", ["by", "ends"])
    op.create_table(
        "workdays",
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("working", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(200), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_workdays")),
    )


def downgrade() -> None:
    op.drop_table("workdays")
    op.drop_index(op.f("ix_stand_ins_by_ends"), "stand_ins")
    op.drop_table("stand_ins")
    op.drop_column("people", "same_as")

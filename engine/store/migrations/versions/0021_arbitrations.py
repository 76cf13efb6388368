"""Runs of the arbitration, with what each case wanted, got and lost."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.create_table(
        "arbitrations",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("base", sa.Integer(), server_default="0", nullable=False),
        sa.Column("made_by", sa.String(40), nullable=False),
        sa.Column("made_at", TIME, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("committed_by", sa.String(40), server_default="", nullable=False),
        sa.Column("committed_at", TIME),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_arbitrations")),
    )
    op.create_table(
        "arbitration_cases",
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("wanted", sa.BigInteger(), nullable=False),
        sa.Column("got", sa.BigInteger(), nullable=False),
        sa.Column("losses", sa.Text(), nullable=False),
        sa.Column("seen", sa.String(64), nullable=False),
        sa.Column("failed", sa.Text(), server_default="", nullable=False),
        sa.Column("holds", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["arbitrations.number"], name=op.f("fk_arbitration_cases_run_arbitrations")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_arbitration_cases_case_id_cases")),
        sa.PrimaryKeyConstraint("run", "case_id", name=op.f("pk_arbitration_cases")),
    )
    holds = sa.text("holds")
    op.create_index(
        "ix_arbitration_cases_holds",
        "arbitration_cases",
        ["case_id"],
        unique=True,
        sqlite_where=holds,
        postgresql_where=holds,
    )
    op.create_index(op.f("ix_arbitration_cases_case_id"), "arbitration_cases", ["case_id"])


def downgrade() -> None:
    op.drop_table("arbitration_cases")
    op.drop_table("arbitrations")

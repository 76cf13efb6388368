"""Call lists: the customers of a wave by call, and every attempt to reach one."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
INDEXES = {
    "ix_calls_due": (["assigned_to", "next_at"], "state='open'"),
    "ix_calls_back": (["next_at"], "state='open' AND disposition='call_back'"),
    "ix_calls_held": (["held_by"], "held_by<>''"),
}


def upgrade() -> None:
    op.create_table(
        "calls",
        sa.Column("wave", sa.String(48), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("customer", sa.String(60), nullable=False),
        sa.Column("state", sa.String(8), server_default="open", nullable=False),
        sa.Column("assigned_to", sa.String(40), server_default="", nullable=False),
        sa.Column("held_by", sa.String(40), server_default="", nullable=False),
        sa.Column("held_until", TIME),
        sa.Column("shown_at", TIME),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("missed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_at", TIME, nullable=False),
        sa.Column("disposition", sa.String(16), server_default="", nullable=False),
        sa.Column("note", sa.String(200), server_default="", nullable=False),
        sa.Column("last_at", TIME),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("state in ('open','ended')", name=op.f("ck_calls_state")),
        sa.PrimaryKeyConstraint("wave", "row", name=op.f("pk_calls")),
        sa.UniqueConstraint("case_id", "customer", name=op.f("uq_calls_case_id_customer")),
    )
    for name, (columns, where) in INDEXES.items():
        only = sa.text(where)
        op.create_index(name, "calls", columns, sqlite_where=only, postgresql_where=only)
    op.create_table(
        "call_attempts",
        sa.Column("wave", sa.String(48), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(80), nullable=False),
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("caller", sa.String(40), nullable=False),
        sa.Column("disposition", sa.String(16), nullable=False),
        sa.Column("call_back_at", TIME),
        sa.Column("evidence", sa.String(80), server_default="", nullable=False),
        sa.Column("note", sa.String(200), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("wave", "row", "reference", name=op.f("pk_call_attempts")),
    )
    op.create_index(op.f("ix_call_attempts_case_id_caller"), "call_attempts", ["case_id", "caller"])


def downgrade() -> None:
    op.drop_table("call_attempts")
    op.drop_table("calls")

"""Waivers of grey list entries for one case."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.create_table(
        "waivers",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column(
            "case_id", sa.String(24), sa.ForeignKey("cases.id", name=op.f("fk_waivers_case_id_cases")), nullable=False
        ),
        sa.Column("customer", sa.String(60), server_default="", nullable=False),
        sa.Column("grey_reason", sa.String(200), server_default="", nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("asked_by", sa.String(40), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("decision", sa.String(10), server_default="", nullable=False),
        sa.Column("decided_by", sa.String(40), server_default="", nullable=False),
        sa.Column("decided_at", TIME),
        sa.CheckConstraint("decision in ('','granted','refused')", name=op.f("ck_waivers_decision")),
        sa.CheckConstraint("(customer = '') <> (grey_reason = '')", name=op.f("ck_waivers_scope")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waivers")),
    )
    is_open = sa.text("decision=''")
    op.create_index(
        "ix_waivers_open",
        "waivers",
        ["case_id", "customer", "grey_reason"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_index(op.f("ix_waivers_case_id"), "waivers", ["case_id"])


def downgrade() -> None:
    op.drop_table("waivers")

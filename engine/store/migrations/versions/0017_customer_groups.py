"""Saved customer groups, and which version counts for a round of a case."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.create_table(
        "customer_groups",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("owner", sa.String(40), nullable=False),
        sa.Column("office", sa.String(40), nullable=False),
        sa.Column("ended_at", TIME),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_customer_groups")),
    )
    of_group = sa.ForeignKeyConstraint(
        ["name"], ["customer_groups.name"], name=op.f("fk_customer_group_versions_name_customer_groups")
    )
    op.create_table(
        "customer_group_versions",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("title", sa.String(60), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("tests", sa.Text, nullable=False),
        sa.Column("note", sa.String(200), nullable=False),
        sa.Column("saved_by", sa.String(40), nullable=False),
        sa.Column("saved_at", TIME, nullable=False),
        of_group,
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_customer_group_versions")),
    )
    op.create_table(
        "case_groups",
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("reference", sa.String(50), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_groups_case_id_cases")),
        sa.PrimaryKeyConstraint("case_id", "round", "reference", name=op.f("pk_case_groups")),
    )
    op.create_index("ix_case_groups_name", "case_groups", ["name"])


def downgrade() -> None:
    op.drop_table("case_groups")
    op.drop_table("customer_group_versions")
    op.drop_table("customer_groups")

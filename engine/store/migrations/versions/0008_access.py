"""Named readers, embargoes and views of confidential cases; refused links; the epoch that a restore begins."""

import sqlalchemy as sa
from alembic import op

from engine.store.columns import Serial, UtcTime

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "case_readers",
        sa.Column("id", Serial, nullable=False),
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("named_by", sa.String(40), nullable=False),
        sa.Column("named_at", UtcTime, nullable=False),
        sa.Column("removed_by", sa.String(40)),
        sa.Column("removed_at", UtcTime),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_readers_case_id_cases")),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_case_readers_person_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_readers")),
    )
    _index_of_one("ix_case_readers_named", "case_readers", ["case_id", "person"], "removed_at is null")
    op.create_table(
        "case_embargoes",
        sa.Column("id", Serial, nullable=False),
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("until", UtcTime),
        sa.Column("set_by", sa.String(40), nullable=False),
        sa.Column("set_at", UtcTime, nullable=False),
        sa.Column("replaced_at", UtcTime),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_embargoes_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_embargoes")),
    )
    _index_of_one("ix_case_embargoes_newest", "case_embargoes", ["case_id"], "replaced_at is null")
    op.create_table(
        "case_views",
        sa.Column("id", Serial, nullable=False),
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("hour", sa.String(13), nullable=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("address", sa.String(60), nullable=False, server_default=""),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_views_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_views")),
        sa.UniqueConstraint("case_id", "person", "hour", name=op.f("uq_case_views_case_id_person_hour")),
    )
    op.create_index(op.f("ix_case_views_at"), "case_views", ["at"])
    op.create_table(
        "link_refusals",
        sa.Column("id", Serial, nullable=False),
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("task", sa.String(48), nullable=False),
        sa.Column("meant_for", sa.String(40), nullable=False),
        sa.Column("used_by", sa.String(40), nullable=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("address", sa.String(60), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_refusals")),
    )
    op.create_index(op.f("ix_link_refusals_at"), "link_refusals", ["at"])
    op.create_table(
        "restores",
        sa.Column("id", Serial, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restores")),
    )
    op.add_column("links", sa.Column("epoch", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("links", "epoch")
    for table in ("restores", "link_refusals", "case_views", "case_embargoes", "case_readers"):
        op.drop_table(table)


def _index_of_one(name: str, table: str, columns: list[str], where: str) -> None:
    held = sa.text(where)
    op.create_index(name, table, columns, unique=True, sqlite_where=held, postgresql_where=held)

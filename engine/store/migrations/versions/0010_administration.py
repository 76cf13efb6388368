"""The organisation's own history, working groups, files to be confirmed, the rounds of the flows, settled receipts."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
REFUSE_SQLITE = """
CREATE TRIGGER organisation_history_no_{verb} BEFORE {verb} ON organisation_history
BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END
"""
REFUSING_POSTGRESQL = """
CREATE TRIGGER organisation_history_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON organisation_history
FOR EACH STATEMENT EXECUTE FUNCTION history_is_append_only()
"""


def upgrade() -> None:
    op.create_table(
        "organisation_history",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("actor", sa.String(40), nullable=False),
        sa.Column("via", sa.String(12), nullable=False),
        sa.Column("address", sa.String(60), server_default="", nullable=False),
        sa.Column("subject", sa.String(80), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("key", sa.String(120), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_organisation_history")),
        sa.UniqueConstraint("key", name=op.f("uq_organisation_history_key")),
    )
    op.create_index(op.f("ix_organisation_history_subject_seq"), "organisation_history", ["subject", "seq"])
    op.create_index(op.f("ix_organisation_history_at"), "organisation_history", ["at"])
    op.create_index(op.f("ix_history_at"), "history", ["at"])
    op.create_table(
        "groups",
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("office", sa.String(12), nullable=False),
        sa.Column("zh", sa.String(80), nullable=False),
        sa.Column("en", sa.String(80), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["office"], ["offices.code"], name=op.f("fk_groups_office_offices")),
        sa.PrimaryKeyConstraint("role", "office", name=op.f("pk_groups")),
    )
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    op.create_table(
        "rounds",
        sa.Column("flow", sa.String(20), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("did", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("flow", name=op.f("pk_rounds")),
    )
    op.add_column("parked_receipts", sa.Column("settled_at", TIME, nullable=True))
    op.add_column("parked_receipts", sa.Column("settled_by", sa.String(40), server_default="", nullable=False))
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(REFUSE_SQLITE.format(verb=verb))
    else:
        op.execute(REFUSING_POSTGRESQL)


def downgrade() -> None:
    op.drop_column("parked_receipts", "settled_by")
    op.drop_column("parked_receipts", "settled_at")
    for table in ("rounds", "uploads", "groups"):
        op.drop_table(table)
    op.drop_index(op.f("ix_history_at"), "history")
    op.drop_table("organisation_history")

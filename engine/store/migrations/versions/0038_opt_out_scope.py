"""An opt-out says which channel it bars; those before barred every one. Unread replies are found by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0033"


def upgrade() -> None:
    with op.batch_alter_table("opt_outs") as opt_outs:
        opt_outs.add_column(sa.Column("channel", sa.String(20), server_default="", nullable=False))
    unread = sa.text("read_at IS NULL")
    op.create_index("ix_replies_unread", "replies", ["case_id"], sqlite_where=unread, postgresql_where=unread)


def downgrade() -> None:
    op.drop_index("ix_replies_unread", "replies")
    op.drop_column("opt_outs", "channel")  # in place: copied anew, SQLite would refuse to drop the one that rows name

"""Rows of the ledger can be cancelled with their wave, and a wave that waits for a person's go names who gave it."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

BEFORE = "state in ('waiting','sent','delivered','failed','unknown','suppressed')"
AFTER = "state in ('waiting','sent','delivered','failed','unknown','suppressed','cancelled')"


def upgrade() -> None:
    op.add_column("waves", sa.Column("let_go_by", sa.String(40), server_default="", nullable=False))
    _allow(AFTER)


def downgrade() -> None:
    op.execute("UPDATE recipients SET state = 'suppressed' WHERE state = 'cancelled'")
    _allow(BEFORE)
    with op.batch_alter_table("waves") as waves:
        waves.drop_column("let_go_by")


def _allow(states: str) -> None:
    """SQLite copies the table, and its copy has no condition but the one that is named here."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("state", "recipients", type_="check")
    with op.batch_alter_table("recipients", recreate="auto") as recipients:
        recipients.create_check_constraint("state", states)

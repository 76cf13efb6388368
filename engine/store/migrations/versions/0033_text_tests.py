"""A wave may go out with the text that the test of an earlier wave has found."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0031"


def upgrade() -> None:
    op.add_column("waves", sa.Column("variant", sa.String(20), server_default="", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("waves") as waves:
        waves.drop_column("variant")

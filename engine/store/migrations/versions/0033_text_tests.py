"""A wave may go out with the text that the test of an earlier wave has found."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0031"


def upgrade() -> None:
    op.add_column("waves", sa.Column("variant", sa.String(20), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("waves", "variant")  # in place: copied anew, SQLite would refuse to drop the one that chunks name

"""How often rows of a wave changed: what copies the ledger out takes the waves whose number is another one."""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0055"


def upgrade() -> None:
    op.add_column("wave_sums", sa.Column("revision", sa.BigInteger, nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("wave_sums") as altered:
        altered.drop_column("revision")

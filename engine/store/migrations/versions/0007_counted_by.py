"""By which calendar the deadlines of open cases are counted, so that a change of it counts them again."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("organisation", sa.Column("counted_by", sa.String(64), nullable=True))


def downgrade() -> None:
    op.drop_column("organisation", "counted_by")

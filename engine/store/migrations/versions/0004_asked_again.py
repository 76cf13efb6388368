"""Up to which state of the organisation, and to which moment, the steps that wait have been asked again."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.add_column("organisation", sa.Column("settled_revision", sa.Integer(), server_default="0", nullable=False))
    op.add_column("organisation", sa.Column("settled_at", TIME, nullable=True))


def downgrade() -> None:
    op.drop_column("organisation", "settled_at")
    op.drop_column("organisation", "settled_revision")

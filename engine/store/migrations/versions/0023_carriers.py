"""Permits say for which hall and agent a contact counts, as far as the policy limits what each carries in a day."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    for name in ("hall", "agent"):
        op.add_column("permits", sa.Column(name, sa.String(60), server_default="", nullable=False))
        is_one = sa.text(f"{name}<>''")
        op.create_index(f"ix_permits_{name}", "permits", [name, "at"], sqlite_where=is_one, postgresql_where=is_one)


def downgrade() -> None:
    for name in ("hall", "agent"):
        op.drop_index(f"ix_permits_{name}", "permits")
        op.drop_column("permits", name)

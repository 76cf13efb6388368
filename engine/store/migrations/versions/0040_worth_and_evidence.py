"""What an acceptance in the hall or by call is worth, evidence that comes later, and calls that left as a file."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0032"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
MONEY = sa.Numeric(16, 2).with_variant(sa.String(20), "sqlite")
ADDED: dict[str, tuple[tuple[str, sa.types.TypeEngine[Any]], ...]] = {
    "recommendations": (
        ("value", MONEY),
        ("proved_by", sa.String(40)),
        ("proved_at", TIME),
    ),
    "call_attempts": (("value", MONEY),),
    "calls": (
        ("out_by", sa.String(40)),
        ("out_at", TIME),
    ),
}


def upgrade() -> None:
    for table, columns in ADDED.items():
        for name, kind in columns:
            is_text = name.endswith("_by")
            column = sa.Column(name, kind, server_default="" if is_text else None, nullable=not is_text)
            op.add_column(table, column)


def downgrade() -> None:
    for table, columns in ADDED.items():
        with op.batch_alter_table(table) as altered:
            for name, _ in columns:
                altered.drop_column(name)

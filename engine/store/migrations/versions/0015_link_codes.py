"""One-time codes that open a link on a new device; sessions and devices tell that a code opened them."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.create_table(
        "link_codes",
        sa.Column("link", sa.String(64), nullable=False),
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("browser", sa.String(64), nullable=False),
        sa.Column("code", sa.String(64), server_default="", nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("wrong", sa.Integer(), server_default="0", nullable=False),
        sa.Column("asked", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_link_codes_person_people")),
        sa.PrimaryKeyConstraint("link", name=op.f("pk_link_codes")),
    )
    for table in ("sessions", "devices"):
        op.add_column(table, sa.Column("by_code", sa.Boolean(), server_default=sa.text("false"), nullable=False))


def downgrade() -> None:
    for table in ("devices", "sessions"):
        op.drop_column(table, "by_code")
    op.drop_table("link_codes")

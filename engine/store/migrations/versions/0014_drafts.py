"""What authors work on is kept on the server, and what request keys stood for; a version knows its writers and why
it was retired."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.create_table(
        "drafts",
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("based_on", sa.String(120), nullable=False, server_default=sa.text("''")),
        sa.Column("writers", sa.Text, nullable=False),
        sa.Column("saved_by", sa.String(40), nullable=False),
        sa.Column("saved_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_drafts"),
    )
    op.create_table(
        "request_keys",
        sa.Column("key", sa.String(120), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_request_keys"),
    )
    op.add_column("definitions", sa.Column("writers", sa.Text, nullable=False, server_default=sa.text("''")))
    op.add_column("definitions", sa.Column("retired_by", sa.String(40)))
    op.add_column("definitions", sa.Column("retired_at", TIME))
    op.add_column("definitions", sa.Column("retired_because", sa.Text, nullable=False, server_default=sa.text("''")))


def downgrade() -> None:
    for name in ("retired_because", "retired_at", "retired_by", "writers"):
        op.drop_column("definitions", name)
    op.drop_table("request_keys")
    op.drop_table("drafts")

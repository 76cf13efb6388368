"""Approvers keep the remarks that they write often."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "phrases",
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("text", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_phrases_person_people")),
        sa.PrimaryKeyConstraint("person", "position", name=op.f("pk_phrases")),
    )


def downgrade() -> None:
    op.drop_table("phrases")

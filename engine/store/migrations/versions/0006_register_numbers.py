"""Register numbers of filings in a table of their own, so that cases are found by them."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    table = op.create_table(
        "register_numbers",
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("number", sa.String(120), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_register_numbers_case_id_cases")),
        sa.PrimaryKeyConstraint("case_id", "number", name=op.f("pk_register_numbers")),
    )
    op.create_index(op.f("ix_register_numbers_number"), "register_numbers", ["number"])
    bodies = op.get_bind().execute(sa.text("SELECT id, body FROM cases WHERE body LIKE '%\"registered\":[{%'"))
    known = {(row.id, one["number"]) for row in bodies for one in json.loads(row.body)["registered"]}
    if known:
        op.bulk_insert(table, [{"case_id": case_id, "number": number} for case_id, number in sorted(known)])


def downgrade() -> None:
    op.drop_index(op.f("ix_register_numbers_number"), "register_numbers")
    op.drop_table("register_numbers")

"""How each case went through its steps, so that figures of 100,000 cases need no look into their histories."""

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0051"

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "course_words",
        sa.Column("id", SERIAL, primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("word", sa.Text, nullable=False),
    )
    op.create_table(
        "courses",
        sa.Column("case_id", sa.String(24), sa.ForeignKey("cases.id"), primary_key=True),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("submitted", sa.BigInteger),
        sa.Column("ended", sa.BigInteger, nullable=False),
        sa.Column("files", sa.Boolean, nullable=False),
        sa.Column("way", sa.BigInteger, nullable=False),
        sa.Column("stays", sa.LargeBinary, nullable=False),
    )
    op.create_index(op.f("ix_courses_case_id_seq"), "courses", ["case_id", "seq"])
    op.create_index(op.f("ix_courses_submitted"), "courses", ["submitted"])
    op.create_index(op.f("ix_cases_id_seq"), "cases", ["id", "seq"])
    returned = {"sqlite_where": sa.text("decision='return'"), "postgresql_where": sa.text("decision='return'")}
    op.create_index("ix_tasks_returned", "tasks", ["case_id"], **returned)  # type: ignore[arg-type]


def downgrade() -> None:
    op.drop_index("ix_tasks_returned", "tasks")
    op.drop_index(op.f("ix_cases_id_seq"), "cases")
    op.drop_table("courses")
    op.drop_table("course_words")

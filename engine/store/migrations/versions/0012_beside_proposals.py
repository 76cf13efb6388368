"""Files and comments of proposals, dates and sorting of cases, what people keep of lists."""

import json
from datetime import date

import sqlalchemy as sa
from alembic import op

from engine.store.columns import UtcTime
from engine.store.pinyin import sorted_by

revision = "0012"
down_revision = "0011"
BATCH = 1000


def upgrade() -> None:
    marks = op.create_table(
        "case_marks",
        sa.Column("case_id", sa.String(24), sa.ForeignKey("cases.id", name="fk_case_marks_case_id_cases")),
        sa.Column("title_key", sa.String(200), nullable=False),
        sa.Column("starts", sa.Date),
        sa.Column("ends", sa.Date),
        sa.PrimaryKeyConstraint("case_id", name="pk_case_marks"),
    )
    op.create_index("ix_case_marks_title_key", "case_marks", ["title_key"])
    op.create_index("ix_case_marks_starts_ends", "case_marks", ["starts", "ends"])
    op.create_table(
        "attachments",
        sa.Column("id", sa.String(32)),
        sa.Column(
            "case_id", sa.String(24), sa.ForeignKey("cases.id", name="fk_attachments_case_id_cases"), nullable=False
        ),
        sa.Column("field", sa.String(48), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("type", sa.String(100), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("by", sa.String(40), nullable=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attachments"),
    )
    op.create_index("ix_attachments_case_id", "attachments", ["case_id"])
    op.create_table(
        "comments",
        sa.Column("id", sa.String(32)),
        sa.Column(
            "case_id", sa.String(24), sa.ForeignKey("cases.id", name="fk_comments_case_id_cases"), nullable=False
        ),
        sa.Column("field", sa.String(48), nullable=False),
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("at", UtcTime, nullable=False),
        sa.Column("resolved_by", sa.String(40)),
        sa.Column("resolved_at", UtcTime),
        sa.PrimaryKeyConstraint("id", name="pk_comments"),
    )
    op.create_index("ix_comments_case_id_at", "comments", ["case_id", "at"])
    op.create_table(
        "saved_filters",
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("query", sa.String(1000), nullable=False),
        sa.PrimaryKeyConstraint("person", "name", name="pk_saved_filters"),
    )
    op.create_table(
        "feeds",
        sa.Column("hash", sa.String(64)),
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("revoked_at", UtcTime),
        sa.PrimaryKeyConstraint("hash", name="pk_feeds"),
    )
    op.create_index("ix_feeds_person", "feeds", ["person"])
    _mark(op.get_bind(), marks)


def _mark(tx: sa.Connection, marks: sa.Table) -> None:
    cases = sa.table("cases", sa.column("id"), sa.column("title"), sa.column("body"))
    rows = tx.execute(sa.select(cases.c.id, cases.c.title, cases.c.body).order_by(cases.c.id)).all()
    for start in range(0, len(rows), BATCH):
        batch = [
            dict(zip(("case_id", "title_key", "starts", "ends"), (id_, sorted_by(title), *_window(body)), strict=True))
            for id_, title, body in rows[start : start + BATCH]
        ]
        tx.execute(sa.insert(marks), batch)


def _window(body: str) -> tuple[date | None, date | None]:
    """The first two days in a row that the form has: its first date range."""
    for value in json.loads(body).get("form", {}).values():
        if isinstance(value, list) and len(value) == 2:
            try:
                return date.fromisoformat(str(value[0])), date.fromisoformat(str(value[1]))
            except ValueError:
                continue
    return None, None


def downgrade() -> None:
    for table in ("feeds", "saved_filters", "comments", "attachments", "case_marks"):
        op.drop_table(table)

"""Filters of the list of cases become saved views of any page, which are shared and mailed."""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0052"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _views()
    _mailings()
    op.execute(
        "INSERT INTO saved_views (owner, page, name, query)"
        " SELECT person, 'cases', name, query FROM saved_filters ORDER BY person, name"
    )
    op.drop_table("saved_filters")


def downgrade() -> None:
    op.create_table(
        "saved_filters",
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("query", sa.String(1000), nullable=False),
        sa.PrimaryKeyConstraint("person", "name", name="pk_saved_filters"),
    )
    op.execute(
        "INSERT INTO saved_filters (person, name, query)"
        " SELECT owner, name, query FROM saved_views WHERE page='cases' AND query<>''"
    )
    for table in ("mailing_recipients", "mailings", "view_shares", "saved_views"):
        op.drop_table(table)


def _views() -> None:
    op.create_table(
        "saved_views",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("owner", sa.String(40), nullable=False),
        sa.Column("page", sa.String(24), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("query", sa.String(1000), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_saved_views"),
        sa.UniqueConstraint("owner", "page", "name", name="uq_saved_views_owner_page_name"),
    )
    op.create_table(
        "view_shares",
        sa.Column("view", SERIAL, nullable=False),
        sa.Column("office", sa.String(12), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.ForeignKeyConstraint(["view"], ["saved_views.id"], name="fk_view_shares_view_saved_views"),
        sa.PrimaryKeyConstraint("view", "office", "role", name="pk_view_shares"),
    )


def _mailings() -> None:
    op.create_table(
        "mailings",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("view", SERIAL, nullable=False),
        sa.Column("every", sa.String(8), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("at", sa.String(5), nullable=False),
        sa.Column("zone", sa.String(40), nullable=False),
        sa.Column("workdays", sa.Boolean(), nullable=False),
        sa.Column("form", sa.String(8), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("next_at", TIME, nullable=False),
        sa.Column("made_by", sa.String(120), nullable=False),
        sa.CheckConstraint("every in ('daily','weekly','monthly')", name="every"),
        sa.CheckConstraint("form in ('link','xlsx','csv')", name="form"),
        sa.CheckConstraint("state in ('active','off','stopped')", name="state"),
        sa.ForeignKeyConstraint(["view"], ["saved_views.id"], name="fk_mailings_view_saved_views"),
        sa.PrimaryKeyConstraint("id", name="pk_mailings"),
        sa.UniqueConstraint("made_by", name="uq_mailings_made_by"),
    )
    op.create_index("ix_mailings_view", "mailings", ["view"])
    where = sa.text("state='active'")
    op.create_index("ix_mailings_due", "mailings", ["next_at"], sqlite_where=where, postgresql_where=where)
    op.create_table(
        "mailing_recipients",
        sa.Column("mailing", SERIAL, nullable=False),
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("left_at", TIME),
        sa.ForeignKeyConstraint(["mailing"], ["mailings.id"], name="fk_mailing_recipients_mailing_mailings"),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name="fk_mailing_recipients_person_people"),
        sa.PrimaryKeyConstraint("mailing", "person", name="pk_mailing_recipients"),
    )
    op.create_index("ix_mailing_recipients_person", "mailing_recipients", ["person"])

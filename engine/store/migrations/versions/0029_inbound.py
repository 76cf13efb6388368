"""What comes back from customers: opt-outs with their addresses, replies, orders, links and clicks; parked things have
a kind, and are parked once."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0027"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
MONEY = sa.Numeric(16, 2).with_variant(sa.String(20), "sqlite")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KINDS = "kind in ('receipt','reply','order','complaint')"


def upgrade() -> None:
    op.create_table(
        "opt_outs",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("source", sa.String(12), nullable=False),
        sa.Column("reference", sa.String(120), nullable=False),
        sa.Column("customer", sa.String(60), server_default="", nullable=False),
        sa.Column("case_id", sa.String(24), server_default="", nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("taken_at", TIME, nullable=False),
        sa.Column("ended_at", TIME),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opt_outs")),
        sa.UniqueConstraint("source", "reference", name=op.f("uq_opt_outs_source_reference")),
    )
    op.create_index(op.f("ix_opt_outs_customer"), "opt_outs", ["customer"])
    op.create_table(
        "opt_out_addresses",
        sa.Column("address", sa.String(500), nullable=False),
        sa.Column("opt_out", SERIAL, nullable=False),
        sa.ForeignKeyConstraint(["opt_out"], ["opt_outs.id"], name=op.f("fk_opt_out_addresses_opt_out_opt_outs")),
        sa.PrimaryKeyConstraint("address", "opt_out", name=op.f("pk_opt_out_addresses")),
    )
    op.create_index(op.f("ix_opt_out_addresses_opt_out"), "opt_out_addresses", ["opt_out"])
    op.create_table(
        "replies",
        sa.Column("reference", sa.String(120), nullable=False),
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("wave", sa.String(48), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("customer", sa.String(60), nullable=False),
        sa.Column("shown", sa.String(40), nullable=False),
        sa.Column("meaning", sa.String(8), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("taken_at", TIME, nullable=False),
        sa.Column("read_at", TIME),
        sa.Column("read_by", sa.String(40), server_default="", nullable=False),
        sa.CheckConstraint("meaning in ('opt_out','opt_in','other')", name=op.f("ck_replies_meaning")),
        sa.PrimaryKeyConstraint("reference", name=op.f("pk_replies")),
    )
    op.create_index(op.f("ix_replies_case_id_at"), "replies", ["case_id", "at"])
    op.create_index(op.f("ix_replies_customer"), "replies", ["customer"])
    op.create_table(
        "orders",
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("reference", sa.String(80), nullable=False),
        sa.Column("customer", sa.String(60), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("value", MONEY),
        sa.Column("how", sa.String(20), server_default="", nullable=False),
        sa.Column("confirmed_at", TIME),
        sa.Column("confirmation", sa.String(120), server_default="", nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("taken_at", TIME, nullable=False),
        sa.CheckConstraint("state in ('counted','unconfirmed','late')", name=op.f("ck_orders_state")),
        sa.PrimaryKeyConstraint("case_id", "reference", name=op.f("pk_orders")),
    )
    op.create_index(op.f("ix_orders_customer"), "orders", ["customer"])
    op.create_table(
        "wave_links",
        sa.Column("number", SERIAL, nullable=False),
        sa.Column("wave", sa.String(48), nullable=False),
        sa.Column("target", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["wave"], ["waves.id"], name=op.f("fk_wave_links_wave_waves")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_wave_links")),
        sa.UniqueConstraint("wave", name=op.f("uq_wave_links_wave")),
    )
    op.create_table(
        "clicks",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("wave", sa.String(48), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("client", sa.String(16), nullable=False),
        sa.Column("agent", sa.String(12), nullable=False),
        sa.Column("machine", sa.String(12), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clicks")),
    )
    op.create_index(op.f("ix_clicks_wave_row"), "clicks", ["wave", "row"])
    op.create_index(op.f("ix_clicks_client_at"), "clicks", ["client", "at"])
    with op.batch_alter_table("parked_receipts") as table:
        table.add_column(sa.Column("kind", sa.String(12), server_default="receipt", nullable=False))
        table.add_column(sa.Column("reference", sa.String(120), server_default="", nullable=False))
        table.add_column(sa.Column("wave", sa.String(48), server_default="", nullable=False))
        table.create_check_constraint(op.f("ck_parked_receipts_kind"), KINDS)
    named = sa.text("reference<>''")
    op.create_index(
        "ix_parked_receipts_reference",
        "parked_receipts",
        ["kind", "reference"],
        unique=True,
        sqlite_where=named,
        postgresql_where=named,
    )
    is_open = sa.text("settled_at IS NULL")
    op.create_index(
        "ix_parked_receipts_wave", "parked_receipts", ["wave"], sqlite_where=is_open, postgresql_where=is_open
    )


def downgrade() -> None:
    op.drop_index("ix_parked_receipts_wave", "parked_receipts")
    op.drop_index("ix_parked_receipts_reference", "parked_receipts")
    op.execute("DELETE FROM parked_receipts WHERE kind <> 'receipt'")
    with op.batch_alter_table("parked_receipts") as table:
        table.drop_constraint(op.f("ck_parked_receipts_kind"), type_="check")
        for name in ("kind", "reference", "wave"):
            table.drop_column(name)
    for name in ("clicks", "wave_links", "orders", "replies", "opt_out_addresses", "opt_outs"):
        op.drop_table(name)

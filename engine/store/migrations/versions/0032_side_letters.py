"""Proofs to people of the house, and seeds that every wave also goes to, stand beside the ledger and not in it."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0034"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _seeds()
    _letters()


def _seeds() -> None:
    op.create_table(
        "seeds",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("office", sa.String(12), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("address", sa.String(500), nullable=False),
        sa.Column("shown", sa.String(60), nullable=False),
        sa.Column("customer", sa.String(60), server_default="", nullable=False),
        sa.Column("expires_at", TIME),
        sa.Column("added_by", sa.String(40), nullable=False),
        sa.Column("added_at", TIME, nullable=False),
        sa.Column("ended_at", TIME),
        sa.Column("ended_by", sa.String(40), server_default="", nullable=False),
        sa.CheckConstraint("channel in ('sms','email')", name="channel"),
        sa.PrimaryKeyConstraint("id", name="pk_seeds"),
    )
    _index("ix_seeds_one", "seeds", ["office", "channel", "address"], "ended_at IS NULL", unique=True)
    op.create_index("ix_seeds_customer", "seeds", ["customer"])


def _letters() -> None:
    op.create_table(
        "side_letters",
        sa.Column("batch", sa.String(24), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("wave", sa.String(48), server_default="", nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("cell", sa.String(40), server_default="", nullable=False),
        sa.Column("person", sa.String(40), server_default="", nullable=False),
        sa.Column("seed", SERIAL),
        sa.Column("address", sa.String(500), server_default="", nullable=False),
        sa.Column("shown", sa.String(60), server_default="", nullable=False),
        sa.Column("subject", sa.Text(), server_default="", nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("about", sa.String(32), server_default="", nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("held", sa.Integer(), server_default="0", nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("reason", sa.String(60), server_default="", nullable=False),
        sa.Column("asked_by", sa.String(40), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("sent_at", TIME),
        sa.Column("settled_at", TIME),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", TIME),
        sa.Column("available_at", TIME),
        sa.Column("doubtful", sa.Integer(), server_default="0", nullable=False),
        sa.Column("answer", sa.String(12), server_default="", nullable=False),
        sa.Column("because", sa.String(500), server_default="", nullable=False),
        sa.Column("answered_at", TIME),
        sa.CheckConstraint("kind in ('proof','seed')", name="kind"),
        sa.CheckConstraint(
            "state in ('waiting','claimed','sent','delivered','failed','unknown','suppressed')",
            name="state",
        ),
        sa.CheckConstraint("answer in ('','fits','unfit')", name="answer"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_side_letters_case_id_cases"),
        sa.ForeignKeyConstraint(["seed"], ["seeds.id"], name="fk_side_letters_seed_seeds"),
        sa.PrimaryKeyConstraint("batch", "row", name="pk_side_letters"),
    )
    op.create_index("ix_side_letters_case_id", "side_letters", ["case_id"])
    _index("ix_side_letters_wave", "side_letters", ["wave"], "kind='seed'")
    _index("ix_side_letters_open", "side_letters", ["batch"], "state in ('waiting','claimed')")
    _index("ix_side_letters_person", "side_letters", ["person"], "answer='' AND kind='proof'")
    _index("ix_side_letters_address", "side_letters", ["address"], "kind='seed'")


def _index(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    only = sa.text(where)
    op.create_index(name, table, columns, unique=unique, postgresql_where=only, sqlite_where=only)


def downgrade() -> None:
    op.drop_table("side_letters")
    op.drop_table("seeds")

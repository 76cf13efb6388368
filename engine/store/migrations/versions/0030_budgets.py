"""Budgets of offices: versions, balances, postings; and what of it a wave and its chunks hold."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
REFUSE_SQLITE = """
CREATE TRIGGER budget_postings_no_{verb} BEFORE {verb} ON budget_postings
BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END
"""
REFUSING_POSTGRESQL = """
CREATE TRIGGER budget_postings_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON budget_postings
FOR EACH STATEMENT EXECUTE FUNCTION history_is_append_only()
"""


def amounts(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), server_default="0", nullable=False) for name in names]


def upgrade() -> None:
    op.create_table(
        "budget_versions",
        sa.Column("account", sa.String(24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("proposed_by", sa.String(40), nullable=False),
        sa.Column("proposed_at", TIME, nullable=False),
        sa.Column("decision", sa.String(10), server_default="", nullable=False),
        sa.Column("decided_by", sa.String(40), server_default="", nullable=False),
        sa.Column("decided_at", TIME),
        sa.CheckConstraint("amount>=0", name=op.f("ck_budget_versions_amount")),
        sa.CheckConstraint("decision in ('','confirmed','refused')", name=op.f("ck_budget_versions_decision")),
        sa.PrimaryKeyConstraint("account", "version", name=op.f("pk_budget_versions")),
    )
    is_open = sa.text("decision=''")
    op.create_index(
        "ix_budget_versions_open",
        "budget_versions",
        ["account"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_table(
        "budget_accounts",
        sa.Column("key", sa.String(24), nullable=False),
        sa.Column("office", sa.String(12), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        *amounts("approved", "available", "reserved", "committed", "actual"),
        sa.CheckConstraint("available>=0", name=op.f("ck_budget_accounts_available")),
        sa.CheckConstraint("reserved>=0 and committed>=0 and actual>=0", name=op.f("ck_budget_accounts_held")),
        sa.CheckConstraint("approved=available+reserved+committed+actual", name=op.f("ck_budget_accounts_whole")),
        sa.ForeignKeyConstraint(["office"], ["offices.code"], name=op.f("fk_budget_accounts_office_offices")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_budget_accounts")),
        sa.UniqueConstraint("office", "year", "currency", name=op.f("uq_budget_accounts_office_year_currency")),
    )
    op.create_table(
        "budget_cases",
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("account", sa.String(24), nullable=False),
        *amounts("reserved", "committed", "actual", "released"),
        sa.CheckConstraint(
            "reserved>=0 and committed>=0 and actual>=0 and released>=0", name=op.f("ck_budget_cases_held")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_budget_cases_case_id_cases")),
        sa.ForeignKeyConstraint(
            ["account"], ["budget_accounts.key"], name=op.f("fk_budget_cases_account_budget_accounts")
        ),
        sa.PrimaryKeyConstraint("case_id", "account", name=op.f("pk_budget_cases")),
    )
    op.create_index(op.f("ix_budget_cases_account"), "budget_cases", ["account"])
    op.create_table(
        "budget_postings",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(160), nullable=False),
        sa.Column("line", sa.SmallInteger(), nullable=False),
        sa.Column("account", sa.String(24), nullable=False),
        sa.Column("side", sa.String(10), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("occasion", sa.String(12), nullable=False),
        sa.Column("case_id", sa.String(24)),
        sa.Column("wave", sa.String(48), server_default="", nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", sa.String(40), nullable=False),
        sa.CheckConstraint(
            "side in ('approved','available','reserved','committed','actual')", name=op.f("ck_budget_postings_side")
        ),
        sa.CheckConstraint("line in (1,2)", name=op.f("ck_budget_postings_line")),
        sa.ForeignKeyConstraint(
            ["account"], ["budget_accounts.key"], name=op.f("fk_budget_postings_account_budget_accounts")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_budget_postings_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget_postings")),
        sa.UniqueConstraint("key", "line", name=op.f("uq_budget_postings_key_line")),
    )
    op.create_index(op.f("ix_budget_postings_account_id"), "budget_postings", ["account", "id"])
    op.create_index(op.f("ix_budget_postings_case_id"), "budget_postings", ["case_id"])
    op.add_column("waves", sa.Column("account", sa.String(24), server_default="", nullable=False))
    for name in ("segments", "paid", "held"):
        op.add_column("chunks", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(REFUSE_SQLITE.format(verb=verb))
    else:
        op.execute(REFUSING_POSTGRESQL)


def downgrade() -> None:
    for name in ("segments", "paid", "held"):
        op.drop_column("chunks", name)
    op.drop_column("waves", "account")
    for table in ("budget_postings", "budget_cases", "budget_accounts", "budget_versions"):
        op.drop_table(table)

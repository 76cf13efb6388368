"""Second factors, reset links, API tokens; sessions and devices tell when and from where they were used."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")


def upgrade() -> None:
    op.add_column("people", sa.Column("must_change", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("sessions", sa.Column("authenticated_at", TIME, nullable=True))
    op.add_column("sessions", sa.Column("stage", sa.String(10), server_default="", nullable=False))
    op.add_column("devices", sa.Column("seen_at", TIME, nullable=True))
    for table in ("sessions", "devices"):
        op.add_column(table, sa.Column("address", sa.String(60), server_default="", nullable=False))
        op.add_column(table, sa.Column("browser", sa.String(300), server_default="", nullable=False))
    op.create_table(
        "second_factors",
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("last_step", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_second_factors_person_people")),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_second_factors")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_recovery_codes_person_people")),
        sa.PrimaryKeyConstraint("person", "hash", name=op.f("pk_recovery_codes")),
    )
    op.create_table(
        "password_resets",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_password_resets_person_people")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_password_resets")),
    )
    op.create_table(
        "api_tokens",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("scopes", sa.String(60), nullable=False),
        sa.Column("ending", sa.String(4), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_api_tokens_person_people")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_api_tokens")),
    )
    op.create_table(
        "kept_forms",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("person", sa.String(40), server_default="", nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_kept_forms")),
    )
    op.create_index(op.f("ix_kept_forms_expires_at"), "kept_forms", ["expires_at"])
    for table in ("password_resets", "api_tokens"):
        op.create_index(op.f(f"ix_{table}_person"), table, ["person"])


def downgrade() -> None:
    for table in ("api_tokens", "password_resets"):
        op.drop_index(op.f(f"ix_{table}_person"), table)
    op.drop_index(op.f("ix_kept_forms_expires_at"), "kept_forms")
    for table in ("kept_forms", "api_tokens", "password_resets", "recovery_codes", "second_factors"):
        op.drop_table(table)
    for table in ("sessions", "devices"):
        op.drop_column(table, "browser")
        op.drop_column(table, "address")
    op.drop_column("devices", "seen_at")
    op.drop_column("sessions", "stage")
    op.drop_column("sessions", "authenticated_at")
    op.drop_column("people", "must_change")

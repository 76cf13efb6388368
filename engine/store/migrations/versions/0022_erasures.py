"""Erasures of customers; while one is carried out, a number may be taken out of the organisation's history."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
FIXED = ("seq", "at", "kind", "actor", "via", "address", "previous", "hash", "key")
RUNS = "EXISTS (SELECT 1 FROM erasures WHERE decision = 'confirmed' AND finished_at IS NULL)"
CHANGED = " OR ".join(f"NEW.{one} {{differs}} OLD.{one}" for one in FIXED)
REFUSE_SQLITE = f"""
CREATE TRIGGER organisation_history_no_UPDATE BEFORE UPDATE ON organisation_history
WHEN NOT {RUNS} OR {CHANGED.format(differs="IS NOT")}
BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END
"""
CHECK_POSTGRESQL = f"""
CREATE FUNCTION organisation_history_may_only_forget() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  IF NOT {RUNS} OR {CHANGED.format(differs="IS DISTINCT FROM")} THEN
    RAISE EXCEPTION 'the history is append-only';
  END IF;
  RETURN NEW;
END $$
"""
REFUSE_POSTGRESQL = """
CREATE TRIGGER organisation_history_no_change BEFORE DELETE OR TRUNCATE ON organisation_history
FOR EACH STATEMENT EXECUTE FUNCTION history_is_append_only()
"""
REFUSE_UPDATE_POSTGRESQL = """
CREATE TRIGGER organisation_history_no_update BEFORE UPDATE ON organisation_history
FOR EACH ROW EXECUTE FUNCTION organisation_history_may_only_forget()
"""


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("asked_by", sa.String(40), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("decision", sa.String(10), server_default="", nullable=False),
        sa.Column("decided_by", sa.String(40), server_default="", nullable=False),
        sa.Column("decided_at", TIME),
        sa.Column("finished_at", TIME),
        sa.Column("certificate", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("decision in ('','confirmed','refused')", name=op.f("ck_erasures_decision")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_erasures")),
    )
    is_open = sa.text("decision=''")
    op.create_index(
        "ix_erasures_open", "erasures", ["name"], unique=True, sqlite_where=is_open, postgresql_where=is_open
    )
    op.create_index(op.f("ix_erasures_name"), "erasures", ["name"])
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER organisation_history_no_UPDATE")
        op.execute(REFUSE_SQLITE)
    else:
        op.execute("DROP TRIGGER organisation_history_no_change ON organisation_history")
        for statement in (CHECK_POSTGRESQL, REFUSE_POSTGRESQL, REFUSE_UPDATE_POSTGRESQL):
            op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER organisation_history_no_UPDATE")
        op.execute(
            "CREATE TRIGGER organisation_history_no_UPDATE BEFORE UPDATE ON organisation_history"
            " BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END"
        )
    else:
        op.execute("DROP TRIGGER organisation_history_no_update ON organisation_history")
        op.execute("DROP TRIGGER organisation_history_no_change ON organisation_history")
        op.execute("DROP FUNCTION organisation_history_may_only_forget()")
        op.execute(
            "CREATE TRIGGER organisation_history_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON organisation_history"
            " FOR EACH STATEMENT EXECUTE FUNCTION history_is_append_only()"
        )
    op.drop_table("erasures")

"""The first schema, and the triggers that keep the history append-only.

Written out, not derived from `store/tables`: a revision says what was done to databases that exist.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TIME = sa.DateTime(timezone=True).with_variant(sa.String(32), "sqlite")
MONEY = sa.Numeric(precision=16, scale=2).with_variant(sa.String(20), "sqlite")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

REFUSE_SQLITE = """
CREATE TRIGGER history_no_{verb} BEFORE {verb} ON history
BEGIN SELECT RAISE(ABORT, 'the history is append-only'); END
"""
REFUSE_POSTGRESQL = """
CREATE FUNCTION history_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the history is append-only'; END $$
"""
REFUSING_POSTGRESQL = """
CREATE TRIGGER history_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON history
FOR EACH STATEMENT EXECUTE FUNCTION history_is_append_only()
"""


def upgrade() -> None:  # noqa: PLR0915  a schema is a list
    op.create_table(
        "cases",
        sa.Column("id", sa.String(24), nullable=False),
        sa.Column("definition", sa.String(80), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("office", sa.String(12), nullable=False),
        sa.Column("submitter", sa.String(40), nullable=False),
        sa.Column("number", sa.String(60), nullable=True),
        sa.Column("title", sa.String(200), server_default="", nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("budget", MONEY, nullable=True),
        sa.Column("reach", sa.BigInteger(), nullable=True),
        sa.Column("confidential", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("head", sa.String(64), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("number", name=op.f("uq_cases_number")),
    )
    op.create_index(op.f("ix_cases_office_updated_at"), "cases", ["office", "updated_at"])
    op.create_index(op.f("ix_cases_state_updated_at"), "cases", ["state", "updated_at"])
    op.create_index(op.f("ix_cases_submitter_updated_at"), "cases", ["submitter", "updated_at"])
    op.create_table(
        "definitions",
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("author", sa.String(40), nullable=False),
        sa.Column("published_by", sa.String(40), nullable=True),
        sa.Column("published_at", TIME, nullable=True),
        sa.CheckConstraint("state in ('draft','published','retired')", name=op.f("ck_definitions_state")),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_definitions")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_definitions_fingerprint")),
    )
    op.create_table(
        "idempotency",
        sa.Column("key", sa.String(120), nullable=False),
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_idempotency")),
    )
    op.create_table(
        "links",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("task", sa.String(48), nullable=False),
        sa.Column("step", sa.String(120), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_links")),
    )
    op.create_index(op.f("ix_links_task"), "links", ["task"])
    op.create_table(
        "numbering",
        sa.Column("scope", sa.String(80), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("next", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "year", name=op.f("pk_numbering")),
    )
    op.create_table(
        "offices",
        sa.Column("code", sa.String(12), nullable=False),
        sa.Column("zh", sa.String(80), nullable=False),
        sa.Column("en", sa.String(80), server_default="", nullable=False),
        sa.Column("level", sa.String(8), nullable=False),
        sa.Column("parent", sa.String(12), nullable=True),
        sa.CheckConstraint("level in ('county','city','province')", name=op.f("ck_offices_level")),
        sa.ForeignKeyConstraint(["parent"], ["offices.code"], name=op.f("fk_offices_parent_offices")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_offices")),
    )
    op.create_table(
        "organisation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
    )
    op.create_table(
        "outbox",
        sa.Column("key", sa.String(120), nullable=False),
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("available_at", TIME, nullable=False),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("state in ('pending','done','dead')", name=op.f("ck_outbox_state")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_pending",
        "outbox",
        ["available_at"],
        sqlite_where=sa.text("state='pending'"),
        postgresql_where=sa.text("state='pending'"),
    )
    op.create_table(
        "parked_receipts",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(120), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parked_receipts")),
    )
    op.create_table(
        "people",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("email", sa.String(200), server_default="", nullable=False),
        sa.Column("language", sa.String(2), server_default="zh", nullable=False),
        sa.Column("password_hash", sa.Text(), server_default="", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
    )
    op.create_table(
        "recipients",
        sa.Column("wave", sa.String(48), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("customer", sa.String(60), nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("cell", sa.String(40), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("reason", sa.String(60), server_default="", nullable=False),
        sa.Column("sent_at", TIME, nullable=True),
        sa.Column("settled_at", TIME, nullable=True),
        sa.CheckConstraint(
            "state in ('waiting','sent','delivered','failed','unknown','suppressed')", name=op.f("ck_recipients_state")
        ),
        sa.PrimaryKeyConstraint("wave", "row", name=op.f("pk_recipients")),
        sa.UniqueConstraint("case_id", "channel", "customer", name=op.f("uq_recipients_case_id_channel_customer")),
    )
    op.create_table(
        "sign_in_tries",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("key", sa.String(120), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_tries")),
    )
    op.create_index(op.f("ix_sign_in_tries_key_at"), "sign_in_tries", ["key", "at"])
    op.create_table(
        "suppressions",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("list", sa.String(8), nullable=False),
        sa.Column("customer", sa.String(60), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("channel", sa.String(20), server_default="", nullable=False),
        sa.Column("added_by", sa.String(40), nullable=False),
        sa.Column("added_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.CheckConstraint("list in ('black','grey')", name=op.f("ck_suppressions_list")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppressions")),
        sa.UniqueConstraint("list", "customer", "channel", name=op.f("uq_suppressions_list_customer_channel")),
    )
    op.create_index(op.f("ix_suppressions_customer"), "suppressions", ["customer"])
    op.create_table(
        "case_offices",
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("office", sa.String(12), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_offices_case_id_cases")),
        sa.PrimaryKeyConstraint("case_id", "office", name=op.f("pk_case_offices")),
    )
    op.create_index(op.f("ix_case_offices_office"), "case_offices", ["office"])
    op.create_table(
        "devices",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_devices_person_people")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_devices")),
    )
    op.create_index(op.f("ix_devices_person"), "devices", ["person"])
    op.create_table(
        "evaluations",
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("label", sa.String(20), nullable=False),
        sa.Column("as_of", TIME, nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_evaluations_case_id_cases")),
        sa.PrimaryKeyConstraint("case_id", "label", name=op.f("pk_evaluations")),
    )
    op.create_table(
        "grants",
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("office", sa.String(12), nullable=False),
        sa.Column("weight", sa.Integer(), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["office"], ["offices.code"], name=op.f("fk_grants_office_offices")),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_grants_person_people")),
        sa.PrimaryKeyConstraint("person", "role", "office", name=op.f("pk_grants")),
    )
    op.create_index(op.f("ix_grants_office_role"), "grants", ["office", "role"])
    op.create_table(
        "history",
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("actor", sa.String(40), nullable=False),
        sa.Column("on_behalf_of", sa.String(40), server_default="", nullable=False),
        sa.Column("via", sa.String(12), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_history_case_id_cases")),
        sa.PrimaryKeyConstraint("case_id", "seq", name=op.f("pk_history")),
    )
    op.create_table(
        "responses",
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("customer", sa.String(60), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("reference", sa.String(80), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("value", MONEY, nullable=True),
        sa.CheckConstraint("kind in ('response','conversion','opt_out','complaint')", name=op.f("ck_responses_kind")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_responses_case_id_cases")),
        sa.PrimaryKeyConstraint("case_id", "kind", "reference", name=op.f("pk_responses")),
    )
    op.create_index(op.f("ix_responses_case_id_customer"), "responses", ["case_id", "customer"])
    op.create_table(
        "sessions",
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("device", sa.String(64), server_default="", nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_sessions_person_people")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_person"), "sessions", ["person"])
    op.create_table(
        "snapshots",
        sa.Column("id", sa.String(48), nullable=False),
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("target", sa.BigInteger(), nullable=False),
        sa.Column("control", sa.BigInteger(), nullable=False),
        sa.Column("frozen_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_snapshots_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshots")),
    )
    op.create_index(op.f("ix_snapshots_case_id"), "snapshots", ["case_id"])
    op.create_table(
        "tasks",
        sa.Column("id", sa.String(48), nullable=False),
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(120), nullable=False),
        sa.Column("person", sa.String(40), nullable=False),
        sa.Column("verb", sa.String(12), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("due_at", TIME, nullable=True),
        sa.Column("decision", sa.String(12), nullable=True),
        sa.Column("decided_by", sa.String(40), nullable=True),
        sa.Column("decided_at", TIME, nullable=True),
        sa.Column("remark", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("state in ('waiting','open','decided','cancelled')", name=op.f("ck_tasks_state")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_tasks_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
        sa.UniqueConstraint("case_id", "round", "step", "person", name=op.f("uq_tasks_case_id_round_step_person")),
    )
    op.create_index(
        "ix_tasks_copied",
        "tasks",
        ["person", "opened_at"],
        sqlite_where=sa.text("verb='copy'"),
        postgresql_where=sa.text("verb='copy'"),
    )
    op.create_index(
        "ix_tasks_done",
        "tasks",
        ["person", "decided_at"],
        sqlite_where=sa.text("state='decided'"),
        postgresql_where=sa.text("state='decided'"),
    )
    op.create_index(
        "ix_tasks_open",
        "tasks",
        ["person", "due_at"],
        sqlite_where=sa.text("state='open'"),
        postgresql_where=sa.text("state='open'"),
    )
    op.create_table(
        "timers",
        sa.Column("key", sa.String(160), nullable=False),
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("step", sa.String(120), server_default="", nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("state in ('armed','fired','disarmed')", name=op.f("ck_timers_state")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_timers_case_id_cases")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_timers")),
    )
    op.create_index(op.f("ix_timers_case_id"), "timers", ["case_id"])
    op.create_index(
        "ix_timers_due",
        "timers",
        ["due_at"],
        sqlite_where=sa.text("state='armed'"),
        postgresql_where=sa.text("state='armed'"),
    )
    op.create_table(
        "waves",
        sa.Column("id", sa.String(48), nullable=False),
        sa.Column("case_id", sa.String(24), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("audience", sa.BigInteger(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("folder", sa.Text(), nullable=False),
        sa.Column("started_at", TIME, nullable=True),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("gate_until", TIME, nullable=True),
        sa.Column("held_because", sa.Text(), server_default="", nullable=False),
        sa.Column("tokens", sa.Numeric(precision=14, scale=3), server_default="0", nullable=False),
        sa.Column("tokens_at", TIME, nullable=True),
        sa.Column("segments", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "state in ('planned','loading','running','gated','paused','done','cancelled')", name=op.f("ck_waves_state")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_waves_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waves")),
        sa.UniqueConstraint("case_id", "position", name=op.f("uq_waves_case_id_position")),
    )
    op.create_index(
        "ix_waves_active",
        "waves",
        ["state"],
        sqlite_where=sa.text("state in ('running','gated')"),
        postgresql_where=sa.text("state in ('running','gated')"),
    )
    op.create_table(
        "chunks",
        sa.Column("wave", sa.String(48), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("available_at", TIME, nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint("state in ('waiting','claimed','done')", name=op.f("ck_chunks_state")),
        sa.ForeignKeyConstraint(["wave"], ["waves.id"], name=op.f("fk_chunks_wave_waves")),
        sa.PrimaryKeyConstraint("wave", "position", name=op.f("pk_chunks")),
    )
    op.create_index(
        "ix_chunks_open",
        "chunks",
        ["wave", "position"],
        sqlite_where=sa.text("state<>'done'"),
        postgresql_where=sa.text("state<>'done'"),
    )

    op.execute("INSERT INTO organisation (id, revision) VALUES (1, 0)")
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("update", "delete"):
            op.execute(REFUSE_SQLITE.format(verb=verb))
    else:
        # Every recipient is updated twice (sent, settled); with room on its page that touches no index.
        op.execute("ALTER TABLE recipients SET (fillfactor = 50)")
        op.execute(REFUSE_POSTGRESQL)
        op.execute(REFUSING_POSTGRESQL)

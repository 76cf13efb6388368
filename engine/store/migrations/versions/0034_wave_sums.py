"""How many recipients of a wave are in each state is kept beside the ledger, so that no page counts them."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0038"

STATES = ("waiting", "sent", "delivered", "failed", "unknown", "suppressed", "cancelled")
FILL = """
INSERT INTO wave_sums (wave, {columns}, capped)
SELECT wave, {counts}, SUM(CASE WHEN state = 'suppressed' THEN capped ELSE 0 END)
FROM (
    SELECT wave, state, COUNT(*) AS count,
        SUM(CASE WHEN reason LIKE 'contact\\_policy%' ESCAPE '\\' THEN 1 ELSE 0 END) AS capped
    FROM recipients GROUP BY wave, state
) AS by_state
GROUP BY wave
"""


def upgrade() -> None:
    names = (*STATES, "capped")
    op.create_table(
        "wave_sums",
        sa.Column("wave", sa.String(48), nullable=False),
        *(sa.Column(name, sa.BigInteger(), server_default="0", nullable=False) for name in names),
        sa.CheckConstraint(" and ".join(f"{name}>=0" for name in names), name=op.f("ck_wave_sums_counts")),
        sa.CheckConstraint("capped<=suppressed", name=op.f("ck_wave_sums_capped")),
        sa.PrimaryKeyConstraint("wave", name=op.f("pk_wave_sums")),
    )
    counts = ", ".join(f"SUM(CASE WHEN state = '{one}' THEN count ELSE 0 END)" for one in STATES)
    op.execute(sa.text(FILL.format(columns=", ".join(STATES), counts=counts)))


def downgrade() -> None:
    op.drop_table("wave_sums")

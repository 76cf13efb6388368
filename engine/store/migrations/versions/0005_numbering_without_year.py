"""Numbers whose pattern names no year are counted on over the years: no new year begins with numbers of an old one."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

WITHOUT_YEAR = sa.text(
    "UPDATE numbering SET year = 0 WHERE scope NOT LIKE '%' || CAST(year AS VARCHAR(4)) || '%' AND NOT EXISTS ("
    "SELECT 1 FROM numbering other WHERE other.scope = numbering.scope AND other.year > numbering.year)"
)


def upgrade() -> None:
    op.execute(WITHOUT_YEAR)


def downgrade() -> None:
    pass  # which year a count began in is not known any more; the newer code's count is the right one

"""Case numbers without gaps: one counter per scope and year.

The counter's row stays locked until the transaction ends, and a rollback returns the number; so numbers are handed out
in the transaction that submits, never before, and never twice.
"""

import sqlalchemy as sa
from sqlalchemy import Connection

_NEXT = sa.text(
    "INSERT INTO numbering (scope, year, next) VALUES (:scope, :year, 2) "
    "ON CONFLICT (scope, year) DO UPDATE SET next = numbering.next + 1 RETURNING next - 1"
)


def next_number(tx: Connection, scope: str, year: int) -> int:
    """The next number of `scope` (an office, or what the definition counts by) in `year`; the first is 1."""
    number: int = tx.execute(_NEXT, {"scope": scope, "year": year}).scalar_one()
    return number

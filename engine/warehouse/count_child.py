"""Counts of customers, in a process of its own: a Census on stdin, Counts or a Failure on stdout.

Locked down like the selection. Refuses to give back anything but whole numbers.
"""

import contextlib
import sys

import duckdb
import msgspec

from engine.warehouse.job import Census, Counts, Told
from engine.warehouse.lockdown import answered, end_with_parent, limit_itself, locked_down


def main() -> int:
    """Count what is asked for on stdin."""
    census = msgspec.json.decode(sys.stdin.buffer.read(), type=Census)
    end_with_parent(census.parent)
    limit_itself(census)
    answer: Told = answered(lambda: counted(census))
    sys.stdout.buffer.write(msgspec.json.encode(answer))
    return 0


def counted(census: Census) -> Counts:
    """The one row."""
    with contextlib.closing(locked_down(census)) as db:
        if [one.type for one in db.extract_statements(census.sql)] != [duckdb.StatementType.SELECT]:
            raise duckdb.PermissionException("a count is one statement")
        row = db.execute(census.sql).fetchone()
    assert row is not None
    return Counts(tuple(map(int, row)))


if __name__ == "__main__":
    raise SystemExit(main())

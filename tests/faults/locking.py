"""Another process that keeps the case database locked: `python -m tests.faults.locking DATABASE SECONDS`.

It prints a line when it has the lock: of SQLite the writer's, of PostgreSQL one that keeps everybody from changing the
tables of a delivery. Reading goes on.
"""

import sys
import time

import sqlalchemy as sa


def main(database_url: str, seconds: str) -> None:
    """Hold it for so long."""
    engine = sa.create_engine(database_url)  # noqa: TID251  a process that is none of ours
    with engine.connect() as held:
        if engine.dialect.name == "sqlite":
            held.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            held.exec_driver_sql("LOCK TABLE waves, chunks, recipients IN EXCLUSIVE MODE")
        print("locked", flush=True)
        time.sleep(float(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""One statement for many rows. On SQLite the driver gets them as they are: what SQLAlchemy does for each row takes
longer there than the database.

Refuses statements that give rows back.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection


def run(tx: Connection, statement: sa.Insert | sa.Update | sa.TextClause, rows: Sequence[Mapping[str, Any]]) -> None:
    """Carry the statement out once for each of the rows, which name the same parameters."""
    if not rows:
        return
    if tx.dialect.name != "sqlite":
        tx.execute(statement, rows)
        return
    compiled = statement.compile(dialect=tx.dialect, column_keys=list(rows[0]))
    names = compiled.positiontup or []
    fixed = {name: value for name, value in compiled.params.items() if name not in rows[0]}
    ways = {name: compiled.binds[name].type.dialect_impl(tx.dialect).bind_processor(tx.dialect) for name in names}
    columns = []
    for name in names:
        way = ways[name]
        values = [row[name] for row in rows] if name in rows[0] else [fixed[name]] * len(rows)
        columns.append([way(value) for value in values] if way else values)
    tx.exec_driver_sql(compiled.string, list(zip(*columns, strict=True)))

"""A column of many rows as one text: handing over a hundred thousand rows takes a driver three times as long.

Columns of one statement come in the same order. A row without a value would be missing, so a column that may have none
is not for this.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

_LINE = sa.literal_column("'\n'", sa.String)
_NOTHING = sa.literal_column("''", sa.String)


def lines(tx: Connection, column: ColumnElement[Any]) -> ColumnElement[str]:
    """The values of texts or numbers, one a line."""
    return _together(tx, sa.cast(column, sa.String), _LINE)


def hexadecimal(tx: Connection, column: ColumnElement[bytes]) -> ColumnElement[str]:
    """The bytes of all rows, one behind the other."""
    coded = sa.func.hex(column) if tx.dialect.name == "sqlite" else sa.func.encode(column, "hex")
    return _together(tx, coded, _NOTHING)


def _together(tx: Connection, column: ColumnElement[Any], between: ColumnElement[str]) -> ColumnElement[str]:
    named = sa.func.group_concat if tx.dialect.name == "sqlite" else sa.func.string_agg
    return named(column, between, type_=sa.String())

"""A column of many rows as one text: handing over a hundred thousand rows takes a driver three times as long.

Columns of one statement come in the same order. A row without a value would be missing, so a column that may have none
is not for this.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

_LINE = sa.literal_column("'\n'", sa.String)


def lines(tx: Connection, column: ColumnElement[Any]) -> ColumnElement[str]:
    """The values of texts or numbers, one a line."""
    named = sa.func.group_concat if tx.dialect.name == "sqlite" else sa.func.string_agg
    return named(sa.cast(column, sa.String), _LINE, type_=sa.String())


def hexadecimal(tx: Connection, column: ColumnElement[bytes]) -> ColumnElement[str]:
    """Bytes as their digits, which a text can hold."""
    return sa.func.hex(column) if tx.dialect.name == "sqlite" else sa.func.encode(column, "hex")

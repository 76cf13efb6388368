"""Columns that came with a later release: files of earlier ones, and tables of a server, may do without.

Whoever reads them finds no value there. Refuses to write the files anew: frozen lists name them with their digests.
"""

from collections.abc import Collection, Mapping

LATER: Mapping[str, tuple[str, ...]] = {"contacts": ("purpose",)}
"""Table -> such columns, all of them texts."""


def rows_in(table: str, listed: str) -> str:
    """The rows of the table's files, for FROM; `listed` is how a statement of DuckDB names the files."""
    if table not in LATER:
        return f"read_parquet({listed})"
    nothing = ", ".join(f'NULL::VARCHAR AS "{column}"' for column in LATER[table])
    every = f"SELECT * FROM read_parquet({listed}, union_by_name = true)"
    return f"({every} UNION ALL BY NAME SELECT {nothing} WHERE false)"


def lacking(table: str, columns: Collection[str]) -> tuple[str, ...]:
    """Those that a table with these columns does not have."""
    return tuple(column for column in LATER.get(table, ()) if column not in columns)


def typed_otherwise(table: str, columns: Mapping[str, str]) -> frozenset[str]:
    """Those that a table has of old for something else, as they are no texts in it."""
    return frozenset(column for column in LATER.get(table, ()) if columns.get(column, "text") != "text")


def with_later(table: str, columns: Mapping[str, str]) -> dict[str, str]:
    """Column -> type, with those that it does not have."""
    return {**columns, **dict.fromkeys(lacking(table, columns), "text")}

"""The size of the row groups of every Parquet file that selections read or write."""

ROW_GROUP = 122_880
"""Rows: as DuckDB writes them and hands them out. A scan holds whole row groups in memory, so a million rows in each
(the default of pyarrow) would cost 100 MB more."""

"""Cells of CSV that no spreadsheet carries out: text that would begin a formula has an apostrophe before it.

Refuses to touch numbers and times: -5 is a number and stays one.
"""

FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe(cell: str) -> str:
    """A cell for CSV that no spreadsheet takes for a formula: an apostrophe before it."""
    return f"'{cell}" if cell.startswith((*FORMULA, "'")) else cell


def plain(cell: str) -> str:
    """What a cell said before it was kept from being a formula.

    >>> [plain(safe(text)) for text in ("=1+1", "'quoted", "-5", "plain")]
    ['=1+1', "'quoted", '-5', 'plain']
    """
    return cell[1:] if cell.startswith("'") and cell[1:].startswith((*FORMULA, "'")) else cell

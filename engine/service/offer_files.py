"""Offers and tariffs from a CSV or XLSX file, and back into one. A file with one wrong row changes nothing.

What is imported is proposed, not published: somebody else looks at it first. Read again, a file proposes nothing.
"""

from dataclasses import dataclass

from engine.errors import InvalidFile, Problem
from engine.offers.terms import COLUMNS, Terms
from engine.service import sheets
from engine.service.app import Countersign
from engine.service.offers import MANAGES, READS, propose_row, read
from engine.service.recording import By, changing
from engine.store import offers
from engine.store.offers import OFFERS, OfferRow

NEEDED = {"code", "kind"}


@dataclass(frozen=True, slots=True)
class Imported:
    """How many offers of the file were proposed, and how many are as they were."""

    proposed: int
    unchanged: int


def load(app: Countersign, by: By, data: bytes, name: str, *, dry: bool = False) -> Imported:
    """Propose a version of every offer whose terms differ from the newest ones. InvalidFile with every wrong row."""
    by.authorize(MANAGES)
    rows = _read(app, sheets.read(data, name))
    with changing(app, by, None) as change:
        OFFERS.lock(change.tx)
        newest = {row.code: row for row in offers.newest(change.tx)}
        other = {code: terms for code, terms in rows.items() if code not in newest or _differs(terms, newest[code])}
        if not change.done_before() and not dry:
            for code, terms in other.items():
                propose_row(change, code, terms, newest.get(code))
    return Imported(len(other), len(rows) - len(other))


def export(app: Countersign, by: By, form: sheets.Format) -> bytes:
    """The newest version of every offer, as a file that `load` reads again without any change."""
    by.authorize(READS)
    with app.db.read() as tx:
        newest = offers.newest(tx)
    rows = [(row.code, *(row.terms.get(name, "") for name in COLUMNS[1:])) for row in newest]
    return sheets.write(form, COLUMNS, rows, title="offers")


def _differs(terms: Terms, row: OfferRow) -> bool:
    return row.decision == "refused" or terms.written() != dict(row.terms)


def _read(app: Countersign, sheet: sheets.Sheet) -> dict[str, Terms]:
    if not NEEDED <= set(sheet.headings) <= set(COLUMNS) or len(set(sheet.headings)) < len(sheet.headings):
        told = f"the columns are {','.join(COLUMNS)}"
        fields = {"columns": ", ".join(COLUMNS)}
        raise InvalidFile([Problem("sheet.columns", told, line=1, column=1, file=sheet.name, fields=fields)])
    found: dict[str, Terms] = {}
    problems: list[Problem] = []
    for line in sheet.lines:
        row = dict(zip(sheet.headings, line.cells, strict=True))
        code = row["code"]
        terms, wrong = read(app, code, row)
        if code in found:
            wrong = (*wrong, Problem("offer_twice", "it stands twice", at="code", fields={"value": code}))
        problems += [_placed(one, sheet, line.number) for one in wrong]
        if terms is not None:
            found[code] = terms
    if problems:
        raise InvalidFile(problems)
    return found


def _placed(one: Problem, sheet: sheets.Sheet, line: int) -> Problem:
    column = sheet.headings.index(one.at) + 1 if one.at in sheet.headings else 1
    return Problem(one.code, one.message, one.hint, one.at, line, column, sheet.name, fields=one.fields)

"""The operator's own working days: imported from CSV with an error for every bad row, and shown by year."""

import csv
import io
from datetime import date

from engine.errors import InvalidFile, Problem
from engine.organisation import Workdays
from engine.service.app import Countersign
from engine.store import calendar as store
from engine.store.calendar import OwnDay

WORKING = {"working": True, "off": False}
COLUMNS = ("day", "kind")


def load(app: Countersign, text: str, file: str) -> tuple[OwnDay, ...]:
    """Keep the days of a CSV (`day,kind,note`; kind is working or off) and return them.

    Raises InvalidFile with every bad row, and then keeps none. Open deadlines follow with the next tick.
    """
    days, problems = _read(text, file)
    if problems:
        raise InvalidFile(problems)
    with app.db.begin() as tx:
        store.keep(tx, days)
    return tuple(days)


def own_days(app: Countersign, year: int) -> tuple[OwnDay, ...]:
    """The operator's days of a year."""
    with app.db.read() as tx:
        return store.load(tx, year)


def calendar(app: Countersign) -> Workdays:
    """The working days in force: the notices, the operator's days above them, the office hours."""
    with app.db.read() as tx:
        return app.calendar(tx)


def _read(text: str, file: str) -> tuple[list[OwnDay], list[Problem]]:
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    header = [name.strip() for name in next(reader, [])]
    if [*header[:2]] != [*COLUMNS] or header[2:] not in ([], ["note"]):
        return [], [Problem("calendar-columns", "the columns are day,kind,note", line=1, column=1, file=file)]
    days: dict[date, OwnDay] = {}
    problems: list[Problem] = []

    def wrong(code: str, message: str, hint: str = "") -> None:
        problems.append(Problem(code, message, hint, line=reader.line_num, column=1, file=file))

    for row in reader:
        if not any(cell.strip() for cell in row):
            continue
        if not len(COLUMNS) <= len(row) <= len(header):
            wrong("calendar-cells", f"{len(row)} cells under {len(header)} columns")
            continue
        day_text, kind, note = (*(cell.strip() for cell in row), "")[:3]
        try:
            day = date.fromisoformat(day_text)
        except ValueError:
            wrong("calendar-day", f"not a day: {day_text}", "write 2027-02-06")
            continue
        if kind not in WORKING:
            wrong("calendar-kind", f"not a kind of day: {kind}", "write working or off")
        elif day in days:
            wrong("calendar-twice", f"{day} stands twice")
        elif len(note) > 200:
            wrong("calendar-note", "the note is longer than 200 signs")
        else:
            days[day] = OwnDay(day, WORKING[kind], note)
    return list(days.values()), problems

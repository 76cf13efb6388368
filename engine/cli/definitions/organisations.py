"""The organisation that a command is given by name: people and working days of a file, or of a case database.

Refuses a database that is not there: one that is opened under a wrong name would be made, and be empty.
"""

from dataclasses import dataclass
from pathlib import Path

from engine.cli import people
from engine.errors import InvalidFile, Problem
from engine.organisation import Organisation, Workdays
from engine.service.app import Countersign, office_hours
from engine.settings import Settings

DATABASE = "database"
HELP = "a file as for `people import`, the URL of a case database, or `database` for the one in force"


@dataclass(frozen=True, slots=True)
class Named:
    """Its people, and the working days of its operator."""

    people: Organisation
    calendar: Workdays


def organisation_named(name: str) -> Named:
    """The organisation called that way. Raises InvalidFile where there is none, and what the file or database says."""
    settings = Settings()
    if name == DATABASE or "://" in name:
        url = settings.database_url if name == DATABASE else name
        return _in_database(Countersign.open(settings.model_copy(update={"database_url": url})))
    if not Path(name).is_file():
        raise _refused(f"there is no file {name}")
    people_there = people.organisation_of(people.read(Path(name)))
    return Named(people_there, Workdays(settings.zone, hours=office_hours(settings)))


def calendar_in_force() -> tuple[Workdays, str]:
    """The working days that deadlines are counted on here, and whose they are, in words: of the case database in
    force, else, where none was made yet, the published ones."""
    settings = Settings()
    app = Countersign.open(settings)
    try:
        calendar = Workdays(settings.zone, hours=office_hours(settings))
        if app.db.is_made():
            with app.db.read() as tx:
                calendar = app.calendar(tx)
            own = "your own days on the national calendar" if calendar.has_own_days else "the national calendar"
            whose = f"{own}, as in the case database"
        else:
            whose = "the national calendar; there is no case database with days of your own here"
    finally:
        app.close()
    return calendar, f"{whose}; office hours {settings.office_hours or 'not set'}"


def _in_database(app: Countersign) -> Named:
    try:
        if not app.db.is_made():
            raise _refused(f"there is no case database {app.db.url.database or ''}")
        with app.db.read() as tx:
            return Named(app.organisation(tx), app.calendar(tx))
    finally:
        app.close()


def _refused(message: str) -> InvalidFile:
    return InvalidFile([Problem("organisation", message, f"name {HELP}")])

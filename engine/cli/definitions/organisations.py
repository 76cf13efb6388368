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


def _in_database(app: Countersign) -> Named:
    try:
        file = app.db.url.database or ""
        if app.db.dialect_name == "sqlite" and not Path(file).is_file():
            raise _refused(f"there is no case database {file}")
        with app.db.read() as tx:
            return Named(app.organisation(tx), app.calendar(tx))
    finally:
        app.close()


def _refused(message: str) -> InvalidFile:
    return InvalidFile([Problem("organisation", message, f"name {HELP}")])

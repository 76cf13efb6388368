"""The first administrator of a new installation: made once, by the operator, on a database that has none."""

import re

from engine.errors import InvalidForm, Problem, Refused
from engine.organisation import Office
from engine.service import passwords
from engine.service.app import Countersign
from engine.store import people

ADMINISTRATOR = "administrator"
LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
OFFICE = re.compile(r"[0-9A-Za-z-]{1,12}")


class AdministratorExists(Refused):
    """There is an administrator already: {person}. Further ones are given the role by them, or by `countersign people
    grant`."""


def first_administrator(
    app: Countersign, login: str, *, name: str, email: str, office: str, office_name: str, password: str
) -> None:
    """Add a person who is administrator at `office`, which is made as the top office where it is not there. The
    password must be changed at the first sign-in. Raises InvalidForm, and AdministratorExists where an open account
    has the role; of two at the same moment the second is refused.
    """
    problems = []
    if not LOGIN.fullmatch(login):
        problems.append(Problem("login", "a sign-in name has small letters, digits, . _ -, 40 at most", at="person"))
    if not OFFICE.fullmatch(office):
        problems.append(Problem("office", "an office code has letters, digits and -, 12 at most", at="office"))
    if problems:
        raise InvalidForm(problems)
    kept = passwords.hashed(password)
    with app.db.begin() as tx:
        people.lock(tx)
        organisation = people.load_organisation(tx)
        for grant in organisation.grants:
            if grant.role == ADMINISTRATOR and organisation.is_active(grant.person):
                raise AdministratorExists(person=grant.person)
        if login in organisation.people:
            raise InvalidForm([Problem("login", f"there is a person {login}; grant them the role", at="person")])
        if office not in organisation.offices:
            people.add_offices(tx, [Office(office, office_name, "province")])
        row = {"id": login, "name": name, "email": email, "language": app.settings.language}
        people.add_people(tx, [row | {"password_hash": kept, "must_change": True}])
        people.add_grants(tx, [{"person": login, "role": ADMINISTRATOR, "office": office}])

"""Who holds which role, and whose account is open: changed by the operator, followed by the steps that wait.

Refuses roles at unknown offices and unknown people; what is so already is told, not done twice.
"""

from engine.errors import InvalidForm, Problem
from engine.service.app import Countersign
from engine.store import credentials, people


def give_role(app: Countersign, person: str, role: str, office: str) -> bool:
    """Let `person` hold `role` at `office`; False where they do already. InvalidForm for unknown people and offices."""
    with app.db.begin() as tx:
        organisation = app.organisation(tx)
        problems = _unknown(person in organisation.people, person)
        if office not in organisation.offices:
            problems.append(Problem("office", f"there is no office {office}", at="role"))
        if problems:
            raise InvalidForm(problems)
        if any((grant.person, grant.role, grant.office) == (person, role, office) for grant in organisation.grants):
            return False
        people.add_grants(tx, [{"person": person, "role": role, "office": office}])
        return True


def take_role(app: Countersign, person: str, role: str, office: str) -> bool:
    """Take a role away; False where they did not hold it."""
    with app.db.begin() as tx:
        return people.remove_grant(tx, person=person, role=role, office=office)


def close_account(app: Countersign, person: str) -> bool:
    """Lock an account: its sessions end, its API tokens are revoked, it holds no role any more. False where it is
    closed already."""
    return _set_active(app, person, active=False)


def open_account(app: Countersign, person: str) -> bool:
    """Open a closed account again, with the roles it had. False where it is open."""
    return _set_active(app, person, active=True)


def _set_active(app: Countersign, person: str, *, active: bool) -> bool:
    with app.db.begin() as tx:
        organisation = app.organisation(tx)
        if problems := _unknown(person in organisation.people, person):
            raise InvalidForm(problems)
        if not active:
            credentials.revoke_tokens(tx, person, app.now())
        return organisation.is_active(person) != active and people.set_active(tx, person, active=active)


def _unknown(is_known: bool, person: str) -> list[Problem]:
    return [] if is_known else [Problem("person", f"nobody has the account {person}", at="person")]

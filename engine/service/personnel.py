"""Who is there, who holds which role, and whose account is open: changed by administrators and the operator, written
down, and followed by the steps that wait.

Refuses roles at unknown offices and unknown people, and to leave the installation without an administrator; what is so
already is told, not done twice.
"""

from dataclasses import replace

from engine.errors import InvalidForm, Problem
from engine.organisation import Grant, Organisation, Person
from engine.organisation.roster import ACCOUNT, LONGEST_NAME, MAIL, ROLE, Member
from engine.service.app import Countersign
from engine.service.authorizing import RULES, Action
from engine.service.importing import told_member
from engine.service.recording import OPERATOR, By, Change, changing
from engine.store import credentials, people, roster

MANAGES: Action = "organisation.manage"


def give_role(app: Countersign, person: str, role: str, office: str, *, weight: int = 1, by: By = OPERATOR) -> bool:
    """Let `person` hold `role` at `office`, with that weight in votes; False where they do so already.

    InvalidForm for unknown people and offices and for what cannot be a role's name.
    """
    with changing(app, by, MANAGES) as change:
        organisation = change.organisation
        problems = _unknown(person in organisation.people, person)
        if office not in organisation.offices:
            told = f"there is no office {office}"
            problems.append(Problem("no_office", told, at="office", fields={"name": office}))
        if not ROLE.fullmatch(f"{role}@1"):
            told = f"{role!r} is no role: small letters, digits and _"
            problems.append(Problem("role_name", told, at="role", fields={"name": role}))
        if not 1 <= weight <= 9999:
            problems.append(Problem("weight", "a weight is a number from 1 to 9999", at="weight"))
        if problems:
            raise InvalidForm(problems)
        new = Grant(person, role, office, weight)
        old = _held(organisation, new)
        if old == new:
            return False
        roster.put_grants(change.tx, [new])
        before = {"role": role, "office": office, "weight": old.weight} if old else None
        change.note("role_given", person, before=before, after={"role": role, "office": office, "weight": weight})
        return True


def take_role(app: Countersign, person: str, role: str, office: str, *, by: By = OPERATOR, reason: str = "") -> bool:
    """Take a role away; False where they did not hold it."""
    with changing(app, by, MANAGES) as change:
        old = _held(change.organisation, Grant(person, role, office))
        if old is None:
            return False
        _keep_an_administrator(change, person, role, office)
        people.remove_grant(change.tx, person=person, role=role, office=office)
        was = {"role": role, "office": office, "weight": old.weight}
        change.note("role_taken", person, before=was, reason=reason)
        return True


def close_account(app: Countersign, person: str, *, by: By = OPERATOR, reason: str = "") -> bool:
    """Lock an account: its sessions end, its API tokens are revoked, it holds no role any more. False where it is
    closed already."""
    return _set_active(app, person, by, reason, active=False)


def open_account(app: Countersign, person: str, *, by: By = OPERATOR, reason: str = "") -> bool:
    """Open a closed account again, with the roles it had. False where it is open."""
    return _set_active(app, person, by, reason, active=True)


def add_person(app: Countersign, member: Member, *, by: By = OPERATOR) -> None:
    """Add a person. InvalidForm where the account is taken or a field is wrong."""
    with changing(app, by, MANAGES) as change:
        taken = member.person.id in change.organisation.people
        problems = [Problem("account_taken", f"{member.person.id} is taken", at="id")] if taken else []
        if not ACCOUNT.fullmatch(member.person.id):
            problems.append(Problem("account_name", "an account is small letters, digits and . _ -", at="id"))
        if problems := [*problems, *_wrong(change.organisation, member)]:
            raise InvalidForm(problems)
        roster.put_members(change.tx, [member])
        change.note("person_added", member.person.id, after=told_member(member))


def change_person(app: Countersign, member: Member, *, by: By = OPERATOR) -> bool:
    """Change name, mail, language, or whose other account it is; roles stay. False where nothing is different."""
    with changing(app, by, MANAGES) as change:
        old = roster.known(change.tx).members.get(member.person.id)
        if old is None:
            raise InvalidForm(_unknown(False, member.person.id))
        if problems := _wrong(change.organisation, member):
            raise InvalidForm(problems)
        new = Member(replace(member.person, active=old.person.active), member.email, member.language, old.grants)
        if new == old:
            return False
        roster.put_members(change.tx, [new])
        change.note("person_changed", new.person.id, before=told_member(old), after=told_member(new))
        return True


def without_role(organisation: Organisation, person: str, role: str, office: str) -> tuple[Grant, ...]:
    """The grants as they would be."""
    gone = (person, role, office)
    return tuple(one for one in organisation.grants if (one.person, one.role, one.office) != gone)


def _set_active(app: Countersign, person: str, by: By, reason: str, *, active: bool) -> bool:
    with changing(app, by, MANAGES) as change:
        organisation = change.organisation
        if problems := _unknown(person in organisation.people, person):
            raise InvalidForm(problems)
        if organisation.is_active(person) == active:
            return False
        if not active:
            _keep_an_administrator(change, person)
            credentials.revoke_tokens(change.tx, person, app.now())
        people.set_active(change.tx, person, active=active)
        kind = "account_opened" if active else "account_closed"
        change.note(kind, person, before={"open": not active}, after={"open": active}, reason=reason)
        return True


def _keep_an_administrator(change: Change, person: str, role: str = "", office: str = "") -> None:
    """On pages nobody shuts the last door; the operator's terminal stays open in any case."""
    if change.by.viewer is None:
        return
    organisation, needed = change.organisation, RULES["organisation.manage"].roles
    left = [
        one
        for one in organisation.grants
        if one.role in needed and organisation.is_active(one.person)
        if not (one.person == person and (not role or (one.role, one.office) == (role, office)))
    ]
    if not left:
        raise InvalidForm([Problem("last_administrator", "nobody else is an administrator", "give the role first")])


def _held(organisation: Organisation, wanted: Grant) -> Grant | None:
    key = (wanted.person, wanted.role, wanted.office)
    return next((one for one in organisation.grants if (one.person, one.role, one.office) == key), None)


def _wrong(organisation: Organisation, member: Member) -> list[Problem]:
    problems, person = [], member.person
    if not person.name.strip() or len(person.name) > LONGEST_NAME or not person.name.isprintable():
        problems.append(Problem("person_name", f"a name has 1 to {LONGEST_NAME} signs", at="name"))
    if member.email and (len(member.email) > 200 or not MAIL.fullmatch(member.email)):
        problems.append(Problem("mail", "this is no address of mail", at="email"))
    if person.same_as and (person.same_as == person.id or person.same_as not in organisation.people):
        told = f"{person.same_as} is no other account"
        problems.append(Problem("roster.same_as", told, at="same_as", fields={"key": person.same_as}))
    return problems


def _unknown(is_known: bool, person: str) -> list[Problem]:
    told = Problem("no_person", f"nobody has the account {person}", at="person", fields={"name": person})
    return [] if is_known else [told]


def as_member(account: str, name: str, email: str, language: str, same_as: str = "") -> Member:
    """What a form said of a person."""
    return Member(
        Person(account, name.strip(), True, same_as.strip()),
        email.strip(),
        "en" if language == "en" else "zh",
        frozenset(),
    )
